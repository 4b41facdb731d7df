"""What a scenario set out to compare, in one place: benefit, interactions and costs, and which outcomes differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.aims import Aim, aims
from workbench.analysis.interaction import interactions
from workbench.analysis.intervals import ROUNDING
from workbench.analysis.paired import compare, studies_to_compare
from workbench.analysis.parameter_uncertainty import Plausible, designs, plausible, plausible_interaction
from workbench.analysis.selection import Selection, select
from workbench.findings.collection import ledger as published
from workbench.findings.held import HeldSets, find_held_sets

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.store.read import Results
    from workbench.store.study_values import StudyValues


@dataclass(frozen=True)
class NamedComparison:
    """One comparison that the scenario names: its row of `compare`, and how it moves over plausible parameters.

    `kind` is what it is there for: benefit, also or cost.
    """

    kind: str
    aim: Aim
    row: Mapping[str, Any]
    plausible: Plausible | None


@dataclass(frozen=True)
class Crossed:
    """One declared interaction in the benefit's outcome: its terms are rows as `interactions` gives them."""

    name: str
    title: str
    arms: tuple[str, ...]
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    both: Mapping[str, Any]
    interaction: Mapping[str, Any]
    plausible: Plausible | None


@dataclass(frozen=True)
class Overview:
    """The declared comparisons of one study.

    Attributes
    ----------
    declared : tuple of NamedComparison
        The benefit, what stands beside it, and the costs, as far as their runs are stored.
    crossed : tuple of Crossed
        The declared interactions, the one that the benefit is about first.
    held : HeldSets or None
        Which plausible sets of parameters give back the fitted findings.
    rows : DataFrame
        Every declared pair of arms in the benefit's outcome, as `compare` returns them.
    equal, rest : tuple of str
        The outcomes beside these that are the same in all arms, subject by subject; and those that differ.
    """

    selection: Selection
    study: str
    declared: tuple[NamedComparison, ...]
    crossed: tuple[Crossed, ...]
    held: HeldSets | None
    rows: pd.DataFrame
    equal: tuple[str, ...]
    rest: tuple[str, ...]


def overview(source: Results | Selection | str | Path, sweep: int | None = None) -> Overview | None:
    """Return the declared comparisons of a sweep; None where no arm has a baseline or nothing was measured."""
    selection = select(source, sweep)
    study, named = studies_to_compare(selection)[0], aims(selection)
    if named.benefit is None or not named.benefit.arm:
        return None
    main = named.benefit.outcome
    rows = compare(selection, study=study, outcomes=[main])
    rows = rows[rows["point"] == rows["point"].min()]
    kinds = [
        ("benefit", named.benefit),
        *(("also", aim) for aim in named.also),
        *(("cost", aim) for aim in named.costs),
    ]
    found = (_declared(selection, study, kind, aim) for kind, aim in kinds if aim.arm)
    declared = tuple(one for one in found if one is not None)
    first = named.benefit.interaction
    crossed = sorted(_crossed(selection, study, main), key=lambda one: one.name != first)
    spread = designs(selection)[:1]
    shown = {main, *(one.aim.outcome for one in declared)}
    equal = tuple(name for name in equal_outcomes(selection, study) if name not in shown)
    return Overview(
        selection,
        study,
        declared,
        tuple(crossed),
        find_held_sets(selection, spread[0], published(selection)) if spread else None,
        rows,
        equal,
        tuple(name for name in selection.outcomes_named() if name not in shown and name not in equal),
    )


def _crossed(selection: Selection, study: str, outcome: str) -> Iterator[Crossed]:
    """Yield the interactions that the scenario declares, in its order."""
    rows = interactions(selection, study=study, outcomes=[outcome])
    for name, group in rows[rows["point"] == rows["point"].min()].groupby("interaction", sort=False):
        terms = {str(row["term"]): {str(k): v for k, v in row.items()} for row in group.to_dict("records")}
        arms = tuple(selection.scenario["interaction"][name]["arms"])
        spread = designs(selection)[:1]
        over = plausible_interaction(selection, spread[0], str(name), outcome, arms) if spread else None
        yield Crossed(str(name), str(terms["interaction"]["title"]), arms, **terms, plausible=over)


