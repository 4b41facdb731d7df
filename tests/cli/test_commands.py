"""Every command on a small database, as a user gives it."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path

import pytest
from support.commands import DIVERGING, ROOT, SMALL, answer, process, workbench
from support.fabricated import accounted

from workbench import __version__
from workbench.cli.main import app
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import ENGINE_REVISION


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario and its finished sweep, `results.db`."""
    place = tmp_path_factory.mktemp("small")
    (place / "small.toml").write_text(SMALL)
    done = process("sweep", "small.toml", "--db", "results.db", "--workers", "1", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def test_sweep_ends_with_counts_that_add_up_the_next_command_and_a_snippet_that_runs(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--db", "results.db", "--workers", "1", cwd=folder)
    assert "2 arms x 1 point x 6 subjects = 12 runs" in done.stderr
    assert "2 arms x 3 points x 3 subjects = 18 runs" in done.stderr
    assert "30 runs in all, 30 already stored, 0 to compute" in done.stderr
    assert "30 runs = 0 stored + 0 failed + 30 reused + 0 missing" in done.stdout
    assert "next: workbench compare results.db" in done.stdout
    snippet = done.stdout[done.stdout.index("import pandas") :]
    assert len(snippet.splitlines()) == 3
    import os

    before = Path.cwd()
    os.chdir(folder)
    try:
        exec(compile(snippet, "snippet", "exec"), {})  # noqa: S102 - the snippet is what is tested
    finally:
        os.chdir(before)


def test_sweep_json_is_one_object_and_standard_error_is_silent(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--db", "json.db", "--workers", "1", "--json", cwd=folder)
    found = answer(done)
    assert done.returncode == 0 and done.stderr == ""
    assert {
        k: found[k] for k in ("schema", "ok", "sweep", "scenario", "db", "expected", "stored", "failed", "reused")
    } == {
        "schema": 1,
        "ok": True,
        "sweep": 1,
        "scenario": "small",
        "db": "json.db",
        "expected": 30,
        "stored": 24,
        "failed": 0,
        "reused": 6,
    }
    assert found["run_steps"] == 24 * 300 and found["seconds"] > 0


def test_sweep_without_db_writes_below_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    done = workbench("sweep", "small.toml", "--subjects", "1", "--workers", "0", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "results" / "small.db").exists()


def test_sweep_narrowed_by_arm_and_set_is_a_sweep_of_its_own(folder: Path) -> None:
    changed = ("--arm", "slow", "--set", "projection.input_output.weight=0.1", "--seed", "3")
    found = answer(workbench("sweep", "small.toml", "--db", "set.db", *changed, "--json", cwd=folder))
    assert found["expected"] == 6 + 9 and found["stored"] == 15 - 3 * 0
    frame = answer(workbench("runs", "set.db", "--json", cwd=folder))["rows"][0]
    assert json.loads(frame["settings"]) == {"projection.input_output.weight": "0.1"}
    assert frame["seed"] == 3


def test_dry_run_says_what_would_run_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    done = workbench("sweep", "small.toml", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0 and "30 to compute" in done.stdout and "pilot:" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["small.toml"]


def test_I11_a_sweep_with_failed_runs_exits_4_and_says_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "diverging.toml").write_text(DIVERGING)
    done = workbench("sweep", "diverging.toml", "--db", "a.db", "--report", "page.html", cwd=tmp_path)
    assert done.returncode == 4
    assert "12 runs = 6 stored + 6 failed + 0 reused + 0 missing" in done.stdout
    assert 'workbench query a.db "select * from failures"' in done.stderr
    assert (tmp_path / "page.html").exists()
    failures = answer(workbench("query", "a.db", "select * from failures", "--json", cwd=tmp_path))["rows"]
    assert len(failures) == 6 and all(row["reason"] for row in failures)


def test_check_prints_one_line_for_each_sound_scenario(folder: Path) -> None:
    done = workbench("check", "small.toml", "small.toml", cwd=folder)
    assert done.stdout == "small.toml: ok (2 arms, 2 studies, 30 runs)\n" * 2


def test_runs_counts_expected_stored_failed_and_missing(folder: Path) -> None:
    (row,) = answer(workbench("runs", "results.db", "--json", cwd=folder))["rows"]
    assert (row["expected"], row["stored"], row["failed"], row["missing"]) == (30, 30, 0, 0)
    assert len(row["scenario_sha256"]) == 64
    assert workbench("runs", "results.db", cwd=folder).stdout.splitlines()[0].split()[:2] == ["sweep", "scenario"]


def test_compare_has_one_row_for_each_arm_with_a_baseline_and_each_outcome(folder: Path) -> None:
    rows = answer(workbench("compare", "results.db", "--study", "arms", "--json", cwd=folder))["rows"]
    assert {(r["arm"], r["baseline"], r["outcome"]) for r in rows} == {
        ("fast", "slow", "norm"),
        ("fast", "slow", "mean"),
    }
    only = workbench("compare", "results.db", "--outcome", "norm", "--format", "csv", cwd=folder).stdout
    assert {row["outcome"] for row in csv.DictReader(io.StringIO(only))} == {"norm"}


def test_compare_as_text_fits_eighty_columns_and_names_unit_interval_and_method(folder: Path) -> None:
    lines = workbench("compare", "results.db", "--study", "strength", cwd=folder).stdout.splitlines()
    assert lines[0] == "mean in strength, projection.input_output.spread = 0.1, 3 subjects"
    assert lines[1].split() == ["mean", "difference", "calculation", "error", "g", "better"]
    assert lines[2].startswith("against slow (")
    assert lines[3].split()[0] == "fast" and " to " in lines[3]
    assert "calculation error: 95 % interval of the mean of those simulated (bootstrap BCa)" in lines
    assert max(map(len, lines)) <= 80


def test_compare_of_a_single_arm_says_how_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    alone = ("--arm", "slow", "--workers", "0")
    assert workbench("sweep", "small.toml", "--db", "a.db", *alone, cwd=tmp_path).returncode == 0
    assert "--baseline" in workbench("compare", "a.db", cwd=tmp_path).stdout


@pytest.mark.parametrize("form", ["text", "csv", "markdown", "json"])
def test_query_prints_every_format(folder: Path, form: str) -> None:
    sql = "select arm, count(*) as n from runs group by arm order by arm"
    done = workbench("query", "results.db", sql, "--format", form, cwd=folder)
    assert done.returncode == 0
    assert "fast" in done.stdout and "15" in done.stdout


def test_P11_query_cannot_write_and_leaves_the_file_as_it_is(folder: Path) -> None:
    before = (folder / "results.db").read_bytes()
    for sql in ("delete from outcome", "drop view runs", "attach 'x.db' as x", "select * from nowhere", "not sql"):
        done = workbench("query", "results.db", sql, cwd=folder)
        assert done.returncode == 2, (sql, done.stderr)
        assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert (folder / "results.db").read_bytes() == before
    assert not (folder / "x.db").exists()


def test_digest_is_64_hex_digits_and_the_same_for_another_database_of_the_same_runs(folder: Path) -> None:
    workbench("sweep", "small.toml", "--db", "other.db", "--workers", "2", cwd=folder)
    digests = {workbench("digest", db, cwd=folder).stdout for db in ("results.db", "other.db")}
    (only,) = digests
    assert len(only.strip()) == 64


def test_report_needs_force_to_replace_a_page(folder: Path) -> None:
    first = workbench("report", "results.db", "--output", "once.html", cwd=folder)
    assert first.returncode == 0, first.stderr
    before = (folder / "once.html").read_bytes()
    second = workbench("report", "results.db", "--output", "once.html", cwd=folder)
    assert second.returncode == 3 and "--force" in second.stderr
    assert (folder / "once.html").read_bytes() == before
    assert workbench("report", "results.db", "--output", "once.html", "--force", cwd=folder).returncode == 0


def test_replay_says_equal_and_prints_series_as_csv(folder: Path) -> None:
    done = workbench("replay", "results.db", "--run", "1", cwd=folder)
    assert done.returncode == 0 and done.stdout.count("equal") == 2 and "DIFFERENT" not in done.stdout
    table = workbench("replay", "results.db", "--run", "1", "--record", "all", "--format", "csv", cwd=folder).stdout
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["time"] for row in rows if row["course"] == "weight_norm"][:2] == ["1.0", "2.0"]
    assert workbench("replay", "results.db", "--run", "999", cwd=folder).returncode == 2


def test_replay_notices_an_altered_outcome(folder: Path) -> None:
    import shutil
    import sqlite3

    shutil.copy(folder / "results.db", folder / "altered.db")
    with sqlite3.connect(folder / "altered.db") as connection:
        connection.execute("update outcome set value = value + 1e-12 where run = 1")
    connection.close()
    accounted(folder / "altered.db")
    done = workbench("replay", "altered.db", "--run", "1", "--json", cwd=folder)
    assert done.returncode == 5 and answer(done)["equal"] is False


def test_describe_finds_components_by_name_and_suggests_the_nearest(folder: Path) -> None:
    done = workbench("describe", "hebb", cwd=folder)
    assert 'rule = "hebb"' in done.stdout and "equation:" in done.stdout
    wrong = workbench("describe", "hebbb", cwd=folder)
    assert wrong.returncode == 2 and "did you mean 'hebb'" in wrong.stderr


def test_describe_says_where_a_choice_of_a_field_belongs(folder: Path) -> None:
    both = workbench("describe", "oja", cwd=folder)
    assert "a scenario in " in both.stdout and "'oja' is a choice of a field of plasticity." in both.stdout
    wrong = workbench("describe", "soft_bounds", cwd=folder)
    assert wrong.returncode == 2 and "'soft_bounds' is a choice of a field of plasticity." in wrong.stderr


def test_describe_of_a_file_gives_equations_and_receipts_of_one_arm(folder: Path) -> None:
    """By default of the first arm; the numbers are those of the arm, with unit, status, source and where they stand."""
    file = scenarios_folder() / "rules" / "oja.toml"
    text = workbench("describe", file, cwd=folder).stdout
    assert "question: Do the weights of one linear unit settle" in text and "described: arm mean_field" in text
    assert "oja: dW_j -= rate * decay * f_j y_j W_j" in text and "sanger:" not in text
    assert "decay" in text and "scaling_time" not in text, "fields of other stabilisers are not this scenario's"
    one, other = (
        {
            (table["table"], field["name"]): field
            for table in answer(workbench("describe", file, "--arm", arm, "--json", cwd=folder))["tables"]
            for field in table["fields"]
        }
        for arm in ("oja", "strong_decay")
    )
    key = "plasticity.input_output", "decay"
    assert (one[key]["value"], other[key]["value"]) == (1.0, 4.0)
    assert other[key]["origin"] == "arm" and {one[key]["status"], other[key]["status"]} == {"assumed"}
    wrong = workbench("describe", file, "--arm", "strong_decy", cwd=folder)
    assert wrong.returncode == 2 and "did you mean 'strong_decay'" in wrong.stderr
    assert workbench("describe", "nowhere.toml", cwd=folder).returncode == 2
    assert workbench("describe", "hebb", "--arm", "one", cwd=folder).returncode == 2


def test_schema_is_json_and_init_lays_out_a_folder_that_checks(tmp_path: Path) -> None:
    assert json.loads(workbench("schema", cwd=tmp_path).stdout)["type"] == "object"
    done = workbench("init", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "next: cd mine && workbench sweep scenarios/dystonia.toml" in done.stdout
    scenarios = sorted((tmp_path / "mine" / "scenarios").rglob("*.toml"))
    assert scenarios
    checked = workbench("check", *scenarios, cwd=tmp_path / "mine")
    assert checked.returncode == 0, checked.stderr
    again = workbench("init", "mine", cwd=tmp_path)
    assert again.returncode == 3 and "--force" in again.stderr


def test_doctor_finds_nothing_missing(tmp_path: Path) -> None:
    found = answer(workbench("doctor", "--json", cwd=tmp_path))
    assert found["missing"] == [] and found["facts"]["numpy"]


def test_every_command_has_help_and_a_first_sentence_that_fits_the_list(tmp_path: Path) -> None:
    listed = process("--help", cwd=tmp_path).stdout
    assert "..." not in listed.partition("Commands:")[2]
    for command in app.registered_commands:
        assert command.callback is not None
        assert workbench(command.callback.__name__, "--help", cwd=tmp_path).returncode == 0


def test_sweep_narrowed_to_a_study_computes_it_alone_and_a_slip_is_told(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    one = answer(workbench("sweep", "small.toml", "--study", "strength", "--json", "--workers", "0", cwd=tmp_path))
    assert one["expected"] == one["stored"] + one["reused"] == 18
    both = workbench("sweep", "small.toml", "--study", "strength", "--study", "arms", "--dry-run", cwd=tmp_path)
    assert "30 runs in all" in both.stdout
    slip = workbench("sweep", "small.toml", "--study", "strenght", cwd=tmp_path)
    assert slip.returncode == 2
    assert "no study 'strenght' in this scenario (known: arms, strength); did you mean \"strength\"?" in slip.stderr


def test_S10_the_gallery_refuses_a_scenario_whose_component_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "sound.toml").write_text(SMALL)
    (tmp_path / "foreign.toml").write_text(SMALL.replace('"hebb"', '"covariance"'))
    done = workbench("gallery", ".", "--output", "page.html", cwd=tmp_path)
    assert done.returncode == 2 and "foreign.toml:" in done.stderr
    assert 'plasticity.input_output.rule: unknown rule "covariance"' in done.stderr
    assert not (tmp_path / "page.html").exists()


def test_the_version_is_that_of_the_package_and_of_its_engine(tmp_path: Path) -> None:
    said = f"workbench {__version__} (engine revision {ENGINE_REVISION})\n"
    assert workbench("--version", cwd=tmp_path).stdout == said
    assert __version__ == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
