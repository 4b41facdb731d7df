"""With --json a command says one object on standard output, whatever happens to it; the command line lists them all."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import DIVERGING, ROOT, SMALL, Done, command, environment, workbench
from typer.main import get_command

from workbench.cli import main as cli
from workbench.cli import stops
from workbench.execution.runner import run_sweep
from workbench.execution.signals import StoppedAtOnce
from workbench.store.session import WriterLock

COMMANDS: dict[str, Any] = get_command(cli.app).commands  # type: ignore[attr-defined]
OJA = str(ROOT / "scenarios" / "rules" / "oja.toml")
SLICE = str(ROOT / "scenarios" / "dystonia_slice.toml")
KINDS = (
    "empty.db",
    "text.db",
    "image.db",
    "cut.db",
    "spoilt.db",
    "folder",
    "nowhere.db",
    "broken.toml",
    "nowhere.toml",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("json")
    (place / "small.toml").write_text(SMALL)
    (place / "broken.toml").write_text(SMALL.replace("size = 4", "sizes = 4"))
    (place / "wild.toml").write_text(DIVERGING)
    run_sweep(place / "small.toml", place / "good.db", workers=1, studies=["strength"])
    whole = (place / "good.db").read_bytes()
    (place / "empty.db").write_bytes(b"")
    (place / "text.db").write_bytes(b"schema = 1\n")
    (place / "image.db").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    (place / "cut.db").write_bytes(whole[: len(whole) // 2])
    (place / "spoilt.db").write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    (place / "page.html").write_text("mine")
    (place / "folder").mkdir()
    (place / "folder" / "mine.toml").write_text("mine")
    return place


def one_object(done: Done | subprocess.CompletedProcess[str], ok: bool = False) -> dict[str, Any]:
    """Return the one object that a command printed, and nothing else, with the code that it ended with."""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1 and done.stdout.endswith("}\n")
    assert found["schema"] == 1 and found["ok"] is ok, found
    assert "Traceback" not in done.stderr and "\x1b" not in done.stdout
    if not ok:
        assert found["exit"] == done.returncode, found
    if not ok and done.returncode != 4:
        assert found["errors"] and all(
            {"file", "line", "column", "key", "message"} <= e.keys() for e in found["errors"]
        )
    return found


def words(name: str, file: str | None = None) -> list[str]:
    """Return a command with all arguments that it must have, each of them `file` if given."""
    given = {
        "scenario": "small.toml",
        "scenarios": "small.toml",
        "sources": "good.db",
        "db": "good.db",
        "sql": "select * from outcomes",
        "targets": OJA,
    }
    needed = [p for p in COMMANDS[name].params if p.param_type_name == "argument" and p.required]
    options = {"replay": ["--run", "1"], "merge": ["--into", "all.db"]}.get(name, [])
    return [name, *(file if file and p.name != "sql" else given.get(p.name, "new") for p in needed), *options]


def test_every_command_takes_json() -> None:
    lacking = [name for name, c in COMMANDS.items() if not any("--json" in p.opts for p in c.params)]
    assert lacking == []


def misuses() -> Iterator[list[str]]:
    yield ["bogus"]
    yield []
    for name, found in COMMANDS.items():
        yield [*words(name), "--bogus"]
        yield [*words(name), "too", "many", "words", "--bogus=3"]
        if any(p.param_type_name == "argument" and p.required for p in found.params):
            yield [name]
        for p in (p for p in found.params if p.param_type_name == "option" and not p.is_flag):
            yield [*words(name), p.opts[0]]
            if p.type_descriptor.annotation is not str:
                yield [*words(name), p.opts[0], "x"]
                yield [*words(name), p.opts[0], "-1e999"]


def test_C04_a_misused_command_says_one_object(folder: Path) -> None:
    for line in misuses():
        done = workbench(*line, "--json", cwd=folder)
        assert done.returncode in (2, 3), (line, done)
        one_object(done)
    assert not (folder / "--json").exists(), "an option is no value of another one"


@pytest.mark.parametrize("file", KINDS)
def test_C04_a_file_that_is_not_what_it_should_be_is_one_object(folder: Path, file: str) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    for name in COMMANDS:
        line = words(name, file)
        if file not in line or name == "init":
            continue
        done = workbench(*line, "--json", cwd=folder)
        assert done.returncode in (2, 3), (line, done)
        one_object(done)
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before


def test_C04_what_is_in_the_way_is_one_object(folder: Path) -> None:
    lease = WriterLock(folder / "good.db", 0.0)
    try:
        locked = workbench("sweep", "small.toml", "--db", "good.db", "--lock-timeout", "0", "--json", cwd=folder)
    finally:
        lease.release()
    assert locked.returncode == 3 and "another command is writing" in one_object(locked)["errors"][0]["message"]
    for line in (
        ["report", "good.db", "--output", "page.html"],
        ["gallery", OJA, "--output", "page.html"],
        ["calibrate", SLICE, "--to", "page.html"],
        ["init", "page.html"],
        ["sweep", "small.toml", "--db", "folder/none/a.db"],
        ["sweep", "small.toml", "--db", "new.db", "--report", "folder"],
    ):
        done = workbench(*line, "--json", cwd=folder)
        assert done.returncode in (2, 3), (line, done)
        one_object(done)
    assert (folder / "page.html").read_text() == "mine" and not (folder / "new.db").exists()


def test_C04_failed_runs_are_one_object_with_exit_4(folder: Path) -> None:
    done = workbench("sweep", "wild.toml", "--db", "wild.db", "--workers", "1", "--json", cwd=folder)
    assert done.returncode == 4 and one_object(done)["failed"] == 6


FAULTS = {
    "bug": (RuntimeError("boom"), 1),
    "exit": (SystemExit(7), 1),
    "memory": (MemoryError(), 3),
    "full": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere"), 3),
    "quota": (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "somewhere"), 3),
    "stop": (StoppedAtOnce(2), 130),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_C04_a_fault_in_the_middle_of_any_command_is_one_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    error, code = FAULTS[kind]
    monkeypatch.setattr(stops, "_asked", 2 if kind == "stop" else 0)
    ran = []

    def broken(**given: Any) -> int:
        ran.append(given)
        raise error

    group = get_command(cli.app)
    for one in group.commands.values():  # type: ignore[attr-defined]
        one.callback = broken
    monkeypatch.setattr(cli, "_family", lambda: group)
    for name in COMMANDS:
        done = workbench(*words(name), "--json", cwd=folder)
        assert done.returncode == code, (name, done)
        one_object(done)
    assert len(ran) == len(COMMANDS)


@pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")
@pytest.mark.parametrize(
    ("words", "where", "code"),
    [("--help", ">&-", 3), ("--help", "| true", 0), ("digest good.db --json", ">/dev/full", 3)],
)
def test_C04_help_and_objects_that_nobody_takes_are_one_line_or_none(
    folder: Path, words: str, where: str, code: int
) -> None:
    line = f"set -o pipefail; {' '.join(command(*words.split()))} {where}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", int(code == 3)), done.stderr


def test_C04_help_is_an_object_too(folder: Path) -> None:
    for line in (["--help"], ["sweep", "--help"]):
        assert "Usage" in one_object(workbench(*line, "--json", cwd=folder), ok=True)["help"]
        assert workbench(*line, cwd=folder).stdout.startswith(("Usage", " "))


def test_C04_the_format_option_asks_for_an_object_too(folder: Path) -> None:
    for line in (["runs", "nowhere.db", "--format", "json"], ["query", "good.db", "select", "--format=json"]):
        one_object(workbench(*line, cwd=folder))
    one_object(workbench("schema", "--json", cwd=folder), ok=True)
