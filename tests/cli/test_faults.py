"""What goes wrong on the command line: exit code, one line on standard error, no file touched, no traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, answer, environment, process, workbench
from support.surroundings import in_terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@every_case(
    "line",
    [
        "bogus",
        "sweep",
        "sweep small.toml --bogus",
        "sweep small.toml --workers -1",
        "sweep small.toml --workers two",
        "sweep small.toml --max-points 0",
        "sweep small.toml --subjects 0",
        "sweep small.toml --set rate",
        "sweep small.toml --set =1",
        "sweep small.toml --arm nobody",
        "query small.db",
        "replay small.db --run 0",
        "runs small.db --format xml",
    ],
)
def test_C01_usage_errors_exit_2_with_one_line_and_touch_nothing(folder: Path, line: str) -> None:
    before = contents(folder)
    done = workbench(*line.split(), cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert all(text.startswith("hint: ") for text in rest)
    assert contents(folder) == before


def test_C01_a_typing_mistake_in_an_option_points_to_the_help(folder: Path) -> None:
    assert "hint: see 'workbench sweep --help'" in workbench("sweep", "small.toml", "--wokers", "2", cwd=folder).stderr


@pytest.mark.parametrize(
    ("output", "reason"), [("small.toml", "exists"), ("sub", "directory"), ("nowhere/page.html", "nowhere")]
)
def test_C02_an_output_that_cannot_be_written_exits_3_and_stays_as_it_is(
    folder: Path, output: str, reason: str
) -> None:
    (folder / "sub").mkdir()
    assert workbench("sweep", "small.toml", "--db", "a.db", "--workers", "0", cwd=folder).returncode == 0
    before = contents(folder)
    done = workbench("report", "a.db", "--output", output, cwd=folder)
    assert done.returncode == 3, done.stderr
    assert reason in done.stderr
    assert contents(folder) == before


def test_C02_a_database_in_a_missing_folder_exits_3_before_computing(folder: Path) -> None:
    done = workbench("sweep", "small.toml", "--db", "nowhere/a.db", cwd=folder)
    assert done.returncode == 3
    assert "nowhere" in done.stderr and "pilot" not in done.stderr
    page = workbench("sweep", "small.toml", "--db", "a.db", "--report", "nowhere/page.html", cwd=folder)
    assert page.returncode == 3 and contents(folder).keys() == {"small.toml"}


def test_C03_a_terminal_gets_a_bar_and_anything_else_plain_lines(folder: Path) -> None:
    sweep = ("sweep", "small.toml", "--workers", "0", "--db")
    assert "\x1b[" in in_terminal(folder, *sweep, "bar.db", TERM="xterm")
    assert "\x1b" not in in_terminal(folder, *sweep, "plain.db", TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in in_terminal(folder, *sweep, "dumb.db", TERM="dumb")
    piped = process(*sweep, "piped.db", cwd=folder)
    assert "\x1b" not in piped.stdout + piped.stderr
    assert "100%  30 of 30 runs" in piped.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("sweep nowhere.toml --json", 2),
        ("check broken.toml --json", 2),
        ("sweep small.toml --json --workers -1", 2),
        ("bogus --json", 2),
        ("runs nowhere.db --json", 3),
        ("digest small.toml --json", 3),
        ("describe ojja --json", 2),
    ],
)
def test_C04_json_is_one_object_on_failure_too(folder: Path, line: str, code: int) -> None:
    (folder / "broken.toml").write_text(SMALL.replace("size = 4", "sizes = 4"))
    done = process(*line.split(), cwd=folder)
    found = answer(done)
    assert done.returncode == code and done.stderr == ""
    assert found["ok"] is False and found["exit"] == code and found["schema"] == 1
    assert set(found["errors"][0]) >= {"file", "line", "column", "key", "message"}


def test_S01_a_missing_file_a_folder_and_a_table_of_problems_each_say_so_in_lines(folder: Path) -> None:
    for name in ("nowhere.toml", "."):
        done = workbench("check", name, cwd=folder)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and name in done.stderr


def test_S18_two_hundred_mistakes_print_fifty_lines_and_a_total(folder: Path) -> None:
    (folder / "wrong.toml").write_text(SMALL + "".join(f'[outcome.o{i}]\nreadout = "nothing"\n' for i in range(200)))
    done = workbench("check", "wrong.toml", cwd=folder)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2
    assert len(errors) == 51 and errors[-1].endswith("(200 in all)")
    lines = [int(line.split(":")[2]) for line in errors[:-1]]
    assert lines == sorted(lines)


def test_a_bug_of_ours_exits_1_names_its_log_and_shows_no_traceback(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(
        "import workbench.cli.describe as d\ndef broken(*_): raise RuntimeError('boom')\nd.named = broken\n"
    )
    path = os.pathsep.join((str(folder), environment()["PYTHONPATH"]))
    done = process("describe", "--json", cwd=folder, PYTHONPATH=path, XDG_STATE_HOME=str(folder / "state"))
    assert done.returncode == 1
    (error,) = json.loads(done.stdout)["errors"]
    log = Path(error["message"].rpartition(" ")[2])
    assert "boom" in log.read_text() and log.is_relative_to(folder)
    assert "Traceback" in process("describe", "--debug", cwd=folder, PYTHONPATH=path).stderr


def test_control_characters_in_stored_text_do_not_reach_the_terminal(folder: Path) -> None:
    (folder / "odd.toml").write_text(SMALL.replace('"Small and quick"', '"red \\u001b[31m alert"'))
    done = workbench("sweep", "odd.toml", "--db", "a.db", "--workers", "0", cwd=folder)
    assert done.returncode == 0, done.stderr
    shown = workbench("query", "a.db", "select title from sweeps", cwd=folder)
    assert "\x1b" not in done.stdout + done.stderr + shown.stdout
    assert "\\x1b[31m" in shown.stdout
