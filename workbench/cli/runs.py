"""``workbench runs``: the sweeps of a database, and which command wrote what into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import AsFormat, AsJson, Database
from workbench.cli.output import Format, print_frame, print_object, print_text
from workbench.text_tables import align_prose, fold

if TYPE_CHECKING:
    from workbench.store.history import CommandRecord, History

SWEEP_COLUMNS = ("sweep", "scenario", "subjects", "expected", "stored", "failed", "missing", "created")

INDENT = "  "
MOST = 400
"""Letters of a command that are shown."""


def print_history(db: str, form: Format, as_json: bool) -> None:
    """Print which command wrote what."""
    from workbench.store.history import history

    found = history(Path(db))
    if as_json or form is Format.json:
        chain = {"entries": found.entries, "sha256": found.sha256 or None, "broken": found.broken or None}
        print_object({"ok": True, "db": db, "audit": chain, "rows": [vars(one) for one in found.commands]})
    elif form is Format.text:
        print_text("\n".join(_lines(found)))
    else:
        import pandas as pd

        rows = [{**vars(one), "versions": _spelled(one.versions)} for one in found.commands]
        print_frame(pd.DataFrame(rows), form, as_json)


def _lines(found: History) -> Iterator[str]:
    said: Mapping[str, str] = {}
    for one in found.commands:
        if one.versions and one.versions != said:
            yield from fold(f"versions: {_spelled(one.versions)}", INDENT, first="")
            said = one.versions
        status = "running or killed" if one.status == "running" else one.status
        head = (_entries(one), one.at.replace("T", " ")[:16], status, one.wrote)
        yield from align_prose([head])
        yield from fold(one.command[:MOST], INDENT * 2, first=INDENT) if one.command else ()
    yield from _chain(found)


def _entries(one: CommandRecord) -> str:
    if one.first is None:
        return "-"
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"


def _spelled(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _chain(found: History) -> Iterator[str]:
    from workbench.store.audit import NO_AUDIT

    if found.entries is None:
        yield NO_AUDIT
        return
    yield f"audit: {found.entries:,} entries; the hash of the last one covers all of them:"
    yield found.sha256
    if found.broken:
        yield f"the chain is broken: {found.broken}"


def runs(
    db: Database,
    history: Annotated[
        bool, typer.Option("--history", help="Which command wrote what, when, and with which versions.")
    ] = False,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """List the sweeps in a database.

    With their counts of expected, stored, failed and missing runs.
    """
    from workbench.store import open_results

    if history:
        print_history(db, form, as_json)
        return 0

    frame = open_results(Path(db)).sweeps()
    left = frame["expected"] - frame["stored"] - frame["failed"]
    frame = frame.assign(missing=left)
    changed = [name for name in ("seed", "settings") if frame[name].nunique() > 1]
    if form is Format.text and not as_json:
        frame["created"] = frame["created"].str.replace("T", " ").str[:16]
    print_frame(frame, form, as_json, brief=(*SWEEP_COLUMNS, *changed), db=db)
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(runs)
