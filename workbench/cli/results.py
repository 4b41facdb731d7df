"""Commands that read a result database: ``runs``, ``compare``, ``query``, ``digest``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import AsFormat, AsJson, Database
from workbench.cli.output import Format, print_frame, print_object, put
from workbench.cli.tables import effect_lines, interaction_lines, plausible_lines

if TYPE_CHECKING:
    import pandas as pd

Sweep = Annotated[int | None, typer.Option("--sweep", min=1, help="Which sweep of the file; the newest if not given.")]

NO_BASELINE = "nothing to compare: no arm here has a baseline (compare_with in the scenario, or --baseline ARM)"
NO_INTERACTION = (
    "no interaction to show: the scenario declares none ([interaction.NAME] with four arms), or none was run"
)
SWEEP_COLUMNS = ("sweep", "scenario", "subjects", "expected", "stored", "failed", "missing", "created")


def runs(db: Database, form: AsFormat = Format.text, as_json: AsJson = False) -> int:
    """List the sweeps in a database.

    With their counts of expected, stored, failed and missing runs.
    """
    from workbench.store import open_results

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
    sweep: Sweep = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Compare arms within subjects.

    Differences to the baseline arm, with effect sizes and intervals, and the interactions that the scenario declares.
    """
    from workbench.analysis import compare as compare_arms
    from workbench.analysis import interactions as interactions_of
    from workbench.analysis.interaction import over_parameters

    frame = compare_arms(Path(db), sweep=sweep, study=study, baseline=baseline, outcomes=outcome or None)
    joint = interactions_of(Path(db), sweep=sweep, study=study, outcomes=outcome or None)
    over = over_parameters(Path(db), sweep=sweep, outcomes=outcome or None)
    if interactions:
        frame = joint
    elif study is None:  # as for the arms: studies with a sweep of their own are shown when they are asked for
        joint = joint[joint["study"].isin(frame["study"].unique())]
    if as_json or form is not Format.text:
        listed = {} if interactions else {"interactions": joint.astype(object).to_dict("records")}
        listed["over_parameters"] = over.astype(object).to_dict("records")
        print_frame(frame, form, as_json, **{"db": db, **listed})  # type: ignore[arg-type]
    elif not len(frame):
        put(NO_INTERACTION if interactions else NO_BASELINE)
    else:
        lines = [] if interactions else [*effect_lines(frame, _points(Path(db), sweep, frame["study"].unique()))]
        if len(joint):
            told = interaction_lines(joint, _points(Path(db), sweep, joint["study"].unique()))
            lines += ([""] if lines else []) + [*told, "", *plausible_lines(over)]
        put("\n".join(lines))
    return 0


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
