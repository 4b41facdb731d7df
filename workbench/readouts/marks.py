"""How long a mark lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class MarkArea(Readout):
    """Area under a mark: how wide the window is in which a third factor still finds it."""

    name: ClassVar[str] = "mark_area"
    unit: ClassVar[str] = "s"
    meaning: ClassVar[str] = "area under a mark, the width of its window"
    equation: ClassVar[str] = "integral of e(d) over all delays"

    mark: str = reference("eligibility", "the mark")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a mark that is counted in steps, not in time."""
        yield from super().check(fields, tables)
        kind = tables["eligibility"][fields["mark"]]["kind"]
        if kind in ("discounted", "cleared"):
            yield "mark", f"{fields['mark']} is {kind}: how long it lasts depends on the steps"

    def reading(self, block: Assembly) -> Reading:
        """Take the area; it never moves."""
        area = block.derived(block.component("eligibility", self.mark).total)
        return Reading((), lambda sums, trials: np.array(np.broadcast_to(np.asarray(area), (block.runs,))))
