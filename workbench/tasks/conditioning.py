"""A cue, a delay, a reward: classical conditioning with the time since the cue as the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import count, number, reference
from workbench.tasks.transitions import Transitions

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Conditioning(Transitions):
    """Episodes of equal length: at `cue` a cue, at `outcome` a reward; in one phase it may be left out.

    Each step since the cue has a unit of its own (a tapped delay line). Before the cue there is none: the cue comes
    unannounced, so nothing can be expected there. Steps count from 0; trial k is the transition from step k to k + 1.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "conditioning"
    equation: ClassVar[str] = (
        "trial k = step k mod length;  x_(k - cue + 1) = 1 from the cue to the outcome, else 0\n"
        "R = reward at the outcome, else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Schultz1997", "Sutton1988")

    states: str = reference(
        "population", "the source population; one unit for every step from cue to outcome", acts=True
    )
    length: int = count(20, "steps of an episode", low=2, high=100_000)
    cue: int = count(5, "step of the cue, from 0", low=0, high=100_000)
    outcome: int = count(15, "step of the reward, from 0", low=0, high=100_000)
    reward: float = number(1.0, "1", "size of the reward; below 0 a punishment", low=-1e6, high=1e6, fixed=True)
    left_out_in: str | None = reference("phase", "the phase in which the reward does not come", None)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse an order of events that is none, and a delay line of another length."""
        yield from super().check(fields, tables)
        cue, outcome, length = fields["cue"], fields["outcome"], fields["length"]
        if cue < 1:
            yield "cue", "comes unannounced: at least one step lies before it"
        if outcome <= cue:
            yield "outcome", f"comes after the cue (step {cue}), got step {outcome}"
        elif outcome >= length:
            yield "outcome", f"the episode has steps 0 to {length - 1}, got {outcome}"
        else:
            size = size_of(tables, fields["states"])
            if size != outcome - cue + 1:
                yield "states", f"needs a unit for every step from cue to outcome: {outcome - cue + 1}, got {size}"
        for name, phase in sorted(tables["phase"].items()):
            if phase.get("trials", 0) % length:
                yield "length", f"phase {name} has {phase['trials']} trials, which are not whole episodes of {length}"

    def build(self, block: Assembly, name: str) -> None:
        """Show each step's unit, and that of the step to come."""
        shown, after = block.write(f"population.{self.states}.activity"), block.write(f"task.{name}.next")
        reward, begin, step = (block.write(f"task.{name}.{signal}") for signal in ("reward", "begin", "step"))
        units, first, last = np.arange(len(shown))[:, None], self.cue, self.outcome

        def show(t: int) -> None:
            at = block.trial % self.length
            shown[...] = units == at - first
            after[...] = units == at + 1 - first if at < last else 0.0
            reward[...] = self.reward if at == last and block.phase != self.left_out_in else 0.0
            begin[...] = float(at == 0)
            step[...] = float(at)

        block.step("event", show, clock="trial")
