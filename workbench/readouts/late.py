"""The part of a weight that lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.declaration import count, reference
from workbench.readouts.reading import Reading, Readout, number_fault

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class LateWeight(Readout):
    """Late weight of one synapse: what was captured, or there from the start."""

    name: ClassVar[str] = "late_weight"
    meaning: ClassVar[str] = "late (captured) weight of one synapse"
    equation: ClassVar[str] = "L_cj"
    sources: ClassVar[tuple[str, ...]] = ("FreyMorris1997",)

    projection: str = reference("projection", "a projection whose rule is tag_and_capture")
    channel: int = count(1, "the channel, from 1", high=64)
    cue: int = count(1, "the cue, from 1", high=4096)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse weights that have no late part, and synapses that there are not."""
        yield from super().check(fields, tables)
        name = fields["projection"]
        way = tables["projection"][name]
        rule = tables.get("plasticity", {}).get(name, {}).get("rule")
        if rule != "tag_and_capture":
            yield "projection", f"only tag_and_capture keeps a late weight, but {name} has {rule or 'no rule'}"
            return
        for key, end in (("channel", "post"), ("cue", "pre")):
            yield from number_fault(fields, key, tables, way[end])

    def reading(self, block: Assembly) -> Reading:
        """Copy the late part."""
        late = block.previous(f"plasticity.{self.projection}.late")[self.channel - 1, self.cue - 1]
        return Reading((), lambda sums, trials: late.copy())
