"""What a sweep counts, reuses, refuses and hands back, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from support.commands import DIVERGING, SMALL

import workbench
from workbench.component.declaration import Component, number
from workbench.errors import ScenarioError, StorageError, UsageError
from workbench.execution import workers
from workbench.execution.pilot import RunForecast
from workbench.execution.progress import RunCounts
from workbench.execution.runner import forecast, prepare
from workbench.execution.signals import StoppedAtOnce, StopSignal
from workbench.plasticity.hebb import Hebb
from workbench.store.result_digest import digest


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


class Notes:
    """Keeps what a sweep reports."""

    def __init__(self) -> None:
        self.forecasts: list[RunForecast] = []
        self.counts: list[RunCounts] = []

    def forecast(self, forecast: RunForecast) -> None:
        self.forecasts.append(forecast)

    def advance(self, counts: RunCounts) -> None:
        self.counts.append(counts)

    def stopping(self, number: int) -> None:
        raise AssertionError(f"nobody sent signal {number}")


def test_counts_add_up_and_equal_runs_of_two_studies_are_computed_once(scenario: Path) -> None:
    notes = Notes()
    result = workbench.run_sweep(scenario, scenario.with_name("a.db"), workers=1, progress=notes)
    assert (result.expected, result.stored, result.reused, result.failed, result.missing) == (30, 24, 6, 0, 0)
    assert result.run_steps == 24 * 300
    assert notes.counts[-1].missing == 0
    assert [f.plan.expected for f in notes.forecasts] == [30]
    assert all(c.expected == c.stored + c.failed + c.reused + c.missing for c in notes.counts)


def test_the_same_sweep_again_computes_nothing_and_changes_no_result(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1)
    before = digest(db)
    again = workbench.run_sweep(scenario, db, workers=1)
    assert (again.stored, again.reused, again.run_steps) == (0, 30, 0)
    assert digest(db) == before


def test_a_sweep_with_nothing_left_starts_no_worker(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1)
    started: list[int] = []
    monkeypatch.setattr(workers, "Processes", started.append)
    assert workbench.run_sweep(scenario, db, workers=2).reused == 30
    assert started == []


def test_widening_computes_only_the_new_runs(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1, subjects=2)
    wider = workbench.run_sweep(scenario, db, workers=1, subjects=3)
    assert wider.expected == 2 * 3 + 2 * 3 * 3
    assert wider.run_steps == 300 * (2 * 3 * 1)


def test_a_retitled_scenario_reuses_every_run(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    first = workbench.run_sweep(scenario, db, workers=1)
    scenario.write_text(SMALL.replace("Small and quick", "Another title"))
    second = workbench.run_sweep(scenario, db, workers=1)
    assert second.sweep != first.sweep
    assert (second.stored, second.reused) == (0, 30)


def test_a_new_outcome_is_computed_for_runs_that_were_stored_without_it(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1)
    more = '\n[outcome.early]\nreadout = "weight_norm"\nprojection = "input_output"\nwindow = "first 10 trials of learning"\n'
    scenario.write_text(SMALL + more)
    again = workbench.run_sweep(scenario, db, workers=1)
    assert again.stored == 24
    assert set(workbench.open_results(db).outcomes(sweep=again.sweep)["outcome"]) == {"norm", "mean", "early"}


def test_dry_run_counts_what_is_stored_and_writes_nothing(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    fresh = forecast(prepare(scenario, db))
    assert (fresh.reused, fresh.left) == (0, 30)
    assert fresh.seconds > 0 and fresh.database_bytes > 0
    assert not db.exists()
    workbench.run_sweep(scenario, db, workers=1, arms=["slow"])
    before = db.read_bytes()
    widened = forecast(prepare(scenario, db))
    assert (widened.reused, widened.left) == (15, 15)
    assert db.read_bytes() == before


def test_a_forecast_looks_at_where_the_runs_are_not_at_what_comes_first(scenario: Path) -> None:
    """A first study of one run would say nothing about the speed, and nothing about the room that courses take."""
    few = '\n[study.a_few]\ntitle = "Comes first"\narms = ["slow"]\nsubjects = 1\nrecord = false\n'
    many = '\n[study.many]\ntitle = "Where time goes"\narms = ["slow"]\nsubjects = 900\n'
    head, _, _ = SMALL.partition("[study.")
    scenario.write_text(head + few + many)
    request = prepare(scenario, scenario.with_name("a.db"), workers=1)
    assert len(request.widest().batch) == 900
    assert [(runs, blocks) for _, runs, blocks in request.counts()] == [(1, 1), (900, 1)]
    asked = forecast(request)
    workbench.run_sweep(scenario, request.db, workers=1)
    assert asked.database_bytes == pytest.approx(request.db.stat().st_size, rel=0.6)


def test_I11_diverging_runs_are_stored_as_failed_and_the_others_are_fine(tmp_path: Path) -> None:
    file, db = tmp_path / "diverging.toml", tmp_path / "a.db"
    file.write_text(DIVERGING)
    result = workbench.run_sweep(file, db, workers=1)
    assert (result.stored, result.failed, result.missing) == (6, 6, 0)
    failures = workbench.open_results(db).failures()
    assert set(failures["arm"]) == {"wild"}
    assert workbench.open_results(db).outcomes()["value"].notna().all()
    again = workbench.run_sweep(file, db, workers=1)
    assert (again.stored, again.failed, again.reused, again.missing) == (0, 6, 6, 0)


def test_fail_fast_stops_after_the_block_that_failed(tmp_path: Path) -> None:
    file = tmp_path / "diverging.toml"
    lengths = '[study.arms.sweep]\n"phase.learning.trials" = { values = [300, 301, 302, 303] }\n'
    file.write_text(DIVERGING + lengths)
    result = workbench.run_sweep(file, tmp_path / "a.db", workers=1, fail_fast=True)
    assert result.failed == 6
    assert result.missing == 36


def test_I12_a_bug_in_one_block_keeps_the_others(tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Buggy(Hebb):
        """Oja's rule, with a bug that shows only in long phases."""

        name: ClassVar[str] = "buggy"

        def build(self, block: Any, name: str) -> None:
            super().build(block, name)
            trials = max(phase.trials for _, phase in block.all("phase"))
            block.step("readout", lambda t: 1 / (trials <= 300))

    file, db = tmp_path / "buggy.toml", tmp_path / "a.db"
    lengths = '[study.strength.sweep]\n"phase.learning.trials" = { values = [300, 400] }\n#'
    file.write_text(SMALL.replace('"hebb"', '"buggy"').replace("[study.strength.sweep]\n", lengths))
    with pytest.raises(ZeroDivisionError):
        workbench.run_sweep(file, db, components=[Buggy])
    stored = workbench.open_results(db).sweeps()["stored"].item()
    assert 0 < stored < 24


