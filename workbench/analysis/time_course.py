"""Recorded time courses: bands over simulated subjects, onset with practice, half-times of benefit and relapse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.arm_tables import arm_tables
from workbench.analysis.protocol import arm_settings, phases, regimens
from workbench.analysis.timeline import dose_trials

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.analysis.selection import Selection
    from workbench.component.arrays import Array


ONSET_FACTOR = 1.3
"""Onset is the first recorded bin above this multiple of the same subject's baseline arm."""

MOST_SUBJECTS = 500
"""Courses are read of the first so many subjects: a large sweep holds tens of millions of recorded values."""

BAND_COLUMNS = ("arm", "time", "n", "mean", "p10", "p50", "p90")


@dataclass(frozen=True)
class TimeCourses:
    """One recorded course of one study.

    `by_arm` maps an arm to an array (subjects, times), NaN where a run failed; `subjects` and `times` label its axes.
    """

    study: str
    name: str
    unit: str
    time_unit: str
    better: str
    times: Array
    subjects: NDArray[np.int64]
    by_arm: dict[str, Array]


def read_time_courses(selection: Selection, study: str, name: str) -> TimeCourses | None:
    """Return a recorded course of a study of its first subjects, or None if it was not recorded there."""
    rows, clocks = selection.results.course_rows(selection.sweep, study, name, MOST_SUBJECTS)
    if not rows:
        return None
    measure = selection.measure("course", name)
    times = np.unique(np.concatenate([clock.times for clock in clocks.values()]))
    subjects = np.unique([row.subject for row in rows])
    columns = {key: np.searchsorted(times, clock.times) for key, clock in clocks.items()}
    by_arm: dict[str, Array] = {}
    for row in rows:
        table = by_arm.setdefault(row.arm, np.full((len(subjects), len(times)), np.nan))
        table[np.searchsorted(subjects, row.subject), columns[row.clock]] = row.values
    unit, time_unit, better = str(measure["unit"]), clocks[rows[0].clock].unit, str(measure["better"])
    return TimeCourses(study, name, unit, time_unit, better, times, subjects, by_arm)


def recorded_names(selection: Selection) -> list[str]:
    """Return the names of the recorded courses, in the file's order."""
    found = selection.measures
    return [str(name) for name in found[found.kind == "course"].name]


def bands(course: TimeCourses) -> pd.DataFrame:
    """Return arm, time, n, mean, and the 10th, 50th and 90th percentile over subjects (runs that failed left out)."""
    import pandas as pd

    frames = []
    for arm, table in course.by_arm.items():
        done = table[~np.isnan(table).any(axis=1)]
        if len(done):
            low, middle, high = np.percentile(done, [10, 50, 90], axis=0)
            found = (arm, course.times, len(done), done.mean(axis=0), low, middle, high)
            frames.append(pd.DataFrame(dict(zip(BAND_COLUMNS, found, strict=True))))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(BAND_COLUMNS))


def onset(course: TimeCourses, arm: str, baseline: str, factor: float = ONSET_FACTOR) -> Array:
    """Return, per subject with both runs, the time of the first bin above `factor` x its baseline arm; NaN if never."""
    both = _finished(course, arm, baseline)
    above = course.by_arm[arm][both] > factor * course.by_arm[baseline][both]
    first = above.argmax(axis=1)
    found: Array = np.where(above.any(axis=1), course.times[first], np.nan)
    return found


