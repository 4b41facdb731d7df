"""Every shipped scenario, run whole by the real command: sound, complete, repeatable, and shown on a page."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import answer, process, workbench
from support.shipped_runs import LONGEST, SCENARIOS, Shipped, shipped_scenario

import workbench as api
from workbench.scenario.shipped_files import scenarios_folder

QUICKLY_READ = 1_000
"""Runs of which two digests take no second; that storing again changes no row is tested in tests/store for any number."""
every = pytest.mark.parametrize("scenario", SCENARIOS)


@pytest.mark.parametrize(
    "scenario",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in LONGEST),
        *(name for name in SCENARIOS if name not in LONGEST),
    ],
)
def test_all_its_runs_are_stored_and_none_failed(shipped: Shipped, scenario: str) -> None:
    said = shipped.answer(scenario)
    assert said["ok"] and said["failed"] == said["missing"] == 0
    assert said["stored"] + said["reused"] == said["expected"] > 0
    results = api.open_results(shipped.db(scenario))
    counted = results.sweeps()[["expected", "stored", "failed"]].iloc[0].tolist()
    assert counted == [said["expected"], said["expected"], 0]
    measures = results.measures().query("kind == 'outcome'").groupby("study", observed=True).size()
    runs = results.sql("SELECT study, count(*) AS runs FROM runs GROUP BY study").set_index("study")["runs"]
    rows, numbers = results.sql("SELECT count(*), count(value) FROM outcomes").iloc[0]
    assert rows == numbers == sum(measures[study] * count for study, count in runs.items())


@every
def test_the_same_command_again_computes_nothing(shipped: Shipped, scenario: str, tmp_path: Path) -> None:
    folder = shipped.copy(scenario, to=tmp_path)
    again = answer(workbench("sweep", f"scenarios/{scenario}.toml", "--json", cwd=folder))
    assert (again["stored"], again["reused"], again["run_steps"]) == (0, again["expected"], 0)
    if again["expected"] <= QUICKLY_READ:
        before = answer(workbench("digest", shipped.db(scenario), "--json", cwd=folder))["digest"]
        assert answer(workbench("digest", again["db"], "--json", cwd=folder))["digest"] == before


@pytest.mark.parametrize("workers", ["0", "1", "2"])
def test_one_and_two_workers_come_to_one_digest(shipped: Shipped, workers: str, tmp_path: Path) -> None:
    said = answer(
        process(
            "sweep",
            "scenarios/rules/oja.toml",
            "--db",
            tmp_path / "oja.db",
            "--workers",
            workers,
            "--json",
            cwd=shipped.folder,
        )
    )
    assert said["workers"] == max(int(workers), 1)
    assert (
        workbench("digest", tmp_path / "oja.db", cwd=tmp_path).stdout
        == workbench("digest", shipped.db("rules/oja"), cwd=tmp_path).stdout
    )


@every
def test_check_finds_nothing(scenario: str) -> None:
    done = workbench("check", f"{scenario}.toml", cwd=scenarios_folder())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{scenario}.toml: ok (") and done.stderr == ""


@every_case("scenario", SCENARIOS)
def test_its_first_line_names_the_schema_beside_it(scenario: str) -> None:
    file = scenarios_folder() / f"{scenario}.toml"
    key, _, place = file.read_text(encoding="utf-8").partition("\n")[0].partition(" ")
    assert key == "#:schema"
    assert (file.parent / place).resolve() == (scenarios_folder() / "scenario.schema.json").resolve()


def test_the_schema_beside_them_is_the_one_that_the_command_prints() -> None:
    printed = workbench("schema", cwd=scenarios_folder()).stdout
    assert (scenarios_folder() / "scenario.schema.json").read_text(encoding="utf-8") == printed


@every
def test_its_page_asks_its_question_names_its_arms_and_says_its_limits(shipped: Shipped, scenario: str) -> None:
    page = shipped.page(scenario).read_text(encoding="utf-8")
    said, asked = html.unescape(page), shipped_scenario(scenario)
    sentences = [asked.title, asked.use.question, asked.use.not_for, *asked.use.limits, *asked.summary]
    sentences += [arm.title for arm in asked.arms.values()]
    assert [sentence for sentence in sentences if sentence not in said] == []
    assert "<script" not in page and "nan" not in said.lower().split()
    assert page.count("<svg") > 0
