"""Dopamine: the reward prediction error of a task, in time or against a baseline, or a pulse at a declared time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import ZERO, operand
from workbench.component.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class RewardPredictionError(Component):
    """Dopamine as the difference between the reward and what the cue promised.

    One expected value per cue. Positive errors are bursts, negative ones dips; both are given as
    non-negative signals. `delay` is the time from activity to dopamine within a trial; what it costs is the
    business of the eligibility that a rule names.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "reward_prediction_error"
    equation: ClassVar[str] = (
        "delta = R - V_c;  V_c += learning_rate delta;  burst = release max(delta, 0);  dip = release max(-delta, 0)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Schultz1997", "Downs2019", "Downs2020")

    task: str = reference("task", "the task whose reward is predicted", requires="judged answers")
    learning_rate: Value = number(
        0.1, "1", "how fast the expected value follows the reward, per trial", low=0.0, high=1.0
    )
    release: Value = number(1.0, "1", "dopamine released per unit of error, wild type = 1", low=0.0, high=100.0)
    delay: Value = number(0.8, "s", "time from activity to dopamine", low=-10.0, high=100.0)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve burst, dip and one expected value per cue."""
        block.signal(f"modulator.{name}.burst")
        block.signal(f"modulator.{name}.dip")
        block.state(f"modulator.{name}.expected", block.component("task", self.task).conditions(block))

    def build(self, block: Assembly, name: str) -> None:
        """Register the error of this trial and the update of the expectation."""
        reward = block.read(f"task.{self.task}.reward")
        index = block.read(f"task.{self.task}.index")
        expected = block.update(f"modulator.{name}.expected")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        release, learning_rate = operand(self.release), operand(self.learning_rate)
        promised, error = block.scratch("promised"), block.scratch("error")
        recall = block.lanes.reader(index, expected, promised)
        learn = block.lanes.writer(index, expected, promised)

        def compare(t: int) -> None:
            recall()
            np.subtract(reward, promised, out=error)
            np.multiply(error, learning_rate, out=burst)
            np.add(promised, burst, out=promised)
            learn()
            np.multiply(error, release, out=error)
            np.maximum(error, ZERO, out=burst)
            np.subtract(burst, error, out=dip)

        block.step("outcome", compare, clock="trial")


@dataclass(frozen=True, kw_only=True)
class Pulse(Component):
    """Dopamine given from outside at the reinforcement events of an event-clock phase.

    With a `decay` it lingers, and a `three_factor` rule adds up what it meets.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "pulse"
    offers: ClassVar[frozenset[str]] = frozenset({"pulses"})
    equation: ClassVar[str] = (
        "burst = max(amplitude, 0), dip = max(-amplitude, 0), at every reinforcement event\n"
        "with a decay: D += amplitude there, dD/dt = -D / decay"
    )
    sources: ClassVar[tuple[str, ...]] = ("Yagishita2014",)

    amplitude: Value = number(1.0, "1", "size of the pulse; below 0 it is a dip", low=-100.0, high=100.0)
    decay: Value = number(0.0, "s", "time constant of its clearance; 0 acts at once, as an area", low=0.0, high=1e4)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve burst and dip."""
        block.signal(f"modulator.{name}.burst")
        block.signal(f"modulator.{name}.dip")

    def build(self, block: Assembly, name: str) -> None:
        """Fire where a reinforcement event is due."""
        due = block.due("reinforcement")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        high = block.derived(lambda a: np.maximum(a, 0.0), self.amplitude)
        low = block.derived(lambda a: np.maximum(-a, 0.0), self.amplitude)

        def fire(t: int) -> None:
            np.multiply(due, high, out=burst)
            np.multiply(due, low, out=dip)

        block.on("reinforcement", "outcome", fire)


@dataclass(frozen=True, kw_only=True)
class TemporalDifference(Component):
    """The difference between what a transition brings and what its state promised, for a linear value.

    The value is read off the weights that the rule learns, both times before they move. Firing cannot fall below zero:
    `floor` limits how deep a dip can be.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "temporal_difference"
    offers: ClassVar[frozenset[str]] = frozenset({"value error"})
    equation: ClassVar[str] = (
        "delta = R + discount V(s') - V(s),  V = W x;  V after the end is 0\n"
        "burst = max(delta, 0);  dip = min(max(-delta, 0), floor)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988", "Schultz1997", "Potjans2011")

    task: str = reference("task", "a task of states: chain or conditioning", requires="transitions")
    value: str = reference("projection", "the learned weights from states to value")
    discount: Value = number(0.98, "1", "what a step of delay leaves of a value", low=0.0, high=1.0)
    floor: Value = number(1e6, "1", "deepest dip that firing can show; the default is none", low=0.0, high=1e6)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a value that is not read off its states."""
        task, way = tables["task"][fields["task"]], tables["projection"][fields["value"]]
        if way["pre"] != task["states"] or not way.offers("all pairs"):
            yield (
                "value",
                f"needs dense weights from {task['states']}, whose value they are, but {fields['value']} is not",
            )
        rule: Mapping[str, Any] = tables["plasticity"].get(fields["value"]) or {}
        trace = tables["eligibility"].get(rule.get("trace") or "")
        if trace is None or not trace.offers("discount"):
            return
        own, marked = fields["discount"], trace["discount"]
        if None not in (own, marked) and own != marked:
            yield "discount", f"is {own:g}, but the trace {trace['name']} discounts by {marked:g}"

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the error and its two signs."""
        for signal in ("error", "burst", "dip"):
            block.signal(f"modulator.{name}.{signal}")

    def build(self, block: Assembly, name: str) -> None:
        """Compare the values of both states under the same weights."""
        weight = block.read(f"projection.{self.value}.weight")[0]
        states = block.component("task", self.task).states
        here, there = block.read(f"population.{states}.activity"), block.read(f"task.{self.task}.next")
        reward = block.read(f"task.{self.task}.reward")
        error, burst, dip = (block.write(f"modulator.{name}.{signal}") for signal in ("error", "burst", "dip"))
        gained = block.scratch("gained", *here.shape[:-1])
        discount, floor = operand(self.discount), operand(self.floor)

        def compare(t: int) -> None:
            np.multiply(there, discount, out=gained)
            np.subtract(gained, here, out=gained)
            np.multiply(gained, weight, out=gained)
            np.add.reduce(gained, axis=0, out=error)
            np.add(error, reward, out=error)
            np.maximum(error, ZERO, out=burst)
            np.subtract(burst, error, out=dip)
            np.minimum(dip, floor, out=dip)

        block.step("outcome", compare, clock="trial")


