"""Every exact name keeps its column, whatever is derived beside it, also in a file that gains another sweep."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert
from sqlalchemy.engine import Connection
from support.cases import every_case
from support.commands import SMALL

import workbench
from workbench.cli.main import main
from workbench.errors import ScenarioError
from workbench.execution.runner import run_sweep
from workbench.execution.simulate import simulate_columns
from workbench.scenario import load_scenario
from workbench.scenario.component_tables import COLUMNS, VALUES
from workbench.scenario.names import name_fault
from workbench.store import schema
from workbench.store.views import KEYS, MEANINGS, VIEWS, write_views

WORDS = (
    *(
        "weight_x",
        "Weight_X",
        "weight-x",
        "WEIGHT-X",
        "weight__x",
        "x",
        "X",
        "1x",
        "1",
        "-x".strip("-"),
        "_1".strip("_"),
    ),
    *("select", "Order", "group", "rowid", "oid", "null", "true", "status", "outcome_x", "w_rate", "rate", "Rate"),
    *(*KEYS, *MEANINGS, *VIEWS, "seed", "expected", "trait", "outcome_run", "outcome_weight_x", "rate_2", "x_2"),
)
NAMES = st.one_of(st.sampled_from(WORDS), st.from_regex(r"[aA1][aA1_-]{0,3}", fullmatch=True)).filter(
    lambda name: not name_fault(name)
)
PATHS = st.builds("{}.{}.{}".format, st.sampled_from(("plasticity", "drug", "phase")), NAMES, NAMES)


OUTCOMES = st.lists(NAMES, max_size=5, unique_by=str.lower).map(
    lambda names: [name for name in names if name.lower() not in (*COLUMNS, *VALUES)]  # what a scenario may have
)
SWEEPS = st.lists(st.tuples(OUTCOMES, st.lists(PATHS, max_size=4, unique=True)), min_size=1, max_size=3)
EMPTY = create_engine("sqlite://").connect()
schema.metadata.create_all(EMPTY)
EMPTY.commit()


def store(connection: Connection, sweep: int, outcomes: list[str], paths: list[str]) -> dict[str, float]:
    """Write one sweep of one run by hand; returns the value of each outcome and swept path."""

    def add(table: Any, **values: Any) -> int:
        key = connection.execute(insert(table).values(**values)).inserted_primary_key
        return int(key[0]) if key is not None else 0

    def sha(text: str) -> bytes:
        return hashlib.sha256(text.encode()).digest()

    scenario = add(
        schema.scenario,
        **dict.fromkeys(("name", "title", "parameter_set", "parameter_version"), f"s{sweep}"),
        **dict.fromkeys(("bytes", "parameter_bytes"), b""),
        **dict.fromkeys(("sha256", "parameter_sha256"), sha("")),
    )
    told = dict.fromkeys(("settings", "created", "command"), "")
    add(schema.sweep, id=sweep, scenario=scenario, identity=sha(f"{sweep}"), seed=1, subjects=1, expected=1, **told)
    study = add(schema.study, sweep=sweep, ordinal=0, name="s", title="")
    arm = add(schema.arm, sweep=sweep, ordinal=0, name="one", title="", words="")
    point = add(schema.point, study=study, ordinal=0)
    structure = add(schema.structure, sha256=sha(f"structure {sweep}"), specification="")
    run = add(schema.run, key=sha(f"run {sweep}"), structure=structure, seed=1, subject=0, steps=1, status="stored")
    add(schema.sweep_run, sweep=sweep, study=study, subject=0, arm=arm, point=point, run=run)
    values: dict[str, float] = {}
    known = {row.path: row.id for row in connection.exec_driver_sql("SELECT path, id FROM axis").all()}
    for i, path in enumerate(paths):
        axis = known.get(path) or add(schema.axis, path=path, unit="1", meaning="")
        values[path] = 100.0 * sweep + i
        add(schema.point_value, point=point, axis=axis, number=values[path])
    for i, name in enumerate(outcomes):
        more = {"readout": "r", "unit": "1", "meaning": "", "better": "", "specification": ""}
        measure = add(schema.measure, kind="outcome", name=name, sha256=sha(f"{sweep} {name}"), **more)
        add(schema.sweep_measure, sweep=sweep, study=study, measure=measure, title="")
        values[f"outcome.{name}"] = 1000.0 * sweep + i
        add(schema.outcome, run=run, measure=measure, value=values[f"outcome.{name}"])
    return values


@given(SWEEPS)
@settings(max_examples=40, deadline=None)
def test_every_exact_name_holds_its_outcome_and_every_path_its_number(
    sweeps: list[tuple[list[str], list[str]]],
) -> None:
    with EMPTY.begin() as transaction:
        stored = {number: store(EMPTY, number, *sweep) for number, sweep in enumerate(sweeps, 1)}
        write_views(EMPTY)
        for view in ("runs", "outcomes_wide"):
            told = EMPTY.exec_driver_sql("SELECT path, name FROM columns WHERE view = ?", (view,)).all()
            columns = {row.path: row.name for row in told}
            for sweep, values in stored.items():
                for path, value in values.items():
                    section, _, name = path.partition(".")
                    if section != "outcome":
                        name = columns[path]
                    elif view == "runs":
                        continue
                    assert columns[path] == name
                    found = EMPTY.exec_driver_sql(f"SELECT [{name}] FROM {view} WHERE sweep = {sweep}").all()
                    assert [tuple(row) for row in found] == [(value,)]
            names = [row.name for row in EMPTY.exec_driver_sql(f"PRAGMA table_info({view})").all()]
            assert len({name.lower() for name in names}) == len(names) and tuple(names[:6]) == KEYS
        transaction.rollback()


def test_a_derived_column_moves_aside_in_an_old_file(tmp_path: Path) -> None:
    db = tmp_path / "old.db"
    for sweep, name in enumerate(("norm", "spread", "Spread"), 1):
        (tmp_path / f"{name}_.toml").write_text(SMALL.replace("[outcome.norm]", f"[outcome.{name}]"))
        run_sweep(tmp_path / f"{name}_.toml", db, workers=1, subjects=1)
        results = workbench.open_results(db)
        wide, tidy = results.outcomes_wide(sweep), results.outcomes(sweep)
        assert wide[name].tolist() == tidy[tidy.outcome == name]["value"].tolist()
        swept = "spread" if sweep == 1 else "input_output_spread"
        assert set(results.runs(1, "strength")[swept]) == {0.1, 0.2, 0.3}
        columns = results.columns().set_index(["view", "path"])["name"]
        assert columns["runs", "projection.input_output.spread"] == swept
    with sqlite3.connect(db) as connection:
        told = connection.execute("SELECT DISTINCT spread FROM outcomes_wide WHERE sweep = 2").fetchall()
    assert {value for (value,) in told} == set(results.outcomes_wide(2)["spread"])


@every_case("name", [*COLUMNS, *VALUES, "Subject", "NORM"])
def test_an_outcome_that_would_share_a_column_is_refused_at_its_line(name: str, tmp_path: Path) -> None:
    first = SMALL.index("[outcome.norm]")
    end = SMALL.index("\n[", first + 1)
    text = SMALL + "\n" + SMALL[first:end].replace("norm", name, 1) + "\n"
    (tmp_path / "alike.toml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "alike.toml")
    (problem,) = caught.value.problems
    assert problem.key == f"outcome.{name}" and text.splitlines()[problem.line - 1] == f"[outcome.{name}]"
    taken = "value in SQL" if name in VALUES else "results already have a column"
    said = "upper and lower case" if name == "NORM" else taken
    assert said in problem.message


def test_every_view_frame_file_and_comparison_knows_an_outcome_by_its_exact_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held against the same runs in memory, which have no columns to derive."""
    first, end = SMALL.index("[outcome.mean]"), SMALL.index("[course.norm]")
    windows = {
        "mean": "end of learning",
        "mean_x": "first 100 trials of learning",
        "mean-x": "first 50 trials of learning",
    }
    windows |= {
        "spread": "first 20 trials of learning",
        "value": "first 30 trials of learning",
        "1st": "first 40 trials of learning",
    }
    tables = "".join(
        SMALL[first:end].replace("[outcome.mean]", f"[outcome.{name}]").replace("end of learning", window)
        for name, window in windows.items()
    )
    file, db = tmp_path / "alike.toml", tmp_path / "alike.db"
    file.write_text(SMALL[:first] + tables + SMALL[end:])
    run_sweep(file, db, workers=1, studies=["arms"])
    right = simulate_columns(file)
    assert len({float(right[name][0]) for name in windows}) == len(windows)
    results = workbench.open_results(db)
    places = ["arm", "subject"]
    wide = results.outcomes_wide(1).astype({"arm": str}).sort_values(places)
    pairs = results.pairs(1).astype({"arm": str, "outcome": str}).sort_values(places)
    assert main(["query", str(db), "select * from outcomes_wide order by arm, subject", "--format", "csv"]) == 0
    cells = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["compare", str(db), "--all", "--json"]) == 0
    compared = {row["outcome"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    order = sorted(range(len(right["arm"])), key=lambda i: (right["arm"][i], right["subject"][i]))
    for name in windows:
        values = [float(right[name][i]) for i in order]
        fast = [value for value, i in zip(values, order, strict=True) if right["arm"][i] == "fast"]
        assert wide[name].tolist() == values and [float(cell[name]) for cell in cells] == values
        assert pairs[pairs.outcome == name]["value"].tolist() == fast
        assert compared[name]["mean"] == pytest.approx(sum(fast) / len(fast), rel=1e-12)
        told = results.sql("select name from columns where view = 'outcomes_wide' and path = ?", (f"outcome.{name}",))
        assert told["name"].tolist() == [name]
    assert "norm" in set(results.timecourse(1)["course"].astype(str))
