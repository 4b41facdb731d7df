"""Dose-response: from a swept dose to its effects, and arms that differ in one dose and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.intervals import mean_intervals
from workbench.analysis.maps import swept_axes
from workbench.analysis.protocol import arm_settings, regimens, setting_units
from workbench.component.field_path import field_path
from workbench.component.registry import registry
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array


@dataclass(frozen=True)
class Link:
    """One outcome along the dose in one arm: `values` is (subjects, doses), NaN where a run failed."""

    arm: str
    outcome: str
    doses: Array
    values: Array
    readout: str

    @property
    def absolute(self) -> bool:
        """Whether half of the effect is 0.5 by definition, whatever doses were tried."""
        return registry().offers("outcome", self.readout, "half at 0.5")

    @property
    def linear(self) -> bool:
        """Whether it only grows in proportion to the dose, so that half of it says nothing."""
        return registry().offers("outcome", self.readout, "linear in dose")

    @cached_property
    def half(self) -> Array:
        """The dose of each subject that reaches half of the effect, by linear interpolation; NaN where none does."""
        return np.array([_half_effect_dose(self.doses, row, self.absolute) for row in self.values])


@dataclass(frozen=True)
class DoseChain:
    """All links of a study that sweeps the amount of one dose; `unit` is that of a total a day."""

    study: str
    path: str
    unit: str
    links: tuple[Link, ...]

    @property
    def outcomes(self) -> list[str]:
        """Outcomes in the file's order."""
        return list(dict.fromkeys(link.outcome for link in self.links))


def chain_studies(selection: Selection) -> list[str]:
    """Return the studies that sweep nothing but the amount of one dose."""
    return [str(study) for study in selection.studies.index if _dose_path(selection, str(study))]


def _dose_path(selection: Selection, study: str) -> str:
    paths = selection.paths(study)
    only = paths[0] if len(paths) == 1 else ""
    path = field_path(only)
    return only if path.section == "dose" and path.field == "amount" else ""


def chain(selection: Selection, study: str) -> DoseChain:
    """Return every outcome of a dose sweep by arm, over the total a day (amount times doses a day)."""
    path = _dose_path(selection, study)
    (axis,) = swept_axes(selection, study)
    rows = selection.sql(
        "select arm, point, subject, outcome, value from outcomes where sweep = :sweep and study = :study", study=study
    )
    places = selection.axes[(selection.axes.study == study) & (selection.axes.path == path)]
    amount = dict(zip(places.point, places.number.astype(float), strict=True))
    links = []
    known = {name: selection.measure("outcome", name) for name in selection.outcomes_named()}
    for arm in [a for a in selection.arms.index if a in set(rows.arm)]:
        times = _doses_a_day(selection, str(arm), path)
        for outcome, measure in known.items():
            mine = rows[(rows.arm == arm) & (rows.outcome == outcome)]
            if mine.empty:  # a study may keep some outcomes only
                continue
            table = mine.pivot(index="subject", columns="point", values="value")
            table = table[sorted(table.columns, key=lambda point: amount[point])]
            doses = np.array([amount[point] * times for point in table.columns])
            links.append(Link(str(arm), outcome, doses, table.to_numpy(dtype=float), str(measure["readout"])))
    order = list(selection.scenario.get("outcome", {}))
    links.sort(key=lambda link: order.index(link.outcome) if link.outcome in order else len(order))
    return DoseChain(study, path, f"{axis.unit}/day", tuple(links))


def _doses_a_day(selection: Selection, arm: str, path: str) -> float:
    rows = selection.settings
    every = rows[(rows.arm == arm) & (rows.path == path.replace(".amount", ".every"))].number
    return HOURS_PER_DAY / float(every.iloc[0])


def half_effects(found: DoseChain) -> pd.DataFrame:
    """Return arm, outcome, n, never, and p10, p50, p90 over the subjects who reach half of the effect.

    Links without a dose that does so for anyone are left out.
    """
    import pandas as pd

    rows = []
    for link in found.links:
        if link.linear or np.isnan(link.half).all():
            continue
        reached = link.half[~np.isnan(link.half)]
        ends = np.percentile(reached, [10, 50, 90])
        rows.append((link.arm, link.outcome, len(link.half), len(link.half) - reached.size, *ends))
    return pd.DataFrame(rows, columns=["arm", "outcome", "n", "never", "p10", "p50", "p90"])


