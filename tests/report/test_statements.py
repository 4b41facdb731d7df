"""Every sentence of a page is a named statement over rows: change the rows, and the sentence changes."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.aimed import aimed
from support.fabricated import StudyRow, accounted, patients, studies

import workbench.report.statements.closing as closing
import workbench.report.statements.figures as figures
import workbench.report.statements.opening as opening
from workbench.analysis.dose_response import chain_studies
from workbench.analysis.selection import select
from workbench.findings.finding import Finding
from workbench.findings.held import HeldSets
from workbench.findings.ledger import LedgerRow
from workbench.report.comparisons import comparison_figure
from workbench.report.content import Page
from workbench.report.dose_lines import chain_figure
from workbench.report.ground import Ground
from workbench.report.leading import courses_figure, icons_figure
from workbench.report.mechanism import dose_chain, turning_figure
from workbench.report.page import render
from workbench.report.parameter_ranges import ignorance_figure
from workbench.report.sections import responder_figure, swept_figures
from workbench.report.statements import STATEMENTS, Said
from workbench.report.time_courses import grouped_courses
from workbench.report.timing import timing_figure

EXTRA = """
[report.benefit.response]
before = "overflow"
by = 0.0001
[report.also.less]
title = "Half of the dose"
outcome = "overflow"
arm = "ill_15"
[report.caveat.tone]
setting = "modulator.tone.level"
value = 1.5
text = "The tone is set to {value}"
[interaction.crossed]
title = "Illness and drug"
arms = ["ill_30", "ill", "healthy_30", "healthy"]
"""
FLIP = tuple({"plasticity.path.balance": b, "modulator.tone.level": t} for b in (1.0, 2.0) for t in (1.0, 1.5))
SIXTY = {"dose.pill.amount": 20.0}
DOSES = tuple({"dose.pill.amount": x} for x in (0.0, 2.0, 5.0, 10.0))


def whole(path: Path) -> Path:
    """Write a sweep in which every statement has something to say."""
    flips = StudyRow(
        "flips", ("ill", "ill_30"), FLIP,
        lambda arm, p, i: 0.4 + (0.1 * (p["plasticity.path.balance"] - 1.5) if arm == "ill_30" else 0.0), title="Turns",
    )  # fmt: skip
    doses = StudyRow(
        "doses", ("ill", "ill_30"), DOSES, lambda arm, p, i: 0.5 - 0.03 * p["dose.pill.amount"] + 0.01 * (i % 3),
    )  # fmt: skip
    cube = StudyRow(
        "cube", ("ill",), ({"gate.brake.threshold": 0.1, "modulator.tone.level": 1.0, "plasticity.path.balance": 1.0},),
        lambda arm, p, i: 0.5,
    )  # fmt: skip
    arms = patients()
    arms += (replace(arms[4], name="ill_60", title="Patient, blocker 60 mg a day", settings=arms[4].settings | SIXTY),)
    plan = (*studies(arms), flips, doses, cube)
    return aimed(path, design=True, subjects=6, arms=arms, plan=plan, extra=EXTRA, population="made-up dystonia")


# --- what may be changed ---------------------------------------------------------------------------------------------

RUNS = "(select r.run from sweep_run r join arm a on a.id = r.arm join study s on s.id = r.study where {where})"


def outcome(where: str, change: str = "value * 1.5 + 0.07") -> str:
    """Return the SQL that changes the outcome of some runs."""
    return f"update outcome set value = {change} where run in {RUNS.format(where=where)}"


def setting(path: str, number: float) -> str:
    return f"update setting set number = {number} where path = '{path}'"


def text(old: str, new: str) -> Callable[[sqlite3.Connection], None]:
    """Return what changes the stored scenario's own text."""

    def change(connection: sqlite3.Connection) -> None:
        (bytes_,) = connection.execute("select bytes from scenario").fetchone()
        assert old.encode() in bytes_
        connection.execute("update scenario set bytes = ?", (bytes_.replace(old.encode(), new.encode()),))

    return change


def courses(arm: str, to: Callable[[list[float]], list[float]]) -> Callable[[sqlite3.Connection], None]:
    """Return what changes the recorded courses of an arm."""

    def change(connection: sqlite3.Connection) -> None:
        runs = RUNS.format(where=f"a.name = '{arm}'")
        for run, points in connection.execute(f"select run, points from course where run in {runs}").fetchall():
            connection.execute("update course set points = ? where run = ?", (json.dumps(to(json.loads(points))), run))

    return change


def late(points: list[float]) -> list[float]:
    """Return a course that falls at the very end only."""
    return [*points[:-2], points[-2] - 3.0, points[-1] - 5.0]


