"""The page: every sentence and number comes from the rows, odd text stands as typed, and nothing else is touched."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from support.aimed import aimed
from support.fabricated import TEXT, ArmRow, StudyRow, fabricate, patients, studies

from workbench.analysis import compare
from workbench.errors import StorageError, UsageError
from workbench.report import build_report
from workbench.report.words import number, percent, signed

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)></svg>javascript:x $\\alpha$ {{ 7*7 }}'
AWKWARD = "🙂 שלום عالم e\u0301\u0323 " + "x" * 10_000


class Reader(HTMLParser):
    """Collects tags, ids, outside addresses and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ids, self.addresses, self.words, self._style = set(), [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._style = tag == "style"
        named = dict(attrs)
        if "id" in named:
            self.ids.append(named["id"])
        self.addresses += [named[k] for k in ("src", "href", "xlink:href", "action", "data") if named.get(k)]
        assert not [k for k in named if k.startswith("on")]

    def handle_data(self, data):
        if not self._style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("db") / "spill.db")


@pytest.fixture(scope="module")
def page(database, tmp_path_factory):
    return build_report(database, tmp_path_factory.mktemp("page") / "spill.html").read_text(encoding="utf-8")


def report(path, **made) -> str:
    return build_report(fabricate(path / "a.db", **made), path / "a.html").read_text(encoding="utf-8")


