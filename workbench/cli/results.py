"""Commands that read a result database: ``runs``, ``compare``, ``query``, ``digest``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.comparisons import effect_lines, equal_lines, interaction_lines, overview_lines, plausible_lines
from workbench.cli.history import print_history
from workbench.cli.options import AsFormat, AsJson, Database
from workbench.cli.output import Format, print_csv, print_frame, print_object, put, records

if TYPE_CHECKING:
    import pandas as pd

Sweep = Annotated[int | None, typer.Option("--sweep", min=1, help="Which sweep of the file; the newest if not given.")]

NO_BASELINE = "nothing to compare: no arm here has a baseline (compare_with in the scenario, or --baseline ARM)"
NO_INTERACTION = (
    "no interaction to show: the scenario declares none ([interaction.NAME] with four arms), or none was run"
)
MOST_SHOWN, MOST_ROWS = 100_000, 1_000_000
"""Rows of an answer that are set out in columns, and rows that one object holds: each is kept in memory as a whole."""
SWEEP_COLUMNS = ("sweep", "scenario", "subjects", "expected", "stored", "failed", "missing", "created")


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


def compare(
    db: Database,
    baseline: Annotated[str | None, typer.Option("--baseline", help="Compare every arm with this one.")] = None,
    outcome: Annotated[list[str] | None, typer.Option("--outcome", help="Only this outcome; may be repeated.")] = None,
    study: Annotated[str | None, typer.Option("--study", help="Only this study.")] = None,
    interactions: Annotated[
        bool, typer.Option("--interactions", help="Only the interactions that the scenario declares.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Every outcome; without it, what the scenario declares, in one screen.")
    ] = False,
    sweep: Sweep = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Compare arms within subjects.

    First what the scenario declares: its benefit, interactions and costs, with intervals and effect sizes; --all has
    every outcome.
    """
    if as_json or form is not Format.text:
        _print_rows(db, sweep, study, baseline, outcome, interactions, form, as_json)
        return 0
    chosen = interactions or study is not None or baseline is not None or bool(outcome)
    lines = [] if chosen else _declared(Path(db), sweep)
    if every or not lines:
        lines += ([""] if lines else []) + _tables(Path(db), sweep, study, baseline, outcome, interactions)
    put("\n".join([*lines, *_rounding(Path(db), sweep, outcome)]))
    return 0


def _rounding(db: Path, sweep: int | None, outcome: list[str] | None) -> list[str]:
    """Return what of these outcomes other processors give other digits of."""
    from workbench.analysis.selection import select
    from workbench.cli.text_tables import folded
    from workbench.execution.tolerances import between_processors

    said = between_processors(select(db, sweep), outcome or None)
    return [line for sentence in said for line in folded(sentence, "  ", first="")]


def _print_rows(
    db: str,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
    form: Format,
    as_json: bool,
) -> None:
    """Print every comparison as data."""
    from workbench.analysis.interaction import over_parameters

    frame, joint = _compared(Path(db), sweep, study, baseline, outcome, interactions)
    over = over_parameters(Path(db), sweep=sweep, outcomes=outcome or None)
    listed = {} if interactions else {"interactions": records(joint)}
    listed["over_parameters"] = records(over)
    print_frame(joint if interactions else frame, form, as_json, **{"db": db, **listed})  # type: ignore[arg-type]


def _declared(db: Path, sweep: int | None) -> list[str]:
    """Return the lines of what the scenario declares, none where it compares nothing."""
    from workbench.analysis.overview import overview

    found = overview(db, sweep)
    return [*overview_lines(found)] if found is not None and found.declared else []


def _tables(
    db: Path,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
) -> list[str]:
    """Return the lines of every comparison that was asked for."""
    from workbench.analysis.interaction import over_parameters
    from workbench.analysis.overview import equal_outcomes
    from workbench.analysis.selection import select

    frame, joint = _compared(db, sweep, study, baseline, outcome, interactions)
    if not len(joint if interactions else frame):
        return [NO_INTERACTION if interactions else NO_BASELINE]
    lines: list[str] = []
    if not interactions:
        shown = frame
        if outcome is None:  # what is the same in all arms of all studies that are shown
            chosen, studies = select(db, sweep), list(frame["study"].unique())
            same = [equal_outcomes(chosen, one) for one in studies]
            equal = [name for name in same[0] if all(name in other for other in same)]
            shown = frame[~frame["outcome"].isin(equal)]
            lines += equal_lines(equal)
        lines = [*effect_lines(shown, _points(db, sweep, frame["study"].unique())), *lines]
    if len(joint):
        told = interaction_lines(joint, _points(db, sweep, joint["study"].unique()))
        over = over_parameters(db, sweep=sweep, outcomes=outcome or None)
        lines += ([""] if lines else []) + [*told, "", *plausible_lines(over)]
    return lines


def _compared(
    db: Path,
    sweep: int | None,
    study: str | None,
    baseline: str | None,
    outcome: list[str] | None,
    interactions: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of all comparisons and of the interactions of the same studies."""
    from workbench.analysis import compare as compare_arms
    from workbench.analysis import interactions as interactions_of

    frame = compare_arms(db, sweep=sweep, study=study, baseline=baseline, outcomes=outcome or None)
    joint = interactions_of(db, sweep=sweep, study=study, outcomes=outcome or None)
    if study is None and not interactions:
        # as for the arms: studies with a sweep of their own are shown when they are asked for
        joint = joint[joint["study"].isin(frame["study"].unique())]
    return frame, joint


def _points(db: Path, sweep: int | None, studies: Iterable[str]) -> pd.DataFrame:
    """Return the swept values of some studies."""
    import pandas as pd

    from workbench.store import open_results

    with open_results(db) as results:
        chosen = results.latest if sweep is None else sweep
        return pd.concat([results.points(chosen, study) for study in studies])


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

    It is opened for reading only. Ctrl-C ends a question that has no end.
    """
    from workbench.store.question import answered

    if form is Format.csv and not as_json:
        with answered(Path(db), sql, max_rows) as answer:
            print_csv(answer.tables())
        return 0
    listed = as_json or form is Format.json
    with answered(Path(db), sql, max_rows or (MOST_ROWS if listed else MOST_SHOWN)) as answer:
        frame = answer.table()
    print_frame(frame, form, as_json, db=db)
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