NOBODY = text('population = "made-up dystonia"', 'population = ""')
SLICES = "update setting set path = 'stimulus.cell.rate' where path = 'plasticity.path.balance'"
PATIENT, OTHER = "a.name = 'ill_30' and s.name = 'arms'", "a.name = 'ill' and s.name = 'arms'"
TREATED = "a.name = 'ill_30' and s.name = 'plausible'"
FIRST_SET = "point in (select p.id from point p join study s on s.id = p.study where s.name = '{0}' and p.ordinal = 0)"


def fewer(study: str) -> str:
    """Return the SQL that takes the first point of a study away."""
    return f"delete from sweep_run where {FIRST_SET.format(study)}"


# --- what stands beside the rows: published findings -----------------------------------------------------------------


def ledger(*verdicts: tuple[str, str]) -> list[LedgerRow]:
    """Return findings with a role and a verdict each."""
    found = []
    for i, (role, verdict) in enumerate(verdicts):
        finding = Finding(f"F{i}", f"Finding {i}", "spill", ("Xing2022",), "people", "12 points", "1", "page")
        found.append(LedgerRow(finding, role, verdict, ()))  # type: ignore[arg-type]
    return found


def held(inside: int) -> HeldSets:
    """Return 30 sets of which so many give back the one fitted finding."""
    values = np.where(np.arange(30) < inside, 0.0, 5.0)[None, :]
    return HeldSets("plausible", np.arange(30), ("F0",), np.array([[-1.0, 1.0]]), values, ())


@dataclass(frozen=True)
class Case:
    """What a statement says of a page, and what changes its rows: SQL, a function, or what stands beside the rows."""

    say: Callable[[Ground], Any]
    change: str | Callable[[sqlite3.Connection], None] = ""
    beside: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)


def _swept(study: str, part: str) -> Callable[[Ground], Any]:
    return lambda g: getattr(next(swept_figures(g.words, study, "overflow")), part)


def _sets(part: str) -> Callable[[Ground], Any]:
    return lambda g: getattr(ignorance_figure(g, g.plausible, g.differences), part)


def _crossed(say: Callable[[Ground], Any]) -> Callable[[Ground], Any]:
    """Return what is said if the page is about the interaction."""

    def said(ground: Ground) -> Any:
        aims = ground.aims
        assert aims.benefit is not None
        arms = ("ill_30", "ill", "healthy_30", "healthy")
        ground.__dict__["aims"] = replace(aims, benefit=replace(aims.benefit, interaction="crossed", four=arms))
        return say(ground)

    return said


def _hundred(part: str) -> Callable[[Ground], Any]:
    def said(ground: Ground) -> Any:
        aims = ground.aims
        assert aims.benefit is not None
        ground.__dict__["aims"] = replace(aims, benefit=replace(aims.benefit, response=None))
        return getattr(icons_figure(ground), part)

    return said


