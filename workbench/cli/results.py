"""Commands that read a result database: ``runs``, ``compare``, ``query``, ``digest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.output import AsFormat, AsJson, Database, Format, print_frame, print_object, put

Sweep = Annotated[int | None, typer.Option("--sweep", min=1, help="Which sweep of the file; the newest if not given.")]

SWEEP_COLUMNS = (
    "sweep",
    "scenario",
    "seed",
    "subjects",
    "settings",
    "expected",
    "stored",
    "failed",
    "missing",
    "created",
)
EFFECT_COLUMNS = (
    *("study", "point", "outcome", "arm", "baseline", "n", "missing", "mean", "baseline_mean", "difference"),
    *("low", "high", "effect", "effect_name", "better", "method"),
)


def runs(db: Database, form: AsFormat = Format.text, as_json: AsJson = False) -> int:
    """List the sweeps in a database.

    With their counts of expected, stored, failed and missing runs.
    """
    from workbench.store import open_results

    frame = open_results(Path(db)).sweeps()
    left = frame["expected"] - frame["stored"] - frame["failed"]
    print_frame(frame.assign(missing=left), form, as_json, brief=SWEEP_COLUMNS, db=db)
    return 0


def compare(
    db: Database,
    baseline: Annotated[str | None, typer.Option("--baseline", help="Compare every arm with this one.")] = None,
    outcome: Annotated[list[str] | None, typer.Option("--outcome", help="Only this outcome; may be repeated.")] = None,
    study: Annotated[str | None, typer.Option("--study", help="Only this study.")] = None,
    sweep: Sweep = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Compare arms within subjects.

    Differences to the baseline arm, with effect sizes and intervals.
    """
    from workbench.analysis import compare as compare_arms

    frame = compare_arms(Path(db), sweep=sweep, study=study, baseline=baseline, outcomes=outcome or None)
    print_frame(frame, form, as_json, brief=EFFECT_COLUMNS, db=db)
    return 0


def query(
    db: Database,
    sql: Annotated[str, typer.Argument(metavar="SQL", help='One statement, such as "select * from runs limit 5".')],
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Ask the database in SQL.

    It is opened for reading only.
    """
    from workbench.store import query as ask

    print_frame(ask(Path(db), sql), form, as_json, db=db)
    return 0


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
    """Add this family's commands."""
    for command in (runs, compare, query, digest):
        app.command()(command)
