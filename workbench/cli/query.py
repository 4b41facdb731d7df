"""``workbench query``: a question to the database in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsFormat, AsJson, Database
from workbench.cli.output import Format, print_csv, print_frame

MOST_SHOWN, MOST_ROWS = 100_000, 1_000_000
"""Rows of an answer as aligned text, and as one JSON object: each is kept in memory as a whole."""


def query(
    db: Database,
    sql: Annotated[str, typer.Argument(metavar="SQL", help='One statement, such as "select * from runs limit 5".')],
    max_rows: Annotated[
        int | None,
        typer.Option(
            "--max-rows",
            metavar="N",
            min=1,
            help=f"Longest answer; {MOST_SHOWN:,} rows as text, {MOST_ROWS:,} as JSON, no limit as CSV if not given.",
        ),
    ] = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Ask the database in SQL.

    It is opened for reading only. Ctrl-C ends a query that runs too long.
    """
    from workbench.store.question import answer_question

    if form is Format.csv and not as_json:
        with answer_question(Path(db), sql, max_rows) as answer:
            print_csv(answer.tables())
        return 0
    listed = as_json or form is Format.json
    with answer_question(Path(db), sql, max_rows or (MOST_ROWS if listed else MOST_SHOWN)) as answer:
        frame = answer.table()
    print_frame(frame, form, as_json, db=db)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(query)
