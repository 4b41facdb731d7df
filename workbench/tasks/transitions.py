"""Tasks of states: one trial is one transition, and it says where it led. The ground of temporal differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.declaration import Component

if TYPE_CHECKING:
    from workbench.assembly import Assembly

SIGNALS = ("reward", "begin", "step")


class Transitions(Component):
    """Base of such tasks: shows the state, and offers the next one to whoever compares their values.

    Where a transition ends the episode, or leads to a state without a unit, the next state is zero everywhere: nothing
    is expected there.
    """

    states: str

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse to show states to what is no source, and clocks without trials."""
        kind = tables["population"][fields["states"]]["kind"]
        if kind != "source":
            yield "states", f"shows states to a source population, but {fields['states']} is {kind}"
        other = sorted(name for name, phase in tables["phase"].items() if phase["clock"] != "trial")
        if other:
            yield "kind", f'one trial is one transition, and phase {other[0]} is not on clock = "trial"'

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the next state, the reward, and whether an episode begins."""
        block.signal(f"task.{name}.next", block.size(self.states))
        for signal in SIGNALS:
            block.signal(f"task.{name}.{signal}")
