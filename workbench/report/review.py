"""The page to be filled in and mailed back: every assumption numbered, those that move the result most first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.report.tables import Table
from workbench.report.words import cut, each, number, plain, sentence

if TYPE_CHECKING:
    from workbench.report.ground import Ground

MOST = 14
ANSWERS = ("agree", "disagree", "do not know")


@dataclass(frozen=True)
class Assumption:
    """One number that nobody has measured: what it is, the value used, where it may lie."""

    text: str
    value: str
    weight: float
    sources: str


def assumptions(ground: Ground) -> list[Assumption]:
    """Return every assumed number of the model once, those that move the benefit most first."""
    aim = ground.aims.benefit
    found = ground.over_parameters(aim) if aim else None
    weights = {r.path: abs(r.rho) for r in each(found.drivers)} if found is not None else {}
    unique: dict[str, Assumption] = {}
    for row in _assumed(ground):
        name = row.parameter if isinstance(row.parameter, str) and row.parameter else row.path
        if name not in unique:
            weight = max(weights.get(f"parameter.{name}", 0.0), weights.get(row.path, 0.0))
            unique[name] = Assumption(_meaning(ground, row), _value(row), weight, str(row.source or ""))
    return sorted(unique.values(), key=lambda one: (-one.weight, " to " not in one.value))


def _assumed(ground: Ground) -> Iterator[Any]:
    """Yield assumed numbers of the model; defaults that change nothing (0 or 1, no range, no source) are left out."""
    settings = ground.selection.settings
    arm = ground.aims.benefit.arm if ground.aims.benefit else ""
    if arm:  # the values of the arm that the page is about
        settings = settings[settings.arm == arm]
    for row in each(settings[(settings.status == "assumed") & settings.number.notna()]):
        neutral = row.origin == "default" and not row.source and pd.isna(row.low)
        if not (neutral and row.number in (0.0, 1.0)) and row.unit not in ("", None):
            yield row


def _meaning(ground: Ground, row: Any) -> str:
    declared = ground.selection.parameter_set.get("parameter", {}).get(row.parameter, {})
    meant = str(declared.get("meaning", "")) or ground.selection.meanings.get(row.path, "") or plain(row.path)
    return sentence(cut(meant, 140)).rstrip(".")


def _value(row: Any) -> str:
    unit = f" {row.unit}" if row.unit not in ("", "1", None) else ""
    span = f" ({number(row.low)} to {number(row.high)})" if not pd.isna(row.low) else ""
    return f"{number(row.number)}{unit}{span}"


def review_table(ground: Ground, found: list[Assumption]) -> Table:
    """The whole list as a table, for the file that goes with the page."""
    rows = tuple((str(i), one.text, one.value, one.sources) for i, one in enumerate(found, 1))
    table = Table(
        "Every assumed number", ("No.", "Assumption", "Value (plausible range)", "Source of the direction"), rows
    )
    return table.of("assumptions", ground.queries.settings())
