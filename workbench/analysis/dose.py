"""Dose-response: arms that differ in one dose (or one other number) and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.intervals import mean_intervals
from workbench.analysis.protocol import arm_settings, regimens, setting_units

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array


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
    for path in [p for p in settings if p.startswith("dose.") and p.endswith((".amount", ".every"))]:
        name = path.split(".")[1]
        settings[f"dose.{name}{A_DAY}"] = given.get(name, 0.0)
        del settings[path]
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
