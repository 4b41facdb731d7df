"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.output import Format

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, on failure too.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How to print the table.")]
Database = Annotated[str, typer.Argument(metavar="DB", help="A result database.")]
ForRuns = Annotated[
    str | None, typer.Option("--db", metavar="FILE", help="Database for the runs; data/results/NAME.db if not given.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=0, help="Worker processes; every core if not given.")
]
LockTimeout = Annotated[
    float,
    typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="Seconds to wait while another command writes."),
]
Sweep = Annotated[int | None, typer.Option("--sweep", min=1, help="Which sweep of the file; the newest if not given.")]
