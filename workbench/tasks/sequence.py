"""A sequence of steps with one reward at its end: who gets the credit?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import Component, count, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Sequence(Component):
    """One unit a step, over and over; at the last step a reward, which may hang on what was done at one step.

    A password: only the critical step matters, and the reward does not say which it was. On the event clock every
    activity event is a step, and reward is what reinforcement events bring.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "sequence"
    offers: ClassVar[frozenset[str]] = frozenset({"episodes", "judged choices"})
    equation: ClassVar[str] = (
        "x_k = 1 at step k, else 0;  trial clock: step = trial mod n\n"
        "R = 1 at the last step if action 1 was taken at the critical step (without choices: always), else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Izhikevich2007",)

    steps: str = reference(
        "population", "the source population; one unit a step", acts=True, requires="shown", shows="step", least=2
    )
    choices: str | None = reference(
        "population", "a softmax population that acts at every step", None, requires="actions"
    )
    critical_step: int = count(1, "the step at which the action matters, from 1", high=4096, not_above="steps")

    @classmethod
    def offered(cls, fields: Mapping[str, Any]) -> frozenset[str]:
        """Return that choices are judged, where somebody chooses."""
        return cls.offers if fields["choices"] is not None else cls.offers - {"judged choices"}

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve what a step yields."""
        for signal in ("reward", "judged", "begin", "right"):
            block.signal(f"task.{name}.{signal}")

    def build(self, block: Assembly, name: str) -> None:
        """Show the step, and judge at the last one."""
        if "trial" in block.clocks:
            self._build_trials(block, name)
        if "event" in block.clocks:
            self._build_events(block)

    def _build_trials(self, block: Assembly, name: str) -> None:
        shown = block.write(f"population.{self.steps}.activity")
        begin = block.write(f"task.{name}.begin")
        n, critical = len(shown), self.critical_step - 1

        def show(t: int) -> None:
            step = block.trial % n
            shown[...] = 0.0
            shown[step] = 1.0
            begin[...] = float(step == 0)

        block.step("event", show, clock="trial")
        choice = block.read(f"population.{self.choices}.choice") if self.choices is not None else None
        reward, judged, right = (block.write(f"task.{name}.{signal}") for signal in ("reward", "judged", "right"))

        def judge(t: int) -> None:
            step = block.trial % n
            if step == critical:
                right[...] = 1.0 if choice is None else choice[0]
            judged[...] = float(step == n - 1)
            np.multiply(right, judged, out=reward)

        block.step("outcome", judge, clock="trial")

    def _build_events(self, block: Assembly) -> None:
        shown, due = block.write(f"population.{self.steps}.activity"), block.due("activity")
        units, passed = np.arange(len(shown), dtype=np.float64)[:, None], Passed(block.empty())

        def show(t: int) -> None:
            shown[...] = units == np.mod(passed.events, len(shown))
            np.add(passed.events, due, out=passed.events)

        block.on("activity", "input", show)
        block.forgetting.append(passed)


@dataclass(frozen=True)
class Passed:
    """Activity events of a phase so far, ``(runs,)``; every phase begins a sequence."""

    events: Array

    def clear(self) -> None:
        """Begin anew."""
        self.events[...] = 0.0