def test_a_rule_defined_in_a_notebook_runs_and_another_name_reproduces_its_parent(scenario: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Slower(Hebb):
        """Oja's rule under another name."""

        name: ClassVar[str] = "mine"

    plain = workbench.simulate(scenario, arms=["slow"])
    scenario.write_text(SMALL.replace('rule = "hebb"', 'rule = "mine"'))
    mine = workbench.simulate(scenario, arms=["slow"], components=[Slower])
    assert np.array_equal(plain["norm"], mine["norm"])
    result = workbench.run_sweep(scenario, scenario.with_name("a.db"), components=[Slower], workers=2)
    assert (result.workers, result.missing) == (1, 0)


def test_simulate_gives_the_bits_that_a_sweep_stores(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1)
    stored = workbench.open_results(db).outcomes_wide(study="strength").sort_values(["point", "arm", "subject"])
    import pandas as pd

    points = pd.DataFrame({"projection.input_output.spread": [0.1, 0.2, 0.3]})
    frame = workbench.simulate(scenario, points, subjects=3)
    assert list(frame["projection.input_output.spread"]) == [0.1] * 6 + [0.2] * 6 + [0.3] * 6
    for name in ("norm", "mean"):
        assert frame[name].to_list() == stored[name].to_list()
    assert (frame["failure"] == "").all()


def test_simulate_solves_equal_runs_once_and_answers_for_each(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    from workbench.execution.workers import Alone

    solved, submit = list[bytes](), Alone.submit
    monkeypatch.setattr(Alone, "submit", lambda self, batch: (solved.extend(batch.keys), submit(self, batch))[1])
    frame = workbench.simulate(scenario, pd.DataFrame({"projection.input_output.spread": [0.2, 0.1, 0.2]}), subjects=2)
    assert len(frame) == 3 * 2 * 2 and len(solved) == len(set(solved)) == 2 * 2 * 2
    parts = [frame[frame.point == point].reset_index(drop=True).drop(columns="point") for point in range(3)]
    assert parts[0].equals(parts[2]) and not parts[0].equals(parts[1])


def test_simulate_names_the_point_that_makes_no_sense(scenario: Path) -> None:
    import pandas as pd

    points = pd.DataFrame({"plasticity.input_output.rate": [0.002, -1.0]})
    with pytest.raises(ScenarioError, match=r"rate\[1\]"):
        workbench.simulate(scenario, points)


def test_replay_repeats_a_run_bit_for_bit_whatever_the_scenario_file_says_now(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    workbench.run_sweep(scenario, db, workers=1)
    scenario.unlink()
    for run in (1, 13, 24):
        seen = workbench.replay(db, run)
        assert seen.equal and set(seen.stored) == {"norm", "mean"}
        assert len(seen.series["weight_norm"]) == 300
        assert seen.series["weight_norm"][-1] == seen.stored["norm"]


def test_bad_arguments_touch_no_file(scenario: Path) -> None:
    db = scenario.with_name("a.db")
    with pytest.raises(UsageError, match="workers"):
        workbench.run_sweep(scenario, db, workers=-1)
    with pytest.raises(UsageError, match="slow, fast"):
        workbench.run_sweep(scenario, db, arms=["sloow"])
    with pytest.raises(ScenarioError, match=r"plasticity\.input_output\.rat"):
        workbench.run_sweep(scenario, db, settings={"plasticity.input_output.rat": "1"})
    assert [p.name for p in scenario.parent.iterdir()] == ["small.toml"]


def test_a_missing_folder_is_said_before_anything_is_computed(scenario: Path) -> None:
    notes = Notes()
    with pytest.raises(StorageError, match="does not exist"):
        workbench.run_sweep(scenario, scenario.parent / "nowhere" / "a.db", progress=notes)
    assert notes.forecasts == []


def test_asked_to_stop_twice_raises() -> None:
    heard: list[int] = []
    stop = StopSignal(heard.append)
    stop.request(2)
    with pytest.raises(StoppedAtOnce):
        stop.request(2)
    assert heard == [2]


def test_every_public_name_is_there_and_a_wrong_one_is_an_attribute_error() -> None:
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    assert set(workbench.__all__) <= set(dir(workbench))
    with pytest.raises(AttributeError, match="run_sweeps"):
        _ = workbench.run_sweeps  # type: ignore[attr-defined]


def test_components_that_are_no_components_are_refused_by_name() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Nowhere(Component):
        """Belongs to no section."""

        section: ClassVar[str] = "nowhere"
        name: ClassVar[str] = "x"
        rate: float = number(1.0, "1", "unused")

    with pytest.raises(ValueError, match="Nowhere"):
        workbench.simulate("whatever.toml", components=[Nowhere])


def test_a_forecast_counts_the_steps_of_each_structure(scenario: Path) -> None:
    """One arm of many trials takes most of the time, however narrow its blocks are."""
    before = forecast(prepare(scenario, scenario.with_name("a.db"), workers=1))
    more = '\n[study.long]\nsubjects = 2\narms = ["slow"]\n[study.long.sweep]\n"phase.learning.trials" = { values = [500000] }\n'
    scenario.write_text(SMALL + more)
    asked = forecast(prepare(scenario, scenario.with_name("a.db"), workers=1))
    assert asked.rate * asked.seconds - before.rate * before.seconds == pytest.approx(2 * 500_000, rel=1e-6)
    assert asked.seconds > 10 * before.seconds
