"""Plain output: messages go to standard error, results to standard output as text, CSV, Markdown or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from workbench.errors import CONTROLS, SHOWN, UnheardError, escaped, shorten
from workbench.files import guard_cell
from workbench.text_tables import fit_table, fold, format_cell, wrap_lines

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


class Format(StrEnum):
    """How a table is printed."""

    text = "text"
    csv = "csv"
    markdown = "markdown"
    json = "json"


def print_note(line: str) -> None:
    """Write one line to standard error; if the reader has gone away, only the line is lost."""
    try:
        sys.stderr.write(escaped(line, "\t") + "\n")
        sys.stderr.flush()
    # ValueError is what Python raises for a stream that was closed in the meantime.
    except (OSError, ValueError):
        _discard_rest(2)


def print_note_in_handler(line: str, below: bool = False) -> None:
    """Write one line to standard error inside a signal handler, which may interrupt any other line.

    The stream's own buffer must not be entered twice, so it is bypassed. With `below` a
    new line is begun first, since a progress bar may be on the present one.
    """
    with suppress(OSError):
        # Straight to the descriptor: the buffered stream may be half way through another line, and raises if it is
        # entered again.
        os.write(2, f"{chr(10) * below}{escaped(line)}\n".encode())


def print_text(text: str) -> None:
    """Write a result for people to standard output, with escapes for what a terminal would interpret.

    Errors as in `put_exactly`.
    """
    write_exactly(escaped(text, "\n\t"))


def print_line(line: str) -> None:
    """Write one line of a result, whatever the names in it hold; errors as in `put_exactly`."""
    write_exactly(escaped(line, "\t"))


def write_exactly(text: str) -> None:
    """Write data to standard output; a reader that has gone away (``| head``) ends the command quietly.

    Raises
    ------
    UnheardError
        If there is no standard output, or what it leads to takes no more.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    # `| head` has seen enough, which is not an error; without the exit Python would print one while closing the
    # stream.
    except BrokenPipeError:
        _discard_rest(1)
        raise typer.Exit(0) from None
    except OSError as fault:
        _discard_rest(1)
        raise UnheardError(f"standard output cannot be written ({fault.strerror})") from None


def _discard_rest(stream: int) -> None:
    """Redirect a standard stream to nowhere: flushing what is left in its buffer at exit would fail again."""
    # Python flushes its buffers once more at exit, and would complain there where nobody can catch it.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream)
    os.close(nowhere)


def hold_streams() -> None:
    """Replace standard streams that were closed before the command began.

    The next opened file would get their numbers, and messages for standard error would go into a database.
    A closed standard output becomes one that can only be read, so that a result fails where it is written.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            found = os.open(os.devnull, flags)
            if found != number:
                os.dup2(found, number)
                os.close(found)
            if number:
                name = "stdout" if number == 1 else "stderr"
                setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))


_printed = False


def forget_printed_object() -> None:
    """Note that a command begins: its JSON object is still to come."""
    global _printed
    _printed = False


def has_printed_object() -> bool:
    """Whether the command's JSON object was already printed, so that there must not be a second one."""
    return _printed


def print_wrapped(lines: Iterable[str]) -> None:
    """Write lines for people, broken between words to the width of the terminal."""
    print_text("\n".join(wrap_lines(lines)))


def print_object(content: dict[str, Any]) -> None:
    """Print the one JSON object of a command, with escapes for what standard output cannot spell."""
    whole = {"schema": SCHEMA, **as_json(content)}
    text = escape_controls(json.dumps(whole, ensure_ascii=False, allow_nan=False, default=str))
    try:
        # Readable where the terminal can show it; escapes only where it cannot, as both are the same JSON.
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(whole, allow_nan=False, default=str)
    global _printed
    _printed = True
    write_exactly(text)


def escape_controls(text: str) -> str:
    """Return JSON text whose control characters are JSON escapes: the same data, harmless to a terminal."""
    return CONTROLS.sub(lambda found: found[0] if found[0] in "\n" else json.dumps(found[0])[1:-1], text)


def as_json(value: Any) -> Any:
    """Return `value` with NaN and infinities as null, since JSON has no other form for them."""
    if isinstance(value, dict):
        return {str(k): as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows of a table in plain Python types, None where there is nothing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def _spell_bytes(frame: pd.DataFrame, whole: bool = True) -> pd.DataFrame:
    """Return a table with bytes as hexadecimal text, which every form of output has; their beginning if not `whole`."""
    held = [name for name in frame.columns if any(isinstance(value, bytes) for value in frame[name])]
    most = None if whole else SHOWN
    return frame.assign(
        **{name: frame[name].map(lambda v: v[:most].hex() if isinstance(v, bytes) else v) for name in held}
    )


def _guard_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts no spreadsheet takes for formulas."""
    import pandas as pd

    def safe(value: Any) -> Any:
        return guard_cell(value) if isinstance(value, str) else value

    held = [place for place, kind in enumerate(frame.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
    for place in held:
        column = frame.iloc[:, place]
        texts = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
        if any(safe(value) is not value for value in texts):
            frame = frame.assign(**{str(frame.columns[place]): column.astype(object).map(safe)})
    return frame.rename(columns=safe)


def print_frame(
    frame: pd.DataFrame, form: Format, as_json: bool, brief: Sequence[str] | None = None, **more: Any
) -> None:
    """Print a table of results.

    Parameters
    ----------
    brief
        The columns to show people as text; CSV, Markdown and JSON have them all. Of these, a column that is the same
        in every row is given once below the table.
    more
        Added to the JSON object.
    """
    frame = _spell_bytes(frame, whole=as_json or form in (Format.json, Format.csv))
    if as_json or form is Format.json:
        print_object({"ok": True, "rows": records(frame), **more})
    elif form is Format.csv:
        print_csv([frame])
    elif form is Format.markdown:
        print_text(_markdown(frame))
    elif not len(frame):
        print_text("\n".join(fold(f"no rows ({', '.join(shorten(str(c)) for c in frame.columns)})", "  ", first="")))
    else:
        print_text(_text(frame, brief))


def print_csv(parts: Iterable[pd.DataFrame]) -> None:
    """Print a table that arrives in parts, with one header."""
    for place, part in enumerate(parts):
        text = _guard_cells(_spell_bytes(part)).to_csv(index=False, header=not place, lineterminator="\n")
        if text:
            write_exactly(text)


def _text(frame: pd.DataFrame, brief: Sequence[str] | None) -> str:
    shown = frame if brief is None else frame[[c for c in brief if c in frame.columns]]
    same = [c for c in shown.columns if brief is not None and len(frame) > 1 and shown[c].nunique(dropna=False) == 1]
    table = shown.drop(columns=same)
    lines = fit_table([shorten(str(c)) for c in table.columns], table.astype(object).itertuples(index=False))
    once = (part for c in same for part in fold(f"{shorten(str(c))}: {format_cell(shown[c].iloc[0])}", "  ", first=""))
    return "\n".join([*lines, *once])


def _markdown(frame: pd.DataFrame) -> str:
    def row(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(format_cell(value).replace("|", "\\|") for value in cells) + " |"

    rows = frame.astype(object).itertuples(index=False)
    return "\n".join([row(frame.columns), row(["---"] * len(frame.columns)), *map(row, rows)])