@dataclass(frozen=True, kw_only=True)
class RewardLessBaseline(Component):
    """Reward less one baseline for all situations, where a task judges; silent in between.

    For a score drive any baseline leaves the mean change alone and alters its variance only.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "reward_less_baseline"
    equation: ClassVar[str] = (
        "M = R - b where the task judges, else 0;  b += follow M;  burst = max(M, 0);  dip = max(-M, 0)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Williams1992", "Fremaux2016")

    task: str = reference("task", "the task whose reward it reports", requires="judged choices")
    baseline: Value = number(0.0, "1", "baseline at the start", low=-1e6, high=1e6)
    follow: Value = number(0.0, "1", "how fast the baseline follows the reward, per judgement; 0 holds it",
                           low=0.0, high=1.0)  # fmt: skip

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve burst, dip and the baseline."""
        block.signal(f"modulator.{name}.burst")
        block.signal(f"modulator.{name}.dip")
        block.state(f"modulator.{name}.baseline")[...] = self.baseline

    def build(self, block: Assembly, name: str) -> None:
        """Register the comparison of this trial and the update of the baseline."""
        reward, judged = block.read(f"task.{self.task}.reward"), block.read(f"task.{self.task}.judged")
        baseline = block.update(f"modulator.{name}.baseline")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        error, follow = block.scratch("error"), operand(self.follow)

        def compare(t: int) -> None:
            np.subtract(reward, baseline, out=error)
            np.multiply(error, judged, out=error)
            np.multiply(error, follow, out=dip)
            np.add(baseline, dip, out=baseline)
            np.maximum(error, ZERO, out=burst)
            np.subtract(burst, error, out=dip)

        block.step("outcome", compare, clock="trial")
