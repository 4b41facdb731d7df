"""``workbench digest``: one number for everything that is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsJson, Database
from workbench.cli.output import print_object, print_text

Values = Annotated[bool, typer.Option("--values", help="Only of the results, whatever text asked for them.")]


def digest(db: Database, values: Values = False, as_json: AsJson = False) -> int:
    """Print the SHA-256 of what is stored.

    Equal for equal results, whatever the workers, the order or the interruptions. With --values it is also equal
    for two scenarios that are worded or based differently but give the same results.
    """
    from workbench.store.result_digest import digest as digest_of
    from workbench.store.result_digest import digest_of_values

    found = digest_of_values(Path(db)) if values else digest_of(Path(db))
    if as_json:
        print_object({"ok": True, "db": db, "digest": found})
    else:
        print_text(found)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(digest)
