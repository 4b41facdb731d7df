"""Units of which one acts at a time, drawn with a probability proportional to the exponential of its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, numbers, option

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Softmax(Component):
    """A stochastic policy: on every trial one unit acts, and each has a score: how far that was from expectation.

    `in_turn` takes every action in turn and counts it by its probability, so that the mean over as many trials as there
    are actions is the exact mean of the policy: an enumeration where `drawn` is a sample of it.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "softmax"
    offers: ClassVar[frozenset[str]] = frozenset({"actions"})
    member: ClassVar[str] = "action"
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "p_a = exp(u_a) / sum_k exp(u_k),  u_a = preference_a + sum over projections\n"
        "y_a = 1 for the action taken, else 0;  score_a = y_a - p_a\n"
        "in turn: trial k takes action k mod n, and y and score count n p_a times"
    )
    sources: ClassVar[tuple[str, ...]] = ("Williams1992",)

    size: int = count(2, "number of actions", low=2, high=64)
    preferences: tuple[float, ...] = numbers(
        (), "1", "input of each action without any projection; none is 0 for all", same_size_as="size"
    )
    choose: str = option("drawn", ("drawn", "in_turn"), "whether actions are drawn, or enumerated")

    @property
    def quiet(self) -> bool:
        """Whether the units have no input of their own; preferences are added when they act."""
        return True

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve input, probabilities, the action taken, and what rules read: activity and score."""
        for signal in ("input", "probability", "choice", "activity", "score"):
            block.signal(f"population.{name}.{signal}", self.size)

    def build(self, block: Assembly, name: str) -> None:
        """Register the own input, then probabilities and choice at the activity stage."""
        own: Any = np.reshape(self.preferences, (-1, 1)) if any(self.preferences) else 0.0
        block.inputs.own(f"population.{name}.input", self.size, 0.0, 0.0, quiet=self.quiet)
        drive = block.read(f"population.{name}.input")
        p, choice, activity, score = (
            block.write(f"population.{name}.{signal}") for signal in ("probability", "choice", "activity", "score")
        )
        chance, passed, counts = block.empty(1), block.empty(), block.empty()
        uniform = block.uniform(f"choice:population.{name}", 1) if self.choose == "drawn" else None
        spread, n = block.lanes.spreader(chance), self.size

        def act(t: int) -> None:
            np.add(drive, own, out=p)
            probabilities(p, out=p)
            if uniform is None:
                taken = block.trial % n
                choice[...] = 0.0
                choice[taken] = 1.0
                np.multiply(p[taken], float(n), out=counts)
            else:
                spread(uniform.table[t])
                choose_action(p, chance[0], passed, out=choice)
                counts[...] = 1.0
            np.multiply(choice, counts, out=activity)
            np.subtract(choice, p, out=score)
            np.multiply(score, counts, out=score)

        block.step("activity", act, clock="trial")


def probabilities(drive: Array, *, out: Array) -> Array:
    """Fill `out` with the softmax over the leading axis; the largest input is taken off first, against overflow."""
    np.subtract(drive, drive.max(axis=0), out=out)
    np.exp(out, out=out)
    np.divide(out, np.add.reduce(out, axis=0), out=out)
    return out


def choose_action(p: Array, chance: Array, passed: Array, *, out: Array) -> None:
    """Fill `out` with 1 for the first action at which the cumulative probability exceeds `chance`; the last if none."""
    passed[...] = 0.0
    left = np.ones(chance.shape)
    for action in range(len(p) - 1):
        passed += p[action]
        # Masks instead of searchsorted: every run has its own probabilities, and a few comparisons of whole rows cost
        # less than a search for each run.
        np.multiply(left, chance < passed, out=out[action])
        np.subtract(left, out[action], out=left)
    # What is left goes to the last action: the probabilities may sum to just below 1, and a chance beyond them must
    # still choose.
    out[-1] = left