def test_R04_the_same_rows_give_the_same_bytes(database, page, tmp_path):
    assert build_report(database, tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_R03_the_page_stands_alone_without_script_or_outside_address(page):
    found = Reader(page)
    assert not {"script", "iframe", "object", "embed", "form", "base"} & found.tags
    assert [a for a in found.addresses if not a.startswith(("#", "data:"))] == []
    assert "default-src 'none'" in page
    assert len(found.ids) == len(set(found.ids))
    targets = {a[1:] for a in found.addresses if a.startswith("#")} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(found.ids)


def test_every_figure_has_a_text_alternative_and_its_numbers_in_a_table(page):
    for figure in re.findall(r"<figure.*?</figure>", page, flags=re.DOTALL):
        assert len(re.findall(r'role="img" aria-label="[^"]{20,}"', figure)) == figure.count("<svg")
        assert "Numbers:" in figure


def test_question_use_limits_arms_and_provenance_are_said(page):
    said = Reader(page).text
    for text in (
        "When does practice spill over?",
        "A made-up group-level question",
        "Any decision about a person",
        "It knows one place of the brain only.",
        "Blocker 30 mg a day (10 mg every 8 h) during treatment.",
        "With one set of assumptions",
        "Of 3 numbers in the model (doses and protocol left aside), 0 are measured, 2 are fitted, 1 is assumed.",
        "stands at tone level 1.5 and path balance 1",
        "workbench sweep spill.toml",
    ):
        assert text in said


def test_no_page_speaks_of_significance_or_p_values_or_nan(page):
    said = Reader(page).text.lower()
    assert "significant" not in said
    assert not re.search(r"\bp\s*[<=]|p-value", said)
    assert not re.search(r"\bnan\b|<na>", page.lower())


def test_the_headline_and_the_differences_are_those_of_compare(database, page):
    said = Reader(page).text
    for row in compare(database, study="arms").itertuples():
        for value in (number(row.mean), number(row.baseline_mean), signed(row.difference), number(row.low)):
            assert value in said
    assert "0.365 with “Patient, blocker 30 mg a day” against 0.526 with “Untreated patient”, lower by" in said


def test_the_headline_follows_the_data(tmp_path):
    changed = tuple(
        ArmRow("ill_30", lambda i: 0.9, "Patient, blocker 30 mg a day", "ill", "ill", a.settings)
        if a.name == "ill_30"
        else a
        for a in patients()
    )
    said = Reader(report(tmp_path, arms=changed)).text
    assert "0.396 with “Patient, blocker 15 mg a day” against 0.526 with “Untreated patient”, lower by" in said
    assert "0.900" in said


def test_map_cells_in_the_table_are_the_means_of_the_rows(page):
    grid = re.findall(r"<table class=\"grid\">.*?</table>", page, flags=re.DOTALL)[0]
    cells = [float(c) for c in re.findall(r"<td>(.*?)</td>", grid)]
    expected = [[0.2 + 0.05 * b + 0.08 * t + 0.0195 for t in (0.5, 1, 1.5, 2, 2.5)] for b in (4, 2, 1, 0.5)]
    three_digits = 0.0005
    assert cells == pytest.approx(np.ravel(expected), abs=1.01 * three_digits)


@pytest.mark.parametrize("title", [HOSTILE, AWKWARD], ids=["hostile", "awkward"])
def test_S14_S16_odd_titles_are_shown_as_typed_and_never_become_markup(tmp_path, title):
    arms = tuple(ArmRow(a.name, a.outcome, title, a.baseline, a.condition, a.settings, a.course) for a in patients())
    plan = tuple(StudyRow(s.name, s.arms, s.points, s.cell, title) for s in studies(arms))
    text = report(tmp_path, arms=arms, plan=plan, title=title, subjects=4)
    found = Reader(text)
    assert not {"script", "img"} & found.tags
    assert " ".join(title.split())[:60] in found.text
    assert len(text) < 3_000_000


@pytest.mark.parametrize("text", [HOSTILE, AWKWARD], ids=["hostile", "awkward"])
def test_S14_S16_odd_words_of_a_report_table_are_shown_as_typed(tmp_path, text):
    odd = aimed(tmp_path / "a.db", population=text, contrary=text, meaning=text, subjects=4)
    page = build_report(odd, tmp_path / "a.html", tables=tmp_path / "tables").read_text(encoding="utf-8")
    found = Reader(page)
    assert not {"script", "img"} & found.tags
    assert found.text.count(" ".join(text.split())[:60]) >= 3
    assert text in (tmp_path / "tables" / "contrary.csv").read_text(encoding="utf-8").replace('""', '"')


def test_R01_a_comparison_that_lost_runs_says_so_in_its_own_row(tmp_path):
    arms = tuple(replace(a, outcome=lambda i: None if i < 3 else 0.3) if a.name == "ill_30" else a for a in patients())
    said = Reader(build_report(aimed(tmp_path / "a.db", arms=arms, subjects=8), tmp_path / "a.html").read_text()).text
    assert "3 of 8 subjects left out" in said and "5 simulated, 3 failed" in said
    assert "runs failed and are left out of every mean" in said


@pytest.mark.parametrize("outcome", [lambda i: None, lambda i: 0.4], ids=["all failed", "no variance"])
def test_R01_a_benefit_without_runs_or_without_variance_has_a_page_in_words(tmp_path, outcome):
    arms = tuple(replace(a, outcome=outcome) if a.name in ("ill_30", "ill") else a for a in patients())
    page = build_report(aimed(tmp_path / "a.db", arms=arms, subjects=6), tmp_path / "a.html").read_text()
    said = Reader(page).text
    assert "No comparison of “Spilling into the wrong place” can be made" in said or "the same as with" in said
    assert not re.search(r"\bnan\b|<na>|&lt;na|\binf\b", page.lower())


def test_S15_a_title_that_looks_like_sql_is_a_title(tmp_path):
    assert "x'); DROP TABLE run;--" in Reader(report(tmp_path, title="x'); DROP TABLE run;--", subjects=3)).text


def test_R01_unfinished_and_failed_runs_are_counted_in_a_banner(tmp_path):
    arms = (
        ArmRow("off", lambda i: 1.0 + i),
        ArmRow("on", lambda i: None if i < 3 else 0.5 + i, baseline="off"),
    )
    said = Reader(report(tmp_path, arms=arms, plan=(StudyRow("arms", ("off", "on")),), subjects=8, unfinished=5)).text
    assert "Not finished: 5 of 21 runs are still to be computed." in said
    assert "3 of 21 runs failed and are left out of every mean" in said
    assert "3 of 8 subjects left out" in said
    assert "activity is not finite" in said


def test_R01_cells_with_failed_runs_say_so(tmp_path):
    steps = tuple({"plasticity.path.balance": b, "modulator.tone.level": t} for b in (1.0, 2.0) for t in (1.0, 2.0))
    study = StudyRow("map", ("only",), steps, lambda a, p, i: None if p["modulator.tone.level"] == 2 else 0.5)
    text = report(tmp_path, arms=(ArmRow("only", lambda i: 1.0),), plan=(study,), subjects=3)
    assert "no run finished (3 failed)" in Reader(text).text


@pytest.mark.parametrize(
    ("outcome", "subjects", "words"),
    [
        (lambda i: 0.5, 1, "one subject: no spread, interval or effect size"),
        (lambda i: 0.5, 6, "all subjects alike in both arms: no effect size"),
        (lambda i: None, 6, "No comparison of “overflow” can be made"),
    ],
    ids=["one subject", "no variance", "all failed"],
)
def test_degenerate_sweeps_are_said_in_words(tmp_path, outcome, subjects, words):
    arms = (ArmRow("off", lambda i: 1.0, course=lambda i, t: 1.0), ArmRow("on", outcome, baseline="off"))
    text = report(tmp_path, arms=arms, plan=(StudyRow("arms", ("off", "on")),), subjects=subjects)
    assert words in Reader(text).text
    assert not re.search(r"\bnan\b|<na>|&lt;na", text.lower())


def test_a_scenario_of_one_arm_has_a_page(tmp_path):
    arms = (ArmRow("only", lambda i: 1.0 + i, course=lambda i, t: t),)
    said = Reader(report(tmp_path, arms=arms, plan=(StudyRow("arms", ("only",)),), subjects=5)).text
    assert "simulated subjects" in said
    assert "No arm has another to be compared with" in said


def test_C02_an_existing_page_is_left_alone_without_force(database, tmp_path):
    target = tmp_path / "page.html"
    target.write_text("mine")
    with pytest.raises(StorageError, match="already exists and was left unchanged"):
        build_report(database, target)
    assert target.read_text() == "mine"
    build_report(database, target, force=True)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_C02_a_missing_folder_or_a_directory_as_target_is_refused(database, tmp_path):
    with pytest.raises(StorageError, match="does not exist; nothing was written"):
        build_report(database, tmp_path / "nowhere" / "page.html")
    with pytest.raises(StorageError, match="is a directory"):
        build_report(database, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_R02_an_unknown_sweep_lists_those_that_exist(database, tmp_path):
    with pytest.raises(UsageError, match=r"no sweep 7 .*known: 1"):
        build_report(database, tmp_path / "page.html", sweep=7)


def test_P11_making_a_page_changes_nothing_in_the_database(database, tmp_path):
    before, stamp = database.read_bytes(), database.stat().st_mtime_ns
    build_report(database, tmp_path / "page.html")
    assert (database.read_bytes(), database.stat().st_mtime_ns) == (before, stamp)
    assert not list(database.parent.glob("*-wal"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.03146, "0.0315"), (-12345.6, "−12,346"), (0, "0"), (1.0, "1"), (1e-9, "1.00e-09"), (None, "not available")],
)
def test_numbers_are_written_with_three_digits_and_a_true_minus(value, text):
    assert number(value) == text


def test_shares_keep_all_and_none_for_exactly_that():
    assert [percent(x) for x in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "under 1 %", "50 %", "over 99 %", "100 %"]


def test_use_may_be_missing_from_a_stored_text(tmp_path):
    assert "The scenario does not say." in Reader(report(tmp_path, text="schema = 1\n", subjects=3)).text
    assert "not_for" in TEXT


def test_a_logarithmic_axis_is_marked_with_plain_numbers(tmp_path):
    steps = tuple({"plasticity.path.balance": b} for b in (0.001, 0.01, 0.1))
    study = StudyRow("rate", ("only",), steps, lambda arm, point, i: point["plasticity.path.balance"] + i)
    text = report(tmp_path, arms=(ArmRow("only", lambda i: 1.0),), plan=(study,), subjects=3)
    drawn = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)[-1]
    assert {"0.001", "0.01", "0.1"} <= set(re.findall(r">([^<>]+)</text>", drawn))
    assert "mathdefault" not in text
