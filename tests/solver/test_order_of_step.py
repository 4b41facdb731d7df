"""One documented order of a step: by stage, then by dependency, then by name; feedback only through `previous`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.circuits import HEAD, STRIATUM, batches, only, solved

from workbench.component.assembly import Assembly
from workbench.component.declaration import Component
from workbench.component.registry import registry
from workbench.readouts.reading import Reading, Readout
from workbench.solver.block import Block
from workbench.solver.run import solve
from workbench.solver.steps import STAGES, Step, Unorderable, in_order


def step(stage: str, owner: str, reads: str = "", writes: str = "", updates: str = "", on_demand: bool = False) -> Step:
    sets = [frozenset(names.split()) for names in (reads, writes, updates)]
    return Step(stage, owner, 0, lambda t: None, sets[0], sets[1], sets[2], on_demand=on_demand)


def owners(steps: list[Step]) -> list[str]:
    return [s.owner for s in steps]


@given(order=st.permutations(range(5)))
def test_the_place_in_the_file_does_not_matter(order: list[int]) -> None:
    steps = [
        step("rule", "b", reads="y", updates="w"),
        step("input", "z", writes="u"),
        step("input", "a", updates="u"),
        step("activity", "m", reads="u", writes="y"),
        step("rule", "a", reads="y", updates="v"),
    ]
    assert owners(in_order([steps[i] for i in order], ["w", "v"])) == ["z", "a", "m", "a", "b"]


def test_a_reader_comes_after_those_who_write_and_update() -> None:
    steps = [step("outcome", "a", reads="r"), step("outcome", "b", updates="r"), step("outcome", "c", writes="r")]
    assert owners(in_order(steps, [])) == ["c", "b", "a"]


def test_reading_before_it_is_written_is_refused_by_name() -> None:
    steps = [step("input", "population.y", reads="task.reward"), step("outcome", "task", writes="task.reward")]
    with pytest.raises(Unorderable, match=r"population\.y reads task\.reward in stage 'input' before"):
        in_order(steps, ["task.reward"])


def test_steps_that_wait_for_each_other_are_named() -> None:
    steps = [step("outcome", "a", reads="y", writes="x"), step("outcome", "b", reads="x", writes="y")]
    with pytest.raises(Unorderable, match="wait for each other within one step: a -> b -> a"):
        in_order(steps, [])


def test_what_nobody_reads_is_not_done_where_it_is_on_demand() -> None:
    steps = [step("event", "copy", writes="x", on_demand=True), step("event", "other", writes="z")]
    assert owners(in_order(steps, [])) == ["other"]


def test_the_striatum_runs_in_the_order_of_the_paper() -> None:
    """Driven signals before activity, reward before dopamine, the threshold before the rules, rules before bounds."""
    block = Block(only(STRIATUM), registry())
    block.build_all()
    ordered = block.steps("trial")
    stages = [STAGES.index(s.stage) for s in ordered]
    assert stages == sorted(stages)
    names = [f"{s.stage}:{s.owner}" for s in ordered]
    expected = [
        "outcome:task.reach",
        "outcome:modulator.dopamine",
        "threshold:homeostat.muscle",
        "rule:plasticity.cortex_d1",
    ]
    assert [n for n in dict.fromkeys(names) if n in expected] == expected


@dataclass(frozen=True, kw_only=True)
class Echo(Readout):
    """What the first input was on the last trial."""

    name: ClassVar[str] = "echo"
    meaning: ClassVar[str] = "input of the last trial"
    equation: ClassVar[str] = "x_(t-1)"

    def reading(self, block: Assembly) -> Reading:
        """Copy what the last trial left, in a stage before this trial's input overwrites it."""
        last, kept = block.previous("population.x.activity"), block.write_new("echo.kept")
        block.step("event", lambda t: np.copyto(kept, last[0]), clock="trial")
        return Reading((), lambda sums, trials: kept.copy())


@dataclass(frozen=True, kw_only=True)
class Shown(Readout):
    """What the first input is on this trial."""

    name: ClassVar[str] = "shown"
    meaning: ClassVar[str] = "input of this trial"
    equation: ClassVar[str] = "x_t"

    def reading(self, block: Assembly) -> Reading:
        """Copy the present input."""
        now = block.read("population.x.activity")
        return Reading((), lambda sums, trials: now[0].copy())


LISTENING = (
    HEAD
    + """
[population.x]
kind = "source"
size = 2
[population.y]
[projection.w]
pre = "x"
post = "y"
[plasticity.w]
rule = "hebb"
[task.inputs]
kind = "gaussian"
inputs = "x"
spectrum = [2.0, 1.0]
[phase.learning]
trials = 70
[outcome.echo]
readout = "echo"
[outcome.shown]
readout = "shown"
[arm.one]
"""
)


def test_previous_reads_what_the_last_step_left() -> None:
    """The echo after trial 70 is what was shown on trial 69."""
    known = registry().extended([Echo, Shown])
    results = []
    for trials in (69, 70):
        (batch,) = batches(LISTENING.replace("trials = 70", f"trials = {trials}"), components=[Echo, Shown])
        results.append(solve(batch, known).outcomes)
    assert results[1]["echo"].tolist() == results[0]["shown"].tolist()
    assert results[1]["echo"].tolist() != results[1]["shown"].tolist()


def test_a_rule_swapped_by_a_line_gives_another_program() -> None:
    text = STRIATUM + '[arm.hebbian]\nextends = "healthy"\n[arm.hebbian.set]\n"plasticity.cortex_d2.rule" = "hebb"\n'
    found = batches(text)
    assert len({b.structure.identity for b in found}) == 2


def test_every_component_class_is_a_component() -> None:
    assert all(issubclass(c, Component) for c in registry())
    assert solved(STRIATUM).steps == 250
