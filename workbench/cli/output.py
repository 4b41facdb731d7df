"""Plain writing: talk goes to standard error, results to standard output as text, CSV, Markdown or JSON."""

from __future__ import annotations

import json
import math
import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.errors import shorten

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


class Format(StrEnum):
    """How a table is printed."""

    text = "text"
    csv = "csv"
    markdown = "markdown"
    json = "json"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, on failure too.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How to print the table.")]
Database = Annotated[str, typer.Argument(metavar="DB", help="A result database.")]


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


def print_frame(frame: pd.DataFrame, form: Format, as_json: bool, **more: Any) -> None:
    """Print a table of results; `more` is added to the JSON object."""
    if as_json or form is Format.json:
        print_object({"ok": True, "rows": frame.astype(object).to_dict("records"), **more})
    elif form is Format.csv:
        put(frame.to_csv(index=False, lineterminator="\n"))
    elif form is Format.markdown:
        put(_markdown(frame))
    else:
        put(_shown(frame).to_string(index=False) if len(frame) else f"no rows ({', '.join(map(str, frame.columns))})")


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with text fit for a terminal: no control characters, at most 80 letters."""
    return frame.map(lambda value: shorten(value) if isinstance(value, str) else value)


def _markdown(frame: pd.DataFrame) -> str:
    def row(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    shown = _shown(frame)
    lines = [row([str(c) for c in shown.columns]), row(["---"] * len(shown.columns))]
    lines += [
        row([f"{v:.6g}" if isinstance(v, float) else str(v) for v in cells]) for cells in shown.itertuples(index=False)
    ]
    return "\n".join(lines)
