"""Differences between two texts of a scenario or a parameter set: key by key, with the line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import shorten
from workbench.scenario.text.document import Document, outline, spell
from workbench.scenario.text.syntax import Keys

ABSENT = object()
"""Stands for a key that a text does not have."""
DEEP = {("subjects", "trait"): 3, ("study", "*", "sweep"): 4, ("interaction",): 2}
"""Tables whose entries are shown whole where one text lacks them, by how many keys name an entry; others by two."""


@dataclass(frozen=True)
class Change:
    """One key whose value differs between two texts; `old` or `new` may be `ABSENT`."""

    keys: Keys
    old: Any
    new: Any
    file: str
    line: int

    @property
    def key(self) -> str:
        """The key as users write it; a number with its evidence is named like a number alone."""
        return spell(self.keys[:-1] if self.keys[-1] == "value" else self.keys)


def changes(old: bytes, new: Document) -> list[Change]:
    """Return how `new` differs from `old`, in the order of `new`; removed keys come last, without a line."""
    if old == new.data:
        return []
    found = []
    for keys, was, now in _differences((), outline(old), new.content):
        file, line, _ = new.locate(keys) if now is not ABSENT else (new.file, 0, 0)
        found.append(Change(keys, was, now, file, line))
    return sorted(found, key=lambda change: (change.line == 0, change.file != new.file, change.line))


def _differences(keys: Keys, old: Any, new: Any) -> Iterator[tuple[Keys, Any, Any]]:
    if _is_whole(keys, old) or _is_whole(keys, new):
        if old != new or type(old) is not type(new):
            yield keys, old, new
        return
    before, after = (one if isinstance(one, dict) else {} for one in (old, new))
    for key in dict.fromkeys((*after, *before)):
        yield from _differences((*keys, key), before.get(key, ABSENT), after.get(key, ABSENT))


def _is_whole(keys: Keys, value: Any) -> bool:
    """Whether a value is shown as one: no table, or a table that one text lacks, or an axis or a reference."""
    if not isinstance(value, dict):
        return value is not ABSENT or len(keys) == _depth(keys)
    return (len(keys) == 4 and keys[0] == "study") or set(value) == {"ref"}


def _depth(keys: Keys) -> int:
    for start, depth in DEEP.items():
        if len(keys) >= len(start) and all(s in ("*", k) for s, k in zip(start, keys, strict=False)):
            return depth
    return 2


def written(value: Any) -> str:
    """Return a raw value for people: a reference as its parameter, a table as its numbers, cut to one line."""
    if value is ABSENT:
        return "not given"
    if isinstance(value, Mapping):
        if set(value) == {"ref"}:
            return f"parameter {shorten(value['ref'])}"
        if "value" in value:
            return written(value["value"])
        return shorten(", ".join(f"{key} = {_plain(one)}" for key, one in value.items()))
    return shorten(value if isinstance(value, str) else _plain(value))


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
