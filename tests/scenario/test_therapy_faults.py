"""What makes no sense of windows, sessions, visits and times: one line each, at its place, by the real command."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.circuits import replaced
from support.slips import refused_once
from support.therapies import OPENED, THERAPY

from workbench.scenario.load import load_scenario

FIRST = 'first = "24 h after dose.infusion"'
SECOND = (
    '[session.second]\nphase = "care"\nprojection = "belief"\ntargets = [2]\nfirst = "1 h after session.training"\n'
)

ALSO = '[session.second]\nphase = "care"\nprojection = "belief"\ntargets = [2]\nfirst = "{}"\n'

FAULTS = {
    "a time relative to nothing": (replaced(THERAPY, (FIRST, 'first = "24 h after dose.infuson"')), "after", ["no time to count from", "dose.infusion"]),
    "times in a circle": (replaced(THERAPY, (FIRST, 'first = "2 h after session.second"'), (', "session.training"]', "]"), ('without = ["session.training"]\n', "")) + SECOND, "after", ["relative to each other", "session.second"]),
    "overlapping sessions": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nduration = "13 h"')), "every", ["sessions overlap"]),
    "overlapping sessions of two tables": (replaced(THERAPY, (FIRST, FIRST + "\nevery = \"24 h\"\nduration = \"2 h\"")) .replace('every = "12 h"\n', "") + ALSO.format("73 h"), "first", ["overlaps with session.training", "at 73 h of care"]),
    "the same hour in two tables": (THERAPY + ALSO.format("24 h"), "first", ["overlaps with session.second", "at 24 h of care"]),
    "overlapping sessions in one arm only": (replaced(THERAPY, ('"session.training"]', '"session.training", "session.second"]'), ('without = ["session.training", "session.second"]', 'without = ["session.training", "session.second"]'), ('without = ["dose.infusion"]', 'without = ["dose.infusion", "session.second"]')) + ALSO.format("24.2 h"), "first", ["overlaps with session.training"]),
    "sessions that run over the end": (replaced(THERAPY, ("count = 8", "count = 40")), "count", ["over at 492.5 h", "lasts 336 h", "at most 26 fit"]),
    "a session that runs over the end": (replaced(THERAPY, ("count = 8", 'count = 1\nduration = "320 h"')), "duration", ["over at 344 h"]),
    "a session of length 0": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nduration = "0 h"')), "duration", ["length 0"]),
    "a session after the end": (replaced(THERAPY, (FIRST, 'first = "day 15"')), "first", ["begins after 360 h", "lasts 336 h"]),
    "sessions that follow a table of records over the end": (replaced(THERAPY, ('amount = "35 mg"\nduration = "40 min"\nevery = "48 h"\ncount = 1\nduring', 'regimen = "table"\ntable = """TIME,AMT\n300,35\n"""\nduring'), ('at = ["1 day", "7 day", "13 day"]', 'at = ["1 h", "2 h", "3 h"]')), "count", ["over at 408.5 h", "lasts 336 h"]),
    "a session before the phase": (replaced(THERAPY, (FIRST, 'first = "4 h before dose.infusion"')), "first", ["begins 4 h before"]),
    "an unknown content": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\ncontent = "kind"')), "content", ["one of", "adaptive"]),
    "a cue that there is not": (replaced(THERAPY, ("targets = [1]", "targets = [4]")), "targets", ["no unit 4", "cue has 3 units"]),
    "a visit after the end": (replaced(THERAPY, ('"13 day"', '"15 day"')), "at", ["after the end", "336 h"]),
    "visits out of order": (replaced(THERAPY, ('"1 day", "7 day"', '"7 day", "1 day"')), "at", ["in rising order"]),
    "a visit that there is not": (replaced(THERAPY, ("visit = 3", "visit = 4")), "visit", ["has 3 visits"]),
    "an unknown scale": (replaced(THERAPY, ('at = ["1 day"', '#'), ('[assessment.later]\nphase = "care"\nscale = "madrs"', '[assessment.later]\nphase = "care"\nscale = "hamd"\ncount = 3')), "scale", ["no scale", "madrs"]),
    "entry decided in a later phase": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nonly_if = "responder"\ndecided_at = "late"\ncompared_with = "baseline"')) + '[phase.later]\nclock = "tick"\norder = 2\nlength = "1 day"\nstep = "1 h"\n[assessment.late]\nphase = "later"\nscale = "madrs"\n', "decided_at", ["after the first session"]),
    "a response against a later visit": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nonly_if = "responder"\ndecided_at = "baseline"\ncompared_with = "later"')), "compared_with", ["not before the visit that decides"]),
    "who goes on without a condition": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\ndecided_at = "baseline"')), "only_if", ["is missing"]),
    "sessions that wait for themselves": (replaced(THERAPY, (FIRST, 'first = "2 h after session.training"')), "after", ["relative to each other"]),
    "visits in a circle": (THERAPY + '[assessment.x]\nphase = "care"\nscale = "madrs"\nfirst = "1 h after assessment.y"\n[assessment.y]\nphase = "care"\nscale = "madrs"\nfirst = "1 h after assessment.x"\n', "after", ["relative to each other", "assessment.x -> assessment.y -> assessment.x"]),
    "a time relative to another phase": (THERAPY + '[phase.later]\nclock = "tick"\norder = 2\nlength = "1 day"\nstep = "1 h"\n[assessment.late]\nphase = "later"\nscale = "madrs"\nfirst = "1 h after dose.infusion"\n', "after", ["is in phase care, not in later"]),
    "a time relative to a drug": (replaced(THERAPY, (FIRST, 'first = "24 h after drug.ketamine"')), "after", ["no time to count from"]),
    "visits on the trial clock": (THERAPY + '[phase.days]\norder = 2\ntrials = 50\n[assessment.d]\nphase = "days"\nscale = "madrs"\nfirst = "1 h"\n', "kind", ["needs phases with clock", "phase days is on the trial clock"]),
    "sessions on the trial clock": (THERAPY + '[phase.days]\norder = 2\ntrials = 50\n[session.d]\nphase = "days"\nprojection = "belief"\ntargets = [1]\n', "kind", ["needs phases with clock", "phase days is on the trial clock"]),
    "visits at intervals after the end": (replaced(THERAPY, ('at = ["1 day", "7 day", "13 day"]', 'first = "1 day"\nevery = "7 day"\ncount = 3'), ("visit = 3", "visit = 2")), "first", ["the last visit is at 360 h", "336 h"]),
    "a visit before the phase": (replaced(THERAPY, ('"1 day", "7 day"', '"-1 day", "7 day"')), "at", ["24 h before phase care"]),
    "entry without a visit": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nonly_if = "responder"')), "decided_at", ["is missing"]),
    "entry decided too late": (replaced(THERAPY, ("targets = [1]", 'targets = [1]\nonly_if = "responder"\ndecided_at = "late"\ncompared_with = "baseline"')) + '[assessment.late]\nphase = "care"\nscale = "madrs"\nfirst = "3 day"\n', "decided_at", ["after the first session"]),
    "a window that never opens": (replaced(OPENED, ("[dose.infusion]", "[drug.other]\nmodel = \"one_compartment_oral\"\n[dose.infusion]"), ('drug = "ketamine"\namount', 'drug = "other"\namount'), ('duration = "40 min"\n', "")), "opened_by", ["never opens", "no dose gives ketamine"]),
    "a window that opens in no arm": (replaced(OPENED, ("[arm.ketamine]", '[arm.placebo]\nwithout = ["dose.infusion"]\n[arm.waiting]\nextends = "placebo"')), "opened_by", ["never opens", "every arm is without dose.infusion"]),
    "a window opened by what is no occupancy": (replaced(OPENED, ('opened_by = "occupancy.block"', 'opened_by = "drug.ketamine"')), "opened_by", ["is none"]),
    "a window opened from the bath": (replaced(OPENED, ("[dose.infusion]", '[drug.b]\nmodel = "bath"\n[occupancy.b]\nform = "affinity"\ndrug = "b"\nki = "1 nM"\n[dose.infusion]'), ('opened_by = "occupancy.block"', 'opened_by = "occupancy.b"')), "opened_by", ["is in the bath"]),
    "a scale that ends below its start": (replaced(THERAPY, ('cues = [1, 2]\nexpectancy', 'cues = [1, 2]\nhighest = -1.0\nexpectancy')), "highest", ["above lowest"]),
    "unblinding by no dose": (replaced(THERAPY, ('active = "infusion"', "unblinding = 0.3")), "unblinding", ["active"]),
    "a relapse that too few visits can confirm": (THERAPY + '[outcome.r]\nreadout = "relapsed"\nassessment = "later"\ncompared_with = "baseline"\nconsecutive = 4\n', "consecutive", ["too few"]),
    "a course of visits": (THERAPY + '[course.s]\nreadout = "symptom_score"\nassessment = "later"\ninterval = "1 h"\n', "readout", ["expected_score"]),
    "a share of a cue that there is not": (THERAPY + '[outcome.c]\nreadout = "choice_share"\nprojection = "belief"\ncue = 9\n', "cue", ["units, got 9"]),
    "two projections onto one choice": (OPENED + '[projection.other]\npre = "cue"\npost = "belief"\n', "cues", ["one projection"]),
}  # fmt: skip


@every_case("fault", FAULTS)
def test_a_slip_is_one_line_at_its_place(fault: str, tmp_path: Path) -> None:
    text, key, words = FAULTS[fault]
    refused_once(text, key, words, tmp_path)


@pytest.mark.parametrize(
    ("written", "first", "after"),
    [
        ("24 h after dose.infusion", 24.0, "dose.infusion"),
        ("2 day before dose.infusion", -48.0, "dose.infusion"),
        ("day 3", 72.0, None),
        ("90 min", 1.5, None),
    ],
)
def test_times_are_read_as_they_are_spoken(written: str, first: float, after: str | None, tmp_path: Path) -> None:
    text = replaced(
        THERAPY,
        (FIRST, f'first = "{written}"'),
        ("count = 1\nduring", 'first = "3 day"\ncount = 1\nduring'),
        ('at = ["1 day", "7 day", "13 day"]', 'at = ["1 day", "7 day", "10 day"]'),
    )
    file = tmp_path / "times.toml"
    file.write_text(text, encoding="utf-8")
    fields = load_scenario(file).tables["session"]["training"].fields
    assert fields["first"].number == first and fields.get("after") == after
