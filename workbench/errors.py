"""What can go wrong, named after the user's mistake or the world's fault.

The library raises these and never prints or exits; only the command line turns them into
messages and exit codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SHOWN = 80
CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Characters that control a terminal or hide text: controls, direction marks, line ends, lone surrogates."""


def escaped(text: str, keep: str = "") -> str:
    """Return `text` with escapes for the control characters in it, all but those to `keep`."""
    return CONTROLS.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shorten(value: object) -> str:
    """Return `value` as text fit for one line: escapes for control characters, at most 80 letters."""
    text = value if isinstance(value, str) else repr(value)
    # No more is looked at than can be shown: the text may be as long as a file.
    text = "".join(c if c.isprintable() else _escape(c) for c in text[: SHOWN + 1])
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def quoted(name: object) -> str:
    """Return a user's name in quotes, as text for one line."""
    return f"'{shorten(name)}'"


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake at one place of one file.

    `line` and `column` count from 1, in characters; 0 means that the place is not inside the file.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class WorkbenchError(Exception):
    """Base of every error that has a message for the user; `exit_code` is what a command returns.

    `problems` are its parts, where there are several that are reported one by one.
    """

    exit_code = 1
    problems: tuple[Problem, ...] = ()


class ScenarioError(WorkbenchError):
    """The scenario, parameter set or command line asks for something that cannot be done.

    Carries every problem found, sorted by place, so that all can be fixed at once.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type, tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class InertError(ScenarioError):
    """A scenario whose only problems are tables that act on nothing.

    A broken rule may be the reason, so `scenario` is kept for a caller that can check the rules.
    """

    def __init__(self, problems: Iterable[Problem], scenario: Any = None) -> None:
        self.scenario = scenario
        super().__init__(problems)


class AssemblyError(WorkbenchError):
    """A component asks its block for something that no other table provides; `path` names the asking table."""

    exit_code = 2

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.path, self.reason)


class UsageError(WorkbenchError):
    """A command or function was called with arguments that make no sense."""

    exit_code = 2


class OtherRuns(UsageError):
    """Going on with a sweep would mix runs: something outside its texts has changed since it began.

    `changed` says what, where that is known.
    """

    def __init__(self, db: str, sweep: int, changed: str = "") -> None:
        self.db, self.sweep, self.changed = db, sweep, changed
        what = changed or "a data file or an installed component has changed since"
        super().__init__(f"{db}: sweep {sweep} holds other runs at these places: {what}; use another --db to keep both")

    def __reduce__(self) -> tuple[type, tuple[str, int, str]]:
        return type(self), (self.db, self.sweep, self.changed)


class StorageError(WorkbenchError):
    """A file or database is missing, locked, full, read-only, damaged, foreign or too new."""

    exit_code = 3


class Note(UserWarning):
    """What the library did unasked, or could not do, and goes on; the command line shows it as a line of its own."""


class MigrationNote(Note):
    """A database of an older version was brought up to date."""


class WorkerNote(Note):
    """A worker on another machine may not compute, or none is there."""


class UnheardError(StorageError):
    """Standard output cannot take the result: it is closed, or the disk behind it is full."""


class PackageFault(WorkbenchError):
    """A component of another package failed, or cannot be loaded: no mistake of the user, no bug of the workbench."""

    exit_code = 3


class PointFailure(WorkbenchError):
    """A single run could not be finished; `reason` and `time` say why and when (model time)."""

    exit_code = 4

    def __init__(self, reason: str, time: str) -> None:
        self.reason, self.time = reason, time
        super().__init__(f"{reason} at {time}")


class CheckFailed(WorkbenchError):
    """A verification, expectation or merge found a difference."""

    exit_code = 5
