"""What the numbers of the model rest on, counted from the stored settings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.report.tables import Table
from workbench.report.words import Wording, each, number

MEANS = {
    "measured": "measured in people, animals or slices (source given)",
    "fitted": "fitted, so that the model reproduces published numbers",
    "assumed": "assumed: plausible, but nobody has measured it",
    "protocol": "chosen by the protocol: doses, durations, task",
    "": "no statement in the file",
}


def numeric(settings: pd.DataFrame) -> pd.DataFrame:
    """Return the numeric settings, one row per path and status."""
    return settings[settings.number.notna()].drop_duplicates(["path", "status"])


def counts(settings: pd.DataFrame) -> dict[str, int]:
    """Return how many numeric settings have each status."""
    found = numeric(settings).drop_duplicates("path").status.value_counts()
    return {status: int(found.get(status, 0)) for status in MEANS}


def ledger(settings: pd.DataFrame) -> Table:
    """How many settings are measured, fitted, assumed, or a matter of protocol."""
    found = counts(settings)
    rows = tuple((status or "not stated", MEANS[status], str(n)) for status, n in found.items() if n)
    return Table("What the numbers in the model rest on", ("Status", "Meaning", "Settings"), rows)


def summary(settings: pd.DataFrame) -> str:
    """Say in one sentence how much is assumed."""
    found = counts(settings)
    model = sum(n for status, n in found.items() if status != "protocol")
    shares = [f"{found[s]} are {s}" for s in ("measured", "fitted", "assumed")]
    if found.get(""):
        shares.append(f"{found['']} stand in the scenario without a word on where they come from")
    return f"Of {model} numbers in the model (doses and protocol left aside), {', '.join(shares)}."


def settings_table(words: Wording, settings: pd.DataFrame) -> Table:
    """Every setting with its value in each arm (one value where all agree), range, status and source."""
    rows = []
    order = list(words.selection.arms.index)
    for path, group in settings.groupby("path", sort=True):
        values = {str(r.arm): _shown(r.number, r.text) for r in each(group)}
        first = group.iloc[0]
        known = not pd.isna(first["low"]) and not pd.isna(first["high"])
        rows.append(
            (
                str(path),
                _values(words, values, order),
                "" if first.unit == "1" else str(first.unit or ""),
                f"{number(first['low'])} to {number(first['high'])}" if known else "",
                ", ".join(sorted({s for s in group.status if s})),
                ", ".join(sorted({s for s in group.source if s})),
            )
        )
    return Table(
        "Every setting", ("Setting", "Value", "Unit", "Plausible range", "Status", "Source"), tuple(rows), look="wide"
    )


def _shown(amount: Any, text: Any) -> str:
    """Return a setting in words; what is left out, or drawn for each subject, has neither number nor text."""
    if not pd.isna(amount):
        return number(amount)
    return "\N{EN DASH}" if pd.isna(text) else str(text)


def _values(words: Wording, values: dict[str, str], order: list[str]) -> str:
    """Return one value, or each value with the arms that have it."""
    if len(set(values.values())) == 1:
        missing = [words.arm(a) for a in order if a not in values]
        return next(iter(values.values())) + (f" (not in {', '.join(missing)})" if missing else "")
    by_value: dict[str, list[str]] = {}
    for arm in order:
        by_value.setdefault(values.get(arm, "absent"), []).append(words.arm(arm))
    return "; ".join(f"{value} in {', '.join(arms)}" for value, arms in by_value.items())
