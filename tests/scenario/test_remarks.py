"""What is accepted and yet told: a design off balance, values that print alike, idle arms, fields that act on nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.circuits import HEBB

from workbench.errors import Problem
from workbench.scenario.load import parse_scenario

SPREAD = """
[study.t]
design = "DESIGN"
n = N
[study.t.sweep]
"plasticity.w.rate" = { from = 0.1, to = 1.0 }
"projection.w.weight" = { from = 0.1, to = 1.0 }
"""


def notes(text: str) -> dict[str, Problem]:
    return {note.key: note for note in parse_scenario(text.encode(), "small.toml", Path()).notes}


@pytest.mark.parametrize(("n", "kept"), [(3, "2 or 4"), (1000, "512 or 1,024"), (1025, "1,024 or 2,048")])
def test_a_sobol_design_off_balance_is_told_at_its_n(n: int, kept: str) -> None:
    text = HEBB + SPREAD.replace("DESIGN", "sobol").replace("N", str(n), 1)
    note = notes(text)["study.t.n"]
    assert f"use {kept}" in note.message
    assert text.splitlines()[note.line - 1] == f"n = {n}"


@pytest.mark.parametrize(("design", "n"), [("sobol", 1), ("sobol", 2), ("sobol", 512), ("lhs", 1000)])
def test_a_design_in_balance_is_not_told(design: str, n: int) -> None:
    assert not notes(HEBB + SPREAD.replace("DESIGN", design).replace("N", str(n), 1))


def test_values_that_print_alike_are_told() -> None:
    sweep = '[study.s.sweep]\n"plasticity.w.rate" = { values = [0.3, 0.5, 0.30000000000000004] }\n'
    note = notes(HEBB + sweep)['study.s.sweep."plasticity.w.rate".values[2]']
    assert note.message == "prints like value 1: the two agree to 12 digits"
    assert not notes(HEBB + sweep.replace("0.30000000000000004", "0.300000000001"))


def test_an_arm_that_no_study_runs_is_told() -> None:
    arms = '[arm.a]\n[arm.b]\ncompare_with = "a"\n'
    assert not notes(HEBB + arms)
    assert notes(HEBB + arms + '[study.s]\narms = ["a"]\n')["arm.b"].message == "no study runs it"


@pytest.mark.parametrize(("field", "choice"), [("norm", "l2"), ("total", "sum_divisive"), ("decay", "oja")])
def test_a_number_that_goes_with_another_choice_is_told(field: str, choice: str) -> None:
    given = HEBB.replace("rate = 0.1", f"rate = 0.1\n{field} = 0.5")
    note = notes(given)[f"plasticity.w.{field}"]
    assert note.message.startswith("has no effect here: it goes with stabiliser = ")
    assert choice in note.message
    arms = f'[arm.one]\n[arm.two]\ncompare_with = "one"\n[arm.two.set]\n"plasticity.w.stabiliser" = "{choice}"\n'
    assert not notes(given + arms)
    assert not notes(given.replace("rate = 0.1", f'rate = 0.1\nstabiliser = "{choice}"'))
