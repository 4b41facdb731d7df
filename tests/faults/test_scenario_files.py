"""Broken scenarios as `workbench check` and `workbench sweep` meet them: place, words, exit code, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.commands import answer, command, environment, process, workbench
from support.corpus import BASE, CORPUS, Broken
from support.sound_scenario import PARAMETERS, SOUND
from support.surroundings import contents, in_terminal

BATCH = 40
"""Files for one process: a text answer stops after 50 problems."""
NARROW = {"COLUMNS": "40", "LINES": "10", "NO_COLOR": "1", "TERM": "dumb"}


@dataclass(frozen=True)
class Checked:
    """What the command said about all broken files: its lines, and the objects that `--json` lists."""

    lines: tuple[str, ...]
    errors: tuple[dict[str, Any], ...]
    folder: Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every broken scenario, the sound one and the parameter set."""
    place = tmp_path_factory.mktemp("broken")
    (place / "parameters").mkdir()
    (place / "parameters" / "small.toml").write_text(PARAMETERS)
    (place / "sound.toml").write_text(BASE)
    for broken in CORPUS:
        (place / broken.file).write_text(broken.text, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def checked(folder: Path) -> Checked:
    """The answers to all broken files, some dozens of files a process."""
    before, lines = contents(folder), list[str]()
    for batch in _batches():
        plain = process("check", *batch, cwd=folder, **NARROW)
        assert (plain.returncode, plain.stdout) == (2, ""), plain.stderr
        lines += plain.stderr.splitlines()
    told = process("check", "--json", *(broken.file for broken in CORPUS), cwd=folder)
    found = answer(told)
    assert (told.returncode, told.stderr, found["ok"], found["exit"]) == (2, "", False, 2)
    assert contents(folder) == before
    return Checked(tuple(lines), tuple(found["errors"]), folder)


def _batches() -> Iterator[list[str]]:
    files = [broken.file for broken in CORPUS]
    for start in range(0, len(files), BATCH):
        yield files[start : start + BATCH]


def _claim(row: str) -> Any:
    """Return the test of one row: every broken file is told at its place, in a line and as an object."""

    @pytest.mark.parametrize("broken", [b for b in CORPUS if b.row == row], ids=lambda b: b.name)
    def test(broken: Broken, checked: Checked) -> None:
        line, column = broken.place
        key = f"{broken.key}: " if broken.key else ""
        start = f"error: {broken.file}:{line}:{column}: {key}"
        told = [text for text in checked.lines if text.startswith(f"error: {broken.file}:")]
        found = next((text for text in told if text.startswith(start)), None)
        assert found is not None, f"nothing starts with {start!r} in {told}"
        (error,) = (e for e in checked.errors if e["file"] == broken.file and found == _line(e))
        assert (error["line"], error["column"], error["key"]) == (line, column, broken.key)
        for words in broken.words:
            assert words in f"{error['message']} {error['hint']}"
        if error["hint"]:
            assert checked.lines[checked.lines.index(found) + 1] == f"hint: {error['hint']}"

    return test


def _line(error: dict[str, Any]) -> str:
    key = f"{error['key']}: " if error["key"] else ""
    return f"error: {error['file']}:{error['line']}:{error['column']}: {key}{error['message']}"


# Claims carry the row of their fault, in capitals.
test_S03_a_fault_of_syntax_is_told_at_its_place = _claim("S03")  # noqa: N816
test_S05_an_unknown_key_is_told_with_the_nearest_known_one = _claim("S05")  # noqa: N816
test_S06_a_wrong_type_is_never_converted = _claim("S06")  # noqa: N816
test_S07_an_impossible_number_is_told_with_its_limits = _claim("S07")  # noqa: N816
test_S08_a_value_outside_its_range_is_told_with_the_rule = _claim("S08")  # noqa: N816
test_S09_a_wrong_unit_is_told_with_the_accepted_ones = _claim("S09")  # noqa: N816
test_S10_a_name_that_nothing_has_is_told_with_those_that_are_there = _claim("S10")  # noqa: N816
test_S11_a_sweep_that_cannot_be_is_told_with_its_size = _claim("S11")  # noqa: N816
test_S17_a_newer_format_is_told_with_the_supported_one = _claim("S17")  # noqa: N816


def test_every_fault_is_told_once_and_alone(checked: Checked) -> None:
    """A second line for one slip sends people to the wrong place."""
    told = [line.split(":")[1].strip() for line in checked.lines if line.startswith("error: ")]
    several = {file for file in told if told.count(file) > 1}
    # A misspelt table or key also leaves a hole; a wrong size is wrong for all that it meets.
    assert several <= {"s05-table.toml", "s05-use.toml", "s05-subjects.toml", "s08-sizes.toml", "s08-swept_size.toml"}


def test_lines_are_never_wrapped_coloured_or_traced(checked: Checked) -> None:
    assert all(line.startswith(("error: ", "hint: ")) for line in checked.lines)
    text = "\n".join(checked.lines)
    assert "\x1b" not in text and "Traceback" not in text
    assert max(map(len, checked.lines)) > 120


def test_a_narrow_terminal_gets_the_same_unwrapped_lines(checked: Checked) -> None:
    file = "s09-missing.toml"
    seen = in_terminal(checked.folder, "check", file, code=2, COLUMNS="40", TERM="xterm")
    expected = [line for line in checked.lines if line.startswith(f"error: {file}:")]
    assert [line for line in seen.splitlines() if line.startswith("error: ")] == expected


@pytest.mark.parametrize("file", ["s08-swept_size.toml", "s10-level.toml"])
def test_S10_a_sweep_of_a_broken_file_ends_like_its_check_and_makes_no_database(checked: Checked, file: str) -> None:
    before = contents(checked.folder)
    done = process("sweep", file, "--db", "new.db", "--report", "new.html", cwd=checked.folder)
    assert (done.returncode, done.stdout) == (2, "")
    expected = [line for line in checked.lines if line.startswith(f"error: {file}:")]
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == expected
    assert contents(checked.folder) == before


def test_S01_what_is_no_readable_file_is_one_line_with_path_and_reason(folder: Path) -> None:
    before = contents(folder)
    done = workbench("check", "nowhere.toml", "parameters", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: nowhere.toml: the file cannot be read: no such file or directory",
        "error: parameters: this is a folder, not a scenario file",
    ]
    assert contents(folder) == before


CLOSED = """
import os, sys
from workbench.cli.main import main
# Whoever may read nothing of this project must have loaded all of it before.
main(["check", "sound.toml"]), main(["check", "nowhere.toml"])
sys.stderr.write("--\\n")
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(main(["check", "closed.toml"]))
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_S01_a_file_that_may_not_be_read_says_so(folder: Path) -> None:
    (folder / "closed.toml").write_text(SOUND)
    (folder / "closed.toml").chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", CLOSED], cwd=folder, env=environment(), capture_output=True, text=True, check=False
        )
    finally:
        (folder / "closed.toml").unlink()
    assert done.returncode == 2
    assert done.stderr.partition("--\n")[2] == "error: closed.toml: the file cannot be read: permission denied\n"


def test_S02_an_empty_file_is_told_which_tables_it_needs(tmp_path: Path) -> None:
    for name, text in (("empty.toml", ""), ("comment.toml", "# nothing yet\n")):
        (tmp_path / name).write_text(text)
    before = contents(tmp_path)
    done = workbench("check", "empty.toml", "comment.toml", cwd=tmp_path)
    assert done.returncode == 2
    for name in ("empty.toml", "comment.toml"):
        told = [line for line in done.stderr.splitlines() if line.startswith(f"error: {name}:1:1: ")]
        missing = {line.split(": ")[2] for line in told if "is missing (" in line}
        assert missing == {"schema", "title", "use", "phase", "outcome"}
    assert contents(tmp_path) == before


MEASURED = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss)
"""
"""Run from a small process of its own: a forked child starts with the peak memory of whoever forks it."""


def test_S11_a_refusal_of_a_vast_grid_takes_little_memory(folder: Path) -> None:
    line = [sys.executable, "-c", MEASURED, *command("check", "s11-grid.toml", "s11-values.toml")]
    done = subprocess.run(line, cwd=folder, env=environment(), capture_output=True, text=True, check=True, timeout=60)
    code, peak = (int(word) for word in done.stdout.split())
    assert code == 2
    assert peak < 300 * 1024


TITLES = ("<script>alert(1)</script>", '"><img onerror=alert(1) src=x>', "</svg>", "javascript:alert(1)")


def test_S14_markup_in_titles_is_accepted_stored_and_shown_literally(tmp_path: Path) -> None:
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "small.toml").write_text(PARAMETERS)
    text = SOUND.replace('"Does a drug slow learning?"', f"'''{' '.join(TITLES)}'''")
    text = text.replace("[arm.plain]", f"[arm.plain]\ntitle = '''{TITLES[0]}'''")
    text = text.replace("[outcome.overflow]", f"[outcome.overflow]\ntitle = '''{TITLES[1]}'''")
    (tmp_path / "marked.toml").write_text(text)
    done = process("sweep", "marked.toml", "--db", "a.db", "--workers", "0", "--report", "a.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "a.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page
    stored = workbench("query", "a.db", "select title from sweeps", "--json", cwd=tmp_path)
    assert answer(stored)["rows"] == [{"title": " ".join(TITLES)}]