def half_times(course: TimeCourses, arm: str, baseline: str, start: float, stop: float) -> tuple[Array, Array]:
    """Return (half-time of benefit, half-time of relapse) per subject with both runs, in the course's time unit.

    Benefit is how far the arm lies on the better side of its baseline arm. Its half-time is counted from `start` of
    the treatment to the first bin with half of the benefit at `stop`; that of relapse from `stop` to the first bin
    with half or less.
    NaN where there is no benefit at `stop`, or where half is never reached.
    """
    both = _finished(course, arm, baseline)
    benefit = course.by_arm[arm][both] - course.by_arm[baseline][both]
    if course.better != "higher":
        benefit = -benefit
    during, after = (course.times > start) & (course.times <= stop), course.times > stop
    if not during.any():
        empty = np.full(len(benefit), np.nan)
        return empty, empty.copy()
    final = benefit[:, during][:, -1:]
    gained = (final > 0) & (benefit[:, during] >= final / 2)
    lost = (final > 0) & (benefit[:, after] <= final / 2)
    return _first(gained, course.times[during] - start), _first(lost, course.times[after] - stop)


def _first(hits: NDArray[np.bool_], times: Array) -> Array:
    if not times.size:
        return np.full(len(hits), np.nan)
    found: Array = np.where(hits.any(axis=1), times[hits.argmax(axis=1)], np.nan)
    return found


def _finished(course: TimeCourses, arm: str, baseline: str) -> NDArray[np.bool_]:
    finished: Array = np.isfinite(course.by_arm[arm] + course.by_arm[baseline])
    return np.asarray(finished.all(axis=1), dtype=np.bool_)


@dataclass(frozen=True)
class Timing:
    """When something happens to each subject in an arm: `times` (subjects,), NaN where it never does."""

    arm: str
    baseline: str
    what: str
    times: Array


def timing_samples(selection: Selection, course: TimeCourses) -> list[Timing]:
    """Return onset, half-time of benefit and of relapse of every subject, for the arms to which they apply.

    Onset is given for arms without a dose of their own; benefit and relapse for arms that are given more than their
    baseline arm, over the phases of that dose.
    """
    found = []
    for arm, base in selection.arms.baseline.items():
        if not base or arm not in course.by_arm or base not in course.by_arm:
            continue
        treated = treatment_span(selection, str(arm), base)
        if treated is not None:
            samples = dict(zip(("benefit", "relapse"), half_times(course, str(arm), base, *treated), strict=True))
        else:
            samples = {"onset": onset(course, str(arm), base)} if course.better == "lower" else {}
        found += [Timing(str(arm), str(base), what, times) for what, times in samples.items()]
    return found


def timings(selection: Selection, course: TimeCourses) -> pd.DataFrame:
    """Return arm, baseline, what ("onset", "benefit", "relapse"), n, reached, never, and median, p10, p90 of the time.

    The percentiles are over those who reached it, counted from the start of the protocol, of the treatment, or its end.
    """
    import pandas as pd

    rows = [
        {"arm": s.arm, "baseline": s.baseline, "what": s.what, **_timing(s.times)}
        for s in timing_samples(selection, course)
    ]
    columns = {"arm": "str", "baseline": "str", "what": "str", "n": "int64", "reached": "int64", "never": "int64"}
    quantiles = dict.fromkeys(("median", "p10", "p90"), "Float64")
    return pd.DataFrame(rows, columns=[*columns, *quantiles]).astype({**columns, **quantiles})


def _timing(values: Array) -> dict[str, float | int | None]:
    reached = values[~np.isnan(values)]
    low, middle, high = (float(q) for q in np.percentile(reached, [10, 50, 90])) if reached.size else (None, None, None)
    counts = {"n": int(values.size), "reached": int(reached.size), "never": int(values.size - reached.size)}
    return {**counts, "median": middle, "p10": low, "p90": high}


def treatment_span(selection: Selection, arm: str, baseline: str) -> tuple[float, float] | None:
    """Return the trials from and to which `arm` is given more than `baseline`, or None."""
    settings = arm_settings(selection, arm)
    control = {r.table: r.per_day for r in regimens(arm_settings(selection, baseline))}
    more = dict.fromkeys(r.table for r in regimens(settings) if r.per_day > control.get(r.table, 0.0))
    tables, placed = arm_tables(settings), phases(settings)
    spans = sorted(span for name in more for span in dose_trials(tables, name, placed))
    return (spans[0][0], max(stop for _, stop in spans)) if spans else None
