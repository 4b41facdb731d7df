"""``workbench doctor``: is this machine fit for a sweep?"""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import typer

from workbench import __version__
from workbench.cli.options import AsJson
from workbench.cli.output import print_object, print_text, print_wrapped
from workbench.text_tables import align_prose

ENVIRONMENT = 3


def doctor(as_json: AsJson = False) -> int:
    """Is this machine fit for a sweep?

    Prints versions, cores and vector class, and what is missing.
    """
    from workbench.component.registry import broken
    from workbench.execution.threads import available_cores
    from workbench.store.provenance import provenance

    facts = {"workbench": __version__, "python": platform.python_version(), **provenance()}
    facts |= {"cores": str(available_cores()), "folder": str(Path.cwd())}
    missing = [name for name in _requirements() if _version(name) is None]
    notes, unfit = _notes(facts["sqlite"]), [str(offer) for offer in broken()]
    if as_json:
        print_object(
            {"ok": not (missing or unfit), "facts": facts, "missing": missing, "broken": unfit, "notes": notes}
        )
    else:
        print_text("\n".join(align_prose(list(facts.items()))))
        said = [f"missing: {name}" for name in missing] + [f"broken: {one}" for one in unfit]
        print_wrapped([*said, *(f"note: {n}" for n in notes)] or ["all is well"])
    return ENVIRONMENT if missing or unfit else 0


def _requirements() -> list[str]:
    from packaging.requirements import Requirement

    try:
        listed = [Requirement(text) for text in requires("workbench") or ()]
    except PackageNotFoundError:
        return []
    return [r.name for r in listed if r.marker is None or r.marker.evaluate({"extra": ""})]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _notes(sqlite: str) -> list[str]:
    notes = []
    numbers = tuple(int(part) for part in sqlite.split("."))
    if (3, 7, 0) <= numbers <= (3, 51, 2):
        notes.append(
            f"SQLite {sqlite} has a rare fault in its write-ahead log when two connections write; "
            "the workbench opens only one, so let no other program write to a database during a sweep"
        )
    if not os.access(Path.cwd(), os.W_OK):
        notes.append("this folder cannot be written: give sweep a --db elsewhere")
    return notes


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(doctor)