def _declared(selection: Selection, study: str, kind: str, aim: Aim) -> NamedComparison | None:
    """Return a named comparison, None where the study lacks one of its arms."""
    rows = compare(selection, study=study, baseline=aim.against, outcomes=[aim.outcome])
    rows = rows[(rows["arm"] == aim.arm) & (rows["point"] == rows["point"].min())]
    if rows.empty:
        return None
    ranges = (found for design in designs(selection)[:1] for found in plausible(selection, design, aim.outcome))
    moved = next((found for found in ranges if (found.arm, found.baseline) == aim.pair), None)
    return NamedComparison(kind, aim, {str(key): value for key, value in rows.iloc[0].items()}, moved)


def equal_outcomes(selection: Selection, study: str) -> tuple[str, ...]:
    """Return the outcomes that have one value in all arms, in every subject and at every point of a study.

    Differences of rounding size count as none; an outcome of a single arm is not compared and does not count.
    """
    names = selection.outcomes_named()
    return tuple(name for name, values in selection.study_values(study, names) if _is_equal(values, name))


def _is_equal(values: StudyValues, outcome: str) -> bool:
    compared = False
    for _, table in values.tables(outcome):
        found = table.to_numpy()[table.notna().sum(axis=1) > 1]
        compared = compared or len(found) > 0
        width, size = np.nanmax(found, axis=1) - np.nanmin(found, axis=1), np.nanmax(np.abs(found), axis=1)
        if (width / np.maximum(size, 1e-300) > ROUNDING).any():
            return False
    return compared


@dataclass(frozen=True)
class Excess:
    """What is removed of the excess of one arm over `reference`, the arm that it is itself compared with.

    `share` is that of the shipped set (1: all of it, 0: nothing, above 1: beyond the reference), of the means `mean`
    of the treated arm, the untreated one and the reference; `shares` those over sets of parameters that leave an
    excess, `none` how many leave none.
    """

    reference: str
    means: tuple[float, float, float]
    share: float
    shares: NDArray[np.float64]
    none: int


def excess(selection: Selection, study: str, sets: str, aim: Aim) -> Excess | None:
    """Return what `aim` removes of the excess; None where its other arm has no reference that does better.

    `study` holds the compared arms, `sets` the study over parameter sets ("" if there is none).
    """
    reference = str(selection.arms.baseline.get(aim.against, "") or "")
    better = str(selection.measure("outcome", aim.outcome)["better"])
    if not reference or not better or reference == aim.arm:
        return None
    arms = (aim.arm, aim.against, reference)
    own = _means(selection, study, aim.outcome, arms)
    sign = 1.0 if better == "lower" else -1.0
    if own.shape[0] == 0 or sign * (own[0, 1] - own[0, 2]) <= 0.0:
        return None
    treated, untreated, whole = (float(v) for v in own[0])
    over = _means(selection, sets, aim.outcome, arms) if sets else np.empty((0, 3))
    wrong = sign * (over[:, 1] - over[:, 2])
    harmed = wrong > 0.0
    shares = sign * (over[harmed, 1] - over[harmed, 0]) / wrong[harmed]
    share = (untreated - treated) / (untreated - whole)
    return Excess(reference, (treated, untreated, whole), share, shares, int((~harmed).sum()))


def _means(selection: Selection, study: str, outcome: str, arms: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the mean of each arm at every point at which all of them have finished runs: (points, arms)."""
    rows = selection.values(study, outcome)
    table = rows[rows.arm.isin(arms)].pivot(index=["point", "subject"], columns="arm", values="value")
    table = table.reindex(columns=list(arms)).dropna().astype(float)
    return np.asarray(table.groupby(level="point").mean(), dtype=np.float64).reshape(-1, len(arms))
