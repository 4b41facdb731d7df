"""How well the right answer stands out from the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import operand
from workbench.component.declaration import number, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Judged(Readout):
    """Base of what reads how a task judged an answer."""

    task: str = reference("task", "the task that names cue and answers", requires="judged answers")


@dataclass(frozen=True, kw_only=True)
class OverflowIndex(Judged):
    """Activity of the wrong answers relative to the right one, averaged over trials.

    0 is a clean answer, 1 means that every other answer is as active as the right one. `floor` keeps a
    trial with a silent target finite.
    """

    name: ClassVar[str] = "overflow_index"
    meaning: ClassVar[str] = "mean off-target activity over on-target activity, mean over trials"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "OI = mean over trials of mean_(k != c) y_k / max(y_c, floor)"

    floor: float = number(0.01, "1", "smallest on-target activity that is divided by", low=1e-9, high=1.0)

    def reading(self, block: Assembly) -> Reading:
        """Sum the ratio over trials."""
        on, off = block.read(f"task.{self.task}.on_target"), block.read(f"task.{self.task}.off_target")
        signal = f"task.{self.task}.overflow.{self.floor!r}"
        if signal not in block.signals:
            ratio, floor = block.write_new(signal), operand(self.floor)

            def compare(t: int) -> None:
                np.maximum(on, floor, out=ratio)
                np.divide(off, ratio, out=ratio)

            block.step("readout", compare, clock="trial")
        return Reading((signal,), lambda sums, trials: sums[0] / trials)


@dataclass(frozen=True, kw_only=True)
class Selectivity(Judged):
    """The right answer's share of all activity over a window."""

    name: ClassVar[str] = "selectivity"
    meaning: ClassVar[str] = "on-target activity as a share of all activity, over the window"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "S = sum_t y_c / sum_t sum_k y_k"

    def reading(self, block: Assembly) -> Reading:
        """Sum on-target and off-target activity."""
        others = block.size(block.component("task", self.task).answers) - 1
        signals = (f"task.{self.task}.on_target", f"task.{self.task}.off_target")
        return Reading(signals, lambda sums, trials: sums[0] / (sums[0] + others * sums[1]))


@dataclass(frozen=True, kw_only=True)
class SuccessRate(Judged):
    """Share of trials on which the target moves enough and the rest stays quiet."""

    name: ClassVar[str] = "success_rate"
    meaning: ClassVar[str] = "share of trials with enough on-target and little off-target activity"
    better: ClassVar[str] = "higher"
    equation: ClassVar[str] = "share of trials with y_c >= reach and mean_(k != c) y_k < tolerance * y_c"

    reach: float = number(0.54, "1", "smallest on-target activity that succeeds", low=0.0, high=100.0)
    tolerance: float = number(0.5, "1", "largest off-target activity, relative to on-target", low=0.0, high=100.0)

    def reading(self, block: Assembly) -> Reading:
        """Count successes."""
        on, off = block.read(f"task.{self.task}.on_target"), block.read(f"task.{self.task}.off_target")
        signal = f"task.{self.task}.success.{self.reach!r}.{self.tolerance!r}"
        if signal not in block.signals:
            success, allowed = block.write_new(signal), block.empty()
            quiet, reached = np.empty(block.runs, dtype=bool), np.empty(block.runs, dtype=bool)
            reach, tolerance = operand(self.reach), operand(self.tolerance)

            def judge(t: int) -> None:
                np.multiply(on, tolerance, out=allowed)
                np.less(off, allowed, out=quiet)
                np.greater_equal(on, reach, out=reached)
                np.logical_and(quiet, reached, out=quiet)
                np.copyto(success, quiet)

            block.step("readout", judge, clock="trial")
        return Reading((signal,), lambda sums, trials: sums[0] / trials)


@dataclass(frozen=True, kw_only=True)
class FiringRate(Readout):
    """Spikes per second and unit over a window."""

    name: ClassVar[str] = "firing_rate"
    unit: ClassVar[str] = "Hz"
    meaning: ClassVar[str] = "spikes per second and unit"
    equation: ClassVar[str] = "sum over trials and units of y / (units * trials * step)"

    population: str = reference("population", "a population of spiking units", requires="spikes")

    def reading(self, block: Assembly) -> Reading:
        """Add up the spikes of all units."""
        fired = block.read(f"population.{self.population}.activity")
        unit = block.component("population", self.population)
        seconds, signal = block.component("task", unit.spikes).seconds, f"population.{self.population}.spikes"
        if signal not in block.signals:
            total = block.write_new(signal)
            block.step("readout", lambda t: np.add.reduce(fired, axis=0, out=total), clock="trial")
        return Reading((signal,), lambda sums, trials: sums[0] / (len(fired) * trials * seconds))


@dataclass(frozen=True, kw_only=True)
class RelativeToRest(Judged):
    """Activity of the muscles that are not commanded, relative to the same muscles at rest.

    Rest is a second population of the same make that gets no command. Below 1 the others are suppressed while one
    moves, as surround inhibition does; at 1 or above they are not.
    """

    name: ClassVar[str] = "relative_to_rest"
    meaning: ClassVar[str] = "off-target activity during the command over activity at rest"
    equation: ClassVar[str] = "sum_t mean_(k != c) y_k / sum_t mean_k r_k, with r the resting population"
    sources: ClassVar[tuple[str, ...]] = ("SohnHallett2004", "Beck2008")

    task: str = reference("task", "the task that names the commanded muscle and the others", requires="judged answers")
    rest: str = reference("population", "the same muscles without a command")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a resting population that is commanded."""
        yield from super().check(fields, tables)
        task, rest = tables["task"][fields["task"]], fields["rest"]
        reached = {way["post"] for way in tables["projection"].values() if way["pre"] == task.get("cues")}
        if rest in {task.get("answers"), *reached}:
            yield "rest", f"{rest} is commanded by task {fields['task']}; the resting population must not get a command"

    def reading(self, block: Assembly) -> Reading:
        """Sum off-target activity and the mean of the resting population."""
        resting = block.read(f"population.{self.rest}.activity")
        signal = f"population.{self.rest}.mean"
        if signal not in block.signals:
            mean, units = block.write_new(signal), operand(float(len(resting)))

            def average(t: int) -> None:
                np.add.reduce(resting, axis=0, out=mean)
                np.divide(mean, units, out=mean)

            block.step("readout", average, clock="trial")
        return Reading((f"task.{self.task}.off_target", signal), lambda sums, trials: sums[0] / sums[1])
