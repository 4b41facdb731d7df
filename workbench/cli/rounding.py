"""``workbench rounding``: which outcomes amplify what processors round differently."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import print_object, print_text, print_wrapped
from workbench.text_tables import FormattedNumber, fit_table

HEADER = ("arm", "outcome", "moves by")


def rounding(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    arm: Annotated[
        list[str] | None, typer.Option("--arm", metavar="NAME", help="Only this arm; again for more.")
    ] = None,
    subjects: Annotated[
        int | None, typer.Option("--subjects", metavar="N", min=1, help="Subjects to look at; 8 if not given.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Find outcomes that amplify rounding errors.

    Solves some runs of every arm twice, the second time with every number moved by a unit in its last place; nothing
    is stored.
    """
    from workbench.execution.amplification import measure_rounding as measure
    from workbench.execution.tolerances import AMPLIFIES

    found = measure(scenario, arms=arm or (), subjects=subjects)
    more = [one for one in found if one.share > AMPLIFIES]
    if as_json:
        rows = [{**vars(one), "amplifies": one.share > AMPLIFIES} for one in found]
        print_object({"ok": True, "scenario": scenario, "unit": "share of the largest value", "rows": rows})
        return 0
    if more:
        print_text(
            "\n".join(fit_table(HEADER, [(one.arm, one.outcome, FormattedNumber(f"{one.share:.1e}")) for one in more]))
        )
    calm = [one for one in found if one.share <= AMPLIFIES]
    if calm:
        rest = "All others move" if more else "Nothing amplifies rounding: outcomes move"
        print_wrapped(
            [f"{rest} by at most {calm[0].share:.1e} of their largest value ({calm[0].outcome} in {calm[0].arm})."]
        )
    return 0


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(rounding)
