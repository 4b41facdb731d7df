"""What drives a circuit from outside: driven modulators, links and derived parameters, kept up to date.

Most of them stand still most of the time, in every run: before the first dose, in steady state, and once what is left
of a dose changes no bit any more. So each is computed anew only where something that it is made of has moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.solver.block import Block
    from workbench.solver.steps import Step


class Drive:
    """The steps of stage "drive", in order, and what each of them was made of when it was last taken."""

    def __init__(self, block: Block, steps: list[Step]) -> None:
        self._block, self._steps = block, steps
        read = {name for step in steps for name in step.reads}
        kept = read & (block.outside | block.formulas)
        self._watched: dict[str, Array] = {name: block.signals[name] for name in sorted(kept)}
        self._seen: dict[str, bytes] = {}

    def begin(self) -> None:
        """Take every step."""
        for step in self._steps:
            step.function(0)
        self._seen = {name: array.tobytes() for name, array in self._watched.items()}

    def follow(self) -> None:
        """Take the steps behind which something has moved since they were last taken."""
        moved = {name for name in self._block.outside if self._has_moved(name)}
        for step in self._steps:
            made = next(iter(step.writes), "")
            if made not in self._block.formulas:  # it may look at what it does not say
                step.function(0)
                moved |= step.writes
            elif not moved.isdisjoint(step.reads):
                step.function(0)
                if self._has_moved(made):
                    moved.add(made)

    def _has_moved(self, name: str) -> bool:
        """Whether any bit of a signal has changed since the last look at it."""
        if name not in self._watched:
            return False
        before, now = self._seen[name], self._watched[name].tobytes()
        self._seen[name] = now
        return now != before
