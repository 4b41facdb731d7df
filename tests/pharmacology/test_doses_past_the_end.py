"""Doses that the phase has no time for: none at all is refused at its line, some is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario.load import parse_scenario

HEAD = """schema = 1
title = "Doses and the end of a phase"
[use]
context = "a case with a known answer"
not_for = "any person"
[subjects]
count = 1
seed = 5
[drug.d]
model = "one_compartment_intravenous"
clearance = "3 L/h"
volume = "24 L"
[phase.obs]
clock = "event"
length = "48 h"
[outcome.c]
readout = "concentration"
drug = "d"
window = "1 h into obs"
[dose.x]
drug = "d"
during = "obs"
"""
TABLE = 'regimen = "table"\ntable = """\nTIME,AMT\n'


def notes(dose: str) -> list[tuple[str, str]]:
    """Return key and message of what is told of a dose, but for what was read of a table."""
    found = plan(parse_scenario((HEAD + dose).encode(), "a.toml", Path())).notes
    return [(note.key, note.message) for note in found if not note.message.startswith("read ")]


@pytest.mark.parametrize(
    ("dose", "key", "words"),
    [
        ('amount = "10 mg"\nfirst = "48 h"\n', "dose.x.first", "obs is over after 48 h, before the first dose"),
        (
            'amount = "10 mg"\nmissed = [3]\n',
            "dose.x.missed",
            "there is no dose 3 (only 2 are given by the end of obs)",
        ),
        ('amount = "10 mg"\ncount = 9\nmissed = [3]\n', "dose.x.missed", "there is no dose 3"),
        ('regimen = "nonmem"\namt = "10 mg"\ntime = "50 h"\n', "dose.x.time", "obs is over after 48 h"),
        (TABLE + '48,10\n60,10\n"""\n', "dose.x.table", "obs is over after 48 h, before any of these records"),
    ],
)
def test_doses_that_never_come_are_refused(dose: str, key: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        notes(dose)
    assert [p.key for p in caught.value.problems] == [key] and words in caught.value.problems[0].message
    assert caught.value.problems[0].line > HEAD.count("\n")


@pytest.mark.parametrize(
    ("dose", "key", "words"),
    [
        ('amount = "10 mg"\ncount = 3\n', "dose.x.count", "2 of 3 doses are given: obs ends before the others"),
        ('regimen = "nonmem"\namt = "10 mg"\nii = "24 h"\naddl = 4\n', "dose.x.addl", "2 of 5 doses are given"),
        (TABLE + '0,10\n60,10\n"""\n', "dose.x.table", "1 of 2 records are not given: obs is over after 48 h"),
    ],
)
def test_doses_that_come_too_late_are_told(dose: str, key: str, words: str) -> None:
    [(told, message)] = notes(dose)
    assert told == key and words in message


@pytest.mark.parametrize(
    "dose", ['amount = "10 mg"\n', 'amount = "10 mg"\ncount = 2\nmissed = [2]\n', TABLE + '47,10\n"""\n']
)
def test_doses_that_fit_are_not_talked_about(dose: str) -> None:
    assert notes(dose) == []
