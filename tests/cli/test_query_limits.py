"""Questions without an end, with vast answers and with odd cells: stopped, refused in a line, or shown in a line."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.commands import SMALL, answer, workbench

import workbench.store.question as question
from workbench.errors import UsageError
from workbench.execution.runner import run_sweep
from workbench.store import open_results
from workbench.store import query as ask
from workbench.store.result_digest import digest

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select {} from n"
COUNTED = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {}) select i from n"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("query")
    (folder / "small.toml").write_text(SMALL)
    run_sweep(folder / "small.toml", folder / "a.db", workers=1, studies=["strength"])
    assert workbench("query", "a.db", "select 1", cwd=folder).returncode == 0  # everything is loaded from here on
    return folder / "a.db"


@contextmanager
def interrupt_after(seconds: float) -> Iterator[None]:
    """Press Ctrl-C in this process, soon."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
@pytest.mark.parametrize("what", ["count(*)", "sum(i)"])
def test_I02_ctrl_c_ends_a_question_without_an_end(db: Path, what: str) -> None:
    with interrupt_after(0.3):
        done = workbench("query", db, ENDLESS.format(what), cwd=db.parent)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    with interrupt_after(0.3), pytest.raises(KeyboardInterrupt):
        open_results(db).sql(ENDLESS.format(what))
    with interrupt_after(0.3), pytest.raises(KeyboardInterrupt), open_results(db) as results:
        results.sql(ENDLESS.format(what))


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_an_answer_of_too_many_rows_is_refused_before_a_row_is_shown(db: Path, form: str) -> None:
    done = workbench("query", db, ENDLESS.format("i"), "--format", form, "--max-rows", "1000", cwd=db.parent)
    said = done.stderr or answer(done)["errors"][0]["message"]
    assert done.returncode == 2 and "more than 1,000 rows" in said
    assert form == "json" or done.stdout == ""
    fits = workbench("query", db, COUNTED.format(1000), "--format", form, "--max-rows", "1000", cwd=db.parent)
    assert fits.returncode == 0, fits.stderr


def test_without_an_option_the_limit_is_that_of_the_help(db: Path) -> None:
    done = workbench("query", db, ENDLESS.format("i"), cwd=db.parent)
    assert done.returncode == 2 and "more than 100,000 rows" in done.stderr and "--format csv" in done.stderr
    assert "100,000 rows as text" in " ".join(workbench("query", "--help", cwd=db.parent).stdout.split())
    with pytest.raises(UsageError, match="more than 7 rows"):
        ask(db, ENDLESS.format("i"), max_rows=7)


def test_csv_comes_in_stretches_and_a_limit_cuts_it_with_a_line(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = workbench("query", db, COUNTED.format(5000), "--format", "csv", cwd=db.parent)
    assert whole.stdout == "i\n" + "".join(f"{i}\n" for i in range(1, 5001))
    monkeypatch.setattr(question, "STRETCH_ROWS", 7)
    again = workbench("query", db, COUNTED.format(5000), "--format", "csv", cwd=db.parent)
    assert again.stdout == whole.stdout
    cut = workbench("query", db, ENDLESS.format("i"), "--format", "csv", "--max-rows", "10", cwd=db.parent)
    assert cut.returncode == 2 and cut.stdout == "i\n" + "".join(f"{i}\n" for i in range(1, 11))
    empty = workbench(
        "query", db, "select i, 2 as j from (select 1 as i) where i > 1", "--format", "csv", cwd=db.parent
    )
    assert (empty.returncode, empty.stdout) == (0, "i,j\n")


def test_bytes_are_counted_where_an_answer_is_held(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "MOST_BYTES", 100_000)
    monkeypatch.setattr(question, "STRETCH_BYTES", 10_000)
    wide = ENDLESS.format("printf('%.*c', 1000, 'x')")
    done = workbench("query", db, wide, "--json", cwd=db.parent)
    assert done.returncode == 2 and "MiB; narrow the query" in answer(done)["errors"][0]["message"]
    tall = workbench("query", db, "select zeroblob(1000000000)", cwd=db.parent)
    assert tall.returncode == 2 and "a row holds at most 48 MiB" in tall.stderr


def test_odd_cells_are_shown_in_a_line_each(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    odd = "select null as missing, x'00ff' as bytes, 'a' || char(0) || 'b' as nul, printf('%.*c', 5000, 'x') as long"
    shown = dict(line.split(None, 1) for line in workbench("query", db, odd, cwd=db.parent).stdout.splitlines())
    assert (shown["missing"], shown["bytes"], shown["nul"]) == ("-", "00ff", "a\\x00b") and len(shown["long"]) == 80
    vast = workbench("query", db, "select zeroblob(50000000) as bytes", cwd=db.parent).stdout
    assert len(vast) < 200 and "0000..." in vast
    (row,) = answer(workbench("query", db, odd, "--json", cwd=db.parent))["rows"]
    assert row == {"missing": None, "bytes": "00ff", "nul": "a\0b", "long": "x" * 5000}


def test_a_question_leaves_the_database_as_it_was(db: Path) -> None:
    before = digest(db)
    for words in ("delete from run", "drop table run", "insert into run default values", "pragma user_version = 9"):
        assert workbench("query", db, words, cwd=db.parent).returncode == 2
    assert digest(db) == before
