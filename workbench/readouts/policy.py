"""What a policy does: how likely it takes an action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.circuit.populations import size_of
from workbench.declaration import count, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class ActionProbability(Readout):
    """Probability with which a policy took one action on the last trial of a window."""

    name: ClassVar[str] = "action_probability"
    meaning: ClassVar[str] = "probability of taking one action"
    equation: ClassVar[str] = "p_a"

    population: str = reference("population", "a softmax population")
    action: int = count(1, "the action, from 1", high=64)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse what takes no actions, and an action that there is not."""
        yield from super().check(fields, tables)
        kind, size = tables["population"][fields["population"]]["kind"], size_of(tables, fields["population"])
        if kind != "softmax":
            yield "population", f"needs a softmax population, but {fields['population']} is {kind}"
        elif fields.get("action", 1) > size:
            yield "action", f"{fields['population']} has {size} actions, got {fields['action']}"

    def reading(self, block: Assembly) -> Reading:
        """Copy the probability."""
        p = block.previous(f"population.{self.population}.probability")[self.action - 1]
        return Reading((), lambda sums, trials: p.copy())
