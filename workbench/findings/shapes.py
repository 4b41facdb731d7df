"""The shape of a findings file: which keys there are and of which type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.findings.statistics import STATISTICS, StatisticName
from workbench.scenario.shapes import Name, OneOrMany, PlainNumber, Shape, Words

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
