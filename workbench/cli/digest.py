"""``workbench digest``: one number for everything that is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.options import AsJson, Database
from workbench.cli.output import print_object, put

if TYPE_CHECKING:
    import typer


def digest(db: Database, as_json: AsJson = False) -> int:
    """Print the SHA-256 of what is stored.

    Equal for equal results, whatever the workers, the order or the interruptions.
    """
    from workbench.store.digest import digest as digest_of

    found = digest_of(Path(db))
    if as_json:
        print_object({"ok": True, "db": db, "digest": found})
    else:
        put(found)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(digest)
