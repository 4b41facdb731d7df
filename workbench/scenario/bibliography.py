"""The bibliography: which works a `source` may name. Reads BibTeX entries, no macros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from workbench.scenario.library import data_folder

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,")
_FIELD = re.compile(r"\s*(\w+)\s*=\s*")
FILE = "references.bib"


def bibliography_file(base: Path) -> Path:
    """Return the bibliography for a scenario in `base`: beside it, beside its data, or the shipped one."""
    places = (base / FILE, base / "data" / FILE, base.parent / "data" / FILE)
    return next((place for place in places if place.is_file()), data_folder() / FILE)


def read_bibliography(file: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the entries of a BibTeX file: key to fields (lower case, braces removed) and ``type``.

    A missing file has no entries.
    """
    if not file.is_file():
        return {}
    text = file.read_text(encoding="utf-8")
    return {match[2]: {"type": match[1].lower(), **_fields(text, match.end())} for match in _ENTRY.finditer(text)}


def _fields(text: str, start: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while match := _FIELD.match(text, start):
        value, start = _value(text, match.end())
        found[match[1].lower()] = " ".join(value.replace("{", "").replace("}", "").split())
        start = _after_comma(text, start)
    return found


def _value(text: str, start: int) -> tuple[str, int]:
    """Return the value at `start` and where it ends: ``{...}`` with nested braces, ``"..."`` or a bare word."""
    if text[start : start + 1] not in ("{", '"'):
        match = re.compile(r"[^,}\s]*").match(text, start)
        return (match[0], match.end()) if match else ("", start)
    closing, depth = ("}" if text[start] == "{" else '"'), 0
    for at in range(start + 1, len(text)):
        if text[at] == closing and depth == 0:
            return text[start + 1 : at], at + 1
        depth += {"{": 1, "}": -1}.get(text[at], 0)
    return text[start + 1 :], len(text)


def _after_comma(text: str, start: int) -> int:
    match = re.compile(r"\s*,").match(text, start)
    return match.end() if match else start
