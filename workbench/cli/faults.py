"""Errors as lines on standard error, or as one object on standard output."""

from __future__ import annotations

import dataclasses
import errno
import os
import platform
import tempfile
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.cli.output import print_note, print_object
from workbench.errors import Problem, StorageError, UnheardError, WorkbenchError, escaped

SHOWN_PROBLEMS = 50


def _problems(error: WorkbenchError) -> list[Problem]:
    if error.problems:
        return list(error.problems)
    message, _, hint = str(error).partition("\nhint: ")
    return [Problem("", 0, 0, "", message, hint)]


def lines_of(problems: Sequence[Problem], word: str = "error", rest: str = "problems") -> Iterator[str]:
    """Yield each problem, or note, as a line with its hint below it, 50 at most and then a count."""
    for problem in problems[:SHOWN_PROBLEMS]:
        text = str(problem) if problem.file else problem.message
        yield escaped(f"{word}: " + " ".join(text.splitlines()))
        if problem.hint:
            yield escaped(f"hint: {problem.hint}")
    if len(problems) > SHOWN_PROBLEMS:
        yield f"{word}: {len(problems) - SHOWN_PROBLEMS} more {rest} ({len(problems)} in all)"


def note_lines(notes: Sequence[Problem]) -> Iterator[str]:
    """Yield the notes about what is accepted, a line for each."""
    return lines_of(notes, "note", "notes")


def as_objects(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return problems or notes for JSON."""
    return [dataclasses.asdict(problem) for problem in problems]


def print_error(error: WorkbenchError, as_json: bool) -> int:
    """Write what is wrong and return the exit code.

    Lines go to standard error, sorted by place, each with its hint below it, 50 at most and then a count; with
    `as_json` one object goes to standard output instead.
    """
    problems = _problems(error)
    if as_json and not isinstance(error, UnheardError):
        print_object({"ok": False, "exit": error.exit_code, "errors": as_objects(problems)})
    else:
        for line in lines_of(problems):
            print_note(line)
    return error.exit_code


def stop_error(number: int, command: str, kept: str = "what was stored", when: str = "at once") -> WorkbenchError:
    """Return the error of a command that a signal stopped: what is kept, and how to go on."""
    error = WorkbenchError(f"stopped {when}; {kept} is kept; go on with: {command}")
    error.exit_code = 128 + number
    return error


@contextmanager
def explain_stop(command: str, kept: str = "what was stored") -> Iterator[None]:
    """Turn StoppedAtOnce into the error that says how to go on."""
    from workbench.execution.signals import StoppedAtOnce

    try:
        yield
    except StoppedAtOnce as stop:
        raise stop_error(stop.number, command, kept) from None


OUTER = frozenset(
    getattr(errno, name)
    for name in (
        *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ELOOP"),
        *("ENAMETOOLONG", "ENOTDIR", "EISDIR", "ETXTBSY", "ESTALE", "ENOLCK"),
    )
    if hasattr(errno, name)
)
"""System errors for a file that cannot be read or written, or no longer."""


def describe_outer_fault(error: BaseException) -> StorageError | None:
    """Return a fault of the machine or its files in one line; None for any other error."""
    if isinstance(error, MemoryError):
        return StorageError(
            "memory ran out; stored runs are kept; give the same command again, with fewer --workers or with more"
            " memory left free"
        )
    if not isinstance(error, OSError) or error.errno not in OUTER:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return StorageError(f"{place}cannot be read or written ({error.strerror}); stored runs are kept")


def internal_fault(error: BaseException, arguments: list[str], as_json: bool) -> int:
    """Write the traceback to a log file, name the file, and return exit code 1."""
    log = _write_log(error, arguments)
    sought = f"please send {log}" if log else "no log could be written; the same command with --debug shows the details"
    message = f"internal fault, a bug of ours ({type(error).__name__}); stored runs are kept; {sought}"
    return print_error(WorkbenchError(message), as_json)


def _write_log(error: BaseException, arguments: list[str]) -> Path | None:
    from platformdirs import user_log_path

    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    text = "\n".join(
        (
            f"workbench {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {arguments!r}",
            "".join(traceback.format_exception(error)),
        )
    )
    # A home may be read-only or missing, as in a container; a log in a temporary folder is better than none.
    for folder in (user_log_path("workbench", appauthor=False), Path(tempfile.gettempdir())):
        path = folder / f"workbench-fault-{now}-{os.getpid()}.log"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    return None
