"""The closed list of statistics: what each means, how many arms it takes, which keys it needs and allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

StatisticName = Literal[
    "mean", "median", "share", "share_difference", "difference", "ratio", "gain_ratio", "effect_size", "slope",
    "correlation", "time_to", "peak_to_trough", "argmax", "order", "holds_over",
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
    "target", "error", "title",
)  # fmt: skip
MOMENT = ("time",)
SECOND = ("against", "against_at", "against_time", "time")
MANY = 50

STATISTICS: Mapping[StatisticName, Statistic] = {
    "mean": Statistic("mean over subjects", takes=("baseline", *MOMENT)),
    "median": Statistic("median over subjects", takes=("baseline", *MOMENT)),
    "share": Statistic(
        "share of subjects whose value (or ratio, difference of two arms) lies above or below a number",
        (1, 2), takes=("above", "below", "of", *MOMENT), unit="1",
    ),
    "share_difference": Statistic(
        "share in the first arm (or first pair of arms) minus share in the second",
        (2, 4), takes=("above", "below", "of", *MOMENT), unit="1",
    ),
    "difference": Statistic("mean of first minus second within subjects", (1, 2), takes=SECOND, two_terms=True),
    "ratio": Statistic(
        "mean of the first over mean of the second", (1, 2), takes=("baseline", *SECOND), unit="1", two_terms=True
    ),
    "gain_ratio": Statistic(
        "first arm minus second, over the same difference of `against`, at `against_at` or at `against_time`",
        (2, 2), takes=SECOND, unit="1",
    ),
    "effect_size": Statistic(
        "mean difference over the root mean square of the two standard deviations (d_av)",
        (1, 2), takes=SECOND, unit="1", two_terms=True,
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

INNER = ("mean", "median", "difference", "ratio", "gain_ratio", "effect_size")
"""What may hold over a range of swept values."""
