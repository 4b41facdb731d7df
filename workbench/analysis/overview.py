"""What a scenario set out to compare, in one place: benefit, interactions and costs, and which outcomes differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.analysis.aims import Aim, aims
from workbench.analysis.interaction import interactions, over_parameters
from workbench.analysis.interval import ROUNDING
from workbench.analysis.paired import compare, studies_to_compare
from workbench.analysis.plausible import Plausible, designs, plausible
from workbench.analysis.selection import Selection, select

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store.read import Results


@dataclass(frozen=True)
class Declared:
    """One comparison that the scenario names: its row of `compare`, and how it moves over plausible parameters."""

    aim: Aim
    row: Mapping[str, Any]
    plausible: Plausible | None


@dataclass(frozen=True)
class Overview:
    """The declared comparisons of one study.

    Attributes
    ----------
    declared : tuple of Declared
        The benefit, then the costs, as far as their runs are stored.
    joint : DataFrame
        The declared interactions of the benefit's outcome, as `interactions` returns them.
    over : DataFrame
        The same over plausible parameters, as `over_parameters` returns them.
    rows : DataFrame
        Every declared pair of arms in the benefit's outcome, as `compare` returns them.
    equal, rest : tuple of str
        The outcomes beside these that are the same in all arms, subject by subject; and those that differ.
    """

    selection: Selection
    study: str
    declared: tuple[Declared, ...]
    joint: pd.DataFrame
    over: pd.DataFrame
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
    joint = interactions(selection, study=study, outcomes=[main])
    joint = joint[joint["point"] == joint["point"].min()]
    declared = tuple(one for aim in named.all if aim.arm and (one := _declared(selection, study, aim)) is not None)
    shown = {main, *(one.aim.outcome for one in declared)}
    equal = tuple(name for name in equal_outcomes(selection, study) if name not in shown)
    return Overview(
        selection,
        study,
        declared,
        joint,
        over_parameters(selection, outcomes=[main]),
        rows,
        equal,
        tuple(name for name in selection.outcomes_named() if name not in shown and name not in equal),
    )


def _declared(selection: Selection, study: str, aim: Aim) -> Declared | None:
    """Return a named comparison, None where the study lacks one of its arms."""
    rows = compare(selection, study=study, baseline=aim.against, outcomes=[aim.outcome])
    rows = rows[(rows["arm"] == aim.arm) & (rows["point"] == rows["point"].min())]
    if rows.empty:
        return None
    ranges = (found for design in designs(selection)[:1] for found in plausible(selection, design, aim.outcome))
    moved = next((found for found in ranges if (found.arm, found.baseline) == aim.pair), None)
    return Declared(aim, {str(key): value for key, value in rows.iloc[0].items()}, moved)


def equal_outcomes(selection: Selection, study: str) -> tuple[str, ...]:
    """Return the outcomes that have one value in all arms, in every subject and at every point of a study.

    Differences of rounding size count as none; an outcome of a single arm is not compared and does not count.
    """
    rows = selection.sql(
        "select outcome, max(difference) as most from (select outcome, count(*) as arms,"
        " (max(value) - min(value)) / max(max(abs(value)), 1e-300) as difference from outcomes"
        " where sweep = :sweep and study = :study group by outcome, point, subject)"
        " group by outcome having max(arms) > 1",
        study=study,
    )
    same = set(rows[rows["most"] <= ROUNDING]["outcome"])
    return tuple(name for name in selection.outcomes_named() if name in same)
