"""The closed list of statistics: what each means, how many arms it takes, which keys it needs and allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

StatisticName = Literal[
    "mean", "median", "share", "share_difference", "difference", "ratio", "gain_ratio", "difference_ratio",
    "effect_size", "hedges_g", "interaction", "main_effect", "first_time", "last_time", "slope", "correlation",
    "time_to", "peak_to_trough", "argmax", "order", "holds_over",
]  # fmt: skip
Unit = Literal["outcome", "1", "axis", "time", "slope"]


@dataclass(frozen=True)
class Statistic:
    """One statistic.

    Attributes
    ----------
    doc : str
        What it is, in words.
    arms : (least, most)
        How many arms it takes.
    needs, takes : tuples of str
        Keys of the criterion that must, and that may, be there, beside those that all have.
    unit : str
        Whose unit its value has.
    courses, outcomes : bool
        Whether it can be taken of them. A moment of a course (`time`) counts as an outcome.
    two_terms : bool
        Whether it compares a first with a second value: two arms, or one arm with `against`, `against_at` or
        `against_time`.
    """

    doc: str
    arms: tuple[int, int] = (1, 1)
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    unit: Unit = "outcome"
    outcomes: bool = True
    courses: bool = True
    two_terms: bool = False


COMMON = (
    "statistic", "outcome", "course", "arms", "study", "at", "among", "accept", "expected", "within", "within_share",
    "target", "error", "title", "smallest", "pace", "by_construction", "beside",
)  # fmt: skip
MOMENT = ("time",)
SECOND = ("against", "against_at", "against_time", "time")
MANY = 50

STATISTICS: Mapping[StatisticName, Statistic] = {
    "mean": Statistic("mean over subjects", takes=("baseline", *MOMENT)),
    "median": Statistic("median over subjects", takes=("baseline", *MOMENT)),
    "share": Statistic(
        "share of subjects whose value (or ratio or difference to an arm or to `against`) lies above or below a number",
        (1, 2), takes=("above", "below", "of", "against", *MOMENT), unit="1",
    ),
    "share_difference": Statistic(
        "share in the first arm (or first pair of arms) minus share in the second",
        (2, 4), takes=("above", "below", "of", "against", *MOMENT), unit="1",
    ),
    "difference": Statistic("mean of first minus second within subjects", (1, 2), takes=SECOND, two_terms=True),
    "ratio": Statistic(
        "mean of the first over mean of the second", (1, 2), takes=("baseline", *SECOND), unit="1", two_terms=True
    ),
    "gain_ratio": Statistic(
        "first arm minus second, over the same difference of `against`, at `against_at` or at `against_time`",
        (2, 2), takes=SECOND, unit="1",
    ),
    "difference_ratio": Statistic(
        "first arm minus second, over third minus fourth", (4, 4), takes=MOMENT, unit="1"
    ),
    "effect_size": Statistic(
        "mean difference within subjects over the root mean square of the two standard deviations (d_av)",
        (1, 2), takes=SECOND, unit="1", two_terms=True,
    ),
    "hedges_g": Statistic(
        "first arm minus second over their pooled standard deviation, as two independent groups, corrected for small "
        "ones (Hedges' g, what trials print)",
        (1, 2), takes=SECOND, unit="1", two_terms=True,
    ),
    "interaction": Statistic(
        "(both - first alone) - (second alone - neither) within subjects, of four arms in this order",
        (4, 4), takes=MOMENT,
    ),
    "main_effect": Statistic(
        "mean effect of the first of two treatments, with and without the second; arms as for an interaction",
        (4, 4), takes=MOMENT,
    ),
    "first_time": Statistic(
        "first of several visits, or recorded time of a course, at which the difference of two arms (`of`: difference "
        "or hedges_g) is at or beyond a number",
        (2, 2), takes=("outcomes", "above", "below", "of"), unit="time",
    ),
    "last_time": Statistic(
        "last of several visits, or recorded time of a course, at which the difference of two arms (`of`: difference "
        "or hedges_g) is at or beyond a number",
        (2, 2), takes=("outcomes", "above", "below", "of"), unit="time",
    ),
    "slope": Statistic("slope of the mean along a swept path", needs=("over",), unit="slope", courses=False),
    "correlation": Statistic(
        "correlation of the mean course with a second one over time, or of mean outcomes with a swept path",
        takes=("against", "over"), unit="1",
    ),
    "time_to": Statistic(
        "first recorded time at which the mean course is above or below a number",
        takes=("above", "below", "baseline"), unit="time", outcomes=False,
    ),
    "peak_to_trough": Statistic(
        "largest over smallest value of the mean course, after `time` if given", takes=MOMENT, unit="1", outcomes=False
    ),
    "argmax": Statistic("swept value at which the mean is largest", needs=("over",), unit="axis", courses=False),
    "order": Statistic("smallest step from each arm's mean to the next", (2, MANY), takes=MOMENT),
    "holds_over": Statistic(
        "share of the swept values at which an inner statistic (`of`) lies in `holds`",
        (1, 2), needs=("over", "of", "holds"), takes=("above", "below", "baseline", *SECOND), unit="1",
    ),
}  # fmt: skip

PAIRED = ("ratio", "difference")
"""What a share of two arms may be taken of."""

TIMED = ("first_time", "last_time")
"""What is taken of `outcomes`, several visits in order, or of a course."""

APART = ("difference", "hedges_g")
"""What may be beyond a number at a time."""

INNER = ("mean", "median", "difference", "ratio", "gain_ratio", "effect_size", "hedges_g")
"""What may hold over a range of swept values."""
