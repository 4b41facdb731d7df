"""What agreement is worth follows from rows and numbers: change them, and role, severity and count change."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cases import every_case
from support.commands import answer, workbench
from support.fabricated import accounted
from support.small_findings import AWAY, PLAUSIBLE, SCENARIO, SET, STILL, finding, folder, swept

from workbench.calibration.loss import targets_of
from workbench.findings.finding import Criterion, Finding
from workbench.findings.ledger import SHARE, CriterionRow, people_needed, verdict_of
from workbench.findings.standing import Severity, joint_severity

MANY = PLAUSIBLE.replace("n = 24", "n = 64").replace("subjects = 50", "subjects = 2")
SLOW = STILL.replace("still", "slow").replace("[-0.1, 0.1]", "[0.0, 5.0]")
FITTED = SET.replace("meaning", 'status = "fitted"\nfitted_to = ["F1"]\nmeaning')


def rows(root: Path) -> dict[str, dict[str, Any]]:
    said = answer(workbench("findings", "--json", cwd=root))
    return {row["id"]: row for row in said["findings"]} | {"counts": said["counts"]}


@every_case(
    ("held", "sets", "label"),
    [
        (40, 40, "could not fail here"), (24, 24, "not measured"), (47, 48, "not measured"),
        (48, 48, "could not fail here"), (190, 200, "could not fail here"), (180, 200, "weak test"),
        (199, 199, "could not fail here"), (100, 199, "not measured"), (100, 200, "could fail"),
        (20, 200, "risky test"), (0, 200, "risky test"),
    ],
)  # fmt: skip
def test_a_label_needs_enough_sets_and_nearly_all_of_them_make_it_certain(held: int, sets: int, label: str) -> None:
    found = Severity(held, sets, "plausible")
    assert found.label == label and found.could_not_fail == (label == "could not fail here")
    low, high = found.interval
    assert low <= held / sets <= high


def test_evidence_is_bounded_by_how_few_sets_would_do() -> None:
    assert [Severity(held, 256, "s").bits for held in (256, 128, 64)] == [0.0, 1.0, 2.0]
    never = Severity(0, 256, "s").bits
    assert Severity(1, 256, "s").bits > never > Severity(8, 256, "s").bits, "no set met is no infinite evidence"


def test_several_criteria_are_met_only_where_all_are() -> None:
    found = joint_severity([[True, True, False], [True, False, True]], "s")
    assert found is not None and (found.held, found.sets) == (1, 3)
    assert joint_severity([[]], "s") is None


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose only finding holds in all 64 parameter sets."""
    root = folder(tmp_path_factory.mktemp("sure"), finding("T3", SLOW), scenario=SCENARIO + MANY)
    swept(root)
    return root


def test_what_holds_in_all_sets_could_not_fail_and_is_shown_but_not_counted(sure: Path) -> None:
    found = rows(sure)
    row, counts = found["T3"], found["counts"]
    (criterion,) = row["criteria"]
    assert (row["verdict"], row["role"], row["could_not_fail"]) == ("met", "built_in", True)
    assert criterion["severity"] | {"bits": 0} == {
        "held": 64, "sets": 64, "study": "plausible", "bits": 0, "label": "could not fail here",
    }  # fmt: skip
    assert (criterion["counts"], counts["successes"], counts["built_in"]["met"]) == (False, 0, 1)
    text = " ".join(workbench("findings", cwd=sure).stdout.split())
    assert "not counted: holds in 64 of 64 assumed sets, at most 0.0 bits: could not fail here" in text


def test_every_row_says_how_severe_it_is_or_why_nobody_knows(sure: Path) -> None:
    found = rows(sure)
    for name, row in found.items():
        for told in (row, *row["criteria"]) if name != "counts" else ():
            assert (told["severity"] is None) == bool(told["no_severity"]), (name, told)
    assert found["T3"]["severity"]["sets"] == 64, "a row of one criterion is as severe as that"


