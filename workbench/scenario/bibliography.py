"""The bibliography: which works a `source` may name. Reads BibTeX entries, no macros."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from workbench.files import read_regular
from workbench.scenario.shipped_files import data_folder
from workbench.scenario.text.prescan import refusal

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,")
_FIELD = re.compile(r"\s*(\w+)\s*=\s*")
_MARK = re.compile(r'[{}"]')
_BARE = re.compile(r"[^,}\s]*")
_COMMA = re.compile(r"\s*,")
FILE = "references.bib"
MAX_BYTES = 1 << 22
Entry = Mapping[str, str]
"""The fields of one work (lower case), and ``type``."""


def bibliography_file(base: Path) -> Path:
    """Return the bibliography for a scenario in `base`: beside it, beside its data, or the shipped one."""
    places = (base / FILE, base / "data" / FILE, base.parent / "data" / FILE)
    return next((place for place in places if place.is_file()), data_folder() / FILE)


def read_bibliography(file: Path) -> Mapping[str, Entry]:
    """Return the entries of a BibTeX file: each by its key, braces removed.

    A missing file has no entries.

    Raises
    ------
    ScenarioError
        If it cannot be read, is larger than any bibliography needs to be, or is no UTF-8.
    """
    try:
        text = read_regular(file, MAX_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise refusal(str(file), 0, 0, f"the bibliography cannot be read: {reason}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise refusal(str(file), line, 1, "the bibliography is not UTF-8 (save it as UTF-8)") from None
    return _entries(text)


@lru_cache(maxsize=4)
def _entries(text: str) -> Mapping[str, Entry]:
    """Return the entries of a text; scenario, parameter set and findings ask for those of one file."""
    heads = list(_ENTRY.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    # An entry ends where the next begins: one whose braces do not close must not be read on to the end.
    found = {
        head[2]: MappingProxyType({"type": head[1].lower(), **_fields(text[head.end() : end])})
        for head, end in zip(heads, ends, strict=False)
    }
    return MappingProxyType(found)


def _fields(text: str) -> dict[str, str]:
    start = 0
    found: dict[str, str] = {}
    while match := _FIELD.match(text, start):
        value, start = _value(text, match.end())
        found[match[1].lower()] = " ".join(value.replace("{", "").replace("}", "").split())
        start = _after_comma(text, start)
    return found


def _value(text: str, start: int) -> tuple[str, int]:
    """Return the value at `start` and where it ends: ``{...}`` with nested braces, ``"..."`` or a bare word."""
    if text[start : start + 1] not in ("{", '"'):
        match = _BARE.match(text, start)
        return (match[0], match.end()) if match else ("", start)
    closing, depth = ("}" if text[start] == "{" else '"'), 0
    for brace in _MARK.finditer(text, start + 1):
        if brace[0] == closing and depth == 0:
            return text[start + 1 : brace.start()], brace.end()
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
    return text[start + 1 :], len(text)


def _after_comma(text: str, start: int) -> int:
    match = _COMMA.match(text, start)
    return match.end() if match else start
