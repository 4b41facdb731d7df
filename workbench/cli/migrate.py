"""``workbench migrate``: a database of an older version brought up to date without writing results."""

from __future__ import annotations

import warnings
from pathlib import Path

import typer

from workbench.cli.options import AsJson, Database, LockTimeout
from workbench.cli.output import print_object, print_wrapped
from workbench.files import command_line


def migrate(context: typer.Context, db: Database, lock_timeout: LockTimeout = 30.0, as_json: AsJson = False) -> int:
    """Bring a database of an older version up to date.

    Commands that write do so by themselves; those that read take every version as it is. The old file is kept.
    """
    from workbench.errors import MigrationNote
    from workbench.store.connection import SCHEMA_VERSION, inspect
    from workbench.store.session import WriteSession

    inspect(Path(db))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MigrationNote)
        with WriteSession(Path(db), lock_timeout, command_line(["workbench", *context.obj])) as held:
            was, kept = held.was, held.kept
    if as_json:
        said = {"from": was, "version": SCHEMA_VERSION, "kept": str(kept) if kept else None}
        print_object({"ok": True, "db": db, **said})
    elif kept is None:
        print_wrapped([f"{db} has database version {SCHEMA_VERSION}, the newest: nothing to do."])
    else:
        print_wrapped(
            [
                f"{db} had database version {was} and now has version {SCHEMA_VERSION}.",
                f"The old file is kept as {kept}.",
            ]
        )
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(migrate)
