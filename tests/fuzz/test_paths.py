"""Every path that a command takes, with everything that a path may lead to: told at once, and nothing is touched."""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import ROOT, SMALL, workbench
from support.fuzzing.judged import MEGABYTES, SECONDS, loaded, peak, peak_reset, resident
from support.fuzzing.sound_examples import DOSES, GIVEN, PAIR, PEOPLE, POINTS
from support.shipped_texts import shipped_text

from workbench.cli.main import app

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes, devices, sockets and links as POSIX has them")

READ = {
    "sweep SCENARIO": ("sweep", "X", "--db", "new.db", "--workers", "0"),
    "check SCENARIO": ("check", "X"),
    "doses SCENARIO": ("doses", "X"),
    "windows SCENARIO": ("windows", "X"),
    "runs DB": ("runs", "X"),
    "compare DB": ("compare", "X"),
    "query DB": ("query", "X", "select 1"),
    "digest DB": ("digest", "X"),
    "findings SCENARIO": ("findings", "X"),
    "assay SCENARIO": ("assay", "X"),
    "rounding SCENARIO": ("rounding", "X"),
    "calibrate SCENARIO": ("calibrate", "X", "--to", "new.toml", "--db", "new.db"),
    "report DB": ("report", "X", "--output", "new.html"),
    "gallery SCENARIO": ("gallery", "X", "--output", "new.html", "--db", "new.db"),
    "verify DB": ("verify", "X"),
    "migrate DB": ("migrate", "X"),
    "why DB": ("why", "X"),
    "replay DB": ("replay", "X", "--run", "1"),
    "describe FILE": ("describe", "X"),
    "doses of a table": ("check", "given.toml"),
    "points of a table": ("check", "swept.toml"),
    "people of a table": ("check", "people.toml"),
    "parameter set": ("check", "set.toml"),
    "base": ("check", "variant.toml"),
    "bibliography": ("check", "small.toml"),
    "findings files": ("findings", "stored.db"),
}
"""How each file that is read is named; X is its path. Below are the names of those that no argument names."""
INDIRECT = {
    "doses of a table": "doses.csv",
    "points of a table": "points.csv",
    "people of a table": "people.csv",
    "parameter set": "parameters/own.toml",
    "base": "sound.toml",
    "bibliography": "references.bib",
    "findings files": "findings/own.toml",
}
WRITTEN = {
    "sweep --db": ("sweep", "small.toml", "--db", "X", "--workers", "0"),
    "sweep --report": ("sweep", "small.toml", "--db", "new.db", "--report", "X", "--workers", "0"),
    "findings --db": ("findings", "oja.toml", "--db", "X", "--workers", "0"),
    "calibrate --to": ("calibrate", "dystonia_slice.toml", "--to", "X", "--db", "new.db", "--workers", "0"),
    "calibrate --db": ("calibrate", "dystonia_slice.toml", "--to", "new.toml", "--db", "X", "--workers", "0"),
    "report --output": ("report", "stored.db", "--output", "X"),
    "report --tables": ("report", "stored.db", "--output", "new.html", "--tables", "X"),
    "gallery --output": ("gallery", "oja.toml", "--output", "X", "--db", "new.db", "--workers", "0"),
    "gallery --db": ("gallery", "oja.toml", "--output", "new.html", "--db", "X", "--workers", "0"),
    "init DIR": ("init", "X"),
}
"""How each file or folder that is written is named."""
WORDS = {
    "arm",
    "study",
    "set_",
    "drug",
    "phase",
    "baseline",
    "outcome",
    "sql",
    "synapse",
    "parameter",
    "form",
    "digest",
    "sample",
    "executor",
    "scheduler",
    "max_memory",
    "max_time",
}
"""Parameters of commands that are text and no path."""


LISTED = {words[0] for words in (*READ.values(), *WRITTEN.values())}
for command in app.registered_commands:  # a command that is not listed yet is tried as one that takes a database
    if (name := command.callback.__name__) not in LISTED and name not in ("schema", "doctor"):  # type: ignore[union-attr]
        READ[f"{name} DB"] = (name, "X")


def lay_a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def lay_a_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def lay_a_long_line(path: Path) -> None:
    path.write_bytes(b"x" * (40 << 20))


def lay_a_closed_file(path: Path) -> None:
    path.write_text("")
    path.chmod(0)


LAID: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "socket": lay_a_socket,
    "folder": Path.mkdir,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "loop of links": lambda path: path.symlink_to(path.name),
    "sparse file": lay_a_sparse_file,
    "long line": lay_a_long_line,
    "empty file": Path.touch,
    "closed file": lay_a_closed_file,
}


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """A folder of sound files, open to everybody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        people = GIVEN.replace(
            "seed = 3", 'seed = 3\ntable = "people.csv"\ncolumns = { "drug.d.clearance" = "WEIGHT" }'
        )
        rules = ROOT / "scenarios"
        texts = {
            "small.toml": SMALL,
            "given.toml": GIVEN,
            "people.toml": people,
            "swept.toml": PAIR + '[study.listed]\ntable = "points.csv"\n',
            "set.toml": SMALL.replace("schema = 1", 'schema = 1\nparameters = "own"'),
            "variant.toml": 'title = "A variant"\nbase = "sound"\n',
            "sound.toml": SMALL,
            "oja.toml": shipped_text("rules/oja"),
            "dystonia_slice.toml": (rules / "dystonia_slice.toml").read_text(),
            "doses.csv": DOSES,
            "people.csv": PEOPLE,
            "points.csv": POINTS,
        }
        for file, text in texts.items():
            (folder / file).write_text(text)
        for inner in ("parameters", "findings"):
            (folder / inner).mkdir()
        done = workbench(
            "sweep", "small.toml", "--db", "stored.db", "--workers", "0", "--study", "strength", cwd=folder
        )
        assert done.returncode == 0, done.stderr
        yield folder


@contextmanager
def copied(kept: Path) -> Iterator[Path]:
    """Make a copy of the folder, for one command."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "here"
        shutil.copytree(kept, folder)
        for place in (folder.parent, folder):
            place.chmod(0o777)
        yield folder


