"""What each command is, read off its own declaration: which files it is given, and whether it writes any.

A new command is tried with all others without a line here: its example follows from its arguments, and what it may
write from its options.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from typer.main import get_command

from workbench.cli.main import app

EXAMPLES = {"SCENARIO": "small.toml", "DB": "small.db", "FILE": "new.db", "DIR": "new", "SQL": "select 1"}
"""What stands for an argument, by the word that the help has for it."""
IN_PLACE = frozenset({"migrate"})
"""Commands that write into the database that they are given to read; others say by an option where to."""


@cache
def commands() -> dict[str, Any]:
    """Return every command by name, as the help lists them."""
    return dict(get_command(app).commands)  # type: ignore[attr-defined]


def writes_rows() -> frozenset[str]:
    """Return the commands that open a database for writing."""
    return frozenset(name for name in commands() if {"--db", "--into"} & _options(name)) | IN_PLACE


def writes_files() -> frozenset[str]:
    """Return the commands that write a file or a folder, and replace what is there only when told to."""
    return frozenset(name for name in commands() if "--force" in _options(name))


def reads_files() -> frozenset[str]:
    """Return the commands that are given a name of something to read."""
    return frozenset(name for name in commands() if any(_word(p) != "DIR" for p in _arguments(name)))


def example(name: str) -> tuple[str, ...]:
    """Return what follows the command in a folder with small.toml and small.db: what it cannot do without."""
    given = tuple(EXAMPLES[_word(p)] for p in _arguments(name) if p.required)
    needed = [p for p in commands()[name].params if p.required and p.param_type_name == "option"]
    return given + tuple(word for p in needed for word in (p.opts[-1], EXAMPLES.get(p.metavar or "", "1")))


def _arguments(name: str) -> list[Any]:
    return [p for p in commands()[name].params if p.param_type_name == "argument"]


def _options(name: str) -> set[str]:
    return {option for p in commands()[name].params if p.param_type_name == "option" for option in p.opts}


def _word(argument: Any) -> str:
    """Return the first thing that an argument may be: SCENARIO of ``SCENARIO|FOLDER...``."""
    return str(argument.metavar).strip("[].").replace("]", "|").partition("|")[0].removesuffix("...")
