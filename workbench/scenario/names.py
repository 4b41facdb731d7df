"""Names that differ only in case: a database, a disk or a spreadsheet may take them for the same name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from workbench.component.registry import SECTIONS
from workbench.errors import shorten
from workbench.scenario.text.document import Document, spell
from workbench.scenario.text.syntax import Keys

NAMED: tuple[Keys, ...] = (
    *((section,) for section in SECTIONS),
    *(("arm",), ("study",), ("interaction",), ("subjects", "trait")),
    *(("report", "also"), ("report", "cost"), ("report", "caveat")),
)
"""Where a scenario gives names: all of them may become the name of a column, a file or a mark on a page."""
NAMED_IN_SET: tuple[Keys, ...] = (("parameter",), ("condition",))
"""The same of a parameter set."""


def refuse_twins(document: Document, places: Iterable[Keys]) -> None:
    """Report each name that differs from an earlier one of its kind only in case, with both lines."""
    for keys in places:
        raw: Any = document.content
        for key in keys:
            raw = raw.get(key) if isinstance(raw, dict) else None
        first: dict[str, str] = {}
        for name in raw if isinstance(raw, dict) else ():
            other = first.setdefault(name.casefold(), name)
            if other != name:
                line = document.line_in_words((*keys, other), (*keys, name))
                message = f"differs from {spell((*keys, other))} ({line}) only in upper and lower case"
                document.report(
                    (*keys, name), f"{message}; a database or a disk may take them for the same name", at="key"
                )


RULE = "letters, digits, '_' and '-', at most 64, starting with a letter or digit"
PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
FILE_RULE = "letters, digits, '.', '_' and '-', at most 64, starting with a letter or digit"
FILE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

# Windows opens these as devices, with or without an ending, in every folder.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def name_fault(name: str, *, file: bool = False) -> str:
    """Return why `name` cannot be used, or "" if it can.

    Names inside a scenario have no dots, because dots join them to paths; names of files may have some.
    """
    pattern, rule = (FILE_PATTERN, FILE_RULE) if file else (PATTERN, RULE)
    if re.fullmatch(pattern, name) is None:
        return f"'{shorten(name)}' cannot be a name ({rule})"
    if name.partition(".")[0].lower() in DEVICES:
        return f"'{shorten(name)}' is the name of a device on some systems and cannot be a name"
    return ""
