"""One TOML file while it is read: its content, and every problem found in it, at its place."""

from __future__ import annotations

import copy
import difflib
import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from workbench.errors import Problem, ScenarioError, shorten
from workbench.scenario.text.prescan import decode, in_words, refusal
from workbench.scenario.text.syntax import Keys, Positions, RepeatedKey, read_positions, repeats

_YEAR = re.compile(r"(?:18|19|20)\d\d[a-z]?$")
ALIKE = 0.75
"""How similar two authors' names must be for one to be suggested for the other."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SUGGESTIONS = 100_000
"""Comparisons of names allowed per file in the search for the nearest: the slowest part of a very faulty file."""
_LEAST = 500
"""Names that one problem counts as at least."""


Source = tuple["Document", Keys]


class Document:
    """A TOML file that has been parsed.

    Attributes
    ----------
    content : dict
        What ``tomllib`` made of it.
    problems : list of Problem
        Everything found so far; files read together share one list.
    notes : list of Problem
        Notes about what is accepted, at their places.
    people : mapping place -> IDs
        The people of each table that has a column of IDs, in order of appearance.
    inert : int
        How many of the problems say that a table acts on nothing.
    """

    def __init__(self, data: bytes, file: str, problems: list[Problem]) -> None:
        self.data, self.file = data, file
        self.text = decode(data, file)
        self.content = _parse(self.text, file)
        self._start(problems)

    def again(self, problems: list[Problem]) -> Document:
        """Return a copy without problems and notes, which shares what was parsed."""
        other = copy.copy(self)
        other._start(problems)
        return other

    def _start(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.notes: list[Problem] = []
        self.people: dict[Keys, tuple[Decimal | str, ...]] = {}
        self.inert = 0
        self._reported: set[Keys] = set()
        self._reported_elsewhere: set[tuple[str, Keys, str]] = set()
        self._suggestions = _SUGGESTIONS

    @cached_property
    def positions(self) -> Positions:
        """Where everything stands; read when the first problem asks."""
        return read_positions(self.text)

    @property
    def bases(self) -> tuple[str, ...]:
        """The files that it takes something from, the nearest first."""
        return ()

    @property
    def made(self) -> dict[str, tuple[str, ...]]:
        """The tables that stand for several, with the names of those."""
        return {}

    def source(self, keys: Keys) -> Source:
        """Return the document that says what stands at `keys`, and the keys that it has there."""
        return self, keys

    def locate(self, keys: Keys, at: Literal["key", "value"] = "key") -> tuple[str, int, int]:
        """Return the file, line and column of what stands at `keys`, or of the nearest thing around it."""
        source, own = self.source(keys)
        return source.file, *(source.positions.key(own) if at == "key" else source.positions.value(own))

    def place_of(self, keys: Keys) -> tuple[str, int, int] | None:
        """Return the file, line and column of a key or table, None where none stands at `keys`."""
        source, own = self.source(keys)
        found = source.positions.keys.get(own)
        return (source.file, *found) if found else None

    def line_in_words(self, keys: Keys, told_at: Keys) -> str:
        """Return where something stands, for a message at `told_at`: with its file where that is another."""
        file, line, _ = self.locate(keys)
        return f"line {line}" if file == self.locate(told_at)[0] else f"{file}:{line}"

    def report(
        self,
        keys: Keys,
        message: str,
        *,
        at: Literal["key", "value"] = "value",
        got: str = "",
        known: Iterable[str] = (),
        hint: str = "",
        otherwise: str = "",
    ) -> None:
        """Add a problem at `keys`; the nearest of `known` to `got` becomes the hint.

        Only the first problem at a place is kept. `otherwise` is the hint where no name is near.
        """
        # Later checks see the consequences of the first fault at a place, which would only hide it.
        if keys in self._reported:
            return
        self._reported.add(keys)
        source, own = self.source(keys)
        if (
            source.file,
            own,
            message,
        ) in self._reported_elsewhere:  # a list there makes several tables, each with this fault
            return
        self._reported_elsewhere.add((source.file, own, message))
        file, line, column = self.locate(keys, at)
        if got and not hint and self._suggestions > 0:
            names = list(known)
            # difflib takes time in proportion to the names it compares, and a file of many faults would ask it for
            # each of them.
            self._suggestions -= max(len(names), _LEAST)
            hint = suggestion(got, names)
        inherited = "" if file == self.file else f"{self.file} takes this from its base"
        self.problems.append(Problem(file, line, column, spell(own), message, hint or otherwise or inherited))

    def note(self, keys: Keys, message: str, *, at: Literal["key", "value"] = "value", hint: str = "") -> None:
        """Add a note at `keys`: the text there is accepted, but worth knowing."""
        found = Problem(*self.locate(keys, at), spell(self.source(keys)[1]), message, hint)
        if found not in self.notes:
            self.notes.append(found)

    def has_problem(self, keys: Keys) -> bool:
        """Whether a problem was reported exactly at `keys`."""
        return keys in self._reported


def outline(text: bytes) -> dict[str, Any]:
    """Return a TOML text as plain nested mappings: one that was checked before, as those of a database were.

    Raises
    ------
    ScenarioError
        If it is no such text.
    """
    return Document(text, "stored text", []).content


def spell(keys: Keys) -> str:
    """Return a place as users write it: ``arm.x.set."dose.thp.amount"``, ``axis.values[2]``."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            part = shorten(key) if _BARE.fullmatch(key) else f'"{shorten(key)}"'
            text += f".{part}" if text else part
    return text


def suggestion(got: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for the nearest known name, or "".

    Of names that end in a year the letters must be alike by themselves: ``Miller2012`` is not nearly
    ``Lillicrap2016`` because both have the digits of a year.
    """
    names = {name.casefold(): name for name in known}
    if _YEAR.search(got):
        letters = _YEAR.sub("", got[:100].casefold())
        # Keys of papers share the digits of a year, which alone make different authors look similar.
        names = {key: name for key, name in names.items() if _alike(letters, _YEAR.sub("", key))}
    near = difflib.get_close_matches(got[:100].casefold(), names, n=1, cutoff=0.6)
    return f'did you mean "{names[near[0]]}"?' if near else ""


def _alike(first: str, second: str) -> bool:
    return difflib.SequenceMatcher(None, first, second).ratio() >= ALIKE


def listed(names: Iterable[str]) -> str:
    """Return names in words, for the end of a message."""
    known = list(names)
    shown = ", ".join(map(shorten, known[:20]))
    return f"{shown}, and {len(known) - 20} more" if len(known) > 20 else shown or "none"


def _again(one: RepeatedKey, file: str) -> Problem:
    what = f"the table [{shorten(one.name)}]" if one.is_table else f"the key {shorten(one.name)}"
    message = f"TOML syntax: {what} is defined twice; first in line {one.first}"
    return Problem(file, one.line, 1, "", message)


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        line, column = (int(found[1]), int(found[2])) if found and found[1] else (text.count("\n") + 1, 1)
        words, hint = in_words(message[: found.start()] if found else message, text, line)
        column = 1 if "defined twice" in words else column
        if "defined twice" in words and (again := repeats(text)) and again[0].line <= line:
            raise ScenarioError(_again(one, file) for one in again) from None
        raise refusal(file, line, column, f"TOML syntax: {words}", hint) from None
    except (ValueError, RecursionError) as error:
        raise refusal(file, 1, 1, f"TOML syntax: {error}") from None
