"""``workbench doses``: what an arm gives, as a table of dose records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsFormat, AsJson
from workbench.cli.output import Format, print_frame, put
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

    Columns ID, TIME (h), AMT (mg), RATE (mg/h), II (h), ADDL, SS and EVID; one ID where all are given the same.
    With --format csv, the table is one that a dose with regimen = "table" reads back.
    """
    import pandas as pd

    from workbench.execution.dosing import dose_records
    from workbench.scenario import load_scenario
    from workbench.scenario.dosing import COLUMNS, written

    found = load_scenario(Path(scenario))
    if arm is None and len(found.arms) > 1:
        raise UsageError(f"choose an arm by --arm (there are: {', '.join(found.arms)})")
    records = dose_records(found, arm or next(iter(found.arms)), drug=drug, phase=phase, subjects=subjects)
    if form is Format.csv and not as_json:
        put(written(records))
    else:
        rows = [
            (int(record[0]) + 1, *record[1:5], int(record[5]), int(record[6]), int(record[2] > 0.0))
            for record in records
        ]
        print_frame(pd.DataFrame(rows, columns=list(COLUMNS)), form, as_json)
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(doses)
