"""Every command that writes a file leaves what is in its place alone, and a missing input leaves the folder as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, workbench
from support.every_command import example, reads_files, writes_files
from support.surroundings import contents

from workbench.report.page import is_page_of

SWEEP = ("sweep", "small.toml", "--db", "a.db", "--study", "arms", "--subjects", "2", "--workers", "0")
WRITERS: dict[str, tuple[tuple[str, ...], str]] = {
    "report": (("report", "a.db", "--output", "out.html"), "out.html"),
    "report --tables": (("report", "a.db", "--output", "new.html", "--tables", "tables"), "tables/settings.csv"),
    "sweep --report": ((*SWEEP, "--seed", "9", "--report", "out.html"), "out.html"),
    "gallery": (("gallery", "small.toml", "--output", "out.html"), "out.html"),
    "init": (("init", "mine"), "mine/data/references.bib"),
    "calibrate": (("calibrate", "small.toml", "--to", "out.toml"), "out.toml"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a folder with a scenario and its database."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "small.toml").write_text(SMALL)
    assert workbench(*SWEEP, cwd=folder).returncode == 0
    return contents(folder)


@pytest.fixture
def folder(tmp_path: Path, made: dict[str, bytes]) -> Path:
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_every_command_that_writes_is_tried() -> None:
    assert writes_files() == {words[0] for words, _ in WRITERS.values()}


@pytest.mark.parametrize(
    ("name", "what"), [*((name, "file") for name in WRITERS), ("sweep --report", "link"), ("init", "link")]
)
def test_C02_what_is_there_is_left_alone_without_force(folder: Path, name: str, what: str) -> None:
    words, target = WRITERS[name]
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    if what == "link":
        (folder / "victim").write_text("mine")
        (folder / target).symlink_to(folder / "victim")
    else:
        (folder / target).write_text("mine")
    before = contents(folder)
    done = workbench(*words, cwd=folder)
    assert done.returncode == 3 and "already exists" in done.stderr, done.stderr
    assert contents(folder) == before


@pytest.mark.skipif(os.name == "nt", reason="pipes as POSIX has them")
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "report --tables"])  # it goes the same way
def test_C02_what_is_no_file_is_never_replaced_and_nothing_is_written(folder: Path, name: str) -> None:
    words, target = WRITERS[name]
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / target)
    before = contents(folder)
    done = workbench(*words, "--force", cwd=folder)
    assert done.returncode == 3 and "is a pipe, not a file" in done.stderr, done.stderr
    assert contents(folder) == before


def test_C02_force_replaces_whole_files(folder: Path) -> None:
    for name in ("report --tables", "init"):
        words, target = WRITERS[name]
        (folder / target).parent.mkdir(exist_ok=True, parents=True)
        (folder / target).write_text("mine")
        assert workbench(*words, "--force", cwd=folder).returncode == 0
        assert (folder / target).read_text() != "mine"


def test_a_page_of_the_same_database_is_made_anew_and_no_other_file(folder: Path) -> None:
    words = (*SWEEP, "--report", "page.html")
    assert workbench(*words, cwd=folder).returncode == 0
    page = (folder / "page.html").read_bytes()
    assert workbench(*words, cwd=folder).returncode == 0 and (folder / "page.html").read_bytes() == page
    (folder / "it's.db").write_bytes((folder / "a.db").read_bytes())
    other = ("sweep", "small.toml", "--db", "it's.db", *words[4:])
    done = workbench(*other, cwd=folder)
    assert done.returncode == 3 and "is not a page of it's.db; nothing was computed" in done.stderr
    assert (folder / "page.html").read_bytes() == page
    assert is_page_of(folder / "page.html", Path("a.db")) and not is_page_of(folder / "small.toml", Path("a.db"))


MISSING = ("none.toml", "none.db", "none")


@every_case("name", sorted(reads_files()))
def test_a_missing_input_makes_no_file_and_no_folder(tmp_path: Path, name: str) -> None:
    more = example(name)[1:]
    for missing in MISSING:
        done = workbench(name, missing, *more, cwd=tmp_path)
        assert done.returncode in (2, 3) and done.stderr.startswith("error: "), (missing, done)
        assert list(tmp_path.iterdir()) == [], missing


ITSELF: dict[str, tuple[str, ...]] = {
    "sweep and its new database": ("sweep", "small.toml", "--db", "new.db", "--report", "new.db", "--workers", "0"),
    "sweep and the log of its database": (*SWEEP, "--report", "a.db-wal"),
    "sweep and its scenario": (*SWEEP, "--report", "small.toml", "--force"),
    "report and its database": ("report", "a.db", "--output", "a.db", "--force"),
    "report and its database by another name": ("report", "a.db", "--output", "LINK", "--force"),
    "report and its database by its name in capitals": ("report", "a.db", "--output", "A.DB", "--force"),
    "report and a table": ("report", "a.db", "--output", "settings.csv", "--tables", ".", "--force"),
    "gallery and its scenario": ("gallery", "small.toml", "--output", "small.toml", "--db", "a.db", "--force"),
    "gallery and its database": ("gallery", "small.toml", "--output", "a.db", "--db", "a.db", "--force"),
}


@pytest.mark.parametrize("name", ITSELF)
def test_P1_P9_no_result_takes_the_place_of_what_its_command_uses(folder: Path, name: str) -> None:
    """``--force`` replaces what is in the way, and never the database that the page is made from."""
    os.link(folder / "a.db", folder / "LINK")
    before = contents(folder)
    done = workbench(*ITSELF[name], cwd=folder)
    assert done.returncode == 3 and "would take the place of" in done.stderr, (done.stdout, done.stderr)
    assert contents(folder) == before
