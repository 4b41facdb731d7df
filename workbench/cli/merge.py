"""``workbench merge``: several result databases in one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import as_objects
from workbench.cli.options import AsJson, LockTimeout
from workbench.cli.output import print_note, print_object, print_wrapped
from workbench.cli.progress_bar import counted
from workbench.files import command_line

if TYPE_CHECKING:
    from workbench.store.merge_rows import MergeConflicts
    from workbench.store.merging import Merged


def merge(
    sources: Annotated[list[str], typer.Argument(metavar="DB...", help="Result databases; they are only read.")],
    into: Annotated[
        str,
        typer.Option("--into", metavar="FILE", help="The database that gets everything; made if it does not exist."),
    ],
    lock_timeout: LockTimeout = 30.0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not report each step.")] = False,
    as_json: AsJson = False,
) -> int:
    """Merge result databases into one.

    Runs that several files hold are stored once, with the outcomes and courses of all of them; parts of one sweep
    become one sweep; other sweeps, scenarios and refits stand side by side, and who computed what is kept.

    A conflict is the same thing with other content: a run of the same key with another outcome, course, ending or
    number of steps; a place of a sweep that another run fills; a scenario, sweep or measure of the same hash with
    another text; a candidate of a refit with another answer. Then every conflict is named (exit 5) and FILE is left
    as it was; so it is when a file is damaged, newer, not a workbench database, or being written to (exit 3).
    """
    from workbench.store.merge_rows import MergeConflicts
    from workbench.store.merging import merge as bring_together

    command = command_line(["workbench", "merge", *sources, "--into", into])
    report = (lambda _: None) if quiet else print_note
    try:
        done = bring_together(sources, into, command=command, lock_timeout=lock_timeout, tell=report)
    except MergeConflicts as found:
        return _conflicts(found, as_json)
    if as_json:
        print_object(_object(done))
    else:
        print_wrapped([_words(done)])
    return 0


def _object(done: Merged) -> dict[str, Any]:
    return {
        "ok": True,
        "db": str(done.into),
        "sources": [{"db": str(s.path), "runs": s.runs} for s in done.sources],
        "new": {name: done.after[name] - done.before[name] for name in done.after},
        "stored": done.after,
    }


def _words(done: Merged) -> str:
    new = {name: done.after[name] - done.before[name] for name in done.after}
    given = sum(source.runs for source in done.sources)
    parts = [counted(new["run"], "new run"), counted(new["sweep"], "new sweep")]
    parts += [counted(new["candidate"], "new candidate")] if new["candidate"] else []
    held = f"{done.after['run']:,} in all, in {counted(done.after['sweep'], 'sweep')}"
    return (
        f"{done.into}: {', '.join(parts)}, of {counted(given, 'run')} in {counted(len(done.sources), 'file')}; {held}"
    )


def _conflicts(found: MergeConflicts, as_json: bool) -> int:
    """Report the conflicts."""
    kept = f"{found.into}: nothing was merged"
    if as_json:
        listed = [dataclasses.asdict(conflict) for conflict in found.conflicts]
        for one in listed:
            del one["key"]
        errors = {"errors": as_objects(found.problems), "conflicts": listed, "found": found.found}
        print_object({"ok": False, "exit": found.exit_code, "db": found.into, **errors})
        return found.exit_code
    for conflict in found.conflicts:
        print_note(f"error: {conflict}")
    if found.found > len(found.conflicts):
        print_note(f"error: {found.found - len(found.conflicts):,} more conflicts ({found.found:,} in all)")
    print_note(f"hint: {kept}; keep results apart that were computed with other versions or on another processor")
    return found.exit_code


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(merge)
