"""Plain writing: talk goes to standard error, results to standard output as text, CSV, Markdown or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

from workbench.cli.tables import aligned, cell

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


class Format(StrEnum):
    """How a table is printed."""

    text = "text"
    csv = "csv"
    markdown = "markdown"
    json = "json"


def talk(line: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def put(text: str) -> None:
    """Write a result to standard output; a reader that has gone away (``| head``) ends the command quietly."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(0) from None


def print_object(content: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    put(json.dumps({"schema": SCHEMA, **plain(content)}, ensure_ascii=False, allow_nan=False, default=str))


def plain(value: Any) -> Any:
    """Return `value` with NaN and infinities as null, which is all that JSON has for them."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_frame(
    frame: pd.DataFrame, form: Format, as_json: bool, brief: Sequence[str] | None = None, **more: Any
) -> None:
    """Print a table of results.

    Parameters
    ----------
    brief
        The columns to show people as text; CSV, Markdown and JSON have them all. Of these, a column that is the same
        in every row is said once below the table.
    more
        Added to the JSON object.
    """
    if as_json or form is Format.json:
        print_object({"ok": True, "rows": frame.astype(object).to_dict("records"), **more})
    elif form is Format.csv:
        put(frame.to_csv(index=False, lineterminator="\n"))
    elif form is Format.markdown:
        put(_markdown(frame))
    elif not len(frame):
        put(f"no rows ({', '.join(map(str, frame.columns))})")
    else:
        put(_text(frame, brief))


def _text(frame: pd.DataFrame, brief: Sequence[str] | None) -> str:
    shown = frame if brief is None else frame[[c for c in brief if c in frame.columns]]
    same = [c for c in shown.columns if brief is not None and len(frame) > 1 and shown[c].nunique(dropna=False) == 1]
    table = shown.drop(columns=same)
    lines = aligned([str(c) for c in table.columns], table.astype(object).itertuples(index=False))
    return "\n".join([*lines, *(f"{c}: {cell(shown[c].iloc[0])}" for c in same)])


def _markdown(frame: pd.DataFrame) -> str:
    def row(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(cell(value).replace("|", "\\|") for value in cells) + " |"

    rows = frame.astype(object).itertuples(index=False)
    return "\n".join([row(frame.columns), row(["---"] * len(frame.columns)), *map(row, rows)])