FITTED = {"published": ledger(("fit", "met"))}
CASES: dict[str, Case] = {
    "made": Case(opening.made, "update sweep set created = '2027-02-03T00:00:00Z'"),
    "not_for": Case(opening.not_for, text("Any decision about a person", "Driving")),
    "who_and_what": Case(opening.who_and_what, NOBODY),
    "finding": Case(opening.finding, outcome(PATIENT)),
    "beside": Case(opening.beside, outcome("a.name = 'ill_15' and s.name = 'arms'")),
    "costs": Case(opening.costs, outcome("a.name = 'healthy_30'")),
    "assumed_ranges": Case(opening.assumed_ranges, outcome(TREATED, "value - 0.01 * run % 7")),
    "held_to_findings": Case(opening.held_to_findings, "", {"held": held(25), **FITTED}, {"held": held(12), **FITTED}),
    "how_clear": Case(opening.how_clear, outcome(TREATED, "value + 0.05")),
    "share_removed": Case(opening.share_removed, outcome(PATIENT)),
    "with_reference_as_one": Case(opening.with_reference_as_one, outcome("a.name = 'healthy' and s.name = 'arms'")),
    "tested": Case(
        opening.tested, "", {"published": ledger(("test", "missed"))}, {"published": ledger(("test", "met"))}
    ),
    "caveats": Case(opening.caveats, setting("modulator.tone.level", 1.1)),
    "sign_flips": Case(opening.sign_flips, outcome("a.name = 'ill_30' and s.name = 'flips'", "value - 1.0")),
    "hangs_most_on": Case(opening.hangs_most_on, outcome(TREATED, "value * value * 3")),
    "moved_by_studies": Case(opening.moved_by_studies, outcome("a.name = 'ill_30' and s.name = 'doses'")),
    "rests_on_numbers": Case(
        opening.rests_on_numbers, "update setting set status = 'measured' where path = 'modulator.tone.level'"
    ),
    "own_limits": Case(opening.own_limits, SLICES),
    "banner": Case(lambda g: closing.banner(g.selection.facts), "update sweep set expected = expected + 5"),
    "looks": Case(closing.looks, fewer("plausible")),
    "findings_record": Case(
        closing.findings_record, "", {"published": ledger(("test", "missed"))}, {"published": ledger(("test", "met"))}
    ),
    "not_drawn": Case(lambda g: closing.not_drawn(g, []), "delete from sweep_run where study = (select max(id) from study)"),
    "methods": Case(lambda g: closing.methods(g, []), "update sweep set seed = 8"),
    "review_request": Case(
        lambda g: closing.review_request(g, Page(g.selection).reviewed, True), text("influence", 'contact = "a@b.c"\ninfluence')
    ),
    "more_assumptions": Case(
        lambda g: closing.more_assumptions(Page(g.selection).assumptions, []),
        "update setting set status = 'fitted' where path = 'modulator.tone.level'",
    ),
    "tables_counted": Case(lambda g: closing.tables_counted(g, len(g.outcomes) + len(g.plausible)), fewer("cube")),
    "protocol_take": Case(
        lambda g: figures.protocol_take([g.words.prescriptions("ill_30")[0][1]], "", []), setting("dose.pill.amount", 4.0)
    ),
    "protocol_caption": Case(lambda g: figures.protocol_caption(g.words, "ill_30", "opening"), SLICES),
    "over_time_take": Case(lambda g: courses_figure(g).title, courses("ill_30", late)),
    "over_time_caption": Case(lambda g: courses_figure(g).caption, SLICES),
    "course_take": Case(lambda g: grouped_courses(g.words, g.course("overflow_course")).title, courses("ill_30", late)),
    "course_caption": Case(lambda g: grouped_courses(g.words, g.course("overflow_course")).caption, SLICES),
    "timing_take": Case(lambda g: timing_figure(g.words, g.course("overflow_course")).title, courses("healthy", lambda p: [3 * v for v in p])),
    "timing_caption": Case(
        lambda g: timing_figure(g.words, g.course("overflow_course")).caption, "update clock_time set time = time + 25 where ordinal > 20"
    ),
    "comparison_take": Case(lambda g: comparison_figure(g).title, outcome(PATIENT)),
    "comparison_caption": Case(lambda g: comparison_figure(g).caption, fewer("plausible")),
    "responders_take": Case(lambda g: icons_figure(g).title, text('before = "overflow"', 'before = "nothing"')),
    "responders_caption": Case(
        lambda g: icons_figure(g).caption, text("by = 0.0001", 'by = 0.0001\nsource = "Xing2022"')
    ),
    "hundred_take": Case(_hundred("title"), outcome(PATIENT, "value + 0.2 * (run % 2)")),
    "hundred_caption": Case(_hundred("caption"), text('course = "overflow_course"', 'smallest = 0.01\ncourse = "overflow_course"')),
    "improved_take": Case(lambda g: responder_figure(g.words, "arms", "overflow").title, outcome("s.name = 'arms' and a.name like 'ill/_%' escape '/'")),
    "improved_caption": Case(lambda g: responder_figure(g.words, "arms", "overflow").caption, SLICES),
    "sets_take": Case(_sets("title"), outcome(TREATED, "value + 0.4")),
    "sets_caption": Case(_sets("caption"), fewer("plausible")),
    "dose_take": Case(lambda g: dose_chain(g).title, outcome(PATIENT)),
    "dose_caption": Case(lambda g: figures.dose_caption(g.words), SLICES),
    "chain_take": Case(lambda g: chain_figure(g.words, chain_studies(g.selection)[0]).title, outcome("s.name = 'doses'", "value * value")),
    "chain_caption": Case(lambda g: figures.chain_caption(g.words), SLICES),
    "curve_take": Case(_swept("brake", "title"), outcome("s.name = 'brake' and a.name = 'ill'")),
    "curve_caption": Case(lambda g: figures.curve_caption(g.selection.axes[g.selection.axes.study == "order"].number.notna().all()),
                          "update point_value set number = 1.0, text = null where text is not null"),
    "map_take": Case(_swept("map", "title"), outcome("s.name = 'map'")),
    "map_caption": Case(_swept("map", "caption"), fewer("map") + " and subject = 0"),
    "turning_take": Case(lambda g: turning_figure(g).title, outcome("s.name = 'flips' and a.name = 'ill'", "value + 0.01")),
    "session_map_take": Case(
        lambda g: figures.session_map_take(g, _grid(g), ("session begins at", "tone")), outcome("s.name = 'map' and a.name = 'ill'", "value * run / 100.0")
    ),
    "pair_map_caption": Case(lambda g: turning_figure(g).caption, SLICES),
}  # fmt: skip


