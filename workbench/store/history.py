"""Which command wrote what into a database, when, and with which versions: the audit, command by command."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.store.audit import Entry, chain_faults, entries, has_audit
from workbench.store.whole import reading

BEGINNINGS = ("created", "sweep", "calibration", "migrated", "merged")
"""Kinds of the entries with which a command begins; the others go on with what was begun."""


@dataclass(frozen=True)
class CommandRecord:
    """What one command wrote.

    Attributes
    ----------
    first, last : int or None
        Its entries; None where it is older than the audit.
    at : str
        When it began.
    wrote : str
        In words.
    status : str
        How it ended: finished, stopped, broken off, killed; "running" where no later writer has looked yet.
    versions : mapping
        By name; empty where they were not kept.
    """

    first: int | None
    last: int | None
    at: str
    command: str
    wrote: str
    status: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class History:
    """All commands that wrote, in order.

    Attributes
    ----------
    entries : int or None
        How many the audit has; None where there is no audit.
    sha256 : str
        The hash of the last one, which stands for all before it; "" without an audit.
    broken : str
        What is wrong with the chain, "" where nothing is.
    """

    commands: tuple[CommandRecord, ...]
    entries: int | None
    sha256: str
    broken: str


def history(path: str | Path) -> History:
    """Read who wrote what; of a file without an audit what its invocations say."""
    with reading(Path(path), whole=False) as driver:  # what is wrong with the chain is what it tells
        driver.execute("BEGIN")
        listed = list(entries(driver))
        groups = list(_grouped(listed))
        known, calibrated = ({e.facts.get(name) for g in groups for e in g} for name in ("invocation", "calibration"))
        older = [*_older_sweeps(driver, known), *_older_refits(driver, calibrated)]
        older.sort(key=lambda one: one.at)
        found = tuple(_written(driver, group) for group in groups)
        kept = has_audit(driver)
        broken = next((words for _, words in chain_faults(driver)), "")
    last = listed[-1].sha256.hex() if listed else ""
    return History((*older, *found), len(listed) if kept else None, last, broken)


def _grouped(listed: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries of one command together: there is one writer at a time.

    An end that belongs to an earlier command (it was killed) is no part of it, and said with that command.
    """
    group: list[Entry] = []
    for entry in listed:
        facts = entry.facts
        # Written by the next command on behalf of the dead one; the killed command's own row already says how it
        # ended.
        if facts.get("status") == "killed":
            continue
        new = facts.get("kind") in BEGINNINGS and not (
            group and group[-1].facts.get("kind") in ("created", "migrated") and group[-1].command == entry.command
        )
        if new and group:
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _written(driver: sqlite3.Connection, group: Sequence[Entry]) -> CommandRecord:
    facts = [entry.facts for entry in group]
    parts = [words for one in facts if (words := _beginning(driver, one))]
    chunks = [one for one in facts if one.get("kind") == "chunk"]
    if any(one.get("kind") == "sweep" for one in facts):
        computed, failed = (sum(_whole(one.get(name)) for one in chunks) for name in ("computed", "failed"))
        filled = sum(_whole(_counts(one).get("sweep_run")) for one in chunks)
        lost = sum(_whole(_counts(one).get("lost_run")) for one in chunks)
        counted = f"{_runs(computed)} computed, {failed:,} of them failed, {max(filled - computed, 0):,} reused"
        counted += f", {lost:,} lost with the process" if lost else ""
        parts.append(counted if computed or filled or lost else "nothing new")
    if any(one.get("kind") == "calibration" for one in facts):
        parts.append(f"{sum(_whole(_counts(one).get('candidate')) for one in facts):,} candidates")
    named = next((one for one in facts if one.get("kind") in ("sweep", "calibration")), facts[0])
    status, first, last = _status(driver, named), group[0], group[-1]
    return CommandRecord(first.id, last.id, first.at, first.command, "; ".join(parts), status, _versions(first))


def _beginning(driver: sqlite3.Connection, facts: Mapping[str, Any]) -> str:
    kind = facts.get("kind")
    if kind == "sweep":
        asked = "SELECT s.name FROM sweep JOIN scenario AS s ON s.id = sweep.scenario WHERE sweep.id = ?"
        named = driver.execute(asked, (_whole(facts.get("sweep")),)).fetchone() or ("?",)
        return f"sweep {facts.get('sweep')} of {named[0]}"
    if kind == "migrated":
        return f"from version {facts.get('from')} to {facts.get('to')}, the old file kept as {facts.get('kept')}"
    if kind == "merged":
        return f"merged: {_runs(_whole(_counts(facts).get('run')))}"
    return {"created": "new file", "calibration": f"calibration {facts.get('calibration')}"}.get(str(kind), "")


def _status(driver: sqlite3.Connection, facts: Mapping[str, Any]) -> str:
    """Return how a command ended, as its own row says now."""
    for table in ("invocation", "calibration"):
        if table in facts:
            found = driver.execute(f"SELECT status FROM {table} WHERE id = ?", (_whole(facts[table]),)).fetchone()
            return str(found[0]) if found else "?"
    return "finished"


def _versions(entry: Entry) -> dict[str, str]:
    try:
        found = json.loads(entry.versions)
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _older_sweeps(driver: sqlite3.Connection, known: set[Any]) -> Iterator[CommandRecord]:
    """Yield the invocations that began before there was an audit."""
    names = ("workbench", "python", "numpy", "scipy", "pandas", "sqlalchemy", "sqlite")
    asked = """SELECT i.id, i.started, i.command, i.sweep, s.name, i.computed, i.failed, i.status
        FROM invocation AS i JOIN sweep ON sweep.id = i.sweep JOIN scenario AS s ON s.id = sweep.scenario
        ORDER BY i.id"""
    for number, at, command, sweep, name, computed, failed, status in driver.execute(asked).fetchall():
        if number not in known:
            kept = dict(driver.execute("SELECT key, value FROM provenance WHERE invocation = ?", (number,)).fetchall())
            versions = {key: kept[key] for key in names if key in kept}
            words = f"sweep {sweep} of {name}; {_runs(computed)} computed, {failed:,} of them failed"
            parts = f"sweep {sweep} of {name}" if status in ("running", "killed") else words
            yield CommandRecord(None, None, at, command, parts, status, versions)


def _older_refits(driver: sqlite3.Connection, known: set[Any]) -> Iterator[CommandRecord]:
    asked = """SELECT c.id, c.created, c.command, c.status, (SELECT count(*) FROM candidate WHERE calibration = c.id)
        FROM calibration AS c ORDER BY c.id"""
    for number, at, command, status, candidates in driver.execute(asked).fetchall():
        if number not in known:
            yield CommandRecord(None, None, at, command, f"calibration {number}; {candidates:,} candidates", status, {})


def _runs(number: int) -> str:
    return f"{number:,} run{'' if number == 1 else 's'}"


def _counts(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    found = facts.get("counts")
    return found if isinstance(found, dict) else {}


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
