"""The store at work with real plans and results instead of handmade ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.plan import Plan, plan
from workbench.scenario import load_scenario
from workbench.solver.run import solve, width_for
from workbench.store import complete_rows, digest, open_results, open_writer

SCENARIO = Path(__file__).parents[2] / "scenarios" / "rules" / "hebb.toml"


@pytest.fixture(scope="module")
def asked() -> Plan:
    """Three subjects of a shipped scenario, with a short protocol."""
    return plan(load_scenario(SCENARIO), subjects=3, settings={"phase.learning.trials": "200"})


def sweep(db: Path, asked: Plan, width: int | None = None) -> None:
    with open_writer(db) as writer:
        writer.begin(asked, command="workbench sweep")
        for chunk in asked.chunks(width_for if width is None else lambda structure: width):
            rows = writer.missing(chunk)
            if len(rows):
                writer.store(chunk, rows, solve(chunk.batch.take(rows)))
        writer.finish()


def test_a_real_sweep_is_stored_whole_and_read_by_name(tmp_path: Path, asked: Plan) -> None:
    db = tmp_path / "results.db"
    sweep(db, asked)
    results = open_results(db)
    assert results.sweeps()[["expected", "stored", "failed"]].iloc[0].tolist() == [asked.expected, asked.expected, 0]
    assert set(results.outcomes().outcome) == set(asked.scenario.tables["outcome"])
    assert set(results.timecourse().course) == set(asked.scenario.tables["course"])
    assert list(results.measures(study=asked.studies[0].name).query("kind == 'outcome'")["name"]) == list(
        asked.scenario.tables["outcome"]
    )
    assert results.scenario_text(1) == SCENARIO.read_bytes()
    settings = results.settings().set_index(["arm", "path"])
    arm = asked.studies[0].arms[0]
    assert settings.loc[(arm, "phase.learning.trials"), ["number", "origin"]].tolist() == [200.0, "command line"]
    assert list(results.placed(1).settings.items()) == [("phase.learning.trials", "200")]


def test_real_runs_come_to_one_digest_in_any_width(tmp_path: Path, asked: Plan) -> None:
    sweep(tmp_path / "one.db", asked)
    sweep(tmp_path / "two.db", asked, width=2)
    assert digest(tmp_path / "one.db") == digest(tmp_path / "two.db")


def test_complete_rows_says_what_a_sweep_would_find(tmp_path: Path, asked: Plan) -> None:
    db = tmp_path / "results.db"
    sweep(db, plan(asked.scenario, subjects=2, settings=asked.settings))
    found = [complete for _, complete in complete_rows(db, asked.chunks(width_for), asked.scenario.registry)]
    assert sum(found) == asked.expected * 2 // 3


def test_a_relative_axis_is_told_from_an_absolute_one_of_the_same_path(tmp_path: Path) -> None:
    text = SCENARIO.read_text(encoding="utf-8").partition("[study.rate]")[0]
    db, rate = tmp_path / "results.db", "plasticity.input_output.rate"
    for levels in ("values = [0.002, 0.004]", "values = [0.5, 1.0], relative = true"):
        (tmp_path / "hebb.toml").write_text(f'{text}[study.rate]\n[study.rate.sweep]\n"{rate}" = {{ {levels} }}\n')
        sweep(db, plan(load_scenario(tmp_path / "hebb.toml"), subjects=1, studies=["rate"]))
    columns = open_results(db).columns().query("view == 'runs' and path == @rate")
    absolute, factor = columns.sort_values("meaning").itertuples()
    assert factor.meaning == absolute.meaning + " (a factor on the arm's own value)"
    runs = open_results(db).runs()
    assert runs.loc[runs["sweep"] == 1, absolute.name].tolist() == [0.002, 0.004]
    assert runs.loc[runs["sweep"] == 2, factor.name].tolist() == [0.5, 1.0]
    assert runs.loc[runs["sweep"] == 2, absolute.name].isna().all()