def _grid(ground: Ground) -> Any:
    from workbench.analysis.maps import grids

    return grids(ground.selection, "map", "overflow")[1]


# --- the tests -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole(tmp_path_factory.mktemp("whole") / "spill.db")


def changed(database: Path, path: Path, change: str | Callable[[sqlite3.Connection], None]) -> Path:
    """Return a copy of the database with its rows changed."""
    shutil.copy(database, path)
    with sqlite3.connect(path) as connection:
        if isinstance(change, str):
            assert not change or connection.execute(change).rowcount > 0
        else:
            change(connection)
    connection.close()
    return accounted(path)


def ground(database: Path, given: dict[str, Any]) -> Ground:
    found = Ground(select(database))
    found.__dict__.update(given)
    return found


def sentences(said: Any) -> list[Said]:
    return [said] if isinstance(said, str) else list(said)


def test_every_statement_has_a_case_and_every_case_a_statement() -> None:
    assert set(CASES) == set(STATEMENTS)
    assert all(one.says.endswith(".") and one.rows for one in STATEMENTS.values())


@pytest.mark.parametrize("name", CASES)
def test_a_statement_changes_with_its_rows(name: str, database: Path, tmp_path: Path) -> None:
    case = CASES[name]
    before = sentences(case.say(ground(database, case.before)))
    after = sentences(case.say(ground(changed(database, tmp_path / "b.db", case.change), case.beside)))
    told = [s for s in (*before, *after) if s]
    assert told and before != after, (before, after)
    if name != "responders_take":  # without a response the figure is another
        assert {s.statement for s in told} == {name}


def test_an_interaction_is_the_finding_with_its_parts_beside_it(database: Path, tmp_path: Path) -> None:
    first, parts = _crossed(opening.finding)(ground(database, {}))
    assert "interaction: −0.220" in first and "which is better" in first
    assert parts.count("“") == 4 and "+0.200" in parts and "+0.0600" in parts and "+0.0400" in parts
    other = changed(database, tmp_path / "b.db", outcome("a.name = 'healthy_30' and s.name = 'arms'", "value - 0.06"))
    assert "interaction: −0.160" in _crossed(opening.finding)(ground(other, {}))[0]


GAP = "\N{BULLET}"


class Blocks(HTMLParser):
    """Collects the text of every paragraph, item, caption and heading with what it is marked as."""

    TAGS = ("p", "li", "h1", "h2", "h3", "figcaption", "dt", "dd", "summary", "caption")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.open: list[list[Any]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        mark = "declared" if "data-declared" in named else named.get("data-statement") or ""
        if tag in self.TAGS or mark:
            self.open.append([tag, mark, ""])

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            done = self.open.pop()
            if self.open:
                self.open[-1][2] += GAP
            self.found.append((done[0], done[1], " ".join(done[2].split())))

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1][2] += data


def typed(template: str) -> str:
    """Return the words that the template itself holds."""
    bare = re.sub(r"<style>.*?</style>|{#.*?#}", "", template, flags=re.S)
    return re.sub(r"<[^>]+>|\s", "", re.sub(r"{%.*?%}|{{.*?}}", "", bare, flags=re.S))


def unmarked(page: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a page that no statement made, the scenario did not declare and the template does not hold."""
    import workbench.report as report

    template = typed((Path(report.__file__).parent / "page.html.j2").read_text(encoding="utf-8"))
    for tag, mark, said in Blocks(page).found:
        own = all("".join(part.split()) in template for part in said.split(GAP))
        if mark and mark != "declared":
            assert mark in STATEMENTS, mark
        elif not mark and tag not in ("caption", "summary") and not own:
            yield tag, said


@pytest.fixture(scope="module")
def page(database: Path) -> str:
    return render(Page(select(database)))


def test_every_sentence_of_a_page_comes_from_a_statement_or_from_the_scenario(page: str) -> None:
    assert list(unmarked(page)) == []
    marks = {mark for _, mark, _ in Blocks(page).found}
    assert len(marks & set(STATEMENTS)) > 30


def test_the_template_types_no_number_about_results() -> None:
    import workbench.report as report

    template = typed((Path(report.__file__).parent / "page.html.j2").read_text(encoding="utf-8"))
    assert re.findall(r"\d+", template) == []


def test_the_scenarios_own_text_stands_as_it_is_typed(page: str) -> None:
    declared = [said for _, mark, said in Blocks(page).found if mark == "declared"]
    assert "It knows one place of the brain only." in declared