def test_a_row_of_the_study_that_changes_makes_it_a_test(sure: Path, tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T3", SLOW), scenario=SCENARIO + MANY)
    db = root / "data" / "results" / "small.db"
    db.parent.mkdir(parents=True)
    db.write_bytes((sure / "data" / "results" / "small.db").read_bytes())
    with sqlite3.connect(db) as connection:
        connection.execute(
            "update outcome set value = 9 where run in (select r.run from sweep_run r join study s on s.id = r.study"
            " join point p on p.id = r.point where s.name = 'plausible' and p.ordinal < 10)"
        )
    connection.close()
    accounted(db)
    found = rows(root)
    assert found["T3"]["criteria"][0]["severity"]["held"] == 54
    assert (found["T3"]["role"], found["counts"]["successes"]) == ("test", 1)


SHARED = {
    "the same statistic": STILL,
    "another statistic of the same numbers": STILL.replace('"mean"', '"median"'),
    "an outcome of another name that reads the same": STILL.replace('"norm"', '"norm_again"'),
    "an arm of another name that sets the same": STILL.replace('"still"', '"still_again"'),
    "a missed one": AWAY,
}
APART = {
    "another outcome": STILL.replace('"norm"', '"mean"'),
    "another arm": SLOW,
    "another time": STILL.replace("outcome", "course") + "\ntime = 100",
    "one term of two": STILL.replace('"mean"', '"difference"').replace('["still"]', '["still", "fast"]'),
    "only some subjects": STILL + '\namong = { outcome = "norm", arm = "slow", above = 0.0 }',
}
AGAIN = """
[arm.still_again]
extends = "still"
[outcome.norm_again]
title = "The same by another name"
readout = "weight_norm"
projection = "input_output"
window = "end of learning"
"""


def test_a_statistic_that_a_fit_fixes_already_is_no_test(tmp_path: Path) -> None:
    names = {f"S{i}": (what, text) for i, (what, text) in enumerate(SHARED.items())}
    names |= {f"A{i}": (what, text) for i, (what, text) in enumerate(APART.items())}
    texts = [finding(name, text) for name, (_, text) in names.items()]
    root = folder(tmp_path, finding("F1"), *texts, scenario=SCENARIO + AGAIN, numbers=FITTED)
    swept(root)
    found = rows(root)
    assert found["F1"]["role"] == "fit"
    for name, (what, _) in names.items():
        shares = what in SHARED
        assert found[name]["role"] == ("fit" if shares else "test"), what
        (criterion,) = found[name]["criteria"]
        assert criterion["counts"] is not shares, what
        assert ("fixed by F1" in criterion["not_counted"]) is shares, what
    (root / "data" / "parameters" / "numbers.toml").write_text(SET)
    swept(root)
    assert {rows(root)[name]["role"] for name in names} == {"test"}, "nothing is fitted any more"


OPEN = STILL.replace("[-0.1, 0.1]", '["open", 0.1]')
NAMED = OPEN + '\nsmallest = { no_effect = 1.0, because = "nine tenths of what the fast arm learns" }'


def test_one_bound_counts_only_with_a_smallest_effect(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1", OPEN), finding("T2", NAMED))
    swept(root)
    found = rows(root)
    assert [found[name]["verdict"] for name in ("T1", "T2")] == ["met", "met"]
    assert [found[name]["criteria"][0]["counts"] for name in ("T1", "T2")] == [False, True]
    assert "no smallest effect worth naming is stated: not counted" in found["T1"]["criteria"][0]["note"]
    assert found["T2"]["criteria"][0]["smallest"]["effect"] == pytest.approx(0.9)
    assert found["counts"]["successes"] == 1


def test_what_is_beside_is_shown_and_not_judged_and_own_construction_not_counted(tmp_path: Path) -> None:
    beside = "\n[[finding.T1.criterion]]\n" + AWAY + '\nbeside = "only to be seen"'
    built = "\n[[finding.T2.criterion]]\n" + STILL.replace("norm", "mean") + '\nby_construction = "nothing moves"'
    root = folder(tmp_path, finding("T1") + beside, finding("T2") + built)
    swept(root)
    found = rows(root)
    assert (found["T1"]["verdict"], found["T1"]["role"]) == ("met", "test")
    assert [c["verdict"] for c in found["T1"]["criteria"]] == ["met", "missed"]
    assert [c["counts"] for c in found["T2"]["criteria"]] == [True, False]
    assert "shown and not judged: only to be seen" in " ".join(workbench("findings", cwd=root).stdout.split())


def test_what_is_beside_is_no_target_of_a_refit() -> None:
    judged = Criterion("mean", "outcome", "norm", ("slow",), (0.0, 1.0))
    head = Finding("F1", "t", "small", (), "p", "p", "1", "page")
    shown = replace(judged, beside="only to be seen")
    assert [t.criterion for t in targets_of([replace(head, criteria=(judged, shown))])] == [judged]


def test_what_was_chosen_with_a_row_or_its_source_is_said(tmp_path: Path) -> None:
    cited = SET.replace("meaning", 'source = "Oja1982"\nmeaning')
    root = folder(tmp_path, finding("T1", more='structure = "the rule has no other term"'), numbers=cited)
    chosen = rows(root)["T1"]["chosen"] if swept(root) else []
    assert chosen == [
        "structure chosen with this row: the rule has no other term",
        "chosen with the same source, Oja1982: rate",
    ]


def row_of(value: float, interval: tuple[float, float] | None) -> CriterionRow:
    criterion = Criterion("mean", "outcome", "norm", ("slow",), (0.0, 1.0))
    return CriterionRow(criterion, "words", "met", value=value, interval=interval)


def test_a_range_that_excludes_the_models_own_figure_is_marked() -> None:
    assert row_of(0.5, (0.6, 0.9)).excludes_own and not row_of(0.7, (0.6, 0.9)).excludes_own
    assert not row_of(0.5, None).excludes_own


@pytest.mark.parametrize(("n", "subjects"), [(24, 2), (24, 50), (240, 50)])
def test_ranges_need_people_and_are_not_believed_against_the_model_from_few_sets(
    n: int, subjects: int, tmp_path: Path
) -> None:
    slower = PLAUSIBLE.replace("n = 24", f"n = {n}").replace("subjects = 50", f"subjects = {subjects}")
    slower = slower.replace("from = 0.001, to = 0.004", "from = 0.008, to = 0.009").replace('"slow"', '"slow", "fast"')
    ratio = SLOW.replace('"mean"', '"ratio"').replace('["slow"]', '["fast", "slow"]')
    scenario = SCENARIO.replace("trials = 300", "trials = 30") + slower
    root = folder(tmp_path, finding("T1", SLOW), finding("T2", ratio), scenario=scenario)
    swept(root)
    (level,), (pair,) = rows(root)["T1"]["criteria"], rows(root)["T2"]["criteria"]
    assert pair["interval"] is not None or "do not hold the model's own figure" in pair["no_interval"]
    if subjects < 50:
        assert level["interval"] is None and "2 subjects a set, too few for a level" in level["no_interval"]
    elif n < 200:
        assert level["interval"] is None and "do not hold the model's own figure" in level["no_interval"]
    else:
        assert level["interval_excludes_model"] and level["interval"][0] > level["model"]


def test_the_people_of_a_set_are_those_that_were_swept(tmp_path: Path) -> None:
    share = SLOW.replace('"mean"', '"share"\nabove = 0.5')
    root = folder(tmp_path, finding("T1", share), scenario=SCENARIO.replace("trials = 300", "trials = 30") + PLAUSIBLE)
    swept(root, "--subjects", "3")
    (row,) = rows(root)["T1"]["criteria"]
    assert row["no_severity"] == "study plausible has 3 subjects a set, too few for a share", "the file declares 50"


@pytest.mark.parametrize("accept", [(0.0, 1.0), (0.4, float("inf")), (0.9, 2.0), (float("-inf"), 0.45)])
def test_the_people_that_are_asked_for_decide(accept: tuple[float, float]) -> None:
    value, error, people = 0.5, 0.3, 40
    assert verdict_of(value, accept, error) == "undecided"
    needed = people_needed(value, accept, error, people)
    assert needed > people
    smaller = error * (people / (1.01 * needed)) ** 0.5
    assert verdict_of(value, accept, smaller) != "undecided"
    assert verdict_of(value, accept, error * (people / (0.9 * needed)) ** 0.5) == "undecided"
    assert 0 < SHARE < 1


DOSED = (
    '[drug.pill]\nmodel = "one_compartment_oral"\nabsorption = "1 1/h"\nclearance = "20 L/h"\nvolume = "100 L"\n'
    '[dose.pill]\ndrug = "pill"\namount = "1 mg"\nevery = "8 h"\nduring = "learning"\n'
    '[outcome.plasma]\nreadout = "concentration"\ndrug = "pill"\nwindow = "end of learning"\n[outcome.first_days]\nreadout = "weight_norm"\nprojection = "input_output"\nwindow = "days 10-20 of learning"\n'
    '[study.pace]\nrecord = false\nsubjects = 3\n[study.pace.sweep]\n'
    '"phase.learning.trials_per_day" = { values = ["5 trial/day", "10 trial/day"], zip = "pace" }\n'
    '"phase.learning.trials" = { values = [300, 600], zip = "pace" }\n'
)  # fmt: skip
DAYS = 'statistic = "mean"\noutcome = "first_days"\narms = ["slow"]\naccept = [0.0, 5.0]'
PACE = '\npace = { study = "pace", over = "phase.learning.trials_per_day" }'


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('treatment = "84 day"', "published 84 days into the treatment, but first_days is read at 20"),
        ('treatment = "84"', "the unit is missing"),
        ('treatment = "0 day"', "a time above 0"),
    ],
)
def test_a_finding_is_read_when_it_was_published(more: str, words: str, tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1", DAYS, more), scenario=SCENARIO + DOSED)
    (error,) = answer(workbench("findings", "scenarios/small.toml", "--json", cwd=root))["errors"]
    assert (error["key"], error["line"]) == ("finding.T1.treatment", 11) and words in error["message"]


def test_the_verdict_is_shown_at_every_pace(tmp_path: Path) -> None:
    narrow = DAYS.replace("[0.0, 5.0]", "[0.0, 0.5]")
    root = folder(tmp_path, finding("T1", narrow + PACE, 'treatment = "20 day"'), scenario=SCENARIO + DOSED)
    swept(root)
    (criterion,) = rows(root)["T1"]["criteria"]
    assert [pace["pace"] for pace in criterion["paces"]] == [5.0, 10.0]
    slow, quick = (pace["model"] for pace in criterion["paces"])
    assert slow < quick, "more trials in the same days teach more"
    text = " ".join(workbench("findings", cwd=root).stdout.split())
    assert f"at 5 ({slow:.3g})" in text and "after 20 days of treatment" in text


WRONG = {
    "smallest.no_effect": (OPEN + '\nsmallest = { no_effect = 0.0, because = "x" }', "lies in the accepted range"),
    "smallest": (STILL + '\nsmallest = { no_effect = 1.0, because = "x" }', "goes with a range of one bound"),
    "smallest.because": (OPEN + "\nsmallest = { no_effect = 1.0 }", "is missing"),
    "smallest.source": (NAMED.replace(" }", ', source = "Oja1983" }'), 'unknown source "Oja1983"'),
    "pace.study": (DAYS + PACE.replace('"pace", over', '"pase", over'), 'no study "pase"'),
    "pace.over": (DAYS + PACE.replace("trials_per_day", "trials_a_day"), "sweeps phase.learning.trials"),
    "against": (
        'statistic = "share"\noutcome = "norm"\nagainst = "mean"\narms = ["slow", "fast"]\nof = "ratio"\nbelow = 1\n'
        "accept = [0, 1]",
        "pairs two outcomes of one arm",
    ),
}


@pytest.mark.parametrize("key", WRONG)
def test_what_cannot_be_meant_is_told_at_its_place(key: str, tmp_path: Path) -> None:
    criterion, words = WRONG[key]
    root = folder(tmp_path, finding("T1", criterion), scenario=SCENARIO + DOSED)
    (error,) = answer(workbench("findings", "scenarios/small.toml", "--json", cwd=root))["errors"]
    assert error["key"] == f"finding.T1.criterion[0].{key}" and words in error["message"] and error["line"]


def test_a_share_against_ones_own_value_before(tmp_path: Path) -> None:
    import workbench as api

    own = (
        'statistic = "share"\noutcome = "norm"\nagainst = "mean"\narms = ["slow"]\nof = "ratio"\nbelow = -1\n'
        "accept = [0, 1]"
    )
    both = (
        own.replace('"share"', '"share_difference"')
        .replace('["slow"]', '["slow", "fast"]')
        .replace("[0, 1]", "[-1, 1]")
    )
    root = folder(tmp_path, finding("T1", own), finding("T2", both))
    wide = api.open_results(swept(root)).sql("select * from outcomes_wide where study = 'arms'")
    share = {arm: float((some["norm"] / some["mean"] <= -1).mean()) for arm, some in wide.groupby("arm")}
    found = rows(root)
    assert found["T1"]["criteria"][0]["model"] == pytest.approx(share["slow"]) and 0 < share["slow"] < 1
    assert found["T2"]["criteria"][0]["model"] == pytest.approx(share["slow"] - share["fast"])


@pytest.mark.parametrize("columns", [None, "80", "120"])
def test_the_screen_fits_and_no_word_is_broken(
    columns: str | None, sure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    width = int(columns or 80)
    printed = workbench("findings", cwd=sure).stdout
    assert max(map(len, printed.splitlines())) <= width
    monkeypatch.setenv("COLUMNS", "400")
    wide = workbench("findings", cwd=sure).stdout
    assert printed.split() == wide.split(), "wrapping breaks no word"
