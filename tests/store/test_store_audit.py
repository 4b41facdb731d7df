"""The audit: every row that a command writes stands in an entry, and no change of any row goes unseen."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.store_fakes import plan, solve, store_everything, sweep_into

from workbench.store import digest, open_results, open_writer
from workbench.store.audit import Written, chain_faults, content_of, entries, uncovered
from workbench.store.canonical import TABLES, spans
from workbench.store.history import history

OUTSIDE = {"columns", "cache_step_error", "audit"}
"""Tables without results: made again from others, or the audit itself."""
STATE = {("calibration", "budget"), ("calibration", "status"), ("calibration", "command")}
"""How a refit that may go on stands; no result."""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db: Path = tmp_path_factory.mktemp("audit") / "results.db"
    store_everything(db)
    return db


def faults(driver: sqlite3.Connection) -> list[str]:
    """Everything that the audit has to say against a file."""
    found = [words for _, words in chain_faults(driver)]
    found += [f"rows of entry {e.id}" for e in entries(driver) if content_of(driver, e) != e.content]
    return found + [f"{table}: {pair}" for table, pair in uncovered(driver).items()]


@pytest.fixture
def driver(full: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    shutil.copyfile(full, tmp_path / "copy.db")
    connection = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    yield connection
    connection.close()


def test_p05_every_row_of_every_table_stands_in_one_entry(driver: sqlite3.Connection) -> None:
    assert faults(driver) == []
    named = {name for (name,) in driver.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert {n for n in named if not n.startswith("sqlite_")} == set(TABLES) | OUTSIDE
    filled = {table for table in TABLES if driver.execute(f"SELECT 1 FROM {table}").fetchone()}
    assert filled == set(TABLES)
    kinds = [e.facts["kind"] for e in entries(driver)]
    assert kinds[0] == "created"
    assert {"sweep", "chunk", "finished", "calibration", "candidates"} <= set(kinds)
    assert {e.command for e in entries(driver)} == {"fake", "refit"}


def test_d07_a_change_of_any_column_of_any_table_is_seen(driver: sqlite3.Connection) -> None:
    unseen = []
    for table in (*TABLES, "audit"):
        for _, column, kind, *_ in driver.execute(f"SELECT * FROM pragma_table_info('{table}')").fetchall():
            other = {"TEXT": "'#' || coalesce({}, '')", "BLOB": "zeroblob(32)"}.get(kind, "coalesce({}, 0) + 1000003")
            driver.execute("PRAGMA ignore_check_constraints = ON")
            driver.execute("BEGIN")
            key = "rowid" if driver.execute(f"SELECT wr FROM pragma_table_list('{table}')").fetchone() == (0,) else ""
            last = f"WHERE rowid = (SELECT max(rowid) FROM {table})" if key else _last(driver, table)
            driver.execute(f"UPDATE {table} SET {column} = {other.format(column)} {last}")
            if not faults(driver) and (table, column) not in STATE:
                unseen.append(f"{table}.{column}")
            driver.execute("ROLLBACK")
    assert unseen == []


def _last(driver: sqlite3.Connection, table: str) -> str:
    """Return a clause that finds the last row of a table without row ids."""
    keys = [row[1] for row in driver.execute(f"SELECT * FROM pragma_table_info('{table}') WHERE pk ORDER BY pk")]
    ordered = ", ".join(f"{key} DESC" for key in keys)
    row = driver.execute(f"SELECT {', '.join(keys)} FROM {table} ORDER BY {ordered} LIMIT 1").fetchone() or ()
    return "WHERE " + " AND ".join(f"{k} = {v!r}" for k, v in zip(keys, row, strict=False)) if row else ""


@pytest.mark.parametrize("table", TABLES)
def test_d07_a_row_taken_out_or_put_in_is_seen(driver: sqlite3.Connection, table: str) -> None:
    driver.execute("BEGIN")
    if driver.execute(f"DELETE FROM {table}").rowcount:
        assert faults(driver) != []
    driver.execute("ROLLBACK")
    if table == "outcome":
        driver.execute("INSERT INTO outcome SELECT run, measure + 100, value FROM outcome LIMIT 1")
        assert faults(driver) == [f"outcome: {uncovered(driver)['outcome']}"]


def test_the_last_entries_taken_off_leave_rows_without_an_entry(driver: sqlite3.Connection) -> None:
    driver.execute("DELETE FROM audit WHERE id > 3")
    assert list(chain_faults(driver)) == []
    assert uncovered(driver)["run"] > (0, 0)


def test_nothing_new_is_no_entry_and_an_interrupted_chunk_is_named_as_it_came(tmp_path: Path) -> None:
    db, asked = tmp_path / "results.db", plan(subjects=6)
    with open_writer(db) as writer:
        writer.begin(asked)
        for chunk in asked.chunks(5):  # the edges of chunks lie within subjects
            rows = writer.missing(chunk)[::2]
            writer.store(chunk, rows, solve(chunk, rows))
        writer.finish("stopped")
        assert sweep_into(writer, asked, size=24) == 1
    before = digest(db)
    with open_writer(db) as writer:
        sweep_into(writer, asked, size=3)
    with sqlite3.connect(db) as connection:
        assert faults(connection) == []
        kinds = [e.facts["kind"] for e in entries(connection)]
    connection.close()
    assert kinds[-2:] == ["sweep", "finished"]
    assert digest(db) == before


def test_ranges_hold_the_numbers_that_they_were_made_of() -> None:
    assert spans([]) == []
    assert spans(np.array([9, 4, 5, 5, 7, 8])) == [[4, 5], [7, 9]]


def test_all_rows_of_a_file_can_be_named_at_once(driver: sqlite3.Connection) -> None:
    driver.execute("DELETE FROM audit")
    assert len(uncovered(driver)) > 20
    written = Written(driver)
    written.everything()
    assert written.append("", "migrated")
    assert faults(driver) == []


def test_a_killed_command_is_marked_by_the_next_one_that_writes_and_no_result_is_touched(tmp_path: Path) -> None:
    db, asked = tmp_path / "results.db", plan(subjects=3)
    writer = open_writer(db, command="first")
    writer.begin(asked, command="first")
    chunk = next(asked.chunks(5))
    writer.store(chunk, writer.missing(chunk), solve(chunk))
    writer.close()  # and never a word about the end
    (first,) = history(db).commands
    assert (first.first, first.last, first.status) == (1, 4, "running")
    before = open_results(db).runs()
    with open_writer(db) as writer:
        assert open_results(db).runs().equals(before)
        sweep_into(writer, replace(asked, seed=4))
    told = history(db)
    assert [(one.command, one.status) for one in told.commands] == [("first", "killed"), ("fake", "finished")]
    assert told.commands[0].wrote == "new file; sweep 1 of fake; 5 runs computed, 0 of them failed, 0 reused"
    assert told.commands[1].wrote == "sweep 2 of fake; 12 runs computed, 0 of them failed, 0 reused"
    with sqlite3.connect(db) as connection:
        assert faults(connection) == []
        last = list(entries(connection))[-1]
        connection.execute("UPDATE audit SET command = 'else' WHERE id = 2")
    connection.close()
    assert (told.entries, told.sha256, told.broken) == (last.id, last.sha256.hex(), "")
    assert history(db).broken == "entry 2 was changed after it was written"


def test_the_history_names_refits_and_versions(full: Path) -> None:
    told = history(full).commands
    assert [one.wrote.partition(";")[0] for one in told] == [
        "new file",
        *(f"sweep {i} of fake" for i in (2, 1, 3)),
        "calibration 1",
    ]
    assert told[-1].wrote == "calibration 1; 2 candidates" and told[-1].status == "finished"
    assert told[0].wrote.endswith("1 run computed, 0 of them failed, 0 reused, 1 lost with the process")
    assert set(told[0].versions) >= {
        "workbench",
        "engine",
        "python",
        "numpy",
        "scipy",
        "pandas",
        "sqlalchemy",
        "sqlite",
    }
