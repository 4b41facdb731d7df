"""No command changes or takes away a row of results: what was stored keeps its bytes, whatever comes after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.commands import SMALL, workbench
from support.every_command import writes_rows
from support.small_refit import written

from workbench.store.canonical import TABLES

STATE = {
    "invocation": ("status", "seconds", "computed", "reused", "failed", "run_steps", "write_seconds", "draw_seconds"),
    "calibration": ("budget", "status", "command"),
}
"""How a command stands, which is no result."""
WRITING = [
    ["sweep", "other.toml", "--db", "a.db", "--workers", "0", "--arm", "slow"],
    ["sweep", "other.toml", "--db", "a.db", "--workers", "0"],
    ["sweep", "other.toml", "--db", "a.db", "--workers", "0"],
    ["sweep", "other.toml", "--db", "a.db", "--workers", "0", "--subjects", "2", "--set", "phase.learning.trials=100"],
    ["findings", "scenarios/small.toml", "--db", "a.db", "--workers", "0"],
    ["calibrate", "scenarios/small.toml", "--db", "a.db", "--workers", "0", "--budget", "12", "--to", "refit.toml"],
    ["calibrate", "scenarios/small.toml", "--db", "a.db", "--workers", "0", "--budget", "20", "--force", "--to", "refit.toml"],
    ["gallery", "other.toml", "--db", "a.db", "--output", "page.html"],
    ["migrate", "a.db"],
    ["merge", "b.db", "--into", "a.db"],
]  # fmt: skip
"""Other commands open no database for writing: in a closed folder they do what they do elsewhere."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[tuple[str, ...]]]:
    """Every update and deletion that is so much as prepared while a test runs, by table and column."""
    found: set[tuple[str, ...]] = set()
    connect = sqlite3.connect

    def watch(action: int, table: str | None, column: str | None, *_: Any) -> int:
        if action in (sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_DROP_TABLE):
            found.add(({sqlite3.SQLITE_UPDATE: "update"}.get(action, "delete"), table or "", column or ""))
        return sqlite3.SQLITE_OK

    def watched(*where: Any, **how: Any) -> sqlite3.Connection:
        connection = connect(*where, **how)
        connection.set_authorizer(watch)
        return connection

    monkeypatch.setattr(sqlite3, "connect", watched)
    yield found


def rows(db: Path) -> dict[str, set[tuple[object, ...]]]:
    """Return all rows of results, and the audit's, without what is a command's state."""
    found = {}
    with closing(sqlite3.connect(db)) as connection:
        for table in (*TABLES, "audit"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(f'"{name}"' for name in columns if name not in STATE.get(table, ()))
            found[table] = set(connection.execute(f"SELECT {kept} FROM {table}").fetchall())
    return found


def schema(db: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'").fetchall()


def test_p05_no_command_updates_or_deletes_a_result(tmp_path: Path, asked: set[tuple[str, ...]]) -> None:
    assert writes_rows() == {words[0] for words in WRITING}, "a command that writes rows is tried here"
    root, before = written(tmp_path / "user"), {}
    (root / "other.toml").write_text(SMALL)
    beside = ["sweep", "other.toml", "--db", "b.db", "--workers", "0", "--arm", "slow", "--seed", "8"]
    assert workbench(*beside, cwd=root).returncode == 0
    for words in WRITING:
        done = workbench(*words, cwd=root)
        assert done.returncode == 0, (words, done.stderr)
        now = rows(root / "a.db")
        for table, there in before.items():
            assert there <= now[table], (words, table)
        before = now
    assert len(before["run"]) > 30 and before["candidate"]
    results = {(what, table, column) for what, table, column in asked if table in TABLES or table == "audit"}
    allowed = {("update", table, column) for table, columns in STATE.items() for column in columns}
    # A place that holds another run is set to NULL, which its table refuses: the statement fails, and changes nothing.
    assert results - allowed == {("update", "sweep_run", "run")}
    tables = {name for kind, name in schema(root / "a.db") if kind == "table"}
    assert {table for what, table, _ in asked if what == "delete"} & tables == {"columns"}, "made again with the views"
