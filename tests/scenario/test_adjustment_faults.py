"""What makes no sense of doses that visits change: one line each, at its place, by the real command."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.circuits import STRIATUM, replaced
from support.slips import faults, refused_once
from support.therapies import THERAPY

DOSES = replaced(THERAPY, ("count = 1\nduring", "count = 5\nduring"))
UP = '[adjustment.up]\nform = "titrate"\ndose = "infusion"\nassessment = "later"\ncompared_with = "baseline"\nstep = "10 mg"\n'
PAUSE = '[adjustment.pause]\nform = "hold"\ndose = "infusion"\nassessment = "later"\n'
END = '[adjustment.end]\nform = "stop"\ndose = "infusion"\nassessment = "later"\ncondition = "no_response"\ncompared_with = "baseline"\nconsecutive = 2\n'
VISIT = '[assessment.{}]\nphase = "care"\nscale = "madrs"\nfirst = "{}"\n'
MORE = '[dose.more]\ndrug = "ketamine"\namount = "35 mg"\nfirst = "{}"\nduring = "care"\nonly_if = "responder"\ndecided_at = "{}"\ncompared_with = "{}"\n'
NEXT = '[phase.next]\nclock = "tick"\norder = 2\nlength = "1 day"\nstep = "1 h"\n'

OWN = DOSES[DOSES.index("[dose.infusion]") : DOSES.index("[window.plasticity]")]
OWN_RECORD = (
    '[dose.infusion]\ndrug = "ketamine"\nregimen = "nonmem"\namt = "35 mg"\nii = "48 h"\naddl = 4\nduring = "care"\n'
)
OWN_TABLE = '[dose.infusion]\ndrug = "ketamine"\nregimen = "table"\ntable = """TIME,AMT,II,ADDL\n0,35,48,4\n"""\nduring = "care"\n'

FAULTS = {
    "visits after the last dose": (DOSES + UP.replace("later", "late") + VISIT.format("late", "10 day"), "assessment", ["no dose is left to change", "at 240 h", "at 192 h"]),
    "visits after the last record of a table": (replaced(DOSES, (OWN, OWN_TABLE)) + UP.replace("later", "late").replace('form = "titrate"', 'form = "hold"').replace('step = "10 mg"\n', "") + VISIT.format("late", "10 day"), "assessment", ["no dose is left to change", "at 240 h", "at 192 h"]),
    "visits after the last dose that is not missed": (replaced(DOSES, ("count = 5\n", "count = 5\nmissed = [4, 5]\n")) + UP.replace("later", "late") + VISIT.format("late", "6 day"), "assessment", ["no dose is left to change", "at 144 h", "at 96 h"]),
    "visits after the end": (DOSES + UP.replace("later", "late") + VISIT.format("late", "20 day"), "first", ["the last visit is at 480 h", "336 h"]),
    "one dose only": (THERAPY + PAUSE, "assessment", ["no dose is left to change", "last dose at 0 h"]),
    "an unknown dose": (DOSES + PAUSE.replace('"infusion"', '"infuson"'), "dose", ["no dose", "infuson", "infusion"]),
    "an unknown assessment": (DOSES + PAUSE.replace('"later"', '"latr"'), "assessment", ["no assessment", "latr", "later"]),
    "an unknown form": (DOSES + PAUSE.replace('"hold"', '"pause"'), "form", ["hold", "stop", "titrate"]),
    "an unknown condition": (DOSES + PAUSE + 'condition = "remission"\n', "condition", ["at_or_below"]),
    "a maximum below the start": (DOSES + UP + 'maximum = "20 mg"\n', "maximum", ["20 mg", "below what it starts at", "35 mg"]),
    "a maximum by weight below the start": (DOSES + UP + 'maximum_per_weight = "0.4 mg/kg"\n', "maximum_per_weight", ["0.4 mg/kg", "0.5 mg/kg"]),
    "a titration without a step": (DOSES + UP.replace('step = "10 mg"\n', ""), "step", ["is missing"]),
    "a titration of what the days titrate": (DOSES + UP.replace("later", "late") + VISIT.format("late", "1 day") + '[dose.infusion.titration]\nstart = "1 mg/day"\nstep = "1 mg/day"\n', "dose", ["titrated by the days"]),
    "a titration of a table": (replaced(DOSES, (OWN, OWN_TABLE)) + UP, "dose", ["a table with its own amounts"]),
    "a step by weight of a record": (replaced(DOSES, (OWN, OWN_RECORD)) + UP + 'step_per_weight = "1 mg/kg"\n', "step_per_weight", ["has no body weight"]),
    "a maximum below a record": (replaced(DOSES, (OWN, OWN_RECORD)) + UP + 'maximum = "20 mg"\n', "maximum", ["35 mg"]),
    "visits after the last record": (replaced(DOSES, (OWN, OWN_RECORD.replace("addl = 4", "addl = 0"))) + PAUSE, "assessment", ["last dose at 0 h"]),
    "two titrations of one dose": (DOSES + UP + UP.replace(".up", ".up_too"), "dose", ["already titrated by adjustment.up"]),
    "raised and held on one finding": (DOSES + UP + PAUSE + 'condition = "no_response"\ncompared_with = "baseline"\n', "condition", ["adjustment.pause (hold)"]),
    "held and stopped on one finding": (DOSES + PAUSE + PAUSE.replace(".pause", ".rest").replace("hold", "stop") + 'condition = "at_or_below"\n', "condition", ["adjustment.pause (hold)"]),
    "a visit before the baseline": (DOSES + UP.replace('"baseline"', '"late"') + VISIT.format("late", "3 day"), "assessment", ["its first visit, at 24 h", "not after that of late, at 72 h"]),
    "a visit compared with itself": (DOSES + UP.replace('"baseline"', '"later"'), "assessment", ["not after that of later"]),
    "a visit in the step of the baseline": (DOSES + UP.replace('"baseline"', '"late"') + VISIT.format("late", "23.6 h"), "assessment", ["not after that of late"]),
    "a response against nothing": (DOSES + UP.replace('compared_with = "baseline"\n', ""), "compared_with", ["is missing"]),
    "a cut with a baseline": (DOSES + PAUSE + 'compared_with = "baseline"\n', "compared_with", ["uses the cut"]),
    "raised before the first dose": (replaced(DOSES, ("count = 5\nduring", 'count = 5\nfirst = "2 day"\nduring'), ('after = "dose.infusion"\n[outcome', '[outcome')) + UP, "assessment", ["before the first dose, at 48 h"]),
    "too few visits in a row": (DOSES + END.replace("consecutive = 2", "consecutive = 4"), "consecutive", ["later has 3 visits, got 4", "in a row"]),
    "visits of another phase": (DOSES + NEXT + PAUSE.replace('"later"', '"late"') + VISIT.format("late", "1 h").replace('"care"', '"next"'), "assessment", ["of their own phase"]),
    "doses for responders before the visit": (DOSES + MORE.format("6 day", "gate", "baseline") + VISIT.format("gate", "7 day"), "decided_at", ["at 168 h", "not before the first dose at 144 h"]),
    "doses at the moment of the visit": (DOSES + MORE.format("7 day", "gate", "baseline") + VISIT.format("gate", "7 day"), "decided_at", ["at the same moment, the dose comes before the visit"]),
    "doses in the step of the visit": (DOSES + MORE.format("168.3 h", "gate", "baseline") + VISIT.format("gate", "168.2 h"), "decided_at", ["not before the first dose"]),
    "doses for responders to a later baseline": (DOSES + MORE.format("9 day", "gate", "later") + VISIT.format("gate", "12 h"), "compared_with", ["not before the visit that decides"]),
    "doses for responders since ever": (DOSES + MORE.format("9 day", "gate", "baseline") + 'steady_state = true\nevery = "10 day"\n' + VISIT.format("gate", "7 day"), "only_if", ["no visit comes before the first dose"]),
    "a moment of no tick clock": (STRIATUM + '[outcome.n]\nreadout = "doses_given"\ndose = "thp"\nwindow = "end of treatment"\n', "window", ["tick-clock phase"]),
}  # fmt: skip


@every_case("fault", FAULTS)
def test_a_slip_is_one_line_at_its_place(fault: str, tmp_path: Path) -> None:
    text, key, words = FAULTS[fault]
    refused_once(text, key, words, tmp_path)


SWEPT = '[study.s]\narms = ["ketamine"]\n[study.s.sweep]\n"{}" = {{ values = ["{}", "{}"] }}\n'
SWEEPS = {
    "a maximum": (DOSES + UP + 'maximum = "40 mg"\n' + SWEPT.format("adjustment.up.maximum", "10 mg", "60 mg"), "below what it starts at", "= 10 mg"),
    "a first visit": (DOSES + PAUSE.replace("later", "gate") + VISIT.format("gate", "7 day") + SWEPT.format("assessment.gate.first", "1 h", "600 h"), "after the end", "= 600 h"),
    "a first session": (DOSES + SWEPT.format("session.training.first", "1 h", "400 h"), "begins after 400 h", "= 400 h"),
    "a first dose of those chosen": (DOSES + MORE.format("9 day", "gate", "baseline") + VISIT.format("gate", "7 day") + SWEPT.format("dose.more.first", "1 h", "220 h"), "not before the first dose", "= 1 h"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SWEEPS)
def test_both_ends_of_a_sweep_are_tried(fault: str, tmp_path: Path) -> None:
    text, words, value = SWEEPS[fault]
    (told,) = faults(text, tmp_path)
    assert words in told.message and value in told.message
    assert text.splitlines()[told.line - 1].startswith('"')


def test_doses_on_another_clock_are_refused_with_the_reason(tmp_path: Path) -> None:
    """One line of two: a choice has none of the other clocks either."""
    text = DOSES.replace('during = "care"', 'during = "days"').replace("dose.infusion.first", "")
    text = replaced(text, ('"24 h after dose.infusion"', '"24 h"'), ('after = "dose.infusion"\n', ""))
    every = faults(text + "[phase.days]\norder = 2\ntrials = 50\n" + PAUSE, tmp_path)
    (told,) = (found for found in every if found.key == "adjustment.pause.dose")
    assert told.message.startswith("infusion is given on the trial clock; visits change")
