"""How units answer patterns, computed from the weights as they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.declaration import count, option, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

TAKEN = ("pattern", "largest", "largest_by_probability", "second", "mean", "power", "contrast", "worst_error")


def _number_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield a pattern that is named where all are meant, and a second largest of one."""
    task, taken = tables["task"][fields["task"]], fields["taken"]
    if fields["pattern_number"] > 1 and taken != "pattern":
        yield "pattern_number", f'is not read with taken = "{taken}", which looks at all patterns'
    if taken == "second" and tables.members(task) == 1:
        yield "taken", f"{fields['task']} has one pattern, and no second largest response"


def _patterns_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    task = tables["task"][fields["task"]]
    if not task.offers("patterns"):
        yield "task", f"needs a patterns task, but {fields['task']} is a {task.kind}"


@dataclass(frozen=True, kw_only=True)
class PatternResponse(Readout):
    """Response of one linear unit to the patterns of a task, over all projections from them.

    `largest_by_probability` is the largest response times how often its pattern is shown: 1 / set point of a BCM unit.
    `contrast` is (max - min) / (max + min); `worst_error` is the largest distance from the target of the unit's rule.
    """

    name: ClassVar[str] = "pattern_response"
    meaning: ClassVar[str] = "response of one unit to patterns"
    equation: ClassVar[str] = "y_k = baseline + sum over projections of sign * W_j x_k"
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982",)

    population: str = reference("population", "the population that answers")
    task: str = reference("task", "the patterns task")
    taken: str = option("pattern", TAKEN, "one pattern's response, or what of all of them")
    pattern_number: int = count(1, "the pattern that is meant, from 1", high=4096, not_above="task")
    unit_number: int = count(1, "which unit, from 1", high=4096, not_above="population")
    rule: str | None = reference("plasticity", "worst_error: the rule whose target is meant", None)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse other tasks and units, and projections that answer something else."""
        yield from super().check(fields, tables)
        if faults := [*_patterns_fault(fields, tables)]:
            yield from faults
            return
        yield from _number_fault(fields, tables)
        unit = tables["population"][fields["population"]]
        if not unit.offers("linear"):
            yield "population", f"needs linear units, which those of {fields['population']} are not"
        inputs = tables["task"][fields["task"]].get("inputs")
        for name, way in tables["projection"].items():
            if way.get("post") == fields["population"] and (way["pre"] != inputs or not way.offers("all pairs")):
                yield "population", f"also hears {way['pre']} through {name}, which the patterns do not reach"
        if (fields.get("taken") == "worst_error") != bool(fields.get("rule")):
            yield "rule", 'goes with taken = "worst_error", and only with it'

    def reading(self, block: Assembly) -> Reading:
        """Compute all responses at the moment of reading."""
        responses = self.responses(block)
        shares = block.component("task", self.task).shares(block)[:, None]
        target = block.component("plasticity", self.rule).target if self.rule else 0.0

        def take(sums: tuple[Array, ...], trials: int) -> Array:
            y = responses()
            match self.taken:
                case "pattern":
                    return np.asarray(y[self.pattern_number - 1])
                case "largest":
                    return np.asarray(y.max(axis=0))
                case "largest_by_probability":
                    best = y.argmax(axis=0)[None]
                    return np.asarray(np.take_along_axis(y * shares, best, axis=0)[0])
                case "second":
                    return np.asarray(np.sort(np.abs(y), axis=0)[-2])
                case "mean":
                    return np.asarray(np.add.reduce(shares * y, axis=0))
                case "power":
                    return np.asarray(np.add.reduce(shares * y**2, axis=0))
                case "worst_error":
                    return np.asarray(np.abs(y - target).max(axis=0))
                case _:
                    return np.asarray((y.max(axis=0) - y.min(axis=0)) / (y.max(axis=0) + y.min(axis=0)))

        return Reading((), take)

    def responses(self, block: Assembly) -> Callable[[], Array]:
        """Return a function that gives the responses (pattern, runs)."""
        task, patterns = block.component("task", self.task), block.read(f"task.{self.task}.patterns")
        baseline = block.component("population", self.population).baseline
        ways = [
            (block.read(f"projection.{name}.weight"), -1.0 if way.sign == "inhibitory" else 1.0)
            for name, way in block.all("projection")
            if way.post == self.population
        ]

        def respond() -> Array:
            level = task.gain_in(block)
            total: Array = np.zeros((len(patterns), block.runs)) + baseline
            for weight, sign in ways:
                total += sign * level * np.einsum("ir,kir->kr", weight[self.unit_number - 1], patterns)
            return total

        return respond


@dataclass(frozen=True, kw_only=True)
class RecallError(Readout):
    """How far what a pattern calls up is from what a teacher paired it with."""

    name: ClassVar[str] = "recall_error"
    meaning: ClassVar[str] = "largest difference between recalled and taught answer"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "max over patterns k and units j of |W_j x_k - (target k)_j|"
    sources: ClassVar[tuple[str, ...]] = ("Hebb1949",)

    projection: str = reference("projection", "the learned projection from patterns to answers")
    task: str = reference("task", "the patterns task with a teacher")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a task without a teacher."""
        yield from super().check(fields, tables)
        yield from _patterns_fault(fields, tables)
        taught = tables["task"][fields["task"]].get("targets")
        post = tables["projection"][fields["projection"]]["post"]
        if not taught:
            yield "task", f"needs a task with a teacher (targets), which {fields['task']} is not"
        elif post != taught:
            yield "projection", f"ends on {post}, but {fields['task']} teaches {taught}"

    def reading(self, block: Assembly) -> Reading:
        """Send every pattern through the weights."""
        weight, task = block.read(f"projection.{self.projection}.weight"), block.component("task", self.task)
        patterns = block.read(f"task.{self.task}.patterns")
        answers = np.asarray(task.answers).reshape(len(patterns), -1, 1)

        def far(sums: tuple[Array, ...], trials: int) -> Array:
            recalled = np.einsum("jir,kir->kjr", weight, patterns * task.gain_in(block))
            found: Array = np.abs(recalled - answers).max(axis=(0, 1))
            return found

        return Reading((), far)
