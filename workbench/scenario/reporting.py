"""What a scenario tells its page: ``[report]`` and ``[[use.contrary]]``, with every reference checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.component.field_path import field_path
from workbench.errors import quoted
from workbench.scenario.conformity import conforming_entries
from workbench.scenario.model import Arm, Caveat, Contrary, Contrast, Interaction, Report, ResponderRule
from workbench.scenario.paths import Tables
from workbench.scenario.shapes import Names, Number, Shape
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys


@dataclass(frozen=True)
class Known:
    """What a page may speak of: arms, outcomes and courses, works (None: any work goes), and interactions."""

    arms: Mapping[str, Arm]
    tables: Tables
    sources: Collection[str] | None
    interactions: Mapping[str, Interaction]

    def names(self, section: str) -> tuple[str, ...]:
        """Return the names of arms or interactions, or of the tables of a section."""
        own = {"arm": self.arms, "interaction": self.interactions}
        return tuple(own[section] if section in own else self.tables.get(section, {}))


def read_report(document: Document, raw: Mapping[str, Any], known: Known) -> Report:
    """Return the table ``[report]``; a name in it that does not exist is reported at its place."""
    found = conforming_entries(document, ("report",), ReportShape, raw)
    benefit = found.get("benefit")
    named = {kind: found.get(kind, {}) for kind in ("also", "cost")}
    read = {
        kind: {
            name: contrast
            for name, one in tables.items()
            if (contrast := _contrast(document, ("report", kind, name), one, known)) is not None
        }
        for kind, tables in named.items()
    }
    caveats = {name: _caveat(document, name, one, known) for name, one in found.get("caveat", {}).items()}
    words = {name: found.get(name, "") for name in ("population", "author", "contact", "influence", "consequence")}
    return Report(
        benefit=_contrast(document, ("report", "benefit"), benefit, known) if benefit is not None else None,
        also=read["also"],
        cost=read["cost"],
        caveat={name: caveat for name, caveat in caveats.items() if caveat is not None},
        glossary=dict(found.get("glossary", {})),
        **words,
    )


def read_contrary(
    document: Document, raw: Sequence[Mapping[str, Any]], sources: Collection[str] | None
) -> tuple[Contrary, ...]:
    """Return the observations that speak against the scenario, in the order of the file."""
    found = []
    for place, one in enumerate(raw):
        read = conforming_entries(document, ("use", "contrary", place), ContraryShape, one)
        if "source" in read:
            _source(document, ("use", "contrary", place, "source"), read["source"], sources)
        found.append(Contrary(read.get("text", ""), read.get("source", "")))
    return tuple(found)


def _contrast(document: Document, keys: Keys, written: Mapping[str, Any], known: Known) -> Contrast | None:
    """Return one comparison, None where its outcome or its arm is missing."""
    raw = conforming_entries(document, keys, ContrastShape, written)
    places = (("outcome", "outcome"), ("arm", "arm"), ("against", "arm"), ("course", "course"))
    for field, section in (*places, ("interaction", "interaction")):
        _known(document, (*keys, field), raw.get(field, ""), known, section)
    if raw.get("source"):
        _source(document, (*keys, "source"), raw["source"], known.sources)
    elif raw.get("meaningful") is not None:
        document.report((*keys, "meaningful"), "a meaningful change needs a source (a key of the bibliography)")
    crossed = _crossed(document, keys, raw, known)
    response = _response(document, keys, raw, known)
    name = raw.get("arm") or (crossed.arms[0] if crossed else "")
    if not name and not raw.get("interaction"):
        document.report((*keys, "arm"), "the key 'arm' is missing")
    if not name or "outcome" not in raw:
        return None
    arm = known.arms.get(name)
    against = raw.get("against") or (arm.compare_with if arm else "") or ""
    if arm is not None and not against:
        document.report((*keys, "arm"), f"{quoted(name)} has no baseline (name an arm under `against`)")
    if arm is not None and against == name:
        document.report((*keys, "against"), f"{quoted(against)} is compared with itself")
    return Contrast(**{**raw, "arm": name, "against": against, "response": response})


def _known(document: Document, keys: Keys, name: str, known: Known, section: str) -> None:
    """Report a name that no table of a section has."""
    names = known.names(section)
    if name and name not in names:
        message = f"no {section} {quoted(name)} (known: {listed(names)})"
        document.report(keys, message, got=name, known=names)


def _crossed(document: Document, keys: Keys, raw: Mapping[str, Any], known: Known) -> Interaction | None:
    """Return the interaction that is the benefit; only the benefit may name one, and only with the arm with both."""
    name = raw.get("interaction", "")
    found = known.interactions.get(name)
    if name and keys != ("report", "benefit"):
        document.report((*keys, "interaction"), "only the benefit of a page can be an interaction")
        return None
    if found is not None and raw.get("arm") and raw["arm"] != found.arms[0]:
        message = f"the arm with both treatments of {quoted(name)} is {quoted(found.arms[0])}, not {quoted(raw['arm'])}"
        document.report((*keys, "arm"), message)
    return found


def _response(document: Document, keys: Keys, raw: Mapping[str, Any], known: Known) -> ResponderRule | None:
    if raw.get("response") is None:
        return None
    place = (*keys, "response")
    read = conforming_entries(document, place, ResponseShape, raw["response"])
    _known(document, (*place, "before"), read.get("before", ""), known, "outcome")
    if read.get("source"):
        _source(document, (*place, "source"), read["source"], known.sources)
    return ResponderRule(**read) if {"before", "by"} <= set(read) else None


def _caveat(document: Document, name: str, written: Mapping[str, Any], known: Known) -> Caveat | None:
    """Return a caveat; its setting must be a number that the file's tables have."""
    keys: Keys = ("report", "caveat", name)
    read = conforming_entries(document, keys, CaveatShape, written)
    if not {"setting", "value", "text"} <= set(read):
        return None
    section, table, field = field_path(read["setting"])
    found = known.tables.get(section, {}).get(table)
    parameter = found.component.parameters().get(field) if found else None
    if parameter is None or parameter.kind != "number":
        document.report(
            (*keys, "setting"), f"{quoted(read['setting'])} is not a number of this file (SECTION.NAME.FIELD)"
        )
    return Caveat(**read)


def _source(document: Document, keys: Keys, source: str, sources: Collection[str] | None) -> None:
    if sources is not None and source not in sources:
        message = f"the bibliography has no entry {quoted(source)}"
        document.report(keys, message, got=source, known=sources)


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
    """What a reader of the page needs to know and the model does not contain."""

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
