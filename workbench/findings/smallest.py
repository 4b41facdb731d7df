"""The smallest effect worth naming of a criterion with one bound: from no effect to that bound."""

from __future__ import annotations

import math

from workbench.findings.criterion_text import CriterionText
from workbench.findings.model import Smallest
from workbench.findings.shapes import SmallestShape
from workbench.scenario.conformity import conforming, show

KEY = "smallest"


def smallest_of(text: CriterionText, accept: tuple[float, float], unit: str) -> Smallest | None:
    """Return what a criterion says of the smallest effect; None where it says nothing, or after a report.

    An observation with one bound that does not say it never counts as a success: the bound may stand where there is no
    effect at all. The value of no effect lies outside the accepted range.
    """
    raw = text.raw.get(KEY)
    if raw is None:
        return None
    if not any(math.isinf(end) for end in accept):
        text.report(KEY, "goes with a range of one bound: of two, each says what is too far", at="key")
        return None
    keys = (*text.keys, KEY)
    sound = conforming(text.document, keys, SmallestShape, raw)
    if not {"no_effect", "because"} <= set(sound):
        return None
    value = text.plain(sound["no_effect"], unit, (*keys, "no_effect"))
    if value is None:
        return None
    if accept[0] <= value <= accept[1]:
        message = f"{show(sound['no_effect'])} lies in the accepted range, so that no effect at all would be accepted"
        text.document.report((*keys, "no_effect"), message)
        return None
    source = str(sound.get("source") or "")
    if source and text.sources and source not in text.sources:
        message = f"unknown source {show(source)} (an entry of the bibliography, references.bib)"
        text.document.report((*keys, "source"), message, got=source, known=text.sources)
    return Smallest(value, str(sound["because"]), source)
