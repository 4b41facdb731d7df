"""``workbench verify``: is a result database intact, and are its results reproduced?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import AsJson, Database
from workbench.cli.output import print_note, print_object, print_text
from workbench.errors import UsageError, shorten
from workbench.text_tables import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.execution.verification import Verification
    from workbench.store.damage import Check, Damage

DIFFERENT = 5
SHOWN = 50


def verify(
    db: Database,
    sample: Annotated[
        str, typer.Option("--sample", metavar="N", help="How many runs to compute again; 0 for none, or all.")
    ] = "20",
    sweep: Annotated[
        int | None, typer.Option("--sweep", min=1, help="Plan and compute this sweep alone; all if not given.")
    ] = None,
    digest: Annotated[
        str, typer.Option("--digest", metavar="HEX", help="What `workbench digest` printed where the file came from.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Verify a result database.

    Looks at its pages, tables, texts, hashes and rows; plans its sweeps again from the scenarios that it holds;
    computes some of its runs again and compares them bit for bit. Writes nothing.
    """
    from workbench.execution.verification import verify as look_through

    found = look_through(Path(db), sample_size=_size(sample), sweep=sweep, digest=digest)
    if as_json:
        print_object(_object(db, found))
    else:
        print_text("\n".join(_lines(found)))
        for line in _finding_lines(found):
            print_note(line)
    return 0 if found.well else DIFFERENT


def _size(sample: str) -> int | None:
    if sample == "all":
        return None
    if not sample.isascii() or not sample.isdigit():
        raise UsageError(f"--sample is {shorten(sample)!r} (a whole number, or all)")
    return int(sample)


def _object(db: str, found: Verification) -> dict[str, Any]:
    return {
        "ok": found.well,
        "exit": 0 if found.well else DIFFERENT,
        "db": db,
        "digest": found.digest or None,
        "runs": found.runs,
        "computed_again": found.again,
        "checks": [
            {
                "check": check.name,
                "well": check.well,
                "looked": check.looked,
                "notes": check.notes,
                "found": check.found,
                "findings": [dataclasses.asdict(finding) for finding in check.findings],
            }
            for check in found.checks
        ],
    }


def _lines(found: Verification) -> Iterator[str]:
    wide = max(len(check.name) for check in found.checks)
    for check in found.checks:
        start = f"{check.name:{wide}}  {_verdict(check):5}  "
        yield from fold(check.looked or "not looked at", " " * len(start), first=start)
        for note in check.notes:
            yield from fold(f"note: {note}", " " * len(start))


def _verdict(check: Check) -> str:
    return "FAULT" if not check.well else "well" if check.looked else "-"


def _finding_lines(found: Verification) -> Iterator[str]:
    listed = [finding for check in found.checks for finding in check.findings]
    total = sum(check.found for check in found.checks)
    for finding in listed[:SHOWN]:
        yield f"error: {found.db}: {_damage_in_words(finding)}"
    if total > SHOWN:
        yield f"error: {total - SHOWN:,} more ({total:,} in all)"


def _damage_in_words(finding: Damage) -> str:
    values = [
        f"{word} {shorten(value)}"
        for word, value in (("stored", finding.stored), ("computed", finding.computed))
        if value is not None
    ]
    return f"{finding}{' (' if values else ''}{', '.join(values)}{')' if values else ''}"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(verify)
