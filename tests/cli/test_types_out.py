"""What is printed is what is stored: the types and digits of SQLite in every format, and lines that run as printed."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.commands import ROOT, SMALL, environment

import workbench
from workbench.cli.main import main
from workbench.cli.sweep import _print_end
from workbench.execution.runner import run_sweep
from workbench.files import plain_path, quote_argument

BIG = 9007199254740993
COLUMNS: dict[str, tuple[Any, Any]] = {
    "whole": (BIG, -(2**63)),
    "whole_or_null": (BIG, None),
    "small_or_null": (None, 1),
    "yes": (1, 0),
    "real": (0.1 + 0.2, 1e22),
    "real_or_null": (1e-300, None),
    "whole_real": (1.0, 2.0),
    "sign": (-0.0, 0.0),
    "least": (5e-324, 1.7976931348623157e308),
    "mixed": (1, 1.0),
    "mixed_or_text": (2.5, "2.5"),
    "digits": ("007", "1e5"),
    "no_number": ("nan", "NULL"),
    "words": ("True", "-0"),
    "text_or_null": ("a,b", None),
    "lines": ('say "a"\nand b', "é — ü"),
    "dates": ("2026-01-02", "2026-01-02T03:04:05Z"),
    "bytes": (b"\x00\xff", b""),
    "none": (None, None),
}


def same(mine: Any, theirs: Any) -> bool:
    """Whether two values are of one type and print alike, so that -0.0 is not 0.0 and 1 is not 1.0."""
    return type(mine) is type(theirs) and repr(mine) == repr(theirs)


def sql() -> str:
    """Return a question whose answer is `COLUMNS`, written out."""

    def literal(value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return f"x'{value.hex()}'"
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        return "-9223372036854775807 - 1" if value == -(2**63) else repr(value)

    rows = (", ".join(f"{literal(pair[i])} AS {name}" for name, pair in COLUMNS.items()) for i in range(2))
    return " UNION ALL ".join(f"SELECT {row}" for row in rows)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of two sweeps: one seed that no float holds, and a whole number that only one study sweeps."""
    folder = tmp_path_factory.mktemp("types")
    swept = '\n[study.length]\nsubjects = 2\n[study.length.sweep]\n"phase.learning.trials" = { values = [10, 20] }\n'
    (folder / "big.toml").write_text(SMALL.replace("seed = 7", f"seed = {BIG}") + swept)
    for seed in (None, 7):
        run_sweep(folder / "big.toml", folder / "big.db", workers=1, seed=seed, studies=["strength", "length"])
    return folder / "big.db"


