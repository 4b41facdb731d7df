"""Within-subject comparisons: every simulated subject is its own control."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.intervals import ROUNDING, agree_within_rounding, hedges_g, mean_intervals
from workbench.analysis.selection import Selection, select
from workbench.errors import UsageError, quoted
from workbench.terms import FEW

if TYPE_CHECKING:
    import pandas as pd

    from workbench.component.arrays import Array
    from workbench.store.read import Results


EFFECT = "d_av"
"""Mean difference over the root mean square of the two arms' standard deviations (Cohen's d for paired data)."""

COLUMNS = {
    "study": "str", "point": "int64", "outcome": "str", "unit": "str", "arm": "str", "baseline": "str",
    "n": "int64", "missing": "int64", "mean": "Float64", "baseline_mean": "Float64", "difference": "Float64",
    "sd_difference": "Float64", "low": "Float64", "high": "Float64", "p10": "Float64", "p90": "Float64",
    "effect": "Float64", "effect_name": "str", "hedges_g": "Float64",
    "better": "Float64", "better_means": "str", "method": "str", "note": "str",
}  # fmt: skip
_MEANS = {"lower": "lower is better", "higher": "higher is better", "": "no direction declared"}


def compare(
    source: Results | Selection | str | Path,
    *,
    sweep: int | None = None,
    study: str | None = None,
    baseline: str | None = None,
    outcomes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return paired differences of every arm to its baseline arm, one row per study, point, outcome and arm.

    Parameters
    ----------
    source : open results, or path of a database
    sweep : int, optional
        The latest unless named.
    study : str, optional
        Every study without a sweep of its own unless named; if there is none, the first.
    baseline : str, optional
        One arm for all; without it each arm has the one its scenario declares.
    outcomes : sequence of str, optional
        All unless named.

    Returns
    -------
    DataFrame
        `mean`, `baseline_mean`, `difference` (arm minus baseline), `sd_difference`, `low` to `high` (95 % interval of
        the mean difference, made as `method` says), `p10` and `p90` (of single subjects' differences), `effect` (as
        `effect_name` says: d_av), `hedges_g` (the two arms as independent groups, as a trial would print it; of an
        outcome without the noise of a visit it is larger than any trial's), `better` (share of subjects that do better
        than under the baseline), `n` pairs and `missing` pairs. What cannot be computed is missing; `note` says why.

    Raises
    ------
    UsageError
        If a study, arm or outcome is not in the sweep; lists those that are.
    """
    import pandas as pd

    selection = select(source, sweep)
    names = selection.outcomes_named() if outcomes is None else list(outcomes)
    for name in names:
        selection.measure("outcome", name)
    _known("arm", baseline, selection.arms.index)
    rows = [row for one in studies_to_compare(selection, study) for row in _study_rows(selection, one, baseline, names)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def studies_to_compare(selection: Selection, study: str | None = None) -> list[str]:
    """Return the named study, or those that sweep nothing, or the first."""
    known = selection.studies
    _known("study", study, known.index)
    if study is not None:
        return [study]
    return [str(s) for s in known[known.points <= 1].name] or [str(known.name.iloc[0])]


def _known(what: str, name: str | None, known: Iterable[str]) -> None:
    if name is not None and name not in list(known):
        raise UsageError(f"{what} {quoted(name)} is not in this sweep (known: {', '.join(known)})")


def _study_rows(selection: Selection, study: str, baseline: str | None, names: list[str]) -> list[dict[str, Any]]:
    present = [a for a in selection.arms.index if a in set(selection.progress[selection.progress.study == study].arm)]
    planned = int(
        selection.sql(
            "select coalesce(max(n), 0) as n from (select count(*) as n from runs"
            " where sweep = :sweep and study = :study group by arm, point)",
            study=study,
        )["n"].iloc[0]
    )
    pairs = [(a, baseline or str(selection.arms.baseline[a])) for a in present]
    pairs = [(a, b) for a, b in pairs if b and a != b and b in present]
    found: list[dict[str, Any]] = []
    for outcome, values in selection.study_values(study, sorted(set(names))):
        measure = selection.measure("outcome", outcome)
        for point, table in values.tables(outcome):
            same = {"study": study, "point": point, "outcome": outcome, "unit": measure["unit"]}
            found += _rows(table, pairs, planned, same, measure["better"])
    return sorted(found, key=lambda row: int(row["point"]))  # of a point in the order of the outcomes' names


def _rows(
    table: pd.DataFrame, pairs: list[tuple[str, str]], planned: int, same: dict[str, Any], better: str
) -> Iterator[dict[str, Any]]:
    """Yield one row per pair of arms; `table` is subjects x arms, with gaps where a run failed."""
    both = [table.reindex(columns=[a, b]).dropna().to_numpy(dtype=np.float64) for a, b in pairs]
    intervals = mean_intervals([differences_without_rounding(v) for v in both])
    for (arm, base), values, (low, high, method) in zip(pairs, both, intervals, strict=True):
        yield {
            **same, "arm": arm, "baseline": base, "n": len(values), "missing": planned - len(values),
            **_statistics(values, better), "low": low, "high": high, "effect_name": EFFECT,
            "better_means": _MEANS[better], "method": method, "note": _note(values, planned),
        }  # fmt: skip


def differences_without_rounding(values: Array) -> Array:
    """Return arm minus baseline per subject; `values` is (subjects, 2). Differences of rounding size count as none."""
    difference = values[:, 0] - values[:, 1]
    size = np.abs(values).max(axis=1)
    # Arms that compute the same by another order of operations must count as equal, or "share better" would count
    # rounding errors.
    exact: Array = np.where(np.abs(difference) <= ROUNDING * size, 0.0, difference)
    return exact


_COMPUTED = (
    "mean", "baseline_mean", "difference", "sd_difference", "p10", "p90", "effect", "hedges_g", "better",
)  # fmt: skip


def _statistics(values: Array, better: str) -> dict[str, float | None]:
    """Return mean, difference and its sd, effect and share better; `values` is (subjects, 2)."""
    if len(values) == 0:
        return dict.fromkeys(_COMPUTED)
    difference = differences_without_rounding(values)
    found: dict[str, float | None] = {
        "mean": float(values[:, 0].mean()),
        "baseline_mean": float(values[:, 1].mean()),
        "difference": float(difference.mean()),
        "sd_difference": None,
        "p10": None,
        "p90": None,
        "effect": None,
        "hedges_g": None,
        "better": None,
    }
    if better:
        found["better"] = float(np.mean(difference < 0 if better == "lower" else difference > 0))
    if len(values) > 1:
        found["sd_difference"] = 0.0 if agree_within_rounding(difference) else float(difference.std(ddof=1))
        found["p10"], found["p90"] = (float(q) for q in np.percentile(difference, [10, 90]))
        spread = float(np.sqrt(values.var(axis=0, ddof=1).mean()))
        if spread > ROUNDING * np.abs(values).max():
            found["effect"] = float(difference.mean()) / spread
            found["hedges_g"] = hedges_g(values[:, 0], values[:, 1])
    return found


def _note(values: Array, planned: int) -> str:
    """Say in words what could not be computed, and why."""
    if len(values) == 0:
        return "no subject finished both arms"
    said = []
    if len(values) < planned:
        said.append(
            f"{planned - len(values)} of {planned} subjects left out: one of their two runs failed or is missing"
        )
    if 1 < len(values) < FEW:
        said.append(f"fewer than {FEW} subjects: the interval is rough")
    if len(values) == 1:
        said.append("one subject: no spread, interval or effect size")
    elif not values.var(axis=0).any():
        said.append("all subjects alike in both arms: no effect size")
    if len(values) > 1 and agree_within_rounding(differences_without_rounding(values)):
        said.append("the same difference in every subject")
    return "; ".join(said)


LEVEL = 1.96


@dataclass(frozen=True)
class BetweenGroups:
    """Hedges' g of two groups with its 95 % interval; None where the groups do not vary or are too small."""

    g: float | None
    low: float | None = None
    high: float | None = None


def between_groups(treated: Array, control: Array) -> BetweenGroups:
    """Return Hedges' g with its interval.

    The interval uses the large-sample variance (n1 + n2) / (n1 n2) + g^2 / (2 (n1 + n2)) (Hedges and Olkin).
    """
    g = hedges_g(treated, control)
    if math.isnan(g):
        return BetweenGroups(None)
    n, m = len(treated), len(control)
    error = LEVEL * math.sqrt((n + m) / (n * m) + g**2 / (2.0 * (n + m)))
    return BetweenGroups(g, g - error, g + error)
