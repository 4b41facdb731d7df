"""``workbench assay``: what a scenario's synapse does in a slice."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import print_object, print_text, print_wrapped
from workbench.text_tables import FormattedNumber, fit_table

HEADER = ("arm", "with Mg", "without Mg", "then low", "LTP/LTD")
NO_FALL = "no LTD"


def assay(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    synapse: Annotated[
        list[str] | None,
        typer.Option("--synapse", metavar="plasticity.NAME", help="Only this synapse; may be given again."),
    ] = None,
    arm: Annotated[
        list[str] | None, typer.Option("--arm", metavar="NAME", help="Only this arm; again for more.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Put a scenario's synapses through slice protocols.

    High-frequency stimulation with and without magnesium, then low frequency; nothing is stored.
    """
    from workbench.inspection.assays import PROTOCOL, protocol_of
    from workbench.inspection.assays import assay as measure

    found = measure(scenario, synapse or (), arms=arm or ())
    if as_json:
        rows = [{**vars(one), "balance": one.balance} for one in found]
        print_object({"ok": True, "scenario": scenario, "protocol": PROTOCOL, "unit": "% of control", "rows": rows})
        return 0
    for name in dict.fromkeys(one.synapse for one in found):
        lines = [
            (
                one.arm,
                *(FormattedNumber(f"{v:.1f}") for v in (one.ltd, one.ltp, one.low)),
                FormattedNumber(_balance(one.balance)),
            )
            for one in found
            if one.synapse == name
        ]
        print_text("\n".join([f"plasticity.{name}: response in % of control", *fit_table(HEADER, lines), ""]))
    clamped = "activity and third factor clamped at 1, one synapse without spread."
    balance = "LTP/LTD: rise without magnesium over fall with it. Doses are not given in a slice."
    print_wrapped([f"{protocol_of(PROTOCOL).title}; {clamped}", balance])
    return 0


def _balance(value: float | None) -> str:
    return NO_FALL if value is None else f"{value:.2f}"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(assay)
