"""``workbench doses``: what an arm gives, as a table of dose records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.faults import as_objects, note_lines
from workbench.cli.options import AsFormat, AsJson
from workbench.cli.output import Format, print_frame, print_note, write_exactly
from workbench.errors import UsageError


def doses(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    arm: Annotated[str | None, typer.Option("--arm", help="The arm; needed where there are several.")] = None,
    drug: Annotated[str | None, typer.Option("--drug", help="The drug, where the arm gives several.")] = None,
    phase: Annotated[str | None, typer.Option("--phase", help="The phase, where doses fall in several.")] = None,
    subjects: Annotated[int | None, typer.Option("--subjects", min=1, help="How many subjects.")] = None,
    form: AsFormat = Format.text,
    as_json: AsJson = False,
) -> int:
    """Write the doses of an arm as records of NONMEM.

    Columns ID, TIME (h), AMT (mg), RATE (mg/h), II (h), ADDL, SS and EVID, and CMT where doses enter more than one
    compartment; one ID where all are given the same. NONMEM reads them as the same doses: with a bioavailability below
    1 the RATE is that which lasts as long, and SS is 2 where a steady state is added to what is there. With --format
    csv, the table is one that a dose with regimen = "table" reads back. Standard error says which
    columns of tables were read, ignored or not recognised.
    """
    import pandas as pd

    from workbench.inspection.dose_records import dose_records
    from workbench.scenario import load_scenario
    from workbench.scenario.dosing import laid_out, written

    found = load_scenario(Path(scenario))
    if arm is None and len(found.arms) > 1:
        raise UsageError(f"choose an arm with --arm (there are: {', '.join(found.arms)})")
    records = dose_records(found, arm or next(iter(found.arms)), drug=drug, phase=phase, subjects=subjects)
    table_notes = [note for note in found.notes if note.key.endswith("table") or note.key.endswith('.table"')]
    if not as_json and form is not Format.json:
        for line in note_lines(table_notes):
            print_note(line)
    if form is Format.csv and not as_json:
        write_exactly(written(records))
    else:
        columns, rows = laid_out(records)
        frame = pd.DataFrame(rows, columns=columns, dtype=object)  # a whole number stays one beside others
        print_frame(frame, form, as_json, notes=as_objects(table_notes))
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(doses)
