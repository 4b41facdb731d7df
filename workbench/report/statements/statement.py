"""Statements: every sentence that a page computes has a name, says which rows it reads, and stands in one table.

A statement is a function from stored rows to a sentence (or some). Its sentences carry its name to the page, where each
stands as ``data-statement``; a test changes the rows that each one reads and sees the sentence change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

Given = ParamSpec("Given")

VIEWS = (
    "sweeps", "runs", "failures", "outcomes", "pairs", "timecourse", "settings", "measures", "points",
    "columns", "provenance", "scenario", "findings",
)  # fmt: skip
"""What may be read: views and tables of the database, the stored scenario's own text, and published findings."""


class Said(str):
    """A sentence with the name of the statement that made it; "" is a sentence that has nothing to say."""

    __slots__ = ("statement",)
    statement: str

    def __new__(cls, text: str, statement: str) -> Said:
        """Return the text under the statement's name."""
        said = super().__new__(cls, text)
        said.statement = statement
        return said


@dataclass(frozen=True)
class Statement:
    """A named statement: what it says, from which `rows` (of `VIEWS`), made by `make`."""

    name: str
    says: str
    rows: tuple[str, ...]
    make: Callable[..., Any]


STATEMENTS: dict[str, Statement] = {}
"""Every statement by name."""


def statement(*rows: str) -> Callable[[Callable[Given, str]], Callable[Given, Said]]:
    """Make a function that returns one sentence a statement of the same name, which reads `rows`."""

    def named(make: Callable[Given, str]) -> Callable[Given, Said]:
        name = _register(make, rows)

        @wraps(make)
        def said(*args: Given.args, **kwargs: Given.kwargs) -> Said:
            return Said(make(*args, **kwargs), name)

        return said

    return named


def statements(*rows: str) -> Callable[[Callable[Given, Iterable[str]]], Callable[Given, list[Said]]]:
    """Make a function that returns several sentences a statement of the same name, which reads `rows`."""

    def named(make: Callable[Given, Iterable[str]]) -> Callable[Given, list[Said]]:
        name = _register(make, rows)

        @wraps(make)
        def said(*args: Given.args, **kwargs: Given.kwargs) -> list[Said]:
            return [Said(text, name) for text in make(*args, **kwargs) if text]

        return said

    return named


def _register(make: Callable[..., Any], rows: tuple[str, ...]) -> str:
    name, unknown = make.__name__, set(rows) - set(VIEWS)
    if name in STATEMENTS or unknown or not rows:
        raise ValueError(f"statement {name}: named twice, or reads {sorted(unknown) or 'nothing'}")
    STATEMENTS[name] = Statement(name, (make.__doc__ or "").strip().partition("\n")[0], rows, make)
    return name
