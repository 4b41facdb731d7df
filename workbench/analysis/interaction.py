"""Two treatments crossed: what each does alone, what both do, and whether that is more or less than their sum.

From stored rows alone, within subjects: the four values of one subject share everything that is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.intervals import ROUNDING, agree_within_rounding, mean_intervals
from workbench.analysis.parameter_uncertainty import ENDS, designs
from workbench.analysis.selection import Selection, select
from workbench.errors import UsageError, quoted
from workbench.store.read import declared, interaction_rows

if TYPE_CHECKING:
    import pandas as pd

    from workbench.component.arrays import Array
    from workbench.store.read import Results


WEIGHTS = {
    "first": (0.0, 1.0, 0.0, -1.0),
    "second": (0.0, 0.0, 1.0, -1.0),
    "both": (1.0, 0.0, 0.0, -1.0),
    "interaction": (1.0, -1.0, -1.0, 1.0),
}
"""What is taken of the values in the arms with both, the first, the second and neither."""

COLUMNS = {
    "study": "str", "point": "int64", "interaction": "str", "title": "str", "outcome": "str", "unit": "str",
    "term": "str", "arms": "str", "n": "int64", "missing": "int64", "difference": "Float64",
    "sd_difference": "Float64", "low": "Float64", "high": "Float64", "p10": "Float64", "p90": "Float64",
    "method": "str", "note": "str",
}  # fmt: skip
OVER = {
    "study": "str", "interaction": "str", "outcome": "str", "unit": "str", "term": "str", "arms": "str",
    "points": "int64", "low": "Float64", "middle": "Float64", "high": "Float64",
}  # fmt: skip


def interactions(
    source: Results | Selection | str | Path,
    *,
    sweep: int | None = None,
    study: str | None = None,
    names: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the interactions that a scenario declares, each beside the effects that it is made of.

    Parameters
    ----------
    source : open results, a selection, or the path of a database
    sweep : int, optional
        The latest unless named.
    study : str, optional
        Every study that has the four arms unless named, those with a sweep of their own included.
    names, outcomes : sequences of str, optional
        All interactions and all outcomes unless named.

    Returns
    -------
    DataFrame
        Four rows per study, point, interaction and outcome, by `term`: "first" and "second" alone and "both", each
        against neither; and "interaction", (both - first) - (second - neither). `arms` says it with the arms' names.
        `difference` is the mean within subjects, `low` to `high` its 95 % interval (the error of the calculation, as
        `method` says), `p10` to `p90` the spread between subjects, `n` the subjects with all four values.

    Raises
    ------
    UsageError
        If a study, interaction or outcome is not in the sweep; lists those that are.
    """
    import pandas as pd

    selection = select(source, sweep)
    arms = declared(selection.results.scenario_text(selection.sweep))
    _refuse_unknown("interaction", names, list(arms))
    _refuse_unknown("study", None if study is None else [study], [str(name) for name in selection.studies.index])
    for outcome in outcomes or ():
        selection.measure("outcome", outcome)
    rows = interaction_rows(selection.results, selection.sweep, study)
    order = {name: place for place, name in enumerate(selection.outcomes_named())}
    kept = rows[rows.interaction.isin(list(arms if names is None else names))]
    kept = kept[kept.outcome.isin(list(order if outcomes is None else outcomes))]
    planned = _planned(selection) if len(kept) else {}
    found: list[dict[str, Any]] = []
    places = ["interaction", "study", "point", "outcome"]
    for place, group in kept.groupby(places, sort=False):
        name, at, point, outcome = (str(part) for part in place)
        four, values = arms[name], group[["both", "first", "second", "neither"]].to_numpy(dtype=np.float64)
        missing = planned[at, four[0]] - len(values)
        same = {
            "study": at, "point": int(point), "interaction": name, "title": _title(selection, name),
            "outcome": outcome, "unit": group["unit"].iloc[0], "missing": missing,
        }  # fmt: skip
        found += [{**same, **row} for row in _terms(values, four, missing)]
    studies, given = [str(name) for name in selection.studies.index], list(arms)
    found.sort(
        key=lambda r: (studies.index(r["study"]), r["point"], order[r["outcome"]], given.index(r["interaction"]))
    )
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(COLUMNS)


def over_parameters(
    source: Results | Selection | str | Path,
    *,
    sweep: int | None = None,
    names: Sequence[str] | None = None,
    outcomes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return how the terms of each interaction move when everything uncertain moves over its plausible range.

    One row per study that spreads its points by design, interaction, outcome and term: `points` (sets of parameters),
    `low`, `middle` and `high`, the 5th, 50th and 95th percentile over them of the mean over that study's few subjects.
    That is neither the spread between people (`p10` to `p90` of `interactions`) nor the error of the calculation.
    """
    import pandas as pd

    selection = select(source, sweep)
    parts = [interactions(selection, study=study, names=names, outcomes=outcomes) for study in designs(selection)]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    found = []
    for place, group in rows.groupby(["study", "interaction", "outcome", "unit", "term", "arms"], sort=False):
        low, middle, high = np.percentile(group["difference"].to_numpy(dtype=np.float64), [ENDS[0], 50, ENDS[1]])
        found.append((*place, len(group), low, middle, high))
    return pd.DataFrame(found, columns=list(OVER)).astype(OVER)


def _refuse_unknown(what: str, names: Sequence[str] | None, known: list[str]) -> None:
    if unknown := [quoted(name) for name in dict.fromkeys(names or ()) if name not in known]:
        verb = "is" if len(unknown) == 1 else "are"
        listed = ", ".join(known) or "none"
        raise UsageError(f"{what} {' and '.join(unknown)} {verb} not in this sweep (known: {listed})")


def _title(selection: Selection, name: str) -> str:
    return str(selection.scenario["interaction"][name].get("title", ""))


def _planned(selection: Selection) -> dict[tuple[str, str], int]:
    """Return how many subjects each arm of each study was planned with."""
    rows = selection.sql(
        "select study, arm, count(distinct subject) as n from runs where sweep = :sweep group by study, arm"
    )
    return {(str(s), str(a)): int(n) for s, a, n in zip(rows.study, rows.arm, rows.n, strict=True)}


def _terms(values: Array, arms: tuple[str, ...], missing: int) -> Iterator[dict[str, Any]]:
    """Yield the four rows of one outcome; `values` is (subjects, both/first/second/neither)."""
    both, first, second, neither = arms
    words = {
        "first": f"{first} - {neither}",
        "second": f"{second} - {neither}",
        "both": f"{both} - {neither}",
        "interaction": f"({both} - {first}) - ({second} - {neither})",
    }
    size = np.abs(values).max(axis=1)
    taken = {term: (values * np.array(weights)).sum(axis=1) for term, weights in WEIGHTS.items()}
    # What rounding leaves of arms that do not differ counts as no difference.
    taken = {term: np.where(np.abs(found) <= 4.0 * ROUNDING * size, 0.0, found) for term, found in taken.items()}
    intervals = mean_intervals(list(taken.values()))
    for (term, found), (low, high, method) in zip(taken.items(), intervals, strict=True):
        many = len(found) > 1
        p10, p90 = np.percentile(found, [10, 90]) if many else (None, None)
        yield {
            "term": term, "arms": words[term], "n": len(found), "difference": float(found.mean()),
            "sd_difference": (0.0 if agree_within_rounding(found) else float(found.std(ddof=1))) if many else None,
            "low": low, "high": high, "p10": p10, "p90": p90, "method": method,
            "note": f"{missing} subjects left out: one of their four runs failed or is missing" if missing else "",
        }  # fmt: skip
