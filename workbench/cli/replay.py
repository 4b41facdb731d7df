"""``workbench replay``: see one stored run again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import AsFormat, AsJson, Database
from workbench.cli.output import Format, print_frame, print_line, print_note, print_object, print_text, print_wrapped
from workbench.text_tables import GAP, align_prose

if TYPE_CHECKING:
    import pandas as pd

    from workbench.execution.replays import Replay

DIFFERENT = 5


class Record(StrEnum):
    """What to record."""

    declared = "declared"
    all = "all"


def replay(
    db: Database,
    run: Annotated[int, typer.Option("--run", min=1, help="Number of the run, as in `select run from runs`.")],
    record: Annotated[
        Record, typer.Option("--record", help="The scenario's courses, or all series.")
    ] = Record.declared,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Simulate one stored run again.

    Compares its outcomes, bit for bit; with --format csv, prints its recorded series, one row for each time.
    """
    from workbench.execution.replays import replay as again

    seen = again(Path(db), run, record=record.value)
    if as_json or form is Format.json:
        print_object(_object(seen))
    elif form is Format.text:
        _print_text(seen)
    else:
        print_frame(_series(seen), form, as_json)
    if not seen.equal:
        print_note("error: the replayed outcomes differ from the stored ones")
    return 0 if seen.equal else DIFFERENT


def _object(seen: Replay) -> dict[str, object]:
    return {
        "ok": seen.equal,
        "run": seen.run,
        "study": seen.study,
        "arm": seen.arm,
        "point": seen.point,
        "subject": seen.subject,
        "equal": seen.equal,
        "outcomes": dict(seen.outcomes),
        "stored": dict(seen.stored),
        "failure": None if seen.failure is None else vars(seen.failure),
        "series": {
            name: {"time": list(seen.times[name]), "value": values.tolist()} for name, values in seen.series.items()
        },
    }


def _print_text(seen: Replay) -> None:
    print_line(f"run {seen.run}: {seen.study}, {seen.arm}, point {seen.point}, subject {seen.subject}")
    if seen.failure is not None:
        print_wrapped([f"failed again: {seen.failure.reason} at {seen.failure.time}"])
    rows = []
    for name, value in seen.outcomes.items():
        verdict = "not stored" if name not in seen.stored else "equal" if seen.stored[name] == value else "DIFFERENT"
        rows.append((name, f"{value!r}", verdict))
    rows += [(name, "", f"{len(v)} times, from {v[0]:.6g} to {v[-1]:.6g}") for name, v in seen.series.items()]
    if rows:
        print_text("\n".join(align_prose(rows, GAP)))
    if seen.series:
        print_text("series: add --format csv")


def _series(seen: Replay) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (name, time, value)
        for name, values in seen.series.items()
        for time, value in zip(seen.times[name], values.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["course", "time", "value"])


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(replay)
