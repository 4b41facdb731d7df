"""Limits checked on the raw text, before a TOML parser sees it.

``tomllib`` recurses with nesting and is quadratic in the length of a dotted key, and Python refuses to
convert very long integers; a file beyond these limits is turned away in one linear pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from workbench.errors import Problem, ScenarioError
from workbench.files import read_regular

MAX_BYTES = 1 << 20
MAX_NESTING = 16
MAX_KEY_PARTS = 16
MAX_DIGITS = 400
MAX_ENTRIES = 20_000
"""Keys, tables and list entries together: finding the places of more takes seconds. Long lists belong in a CSV file."""

# Possessive repeats keep the scan linear; a string that never ends is left to the parser's own message.
_TOKEN = re.compile(
    r'"""(?s:[^"\\]|\\.|"(?!""))*+"{3,5}'
    r"|'''(?s:[^']|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<parted>[=,\n])"
    r"|(?P<word>[A-Za-z0-9_+-]++)"
    r"|(?P<endless>[\"'])"
)


def read_limited(path: Path) -> bytes:
    """Return the bytes of a scenario file, never more than the limit.

    Raises
    ------
    ScenarioError
        If the file is missing, no regular file, not readable or too large.
    """
    try:
        if path.is_dir():
            raise refusal(str(path), 0, 0, "this is a folder, not a scenario file")
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise refusal(str(path), 0, 0, f"the file cannot be read: {reason}") from None
    except ValueError:
        raise refusal(str(path), 0, 0, "this cannot be the path of a file") from None


def decode(data: bytes, file: str) -> str:
    """Return the text of a scenario file with every limit checked; a byte-order mark is accepted and dropped.

    Raises
    ------
    ScenarioError
        If the text is not UTF-8, holds a NUL or a lone carriage return, or exceeds a limit.
    """
    if len(data) > MAX_BYTES:
        raise refusal(file, 0, 0, f"the text is larger than {MAX_BYTES:,} bytes (the largest that is read)")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refusal(file, line, 1, f"byte {data[error.start]:#04x} is not UTF-8 (save the file as UTF-8)") from None
    _refuse_characters(text, file)
    _refuse_excess(text, file)
    return text


def entries_in(text: str) -> int:
    """Return how many keys, tables and list entries a text has, as `MAX_ENTRIES` counts them."""
    kinds = ((token.lastgroup, token[0]) for token in _TOKEN.finditer(text))
    return sum(kind == "open" or (kind == "parted" and mark != "\n") for kind, mark in kinds)


def refusal(file: str, line: int, column: int, message: str, hint: str = "") -> ScenarioError:
    """Return the error for a file that cannot be read any further."""
    return ScenarioError([Problem(file, line, column, "", message, hint)])


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column of an offset into `text`, both counted from 1 in characters."""
    # Counted on demand: only a fault needs a place, and most files have none.
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _refuse_characters(text: str, file: str) -> None:
    bad = re.search(r"\x00|\r(?!\n)", text)
    if bad:
        name = "a NUL character" if bad[0] == "\x00" else "a carriage return without a line feed"
        raise refusal(file, *place(text, bad.start()), f"{name} (lines end with a line feed)")


def _refuse_excess(text: str, file: str) -> None:
    depth = parts = entries = 0
    for token in _TOKEN.finditer(text):
        kind, fault = token.lastgroup, ""
        if kind == "open":
            depth, parts, entries = depth + 1, 0, entries + 1
            fault = f"brackets are nested deeper than {MAX_NESTING} levels" if depth > MAX_NESTING else ""
        elif kind == "close":
            depth, parts = depth - 1, 0
        elif kind == "parted":
            parts, entries = 0, entries + (token[0] != "\n")
            fault = f"more than {MAX_ENTRIES:,} keys and list entries" if entries > MAX_ENTRIES else ""
        elif kind == "dot":
            parts += 1
            fault = f"a key has more than {MAX_KEY_PARTS} parts" if parts >= MAX_KEY_PARTS else ""
        elif kind == "word":
            long = token.end() - token.start() > MAX_DIGITS
            fault = f"a number or bare key is longer than {MAX_DIGITS} characters" if long else ""
        elif kind == "endless":
            return
        if fault:
            raise refusal(file, *place(text, token.start()), fault)


_SLIPS = (
    (r"^\s*\[[\w.-]+\s+[^\]]*\]", "a space in a table's name", "names have letters, digits, _ and - only"),
    (r"^\s*\[[\w.\"-]*$", "a table's name that is not closed", "end it with ]"),
    ("[“”„‘’]", "curly quotes", 'use straight quotes, as in "text"'),
    (r"^\s*[\w.\"'-]+\s*:", "a colon after a key", "a key and its value are joined by =, as in size = 4"),
    (r"=\s*[+-]?\d+,\d+\s*(#.*)?$", "a comma in a number", "write a decimal point, as in 0.1"),
    (r"(//|;)", "a // or ; on the line", "a comment begins with #, and a line needs no ; at its end"),
    (r"[=\[,]\s*(True|False|TRUE|FALSE|yes|no)\b", "a true or false", "write true or false in lower case"),
    (r"=\s*[+-]?\d[\d.eE_+-]*\s*[A-Za-zµ%/]", "a number with a unit", 'write it in quotes, as in "8 h"'),
    (r"[=\[,]\s*[A-Za-z][\w.-]*\s*([,\]#}].*)?$", "a bare word", 'write text in quotes, as in "muscle"'),
    (r"=\s*(#.*)?$", "a key without a value", "write key = value on one line"),
    (r"\"\s+\"", "two texts side by side", "put a comma between the entries of a list"),
)
"""Pattern of the line, what it shows, and how to write it; the first that fits is printed."""

_TWICE = re.compile(r"Cannot (?:declare|overwrite|define) ?(.*?)(?: twice)?$")


def in_words(message: str, text: str, line: int) -> tuple[str, str]:
    """Return what ``tomllib`` says about `line` of `text` (from 1) in plain words, and a hint or ""."""
    lines = text.split("\n")
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    if _TWICE.match(message):
        return _defined_twice(message, written, lines[: line - 1])
    if "Illegal character '\\n'" in message or message in ("Unterminated string", "Expected '\"'", 'Expected "\'"'):
        return "the text is not closed by a quote", 'text stands between two equal quotes, as in "text"'
    # Looked for only in a line that the parser has refused, so a guess that is wrong never refuses a good file.
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
    where = f"; first in line {first}" if first else ""
    return f"{what} is defined twice{where}", ""


def _without_texts(line: str) -> str:
    """Return a line with its quoted texts and comment emptied, so that only what stands outside of them is judged."""
    unquoted = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'", '""', line)
    return re.sub(r"(?<!/)#.*$", "", unquoted)
