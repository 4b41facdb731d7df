"""What is found where a file differs from what was written into it, in one form for all checks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import StorageError, shorten
from workbench.files import quote_argument

Ask = Callable[..., sqlite3.Cursor]
"""Puts one question, with its values, to the database that is looked at."""
SHOWN = 50
"""Findings of one check that are kept one by one; the others are counted."""
OURS_TO_TELL = ("SQLITE_BUSY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_NOMEM", "SQLITE_FULL", "SQLITE_INTERRUPT")
"""Errors of SQLite that say nothing about the file's content."""


@dataclass(frozen=True)
class Damage:
    """One row, or one other part of the file, that is not as it was written.

    Attributes
    ----------
    row : str
        What it is, in words: "outcome 'norm' of run 17".
    message : str
        What is wrong with it.
    stored, computed
        What the file says and what it should say, where there are two values to show.
    sweep, study, arm, point, subject, run, outcome
        Where it stands, as far as it belongs to a run.
    """

    table: str
    row: str
    message: str
    stored: Any = None
    computed: Any = None
    run: int | None = None
    outcome: str | None = None
    sweep: int | None = None
    study: str | None = None
    arm: str | None = None
    point: int | None = None
    subject: int | None = None

    def __str__(self) -> str:
        place = (
            f" (sweep {self.sweep}, {self.study}, {self.arm}, point {self.point}, subject {self.subject})"
            if self.sweep is not None and self.study is not None
            else ""
        )
        return f"{shorten(self.row) or self.table}{place}: {self.message}"


@dataclass
class Check:
    """What one kind of look at a file found.

    Attributes
    ----------
    looked : str
        What was looked at, with counts.
    findings : list of Damage
        The first of them; `found` counts all.
    notes : list of str
        What could not be looked at, and why.
    """

    name: str
    looked: str = ""
    findings: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    found: int = 0

    @property
    def well(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    def add(self, findings: Iterable[Damage]) -> None:
        """Take findings in, all counted and the first `SHOWN` kept."""
        for finding in findings:
            self.found += 1
            if len(self.findings) < SHOWN:
                self.findings.append(finding)


def damaged(path: Path, what: object) -> StorageError:
    """Return the error of a file that is not as it was written."""
    return StorageError(
        f"{path}: damaged, a torn copy, or changed by hand: {what}; nothing was written;"
        f" `workbench verify {quote_argument(path)}` lists the rest; restore a copy made while nothing was writing"
    )


def decode_text(text: bytes) -> str:
    """Return a stored text, with what is no UTF-8 in it as lone surrogates, which no other text holds."""
    return text.decode("utf-8", "surrogateescape")


def is_clean(text: str) -> bool:
    """Return whether a text that `decode_text` read was UTF-8."""
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def readable(check: Check, look: Callable[[], Iterable[Damage]]) -> Check:
    """Return the check with what a look found, or with the complaint of SQLite's that ended it.

    Raises
    ------
    sqlite3.Error
        If the complaint says nothing of what the file holds.
    """
    try:
        check.add(look())
    except sqlite3.Error as fault:
        if (getattr(fault, "sqlite_errorname", "") or "").startswith(OURS_TO_TELL):
            raise
        check.add([Damage("", check.name, f"cannot be read ({fault})")])
    except UnicodeDecodeError:  # the driver's, of names and messages: they do not pass through `unescaped`
        check.add([Damage("", check.name, "cannot be read (a name in the schema is not valid UTF-8)")])
    return check


def placed(ask: Ask, findings: Sequence[Damage]) -> Iterator[Damage]:
    """Yield findings with the place of their run, as far as that can still be read."""
    from dataclasses import replace

    for finding in findings:
        if finding.run is None or finding.study is not None:
            yield finding
            continue
        try:
            row = ask(PLACE, (finding.run,)).fetchone()
        except sqlite3.Error:
            row = None
        keys = ("sweep", "study", "arm", "point", "subject")
        yield replace(finding, **dict(zip(keys, row, strict=True))) if row else finding


PLACE = """SELECT s.sweep, study.name, arm.name, point.ordinal, s.subject
FROM sweep_run AS s JOIN study ON study.id = s.study JOIN arm ON arm.id = s.arm JOIN point ON point.id = s.point
WHERE s.run = ? ORDER BY s.sweep, s.study, s.arm, s.point LIMIT 1"""
