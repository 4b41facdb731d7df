"""What is written is what is read, by name and with types."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.store_fakes import BALANCE, TONE, FakeStudy, plan, recordings, scenario, solve, sweep_into

from workbench.errors import UsageError
from workbench.solver.batch import BatchResult
from workbench.store import Results, open_results, open_writer, query


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


@pytest.fixture
def stored(db: Path, finished: bytes) -> Results:
    db.write_bytes(finished)
    return open_results(db)


def test_outcomes_come_back_bit_for_bit_by_name(stored: Results) -> None:
    asked = plan()
    frame = stored.outcomes().set_index(["arm", "point", "subject", "outcome"])["value"]
    assert len(frame) == asked.expected * 2
    for chunk in asked.chunks(5):
        result = solve(chunk)
        for i, subject in enumerate(chunk.batch.subjects):
            arm = asked.studies[0].arms[chunk.arms[i]]
            for name, values in result.outcomes.items():
                assert frame[arm, chunk.points[i], subject, name] == values[i]


def test_courses_open_as_one_row_per_time(stored: Results) -> None:
    frame = stored.timecourse()
    chunk = next(plan().chunks(1))
    first = frame[(frame.arm == "healthy") & (frame.point == 0) & (frame.subject == 0)]
    assert list(first.time) == [10.0, 20.0, 30.0]
    assert list(first.value) == list(solve(chunk).courses["overflow_course"][:, 0])
    assert set(frame.time_unit) == {"trial"}


def test_names_are_categories_in_the_order_of_the_scenario(db: Path) -> None:
    with open_writer(db) as writer:
        sweep_into(writer, plan(arms={"zebra": None, "ant": "zebra"}))
    frame = open_results(db).outcomes()
    assert list(frame.arm.cat.categories) == ["zebra", "ant"]
    assert frame.value.dtype == "float64"
    assert frame.run.dtype == "int64"


def test_types_stay_where_a_frame_is_empty(stored: Results) -> None:
    frame = stored.outcomes(study="no such study")
    assert frame.empty
    assert frame.value.dtype == "float64"
    assert isinstance(frame.arm.dtype, pd.CategoricalDtype)


def test_pairs_subtract_the_baseline_within_the_subject(stored: Results) -> None:
    wide = stored.outcomes_wide().set_index(["arm", "point", "subject"]).overflow
    pairs = stored.pairs()
    pairs = pairs[pairs.outcome == "overflow"].set_index(["point", "subject"])
    assert set(pairs.arm) == {"ill"} and set(pairs.baseline) == {"healthy"}
    for (point, subject), row in pairs.iterrows():
        assert row.difference == wide["ill", point, subject] - wide["healthy", point, subject]


def test_first_arm_is_the_baseline_where_none_is_named(db: Path) -> None:
    with open_writer(db) as writer:
        sweep_into(writer, plan(arms={"a": None, "b": None, "c": None}))
    assert open_results(db).arms().set_index("arm").baseline.fillna("").to_dict() == {"a": "", "b": "a", "c": "a"}


def test_failed_runs_are_visible_and_hold_no_value(db: Path) -> None:
    asked = plan()
    bad = asked.key("ill", asked.studies[0].points[1], 2)
    with open_writer(db) as writer:
        sweep_into(writer, asked, failing=frozenset([bad]))
        assert (writer.tally.computed, writer.tally.failed) == (12, 1)
    results = open_results(db)
    failed = results.failures().iloc[0]
    assert (failed.arm, failed.point, failed.subject) == ("ill", 1, 2)
    assert (failed.reason, failed.step, failed.model_time) == ("weight is not finite", 7, "trial 7")
    assert list(results.runs().status).count("failed") == 1
    assert failed.run not in set(results.outcomes().run) | set(results.timecourse().run) | set(
        results.outcomes_wide().run
    )
    assert results.sweeps()[["expected", "stored", "failed"]].iloc[0].tolist() == [12, 11, 1]


def test_swept_paths_become_typed_columns_with_unit_and_meaning(stored: Results) -> None:
    frame = stored.runs()
    assert set(frame.balance) == {0.5, 1.0} and frame.balance.dtype == "float64"
    columns = stored.columns().set_index(["view", "name"])
    assert columns.loc[("runs", "balance"), "path"] == BALANCE
    assert columns.loc[("runs", "balance"), "meaning"] == "potentiation against depression"
    assert columns.loc[("outcomes_wide", "overflow"), "meaning"] == "share of output outside the cued muscle"
    assert columns.loc[("outcomes_wide", "tone"), "path"] == TONE


def test_text_levels_are_kept_as_text(db: Path) -> None:
    asked = plan()
    study = FakeStudy("order", ("healthy",), ({"task.reach.order": "fixed"}, {"task.reach.order": "random"}), 1)
    with open_writer(db) as writer:
        sweep_into(writer, replace(asked, studies=(study,)))
    assert list(open_results(db).runs()["order"]) == ["fixed", "random"]


@pytest.mark.parametrize("path", ["population.cue.value", "dose.pill.unit", "population.cue.time", "arm.tone.status"])
def test_a_swept_path_that_ends_like_a_column_gets_a_name_of_its_own(db: Path, path: str) -> None:
    study = FakeStudy("swept", ("healthy",), ({path: 0.1}, {path: 0.2}), 1)
    with open_writer(db) as writer:
        sweep_into(writer, replace(plan(), studies=(study,)))
    name = "_".join(path.split(".")[1:])
    assert set(open_results(db).runs()[name]) == {0.1, 0.2}


def test_arms_that_ask_for_equal_numbers_share_their_runs(db: Path) -> None:
    asked = plan(arms={"healthy": None, "ill": "healthy", "ill_again": "healthy"}, alike={"ill_again": "ill"})
    with open_writer(db) as writer:
        sweep_into(writer, asked, size=100)
        assert (writer.tally.computed, writer.tally.reused) == (12, 6)
    runs = open_results(db).runs().set_index(["arm", "point", "subject"]).run
    assert (runs["ill"] == runs["ill_again"]).all()


def test_the_same_command_continues_its_sweep_and_computes_nothing_twice(db: Path) -> None:
    asked = plan()
    chunks = list(asked.chunks(4))
    with open_writer(db) as writer:
        first = writer.begin(asked)
        writer.store(chunks[0], writer.missing(chunks[0]), solve(chunks[0]))
    with open_writer(db) as writer:
        assert sweep_into(writer, asked) == first
        assert (writer.tally.computed, writer.tally.reused) == (8, 4)
    with open_writer(db) as writer:
        assert sweep_into(writer, asked) == first
        assert (writer.tally.computed, writer.tally.reused) == (0, 12)


@pytest.mark.parametrize(
    "other",
    [
        plan(seed=2),
        plan(subjects=4),
        plan(balances=(0.5, 2.0)),
        plan(arms={"healthy": None}),
        plan(settings={TONE: "2"}),
        replace(plan(), scenario=scenario({"healthy": None, "ill": "healthy"}, text=b"schema = 1 # more\n")),
    ],
    ids=["seed", "subjects", "levels", "arms", "settings", "text"],
)
def test_anything_else_is_a_new_sweep(db: Path, other) -> None:
    with open_writer(db) as writer:
        first = sweep_into(writer, plan())
        assert sweep_into(writer, other) != first


def test_a_new_sweep_reuses_equal_runs(db: Path) -> None:
    with open_writer(db) as writer:
        sweep_into(writer, plan(subjects=3))
        second = sweep_into(writer, plan(subjects=5))
        assert (writer.tally.computed, writer.tally.reused) == (8, 12)
    assert len(open_results(db).outcomes(sweep=second)) == 40
    assert len(query(db, "select * from run")) == 20


def test_a_new_outcome_fills_in_the_missing_rows_only(db: Path) -> None:
    few, more = plan().with_recordings(recordings(("overflow",))), plan()
    with open_writer(db) as writer:
        first = sweep_into(writer, few)
        second = sweep_into(writer, more)
        assert writer.tally.computed == 12
    results = open_results(db)
    assert len(query(db, "select * from run")) == 12
    assert set(results.outcomes(sweep=first).outcome) == {"overflow"}
    assert set(results.outcomes(sweep=second).outcome) == {"overflow", "selectivity"}


def test_a_changed_window_is_another_measure_of_the_same_name(db: Path) -> None:
    early, late = (
        plan().with_recordings(recordings(("overflow",), (), words)) for words in ("practice", "end of practice")
    )
    with open_writer(db) as writer:
        sweeps = [sweep_into(writer, early), sweep_into(writer, late)]
    results = open_results(db)
    assert len(query(db, "select * from measure")) == 2
    for sweep in sweeps:
        assert len(results.outcomes(sweep)) == 12
        assert results.outcomes_wide(sweep).overflow.notna().all()


def test_a_place_never_changes_its_run(db: Path) -> None:
    asked = plan()
    with open_writer(db) as writer:
        sweep_into(writer, asked)
        with pytest.raises(UsageError, match="holds other runs at these places"):
            sweep_into(writer, replace(asked, alike={"ill": "changed"}))
        assert len(open_results(db).runs()) == 12


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_and_the_chunk_left_out(db: Path, value: float) -> None:
    asked = plan()
    first, second = list(asked.chunks(6))
    broken = solve(second)
    broken.outcomes["selectivity"][3] = value
    with open_writer(db) as writer:
        writer.begin(asked)
        writer.store(first, writer.missing(first), solve(first))
        with pytest.raises(ValueError, match=r"selectivity.*not finite"):
            writer.store(second, writer.missing(second), broken)
        assert len(open_results(db).runs()) == 6
        writer.store(second, writer.missing(second), solve(second))
    assert len(open_results(db).outcomes()) == 24


def test_a_result_of_other_runs_is_refused(db: Path) -> None:
    asked = plan()
    first, second = list(asked.chunks(6))
    with open_writer(db) as writer:
        writer.begin(asked)
        with pytest.raises(ValueError, match="keys are not those"):
            writer.store(first, writer.missing(first), solve(second))
        lacking: BatchResult = replace(solve(first), outcomes={})
        with pytest.raises(ValueError, match="lacks 'overflow'"):
            writer.store(first, writer.missing(first), lacking)


def test_scenario_parameters_settings_and_versions_are_kept(stored: Results) -> None:
    assert stored.scenario_text(1) == b"schema = 1\n"
    assert stored.parameter_text(1) == b"schema = 1\n"
    settings = stored.settings().set_index(["arm", "path"])
    row = settings.loc[("ill", BALANCE)]
    assert (row.number, row.unit, row.status, row.source, row.low, row.high) == (
        1.0,
        "1",
        "fitted",
        "Someone2020",
        0.5,
        4.0,
    )
    assert {"python", "numpy", "scipy", "pandas", "sqlalchemy", "sqlite", "simd", "blas", "source_sha256"} <= set(
        stored.provenance().key
    )
    assert stored.invocations().iloc[0].status == "finished"
    assert list(stored.traits().value) == [70.0, 71.0, 72.0]


def test_titles_of_any_text_are_kept_exactly(db: Path) -> None:
    title = "x'); DROP TABLE run;-- \u202e \N{BRAIN} " + "long " * 2000
    with open_writer(db) as writer:
        sweep_into(writer, replace(plan(), scenario=scenario({"healthy": None, "ill": None}, title=title)))
    assert open_results(db).sweeps().title[0] == title


def test_a_stored_run_can_be_found_again(stored: Results) -> None:
    runs = stored.runs()
    row = runs[(runs.arm == "ill") & (runs.point == 1) & (runs.subject == 2)].iloc[0]
    placed = stored.placed(int(row.run))
    asked = plan()
    assert placed.key == asked.key("ill", asked.studies[0].points[1], 2)
    assert (placed.study, placed.arm, placed.point, placed.subject, placed.seed) == ("map", "ill", 1, 2, 1)
    with pytest.raises(UsageError, match="no run 99"):
        stored.placed(99)


def test_every_table_is_strict_and_every_view_opens(db: Path, stored: Results) -> None:
    with sqlite3.connect(db) as connection:
        tables = connection.execute(
            "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
        )
        assert {name for name, strict in tables if not strict} == {"sqlite_schema"}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        views = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
        for view in views:
            connection.execute(f"SELECT * FROM {view}").fetchall()
    connection.close()
    assert {"runs", "outcomes", "outcomes_wide", "pairs", "timecourse"} <= set(views)


def test_plain_pandas_reads_the_views_without_our_code(db: Path, stored: Results) -> None:
    for view in ("outcomes", "timecourse", "pairs"):
        frame = pd.read_sql(f"select * from {view}", f"sqlite:///{db}")
        assert frame.value.sum() == pytest.approx(getattr(stored, view)().value.sum(), rel=1e-12)