def _half_effect_dose(doses: Array, values: Array, absolute: bool) -> float:
    """Return the first dose at which `values` has gone half of its way; NaN if it has no way to go, or never does.

    The way is from the lowest dose to the value farthest from it, or to 1 (`absolute`: half is 0.5).
    """
    known = ~np.isnan(values)
    doses, values = doses[known], values[known]
    if len(values) < 2:
        return float("nan")
    change = values - values[0]
    goal = 0.5 - values[0] if absolute else change[np.argmax(np.abs(change))] / 2
    if goal == 0.0 or (absolute and goal < 0.0):
        return float("nan")
    done = change / goal
    reached = np.flatnonzero(done >= 1.0)
    if not reached.size:
        return float("nan")
    at = int(reached[0])
    share = (1.0 - done[at - 1]) / (done[at] - done[at - 1])
    return float(doses[at - 1] + share * (doses[at] - doses[at - 1]))


A_DAY = " a day"


@dataclass(frozen=True)
class Ladder:
    """Arms that differ in one thing: `path` names it, `unit` is its unit, `steps` are (value, arm), rising."""

    path: str
    unit: str
    steps: tuple[tuple[float, str], ...]

    @property
    def title(self) -> str:
        """What is varied, in words."""
        return f"{self.path} ({self.unit})" if self.unit not in ("", "1") else self.path


def ladders(selection: Selection, least: int = 3) -> list[Ladder]:
    """Return the families of arms that climb one setting, those of a dose first.

    A dose counts by its total amount a day, whatever the interval; a dose not given is zero. Families of two arms are
    kept beside a longer one on the same path (a drug given to a healthy subject beside the doses given to a patient).
    """
    plain = {str(arm): _ladder_settings(selection, str(arm)) for arm in selection.arms.index}
    units = setting_units(selection)
    paths = sorted({path for settings in plain.values() for path, v in settings.items() if isinstance(v, float)})
    found: list[Ladder] = []
    for path in paths:
        if len({settings.get(path) for settings in plain.values()}) < 2:
            continue
        families: dict[tuple[tuple[str, float | str], ...], list[tuple[float, str]]] = {}
        for arm, settings in plain.items():
            value = settings.get(path)
            if isinstance(value, float):
                rest = tuple(sorted((p, v) for p, v in settings.items() if p != path))
                families.setdefault(rest, []).append((value, arm))
        climbs = [sorted(steps) for steps in families.values() if len({v for v, _ in steps}) > 1]
        if any(len(steps) >= least for steps in climbs):
            unit = (
                f"{units.get(path.removesuffix(A_DAY) + '.amount', '')}/day"
                if path.endswith(A_DAY)
                else units.get(path, "")
            )
            found += [Ladder(path, unit, tuple(steps)) for steps in climbs]
    return sorted(found, key=lambda f: (not f.path.startswith("dose."), f.path, -len(f.steps)))


def _ladder_settings(selection: Selection, arm: str) -> dict[str, float | str]:
    """Return the arm's settings with amount and interval of each dose replaced by the total a day."""
    settings = arm_settings(selection, arm)
    given = {r.name: r.per_day for r in regimens(settings)}
    for path in map(field_path, [*settings]):
        if path.section == "dose" and path.field in ("amount", "every"):
            settings[f"{path.table}{A_DAY}"] = given.get(path.name, 0.0)
            del settings[".".join(path)]
    return settings


def dose_response(selection: Selection, study: str, outcome: str, steps: Ladder) -> pd.DataFrame:
    """Return one row per step: arm, x, n, mean, low, high (95 % of the mean), p10, p90 (spread between subjects)."""
    import pandas as pd

    by_arm = arm_values(selection, study, outcome)
    rows = [(x, arm, by_arm[arm]) for x, arm in steps.steps if arm in by_arm]
    frame = pd.DataFrame(summaries([v for _, _, v in rows]))
    frame.insert(0, "arm", [arm for _, arm, _ in rows])
    frame.insert(1, "x", [x for x, _, _ in rows])
    return frame


def arm_values(selection: Selection, study: str, outcome: str) -> Mapping[str, Array]:
    """Return the outcome of every finished run, by arm, in order of subject (studies without a sweep)."""
    rows = selection.values(study, outcome)
    first = rows[rows.point == 0]
    return {str(arm): group.to_numpy(dtype=np.float64) for arm, group in first.groupby("arm")["value"]}


def summaries(samples: Sequence[Array]) -> list[dict[str, float | int | str | None]]:
    """Return n, mean, its 95 % interval, the 10th and 90th percentile of each sample (None where there is no value)."""
    found: list[dict[str, float | int | str | None]] = []
    for values, (low, high, method) in zip(samples, mean_intervals(samples), strict=True):
        p10, p90 = (float(q) for q in np.percentile(values, [10, 90])) if values.size else (None, None)
        mean = float(values.mean()) if values.size else None
        spread = {"p10": p10, "p90": p90, "method": method}
        found.append({"n": int(values.size), "mean": mean, "low": low, "high": high, **spread})
    return found
