"""What a scenario tells its page: ``[report]`` and ``[[use.contrary]]``, with every reference checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.scenario.conformity import conforming
from workbench.scenario.document import Document, listed
from workbench.scenario.model import Arm, Contrary, Contrast, Report
from workbench.scenario.page_shapes import ContraryShape, ContrastShape, ReportShape
from workbench.scenario.paths import Tables
from workbench.scenario.syntax import Keys


@dataclass(frozen=True)
class Known:
    """What a page may speak of: arms, outcomes and courses, and works (None: any work goes)."""

    arms: Mapping[str, Arm]
    tables: Tables
    sources: Collection[str] | None

    def names(self, section: str) -> tuple[str, ...]:
        """Return the names of arms, or of the tables of a section."""
        return tuple(self.arms if section == "arm" else self.tables.get(section, {}))


def read_report(document: Document, raw: Mapping[str, Any], known: Known) -> Report:
    """Return the table ``[report]``; what it names and is not there is reported at its place."""
    found = conforming(document, ("report",), ReportShape, raw)
    benefit = found.get("benefit")
    costs = found.get("cost", {})
    return Report(
        population=found.get("population", ""),
        benefit=_contrast(document, ("report", "benefit"), benefit, known) if benefit is not None else None,
        cost={
            name: contrast
            for name, one in costs.items()
            if (contrast := _contrast(document, ("report", "cost", name), one, known)) is not None
        },
        influence=found.get("influence", ""),
        consequence=found.get("consequence", ""),
        glossary=dict(found.get("glossary", {})),
    )


def read_contrary(
    document: Document, raw: Sequence[Mapping[str, Any]], sources: Collection[str] | None
) -> tuple[Contrary, ...]:
    """Return the observations that speak against the scenario, in the order of the file."""
    found = []
    for place, one in enumerate(raw):
        read = conforming(document, ("use", "contrary", place), ContraryShape, one)
        if "source" in read:
            _source(document, ("use", "contrary", place, "source"), read["source"], sources)
        found.append(Contrary(read.get("text", ""), read.get("source", "")))
    return tuple(found)


def _contrast(document: Document, keys: Keys, written: Mapping[str, Any], known: Known) -> Contrast | None:
    """Return one comparison, None where its outcome or its arm is not said."""
    raw = conforming(document, keys, ContrastShape, written)
    for field, section in (("outcome", "outcome"), ("arm", "arm"), ("against", "arm"), ("course", "course")):
        name, names = raw.get(field, ""), known.names(section)
        if name and name not in names:
            message = f"no {section} is called {name!r} (known: {listed(names)})"
            document.report((*keys, field), message, got=name, known=names)
    if raw.get("source"):
        _source(document, (*keys, "source"), raw["source"], known.sources)
    elif raw.get("meaningful") is not None:
        document.report((*keys, "meaningful"), "a size that matters needs a source (a key of the bibliography)")
    if not {"outcome", "arm"} <= set(raw):
        return None
    arm = known.arms.get(raw["arm"])
    against = raw.get("against") or (arm.compare_with if arm else "") or ""
    if arm is not None and not against:
        document.report((*keys, "arm"), f"{raw['arm']!r} is compared with no arm (name one under `against`)")
    if arm is not None and against == raw["arm"]:
        document.report((*keys, "against"), f"{against!r} is compared with itself")
    return Contrast(**{**raw, "against": against})


def _source(document: Document, keys: Keys, source: str, sources: Collection[str] | None) -> None:
    if sources is not None and source not in sources:
        message = f"no work is called {source!r} in the bibliography"
        document.report(keys, message, got=source, known=sources)