def contents(folder: Path) -> dict[str, str]:
    """Return what is in a folder: of short regular files their hash, of others their kind."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        whole = path.is_file() and not path.is_symlink() and status.st_size < 1 << 22
        found[str(path.relative_to(folder))] = f"{status.st_mode} " + (
            hashlib.sha256(path.read_bytes()).hexdigest() if whole else ""
        )
    return found


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Fail after some seconds, be it in the middle of a wait for a pipe."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def nobody(wanted: bool) -> Iterator[None]:
    """Be somebody without rights, where root would be let in anywhere."""
    root = wanted and os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def named(words: tuple[str, ...], target: str) -> tuple[str, ...]:
    return tuple(target if word == "X" else word for word in words)


def ending(words: tuple[str, ...], what: str) -> str:
    """Return a file's name as the command expects it."""
    return (
        "odd.db"
        if words[0] in ("runs", "compare", "query", "digest", "report", "replay", "why", "verify", "migrate", "merge")
        else "odd.toml"
    )


def tried(folder: Path, words: tuple[str, ...], kind: str) -> tuple[int, list[str]]:
    """Run a command that must end soon, and take little; return its exit code and lines."""
    peak_reset()
    started, before = time.process_time(), resident()
    with waiting(60), nobody(kind == "closed file"):
        done = workbench(*words, cwd=folder)
    assert time.process_time() - started < SECONDS
    assert peak() - before + loaded() < MEGABYTES
    lines = done.stderr.splitlines()
    assert "internal fault" not in done.stderr, (lines, done.returncode)
    return done.returncode, lines


@every_case("kind", LAID)
def test_S01_what_is_read_is_a_file_of_a_bounded_size_or_refused_at_once(kept: Path, kind: str) -> None:
    with copied(kept) as folder:
        for what, words in READ.items():
            target = folder / INDIRECT.get(what, ending(words, what))
            saved = target.read_bytes() if target.exists() else None
            target.unlink(missing_ok=True)
            LAID[kind](target)
            before = contents(folder)
            code, lines = tried(folder, named(words, target.name), kind)
            # A parameter set or a bibliography that is no file is not there, so that the next place is looked at.
            passed = what == "bibliography" and kind not in ("sparse file", "long line", "closed file")
            passed = passed or (
                what == "findings files" and kind in ("folder", "dangling link", "loop of links", "empty file")
            )
            assert code in ((0,) if what == "bibliography" and passed else (0, 2, 3) if passed else (2, 3)), (
                what,
                code,
                lines,
            )
            assert code == 0 or any(line.startswith("error: ") for line in lines), (what, lines)
            assert contents(folder) == before, what
            shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
            if saved is not None:
                target.write_bytes(saved)


@pytest.mark.parametrize("kind", [kind for kind in LAID if kind not in ("dangling link", "empty file")])
def test_C02_what_is_written_replaces_no_pipe_device_or_file_of_others(kept: Path, kind: str) -> None:
    with copied(kept) as folder:
        for what, words in WRITTEN.items():
            if kind == "folder" and what in ("report --tables", "init DIR"):
                continue  # which is what they ask for
            target = folder / "odd"
            LAID[kind](target)
            before = contents(folder)
            code, lines = tried(folder, named(words, target.name), kind)
            assert code in (2, 3) and any(line.startswith("error: ") for line in lines), (what, code, lines)
            assert contents(folder) == before, (what, set(contents(folder).items()) ^ set(before.items()))
            target.rmdir() if target.is_dir() and not target.is_symlink() else target.unlink()


def test_every_path_of_every_command_is_tried() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.callback.__name__
        texts = [
            n
            for n, p in inspect.signature(command.callback, eval_str=True).parameters.items()
            if "str" in str(p.annotation)
        ]
        paths = {n for n in texts if n not in WORDS}
        known = {n.split()[-1].lstrip("-").lower() for n in (*READ, *WRITTEN) if n.split()[0] == name}
        other = {"scenario": {"scenario", "scenarios", "targets"}, "db": {"db"}, "file": {"name"}, "dir": {"folder"}}
        covered = set().union(*(other.get(one, {one}) for one in known), known) if known else set()
        assert paths <= covered or name not in LISTED, (name, paths - covered)


def test_init_writes_through_no_link_and_into_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    os.mkfifo(tmp_path / "new" / "README.md")
    with waiting(60):
        done = workbench("init", "new", "--force", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        3,
        "error: new/README.md: is a pipe, not a file; nothing was written; name a file\n",
    )
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["README.md"]


def test_a_name_is_looked_up_past_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    for kind in ("pipe", "device", "sparse file", "folder", "loop of links"):
        LAID[kind](tmp_path / "scenarios" / f"{kind.replace(' ', '')}.toml")
    with waiting(60):
        done = workbench("describe", "oja", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_entries_whose_braces_do_not_close_take_no_longer(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "references.bib").write_text("@misc{key, title={\n" * 40_000)
    started = time.process_time()
    assert workbench("check", "small.toml", cwd=tmp_path).returncode == 0
    assert time.process_time() - started < SECONDS
