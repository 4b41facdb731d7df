"""The shape of what a scenario tells its page: ``[use]`` and ``[report]``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from workbench.scenario.shapes import Names, Number, Shape

Positive = Annotated[Number, Field(gt=0)]


class ContraryShape(Shape):
    """A published observation that speaks against the scenario."""

    text: Annotated[str, Field(min_length=1, description="what was observed, in a sentence")]
    source: Annotated[str, Field(description="a key of the bibliography")]


class ContrastShape(Shape):
    """One comparison that the page puts first, or the cost that stands beside it."""

    outcome: Annotated[str, Field(description="the outcome that is compared")]
    arm: Annotated[str, Field(description="the arm that is spoken of")]
    against: Annotated[str, Field(description="the arm beside it; its own `compare_with` unless named")] = ""
    title: Annotated[str, Field(description="the outcome in words that need no glossary")] = ""
    course: Annotated[str, Field(description="the recorded course that shows it over time")] = ""
    meaningful: (
        Annotated[Number, Field(gt=0, description="smallest change that matters on a clinical scale")] | None
    ) = None
    source: Annotated[str, Field(description="where that size comes from: a key of the bibliography")] = ""


class ReportShape(Shape):
    """What a reader of the page needs to be told and the model does not know."""

    population: Annotated[str, Field(description='who is simulated, after "simulated patients with"')] = ""
    benefit: dict[str, Any] | None = None
    cost: dict[str, dict[str, Any]] = Field(default_factory=dict)
    influence: Annotated[str, Field(description="how much weight the model has in a decision")] = ""
    consequence: Annotated[str, Field(description="what happens if a decision made with it is wrong")] = ""
    glossary: dict[str, str] = Field(default_factory=dict)


class UseShape(Shape):
    """What the scenario may be used for, and what not."""

    context: Annotated[str, Field(description='what it may be used for, such as "teaching"')]
    not_for: Annotated[str, Field(description='what it must not be used for, such as "diagnosis or dosing"')]
    question: str = ""
    limits: Names = Field(default_factory=list)
    contrary: list[dict[str, Any]] = Field(default_factory=list)
