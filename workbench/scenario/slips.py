"""Slips of the pen in TOML, in words: what the parser stumbled over, and how it is meant to be written."""

from __future__ import annotations

import re
from collections.abc import Callable

_SLIPS = (
    (r"^\s*\[[\w.-]+\s+[^\]]*\]", "a space in a table's name", "names have letters, digits, _ and - only"),
    (r"^\s*\[[\w.\"-]*$", "a table's name that is not closed", "end it with ]"),
    ("[“”„‘’]", "curly quotes", 'use straight quotes, as in "text"'),
    (r"^\s*[\w.\"'-]+\s*:", "a colon after a key", "a key and its value are joined by =, as in size = 4"),
    (r"=\s*[+-]?\d+,\d+\s*(#.*)?$", "a comma in a number", "write a decimal point, as in 0.1"),
    (r"(//|;)", "a // or ; on the line", "a comment begins with #, and a line needs no ; at its end"),
    (r"[=\[,]\s*(True|False|TRUE|FALSE|yes|no)\b", "a true or false", "write true or false in small letters"),
    (r"=\s*[+-]?\d[\d.eE_+-]*\s*[A-Za-zµ%/]", "a number with a unit", 'write it in quotes, as in "8 h"'),
    (r"[=\[,]\s*[A-Za-z][\w.-]*\s*([,\]#}].*)?$", "a bare word", 'write text in quotes, as in "muscle"'),
    (r"=\s*(#.*)?$", "a key without a value", "write key = value on one line"),
    (r"\"\s+\"", "two texts side by side", "put a comma between the entries of a list"),
)
"""Pattern of the line, what it shows, and how to write it; the first that fits is told."""

_TWICE = re.compile(r"Cannot (?:declare|overwrite|define) ?(.*?)(?: twice)?$")


def in_words(message: str, text: str, line: int) -> tuple[str, str]:
    """Return what ``tomllib`` says about `line` of `text` (from 1) in plain words, and a hint or ""."""
    lines = text.split("\n")
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    if _TWICE.match(message):
        return _defined_twice(message, written, lines[: line - 1])
    if "Illegal character '\\n'" in message or message in ("Unterminated string", "Expected '\"'", 'Expected "\'"'):
        return "the text is not closed by a quote", 'text stands between two equal quotes, as in "text"'
    for pattern, shown, cure in _SLIPS:
        if re.search(pattern, _without_texts(written)):
            return f"{message[:1].lower()}{message[1:]} ({shown})", cure
    return f"{message[:1].lower()}{message[1:]}", ""


def _defined_twice(message: str, written: str, above: list[str]) -> tuple[str, str]:
    """Return the words for a key or table that is there already, with the line of the first."""
    header = written.strip().startswith("[")
    key = written.partition("]")[0].strip(" [") if header else written.partition("=")[0].strip()
    what = f"the table [{key}]" if header else f"the key {key}"
    same: Callable[[str], bool] = (
        (lambda other: other.strip().startswith("[") and other.partition("]")[0].strip(" [") == key)
        if header
        else (lambda other: other.partition("=")[0].strip() == key)
    )
    first = next((i for i in range(len(above), 0, -1) if same(above[i - 1])), None)
    where = f"; it stands in line {first} already" if first else ""
    return f"{what} is defined twice{where}", ""


def _without_texts(line: str) -> str:
    """Return a line with its quoted texts and comment emptied, so that only what stands outside of them is judged."""
    plain = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", '""', line)
    return re.sub(r"(?<!/)#.*$", "", plain)
