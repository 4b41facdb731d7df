"""When a dose, a session or a visit falls is known in one place: engine, checks, dose records, pages and CSV agree."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.circuits import HEAD, replaced
from support.shipped_texts import shipped_text
from support.therapies import THERAPY

import workbench
from workbench import open_results
from workbench.analysis.arm_tables import arm_tables
from workbench.analysis.protocol import arm_settings, regimens
from workbench.analysis.selection import Selection, select
from workbench.analysis.timeline import timeline
from workbench.errors import ScenarioError, UsageError
from workbench.execution.runner import run_sweep
from workbench.inspection.dose_records import dose_records
from workbench.plan import plan
from workbench.protocol.dose_record import DoseRecord
from workbench.protocol.schedule import (
    doses_given,
    event_hours,
    in_force,
    last_dose,
    number_before,
    origin,
    sessions_held,
    visit_times,
    visits_of,
)
from workbench.report.ground import Ground
from workbench.report.page_tables import table_files
from workbench.report.protocol_figure import _times, protocol_figure
from workbench.report.words import number
from workbench.scenario import load_scenario
from workbench.scenario.model import Scenario, Study
from workbench.scenario.references import plain_tables
from workbench.solver.block import Block

EXAMPLES = int(os.environ.get("WORKBENCH_SCHEDULE_EXAMPLES", "3"))
"""Examples for each clock, each of four to six arms; more by night."""
HOURS = 240.0
PHASES = {
    "tick": 'clock = "tick"\norder = 2\nlength = "10 day"\nstep = "12 h"\n'
    '[phase.before]\nclock = "tick"\nlength = "1 day"\nstep = "12 h"\n',
    "event": 'clock = "event"\nlength = "10 day"\n',
    "trial": 'trials = 50\ntrials_per_day = "5 trial/day"\n',
}
DRUG = '[drug.d]\nmodel = "one_compartment_oral"\nclearance = "3 L/h"\nvolume = "24 L"\nabsorption = "0.9 1/h"\n'
OUTCOMES = {
    "tick": '[outcome.c]\nreadout = "concentration"\ndrug = "d"\nwindow = "end of care"\n',
    "event": '[outcome.c]\nreadout = "concentration"\ndrug = "d"\nwindow = "end of care"\n',
    "trial": '[outcome.c]\nreadout = "average_concentration"\ndrug = "d"\nwindow = "care"\n',
}
HOUR = st.sampled_from([0.0, 3.0, 7.5, 60.0, 200.0, 239.0])
EVERY = st.sampled_from([6.0, 8.0, 24.0, 50.0, 240.0, 400.0])


@st.composite
def plain_words(draw: st.DrawFn) -> str:
    """Return a regimen in plain words: endless or of some doses, until, missed, offset, titrated, at steady state."""
    first, every = draw(HOUR), draw(EVERY)
    if draw(st.integers(0, 4)) == 0:
        return f'amount = "5 mg"\nevery = "{every:g} h"\nfirst = "{min(first, 3.0):g} h"\nsteady_state = true\n'
    text = f'amount = "{draw(st.sampled_from([2, 10]))} mg"\nevery = "{every:g} h"\nfirst = "{first:g} h"\n'
    text += f"count = {draw(st.sampled_from([0, 0, 1, 3, 12, 500]))}\n"
    fit = int(number_before(HOURS, first, every))
    if draw(st.booleans()) and first + every < HOURS:
        text += f'until = "{first + every * draw(st.sampled_from([1, 1.5, 4]))} h"\n'
    elif draw(st.booleans()) and fit > 2:
        text += "count = 0\nmissed = [2]\n" if "count = 0" in text else ""
        text = text.replace("count = 0\ncount = 0\n", "count = 0\n")
    if draw(st.booleans()):
        text += f'duration = "{draw(st.sampled_from([0.5, 4.0]))} h"\n'
    elif draw(st.booleans()):
        text += 'titration_start = "0 mg/day"\ntitration_step = "0.1 mg/day"\ntitration_each = "1 day"\n'
    return text


@st.composite
def one_record(draw: st.DrawFn) -> str:
    """Return the words of NONMEM: a record with further doses or without."""
    text = f'regimen = "nonmem"\namt = "5 mg"\ntime = "{draw(HOUR):g} h"\n'
    text += f'ii = "{draw(EVERY):g} h"\naddl = {draw(st.sampled_from([1, 3, 40]))}\n' if draw(st.booleans()) else ""
    return text + draw(st.sampled_from(["", 'rate = "2 mg/h"\n', "evid = 4\n"]))


@st.composite
def records(draw: st.DrawFn) -> str:
    """Return a table of one person's records, or of several people's, each with records of their own."""
    rows = [f"{who},{row}" for who in range(1, draw(st.sampled_from([1, 1, 2])) + 1) for row in draw(of_one_person())]
    return 'regimen = "table"\ntable = """\nID,TIME,AMT,RATE,II,ADDL,SS,EVID\n' + "\n".join(rows) + '\n"""\n'


@st.composite
def of_one_person(draw: st.DrawFn) -> list[str]:
    """Return records in order of time, with resets, steady states and records past the end of the phase."""
    times = sorted(
        draw(st.lists(st.sampled_from([0, 5, 30, 60, 61.5, 100, 180, 239, 240, 300]), min_size=1, max_size=5))
    )
    rows = ["0,3,.,.,.,.,1"]  # a table gives something, and something before the end
    for time in times:
        kind = draw(st.sampled_from(["dose", "doses", "steady", "infusion", "reset", "both"]))
        evid = {"reset": 3, "both": 4}.get(kind, 1)
        amount = "." if kind == "reset" else draw(st.sampled_from([4, 9]))
        further = ".,."
        if kind in ("doses", "steady"):
            further = f"{draw(st.sampled_from([6, 24, 70]))},{draw(st.sampled_from([1, 5]))}"
        settled = draw(st.sampled_from([1, 2])) if kind == "steady" else "."
        rows.append(f"{time},{amount},{2 if kind == 'infusion' else '.'},{further},{settled},{evid}")
    return rows


REGIMENS = st.lists(st.one_of(plain_words(), one_record(), records()), min_size=4, max_size=6)


def block_of(scenario: Scenario, arm: str, person: int = 0) -> Block:
    """Return the run of one person in an arm, assembled as the engine assembles it."""
    study = Study("alone", "", (arm,), 1)
    alone = replace(scenario, studies=MappingProxyType({"alone": study}))
    *_, chunk = plan(alone, subjects=person + 1).chunks(lambda structure: 1)
    return Block(chunk.batch, scenario.registry)


def taken(scenario: Scenario, arm: str, person: int = 0) -> list[tuple[float, float]]:
    """Return hour and amount of each dose that the engine takes in while it goes through the phase."""
    block = block_of(scenario, arm, person)
    block.build("drug", "d")
    (exposure,) = block.exposures
    exposure.advance("care", 0.0, 0.0, average=False, look=True)
    body: Any = exposure.since("care")  # type: ignore[attr-defined]
    begin = exposure.phases["care"][0]
    found = _taken_now(body, [0.0] * len(body.begun))
    while float(when := np.min(body.next_event())) < begin + HOURS:
        before = [float(np.max(begun)) for begun in body.begun]
        body.move(when)
        body.take()
        found += _taken_now(body, before)
    return sorted((hour - begin, amount) for hour, amount in found if amount > 0.0)


def _taken_now(body: Any, before: list[float]) -> list[tuple[float, float]]:
    now = float(np.max(body.at))
    last = [(doses, float(np.max(begun)) - 1.0) for doses, begun in zip(body.doses, body.begun, strict=True)]
    return [
        (float(np.max(doses.given(k))), float(np.max(doses.prescribed(k))))
        for (doses, k), old in zip(last, before, strict=True)
        if k + 1.0 > old and abs(float(np.max(doses.given(k))) - now) < 1e-6
    ]


def written_down(scenario: Scenario, arm: str) -> list[tuple[float, float]]:
    """Return hour and amount of every dose that `workbench doses` prints of the first person who is given any."""
    by_person: dict[float, list[DoseRecord]] = {}
    for record in dose_records(scenario, arm):
        by_person.setdefault(record.subject, []).append(record)
    for records in by_person.values():
        given = [(r, many) for r, many in in_force(records) if r.amt > 0.0]
        if doses := sorted((r.time + k * r.ii, r.amt) for r, many in given for k in range(int(many))):
            return doses
    return []


def hours(doses: Any) -> list[float]:
    """Return when doses fall."""
    return [hour for hour, _ in doses]


def arms_of(regimens: list[str], clock: str) -> str:
    """Return a scenario in which each arm is given one of the regimens."""
    names = [f"r{i}" for i in range(len(regimens))]
    text = replaced(HEAD, ("count = 6", "count = 2")) + DRUG + f"[phase.care]\n{PHASES[clock]}" + OUTCOMES[clock]
    for name, words in zip(names, regimens, strict=True):
        others = json.dumps([f"dose.{other}" for other in names if other != name])
        text += f'[dose.{name}]\ndrug = "d"\nduring = "care"\n{words}[arm.{name}]\nwithout = {others}\n'
    return text


@pytest.mark.parametrize("clock", PHASES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # arms of text shrink for minutes, and each failure names its own
)
@given(given_regimens=REGIMENS)
def test_engine_records_checks_and_pages_know_the_same_doses(given_regimens: list[str], clock: str) -> None:
    with TemporaryDirectory() as folder:
        file, db = Path(folder) / "t.toml", Path(folder) / "t.db"
        file.write_text(arms_of(given_regimens, clock))
        run_sweep(file, db=db, workers=1)
        scenario = load_scenario(file)
        with open_results(db) as results:
            selection = select(results)
            for i, words in enumerate(given_regimens):
                _agree(scenario, selection, f"r{i}", words)


def _agree(scenario: Scenario, selection: Selection, arm: str, words: str) -> None:
    everybody = [taken(scenario, arm, person) for person in range(2 if "\n2," in words else 1)]
    right = next(filter(None, everybody), [])
    whole = plain_tables(scenario.tables, scenario.parameters)
    stored = arm_tables(arm_settings(selection, arm))
    for tables in (whole, stored):
        known = doses_given(tables["dose"][arm], tables)
        assert known is not None, words
        assert np.ravel(known) == pytest.approx(np.ravel(right)), words
    try:
        assert np.ravel(written_down(scenario, arm)) == pytest.approx(np.ravel(right)), words
    except UsageError:
        assert not right or "steady" in words, words
    if right and "titration" not in words:
        assert last_dose(whole["dose"][arm], whole) == pytest.approx(
            max(doses[-1][0] for doses in everybody if doses)
        ), words
    drawn = timeline(selection, arm)
    assert drawn is not None, "trials, ticks and events are drawn alike"
    before = 24.0 * ("before" in whole["phase"])  # a day of another phase
    _agrees_with_what_is_drawn(drawn.unit, drawn.lanes, hours(right), before, words)
    said = regimens(arm_settings(selection, arm))
    assert bool(said) == bool(right), words
    if right and not ("missed" in words or "titration" in words):
        assert sum(len(right) if not (r.once or r.count) else 1 if r.once else r.count for r in said) == len(right), (
            words
        )


def _agrees_with_what_is_drawn(unit: str, lanes: Any, right: list[float], before: float, words: str) -> None:
    assert len(lanes) == bool(right), words
    for lane in lanes:
        if unit == "day":
            assert [24.0 * day - before for day in lane.at] == pytest.approx(right), words
            continue
        trials = [hour * 5.0 / 24.0 for hour in right]
        starts = sorted([*lane.at, *(start for start, _ in lane.spans)])
        assert starts[0] == pytest.approx(trials[0]), words
        inside = [any(a - 1e-6 <= t < b for a, b in lane.spans) or t in map(pytest.approx, lane.at) for t in trials]
        assert all(inside), words
        assert all(any(start == pytest.approx(t) for t in trials) for start in starts), words
        assert all(b <= 50.0 for _, b in lane.spans), words
        assert len(re.split("; |, ", _times(lane))) == len(lane.spans) + len(lane.at), words


def test_events_are_drawn_when_the_engine_has_them(tmp_path: Path) -> None:
    file, db = tmp_path / "t.toml", tmp_path / "t.db"
    file.write_text(
        shipped_text("rules/eligibility_delay").replace('at = "3 s"', 'at = "3 s"\nevery = "10 s"\ncount = 4')
    )
    run_sweep(file, db=db, workers=1, subjects=1)
    with open_results(db) as results:
        drawn = timeline(select(results), "dopamine")
        figure = protocol_figure(Ground(select(results)))
    assert drawn is not None and (drawn.unit, drawn.end) == ("second", pytest.approx(60.0))
    assert figure is not None and "Activity at second 2" in str(figure.title)
    assert "4 times from second 3 to second 33" in str(figure.title)
    block = block_of(load_scenario(file), "dopamine")
    for lane in drawn.lanes:
        event: Any = block.component("event", lane.name)
        assert [second / 3600.0 for second in lane.at] == pytest.approx(event_hours(event.at, event.every, event.count))
    assert {lane.name: len(lane.at) for lane in drawn.lanes} == {"activity": 1, "dopamine": 4}


def test_what_falls_outside_its_phase_is_refused(tmp_path: Path) -> None:
    text = shipped_text("rules/eligibility_delay").replace('at = "3 s"', 'at = "3 s"\nevery = "30 s"\ncount = 3')
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(ScenarioError, match=r"event\.dopamine\.count: the last is at 63 s, after the end of phase"):
        load_scenario(tmp_path / "t.toml")
    late = 'amount = "5 mg"\nevery = "6 h"\nfirst = "7.5 h"\nsteady_state = true\n'
    (tmp_path / "d.toml").write_text(arms_of([late], "tick"))
    with pytest.raises(
        ScenarioError, match=r"dose\.r0\.first: must be below every \(6 h\) at steady state, got 7\.5 h"
    ):
        load_scenario(tmp_path / "d.toml")


def test_sessions_and_visits_count_from_the_first_dose_whether_it_is_given_or_not(tmp_path: Path) -> None:
    """A dose that is missed, withheld, or of a table keeps its place: pages find sessions where the engine holds them."""
    text = replaced(
        THERAPY,
        ("count = 1\nduring", "count = 3\nduring"),
        ('at = ["1 day", "7 day", "13 day"]', 'at = ["1 day", "5 day", "8 day"]'),
    )
    text += '[arm.first_missed]\ncompare_with = "placebo"\n[arm.first_missed.set]\n"dose.infusion.missed" = [1]\n'
    file, db = tmp_path / "t.toml", tmp_path / "t.db"
    file.write_text(text)
    arms = ["placebo", "therapy", "ketamine", "first_missed"]
    run_sweep(file, db=db, workers=1, subjects=1, arms=arms)
    scenario = load_scenario(file)
    with open_results(db) as results:
        selection = select(results)
        for arm in arms:
            _same_sessions(scenario, selection, arm)
        ground = Ground(selection)
        figure = protocol_figure(ground)
        assert figure is not None and ground.aims.benefit is not None
        stored = arm_tables(arm_settings(selection, ground.aims.benefit.arm))
    (file_of_table,) = table_files(figure.tables, tmp_path, force=False).values()
    cells = {row["Kind"]: row["When"] for row in csv.DictReader(io.StringIO(file_of_table))}
    sessions = sessions_held(stored["session"]["training"], stored)
    doses = doses_given(stored["dose"]["infusion"], stored)
    assert sessions and doses
    assert cells["session"] == ", ".join(number(hour / 24.0) for hour in sessions)
    assert cells["dose"] == ", ".join(number(hour / 24.0) for hour, _ in doses)


def _same_sessions(scenario: Scenario, selection: Selection, arm: str) -> None:
    block, stored = block_of(scenario, arm), arm_tables(arm_settings(selection, arm))
    drawn = timeline(selection, arm)
    assert drawn is not None
    shown = {(lane.kind, lane.name): [24.0 * day for day in lane.at] for lane in drawn.lanes}
    for name, session in block.all("session"):
        begins = sorted(session.timetable(block)._begins.tolist())
        assert sessions_held(stored["session"][name], stored) == pytest.approx(tuple(begins)), (arm, name)
        assert shown.get(("session", name), []) == pytest.approx(begins), (arm, name)
    for name, held in block.all("assessment"):
        times = visit_times(held.at, held.first, held.every, held.count)
        visits = [float(origin(block, held.after) + time) for time in times]
        assert visits_of(stored["assessment"][name], stored) == pytest.approx(tuple(visits)), (arm, name)
        assert shown[("visit", name)] == pytest.approx(visits), (arm, name)


def test_the_hours_of_a_day_are_a_number_of_one_module() -> None:
    """No other module reckons with 24 h or 3600 s of its own, or has the type of arrays once more."""
    number, alias = (
        re.compile(r"(?<!\*)[*/%] ?(24|3600)(?! h)\b|= (24|3600)\.0$", re.MULTILINE),
        re.compile("Array = NDArray"),
    )
    files = [
        file
        for file in Path(workbench.__file__).parent.rglob("*.py")
        if file.name not in ("quantities.py", "arrays.py")
    ]
    assert len(files) > 100
    assert [file.name for file in files if number.search(text := file.read_text()) or alias.search(text)] == []
