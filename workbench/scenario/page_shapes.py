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


class ResponseShape(Shape):
    """Who counts as having responded, as a trial would count: by the same person's own earlier outcome in that arm."""

    before: Annotated[str, Field(description="the earlier outcome of the same person, in the same arm")]
    by: Annotated[Number, Field(gt=0, le=1, description="the share of it by which the person must be better")]
    source: Annotated[str, Field(description="where that share comes from: a key of the bibliography")] = ""


class CaveatShape(Shape):
    """What a reader must know as long as a setting has a certain value; it leaves the page when the setting changes."""

    setting: Annotated[str, Field(description="the path of the setting, in the arm that the page is about")]
    value: Annotated[Number, Field(description="the value, in the setting's unit, at which it is said")]
    text: Annotated[str, Field(min_length=1, description="what is said; {value} stands for the setting's value")]


class ContrastShape(Shape):
    """One comparison that the page puts first, or the cost that stands beside it."""

    outcome: Annotated[str, Field(description="the outcome that is compared")]
    arm: Annotated[str, Field(description="the arm that is spoken of; with `interaction` the arm with both")] = ""
    interaction: Annotated[str, Field(description="the `[interaction]` that is the finding (benefit only)")] = ""
    against: Annotated[str, Field(description="the arm beside it; its own `compare_with` unless named")] = ""
    title: Annotated[str, Field(description="the outcome in words that need no glossary")] = ""
    course: Annotated[str, Field(description="the recorded course that shows it over time")] = ""
    meaningful: (
        Annotated[Number, Field(gt=0, description="smallest change that matters on a clinical scale")] | None
    ) = None
    source: Annotated[str, Field(description="where that size comes from: a key of the bibliography")] = ""
    smallest: (
        Annotated[Number, Field(gt=0, description="smallest difference worth naming; `meaningful` unless given")] | None
    ) = None
    response: dict[str, Any] | None = None


class ReportShape(Shape):
    """What a reader of the page needs to be told and the model does not know."""

    population: Annotated[str, Field(description='who is simulated, after "simulated patients with"')] = ""
    benefit: dict[str, Any] | None = None
    also: dict[str, dict[str, Any]] = Field(default_factory=dict)
    cost: dict[str, dict[str, Any]] = Field(default_factory=dict)
    caveat: dict[str, dict[str, Any]] = Field(default_factory=dict)
    author: Annotated[str, Field(description="who answers for the scenario")] = ""
    contact: Annotated[str, Field(description="where a filled-in review is sent: an address")] = ""
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
