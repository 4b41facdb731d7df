"""The sheet to be filled in: every assumption numbered, those that move the result most first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.report.page_tables import PageTable
from workbench.report.words import cut_text, name_in_words, number, row_records, sentence

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
    """Return every assumed number of the model once, and what the finding hangs most on whatever its status.

    Those that move the finding most come first.
    """
    found = ground.main_over
    weights = {r.path: abs(r.rho) for r in row_records(found.drivers)} if found is not None else {}
    unique: dict[str, Assumption] = {}
    for row in (*_assumed(ground), *_leading(ground)):
        name = _name(row)
        if name not in unique:
            weight = max(weights.get(f"parameter.{name}", 0.0), weights.get(row.path, 0.0))
            unique[name] = Assumption(_meaning(ground, row), _value(row), weight, str(row.source or ""))
    return sorted(unique.values(), key=lambda one: (-one.weight, " to " not in one.value))


def hangs_on_first(ground: Ground, found: list[Assumption]) -> bool:
    """Return whether the first line is the number that the finding hangs most on."""
    over = ground.main_over
    return bool(found and over is not None and len(over.drivers) and found[0].weight == abs(over.drivers.iloc[0].rho))


def _name(row: Any) -> str:
    return row.parameter if isinstance(row.parameter, str) and row.parameter else str(row.path)


def _leading(ground: Ground) -> Iterator[Any]:
    """Yield the setting of the number that moves the finding most, whether assumed, fitted or measured."""
    over = ground.main_over
    path = str(over.drivers.iloc[0].path) if over is not None and len(over.drivers) else ""
    for row in row_records(_of_the_arm(ground)):
        if path and path in (row.path, f"parameter.{_name(row)}"):
            yield row


def _of_the_arm(ground: Ground) -> pd.DataFrame:
    """Return the settings of the arm that the page is about; of all arms where it is about none."""
    settings = ground.selection.settings
    arm = ground.aims.benefit.arm if ground.aims.benefit else ""
    return settings[settings.arm == arm] if arm else settings


def _assumed(ground: Ground) -> Iterator[Any]:
    """Yield assumed numbers of the model; defaults that change nothing (0 or 1, no range, no source) are left out."""
    settings = _of_the_arm(ground)
    for row in row_records(settings[(settings.status == "assumed") & settings.number.notna()]):
        neutral = row.origin == "default" and not row.source and pd.isna(row.low)
        if not (neutral and row.number in (0.0, 1.0)) and row.unit not in ("", None):
            yield row


def _meaning(ground: Ground, row: Any) -> str:
    declared = ground.selection.parameter_set.get("parameter", {}).get(row.parameter, {})
    meant = str(declared.get("meaning", "")) or ground.selection.meanings.get(row.path, "") or name_in_words(row.path)
    return sentence(cut_text(meant, 140)).rstrip(".")


def _value(row: Any) -> str:
    unit = f" {row.unit}" if row.unit not in ("", "1", None) else ""
    span = f" ({number(row.low)} to {number(row.high)})" if not pd.isna(row.low) else ""
    status = "" if row.status in ("assumed", None) else f", {row.status}"
    return f"{number(row.number)}{unit}{span}{status}"


def review_table(ground: Ground, found: list[Assumption]) -> PageTable:
    """The whole list as a table, for the file that goes with the page."""
    rows = tuple((str(i), one.text, one.value, one.sources) for i, one in enumerate(found, 1))
    table = PageTable(
        "Every assumed number", ("No.", "Assumption", "Value (plausible range)", "Source of the direction"), rows
    )
    return table.of("assumptions", ground.queries.settings())
