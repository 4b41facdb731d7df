"""What the numbers of the model rest on, counted from the stored settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.report.page_tables import PageTable
from workbench.report.words import Wording, name_in_words, number, row_records
from workbench.scenario.bibliography import FILE, bibliography_file, read_bibliography

if TYPE_CHECKING:
    from workbench.report.ground import Ground

    Works = Mapping[str, Mapping[str, str]]


EXAMPLES = 3

MEANS = {
    "measured": "read in a source",
    "fitted": "fitted, so that the model reproduces published numbers",
    "assumed": "assumed: plausible, but not measured",
    "protocol": "chosen by the protocol: doses, durations, task",
    "": "no statement in the file",
}


def numeric(settings: pd.DataFrame) -> pd.DataFrame:
    """Return the numeric settings, each path once (with the status that it has in the first arm that has it)."""
    return settings[settings.number.notna()].drop_duplicates("path")


def counts(settings: pd.DataFrame) -> dict[str, int]:
    """Return how many numeric settings have each status."""
    found = numeric(settings).status.fillna("").value_counts()
    return {status: int(found.get(status, 0)) for status in MEANS}


def ledger(ground: Ground, known: Works) -> PageTable:
    """How many numbers are measured, fitted or assumed, and in whom what stands behind them was seen."""
    counted: dict[tuple[str, str], list[str]] = {}
    for row in row_records(numeric(ground.selection.settings)):
        seen = whom(known, split(row.source)) if row.status != "protocol" else ""
        counted.setdefault((row.status or "", seen), []).append(name_in_words(row.path))
    order = list(MEANS)
    rows = []
    for (status, seen), names in sorted(counted.items(), key=lambda one: (order.index(one[0][0]), one[0][1])):
        examples = ", ".join(names[:EXAMPLES]) + (", ..." if len(names) > EXAMPLES else "")
        rows.append((status or "not stated", MEANS[status], seen or "no source", str(len(names)), examples))
    columns = ("Status", "Meaning", "Seen in", "Numbers", "For example")
    table = PageTable("What the numbers in the model rest on", columns, tuple(rows))
    return table.of("evidence", ground.queries.settings())


def settings_table(words: Wording, settings: pd.DataFrame, query: str) -> PageTable:
    """Every setting with its value in each arm (one value where all agree), range, status and source."""
    rows = []
    order = list(words.selection.arms.index)
    for path, group in settings.groupby("path", sort=True):
        values = {str(r.arm): _shown(r.number, r.text) for r in row_records(group)}
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
    columns = ("Setting", "Value", "Unit", "Plausible range", "Status", "Source")
    return PageTable("Every setting", columns, tuple(rows), "wide", "settings", query)


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


KINDS = {"human": "people", "animal": "animals or slices", "theory": "theory"}
UNSAID = "the bibliography does not say"


def works(database: Path) -> Works:
    """Return the bibliography that lies nearest to the database or the working folder, else the shipped one."""
    near = (folder / FILE for folder in database.absolute().parents[:3])
    beside = next((file for file in near if file.is_file()), None)
    return read_bibliography(beside or bibliography_file(Path.cwd()))


def whom(known: Works, sources: Iterable[str]) -> str:
    """Return whom numbers from these works come from; "" where no work is named."""
    keys = [key for key in sources if key]
    said = dict.fromkeys(KINDS.get(known.get(key, {}).get("keywords", ""), UNSAID) for key in keys)
    return " and ".join(said)


def split(source: object) -> list[str]:
    """Return the keys in a source field: one, or several between commas."""
    return [part.strip() for part in source.split(",") if part.strip()] if isinstance(source, str) else []


def references(ground: Ground, known: Works, used: Iterable[str]) -> PageTable:
    """Return every work that the page uses, by key."""
    rows = tuple((key, *entry(known.get(key))) for key in sorted(set(used), key=str.lower))
    table = PageTable("Works used, and no others", ("Key", "Work", "DOI"), rows)
    return table.of("references", ground.queries.settings())


def entry(work: Mapping[str, str] | None) -> tuple[str, str]:
    """Return a work as a reader cites it, and its DOI or why there is none."""
    if work is None:
        return "not in the bibliography beside this database", ""
    where = " ".join(
        part for part in (work.get("journal") or work.get("publisher", ""), work.get("volume", "")) if part
    )
    parts = (work.get("author", ""), work.get("year", ""), work.get("title", ""), where, work.get("pages", ""))
    text = ". ".join(part for part in (p.replace("--", "-") for p in parts) if part)
    return text, work.get("doi") or work.get("note", "no DOI")
