"""The grammar of findings: the shape of their files, and the closed list of statistics with what each needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.scenario.shapes import Name, OneOrMany, PlainNumber, Shape, Words

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


OPEN = "open"
"""Stands in a range for an end without a bound."""

Range = Annotated[
    list[PlainNumber],
    Field(min_length=2, max_length=2, description='the accepted range, such as [50, 70] or ["open", 75]'),
]
Text = Annotated[str, Field(min_length=1)]


class FileShape(Shape):
    """A findings file."""

    schema_: Annotated[Literal[1], Field(alias="schema", description="the version of the format: schema = 1")]
    title: str = ""
    value: Annotated[dict[str, Any] | None, Field(description="closed forms by name, [value.SCENARIO.NAME]")] = None
    finding: Annotated[dict[str, Any], Field(description="at least one table [finding.NAME]")]


class FindingShape(Shape):
    """A published observation."""

    title: Annotated[Text, Field(description="what was observed, in one line")]
    scenario: Annotated[Name, Field(description="the name of the scenario that shows it")]
    source: Annotated[OneOrMany, Field(description="keys of the bibliography, references.bib")]
    preparation: Annotated[Text, Field(description="in whom or what, and how it was measured")]
    published: Annotated[Text, Field(description="the result as printed")]
    unit: Annotated[Words, Field(description="unit of what is printed")]
    checked: Annotated[
        Literal["page", "page2", "memory", "theory"],
        Field(description="how it was checked: page, page2 or memory; theory if it is derived, not observed"),
    ]
    by_construction: Text = "-"
    expected_failure: Text = "-"
    must_fail: Text = "-"
    note: str = ""
    treatment: Annotated[
        PlainNumber | None, Field(description="time from the start of the treatment to what was published")
    ] = None
    treatment_note: Text = "-"
    structure: Text = "-"
    criterion: Annotated[list[Any], Field(min_length=1, description="at least one [[finding.NAME.criterion]]")]


class AmongShape(Shape):
    """Which subjects count."""

    trait: Name | None = None
    outcome: Name | None = None
    arm: Name | None = None
    above: PlainNumber | None = None
    below: PlainNumber | None = None


class SmallestShape(Shape):
    """The smallest effect worth naming, of a criterion with one bound."""

    no_effect: Annotated[PlainNumber, Field(description="the value if what was published were not so")]
    because: Annotated[Text, Field(description="why a smaller effect is not worth naming")]
    source: Name | None = None


class PaceShape(Shape):
    """Where a criterion is read at other numbers of trials a day."""

    study: Name
    over: Annotated[Text, Field(description="the swept path of the trials a day")]


class CriterionShape(Shape):
    """One statistic and the range in which it must lie."""

    statistic: Annotated[StatisticName, Field(description=f"one of {', '.join(STATISTICS)}")]
    outcome: Name | None = None
    outcomes: Annotated[
        list[Name] | None, Field(min_length=2, description="several visits in order, where a time is asked for")
    ] = None
    course: Name | None = None
    against: Name | None = None
    arms: Annotated[list[Name], Field(min_length=1, description="the arms: first, then what it is compared with")]
    study: Name | None = None
    at: dict[str, Any] | None = None
    against_at: dict[str, Any] | None = None
    time: PlainNumber | None = None
    against_time: PlainNumber | None = None
    over: str | None = None
    of: str | None = None
    among: dict[str, Any] | None = None
    above: PlainNumber | None = None
    below: PlainNumber | None = None
    baseline: PlainNumber | None = None
    holds: Range | None = None
    accept: Range | None = None
    expected: dict[str, Any] | None = None
    within: PlainNumber | None = None
    within_share: Annotated[float, Field(gt=0)] | None = None
    target: PlainNumber | None = None
    error: PlainNumber | None = None
    title: str = ""
    smallest: dict[str, Any] | None = None
    pace: dict[str, Any] | None = None
    by_construction: Text = "-"
    beside: Text = "-"