def printed(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert main([*line]) == 0
    return capsys.readouterr().out


def stored(db: Path, question: str) -> list[dict[str, Any]]:
    """Return SQLite's own answer."""
    with sqlite3.connect(db) as connection:
        cursor = connection.execute(question)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def test_query_gives_types_and_digits_of_sqlite_in_every_format(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = stored(db, sql())
    assert [{name: pair[i] for name, pair in COLUMNS.items()} for i in range(2)] == right
    found = json.loads(printed(capsys, "query", str(db), sql(), "--json"))["rows"]
    cells = list(csv.DictReader(io.StringIO(printed(capsys, "query", str(db), sql(), "--format", "csv"))))
    frame = workbench.open_results(db).sql(sql())
    text = printed(capsys, "query", str(db), sql())
    assert str(BIG) in text and str(BIG) in printed(capsys, "query", str(db), sql(), "--format", "markdown")
    for place, row in enumerate(right):
        for name, value in row.items():
            spelled_out = value.hex() if isinstance(value, bytes) else value
            assert same(found[place][name], spelled_out), name
            written = "" if value is None else spelled_out if isinstance(spelled_out, str) else repr(value)
            assert cells[place][name] == written, name
            held = frame[name].astype(object).iloc[place]
            assert pd.isna(held) if value is None else same(held, value), name
    assert frame["whole_or_null"].dtype == "Int64" and frame["whole"].dtype == "int64"
    assert frame["real_or_null"].dtype == "float64"


def test_two_columns_of_one_name_are_both_there(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = json.loads(printed(capsys, "query", str(db), "select 1 as a, 2 as a", "--json"))["rows"]
    assert row == {"a": 1, "a:1": 2}


@pytest.mark.parametrize(
    "view", ["sweeps", "runs", "outcomes_wide", "outcomes", "pairs", "points", "settings", "measures"]
)
def test_frames_and_every_format_hold_what_the_views_hold(
    view: str, db: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = f"select * from {view}"
    right = stored(db, question)
    found = json.loads(printed(capsys, "query", str(db), question, "--json"))["rows"]
    cells = list(csv.DictReader(io.StringIO(printed(capsys, "query", str(db), question, "--format", "csv"))))
    frames = [workbench.open_results(db).sql(question), getattr(workbench.open_results(db), view)()]
    plain = [frame.astype(object).to_dict("records") for frame in frames]
    assert len(right) == len(found) == len(cells) == len(frames[0]) == len(frames[1])
    for place, row in enumerate(right):
        for name, value in row.items():
            assert same(found[place][name], value)
            assert cells[place][name] == ("" if value is None else value if isinstance(value, str) else repr(value))
            for kept in plain:
                assert pd.isna(kept[place][name]) if value is None else same(kept[place][name], value), (view, name)


def test_whole_numbers_that_only_one_study_sweeps_stay_whole(db: Path) -> None:
    results = workbench.open_results(db)
    assert {row["seed"] for row in stored(db, "select seed from sweeps")} == {BIG, 7}
    for frame in (results.runs(1), results.outcomes_wide(1)):
        assert frame["trials"].dtype == "Int64" and set(frame["trials"].dropna()) == {10, 20}
        assert frame["spread"].dtype == "float64"
    assert results.runs(1, "length")["trials"].dtype == "int64"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (("runs", "{db}"), "rows"),
        (("compare", "{db}", "--study", "length", "--outcome", "norm"), "rows"),
    ],
)
def test_commands_print_one_table_in_all_formats(
    line: tuple[str, ...], key: str, db: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.format(db=db) for word in line]
    rows = json.loads(printed(capsys, *words, "--json"))[key]
    cells = list(csv.DictReader(io.StringIO(printed(capsys, *words, "--format", "csv"))))
    assert rows and len(rows) == len(cells)
    for row, cell in zip(rows, cells, strict=True):
        assert {name: "" if value is None else str(value) for name, value in row.items()} == cell


def test_replay_prints_the_digits_that_are_stored(db: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = stored(db, "select min(run) as run from outcomes")[0]["run"]
    right = {r["outcome"]: r["value"] for r in stored(db, f"select outcome, value from outcomes where run = {run}")}
    told = json.loads(printed(capsys, "replay", str(db), "--run", str(run), "--json", "--record", "all"))
    assert told["stored"] == told["outcomes"] == right
    text = printed(capsys, "replay", str(db), "--run", str(run))
    assert all(repr(value) in text for value in right.values())
    cells = csv.DictReader(
        io.StringIO(printed(capsys, "replay", str(db), "--run", str(run), "--record", "all", "--format", "csv"))
    )
    series: dict[str, list[float]] = {}
    for cell in cells:
        series.setdefault(cell["course"], []).append(float(cell["value"]))
    assert series == {name: found["value"] for name, found in told["series"].items()}


def test_doses_are_the_same_numbers_in_all_formats(capsys: pytest.CaptureFixture[str]) -> None:
    line = ("doses", str(ROOT / "scenarios" / "ketamine_pk.toml"), "--arm", "six_infusions", "--subjects", "3")
    rows = json.loads(printed(capsys, *line, "--json"))["rows"]
    cells = list(csv.DictReader(io.StringIO(printed(capsys, *line, "--format", "csv"))))
    assert rows and [{name: repr(value) for name, value in row.items()} for row in rows] == cells


PATHS = ("trial?.db", "a#b.db", "100%.db", "%3f.db", "a&b=c;d.db", "it's.db", 'say "x".db', "a b.db", "back\\slash.db", "line\nbreak.db", "ümlaut é.db", "-lead.db", "file:x.db", ":memory:", "$HOME.db", "`id`.db", "a*?[b].db", "{x}.db", "~.db")  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="names that Windows has not")
def test_the_printed_lines_run_as_printed_whatever_the_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    done = run_sweep("small.toml", "first.db", workers=1, studies=["strength"])
    lines = []
    for path in PATHS:
        Path(path).write_bytes(Path("first.db").read_bytes())
        _print_end(replace(done, db=Path(path)), "", None)
        told = capsys.readouterr().out
        lines.append(told[told.index("import pandas") :])
        said = told[told.index("next: ") : told.index("\n\nimport pandas")].removeprefix("next: ")
        assert "\n" not in said
        read = subprocess.run(["bash", "-c", f"printf '%s\\0' {said}"], check=True, capture_output=True, text=True)
        following = read.stdout.split("\0")[:-1]
        assert following[:2] == ["workbench", "compare"] and Path(following[2]) == Path(path)
        if path[0] in "-:f":
            assert main(following[1:]) == 0
            capsys.readouterr()
    before = sorted(tmp_path.iterdir())
    script = "\n".join(f"{text}\nassert len(outcomes) == 36, 'other rows'" for text in lines)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, env=environment())
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.name == "nt", reason="names that Windows has not")
@pytest.mark.parametrize("name", ["file:x.db", "file:x.db?mode=memory", ":memory:", "a?b.db", "-lead.db"])
def test_a_sweep_writes_the_file_that_is_named_and_no_other(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "small.toml", f"--db={name}", "--workers", "0", "--study", "arms", "--subjects", "1"]
    assert (main(words), main([*words, "--seed", "2"])) == (0, 0)
    assert {path.name for path in tmp_path.iterdir()} == {"small.toml", name}
    capsys.readouterr()
    assert main(["runs", "--json", "--", name]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2


def test_paths_are_spelled_so_that_nothing_else_is_meant() -> None:
    assert [plain_path(Path(p)) for p in ("a.db", "-a.db", "file:a.db", ":memory:", "/-a")] == [
        *("a.db", "./-a.db", "./file:a.db", "./:memory:", "/-a"),
    ]
    assert quote_argument(Path("-a b.db")) == "'./-a b.db'"
