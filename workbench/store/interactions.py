"""The interactions that a stored scenario declares, subject by subject, from its stored rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.scenario.document import Document

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.read import Results

TERMS = ("both", "first", "second", "neither")
"""The four arms of an interaction, in the order in which a scenario lists them."""
KEYS = ["sweep", "study", "interaction", "point", "subject", "outcome", "unit"]


def declared(text: bytes) -> dict[str, tuple[str, ...]]:
    """Return the four arms of every interaction in a stored scenario's text; it was checked when it was stored."""
    raw: dict[str, Any] = Document(text, "stored scenario", []).content.get("interaction", {})
    return {name: tuple(table["arms"]) for name, table in raw.items()}


def interaction_rows(results: Results, sweep: int, study: str | None = None) -> pd.DataFrame:
    """Return one row per interaction, study, point, subject and outcome of which all four values are stored.

    Columns are those of `KEYS`, the values in the four arms (`both`, `first`, `second`, `neither`), and `value`,
    (both - first) - (second - neither).
    """
    import pandas as pd

    parts = [_one(results, sweep, study, name, arms) for name, arms in declared(results.scenario_text(sweep)).items()]
    columns = [*KEYS, *TERMS, "value"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found[columns]


def _one(results: Results, sweep: int, study: str | None, name: str, arms: tuple[str, ...]) -> pd.DataFrame:
    narrowed = "" if study is None else " and study = :study"
    rows = results.sql(
        "select study, arm, point, subject, outcome, unit, value from outcomes where sweep = :sweep"
        f" and arm in (:both, :first, :second, :neither){narrowed}",
        {"sweep": sweep, **dict(zip(TERMS, arms, strict=True)), **({} if study is None else {"study": study})},
    )
    place = [key for key in KEYS if key not in ("sweep", "interaction")]
    wide = rows.set_index([*place, "arm"])["value"].unstack("arm").reindex(columns=list(arms)).dropna()
    wide = wide.set_axis(list(TERMS), axis="columns").reset_index()
    value = (wide["both"] - wide["first"]) - (wide["second"] - wide["neither"])
    return wide.assign(sweep=sweep, interaction=name, value=value)
