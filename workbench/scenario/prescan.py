"""Limits checked on the raw text, before a TOML parser sees it.

``tomllib`` recurses with nesting and is quadratic in the length of a dotted key, and Python refuses to
convert very long integers; a file beyond these limits is turned away in one linear pass.
"""

from __future__ import annotations

import re
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


def refusal(file: str, line: int, column: int, message: str, hint: str = "") -> ScenarioError:
    """Return the error for a file that cannot be read any further."""
    return ScenarioError([Problem(file, line, column, "", message, hint)])


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1 and in characters, of an offset into `text`."""
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
