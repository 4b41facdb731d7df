"""Whose runs a criterion is about: its study, and the point of it."""

from __future__ import annotations

import math
from typing import Any

from workbench.findings.criterion_text import CriterionText
from workbench.scenario.conformity import show
from workbench.scenario.document import listed
from workbench.scenario.model import Axis, Scenario, Study
from workbench.scenario.syntax import Keys


def study_of(
    text: CriterionText, scenario: Scenario, arms: list[str], measures: tuple[str, ...], section: str
) -> Study | None:
    """Return the study whose runs are used."""
    studies = scenario.studies
    if "study" in text.raw:
        text.named("study", "study", [text.raw["study"]], tuple(studies), scenario.name)
        found = studies.get(text.raw["study"])
        if found is not None and (fault := lacks(found, arms, measures, section)):
            text.report("study", f"study {found.name} {fault}")
            return None
        return found
    whole = (s for s in studies.values() if not s.axes and not lacks(s, arms, measures, section))
    found = next(whole, None)
    if found is None:
        message = f"is missing (no study without a sweep has {section} {listed(measures)} of all these arms)"
        text.report("study", message, at="key")
    return found


def check_point(text: CriterionText, study: Study) -> None:
    """Report a swept study of which the criterion does not say the point."""
    if study.design != "grid":
        text.report("study", f"{study.name} spreads points over ranges: it gives intervals, not single values")
        return
    over = text.raw.get("over", "")
    if over and over not in (axis.path for axis in study.axes):
        known = tuple(axis.path for axis in study.axes)
        message = f"study {study.name} does not sweep {show(over)} (it sweeps: {listed(known)})"
        text.report("over", message, got=over, known=known)
        return
    fixed = {*text.raw.get("at", {}), over}
    moved = {axis.zip or axis.path for axis in study.axes if axis.path in fixed}
    loose = [axis.path for axis in study.axes if (axis.zip or axis.path) not in moved]
    swept = {axis.path for axis in study.axes}
    if loose and swept.issuperset(text.raw.get("at", {})):  # an unknown path is told by itself
        text.report("at", f"is missing (study {study.name} sweeps {listed(loose)}: say at which value)", at="key")


def point_at(text: CriterionText, key: str, study: Study) -> dict[str, float | str]:
    """Return path -> value of the point, each a value of the study's axis."""
    axes = {axis.path: axis for axis in study.axes}
    found: dict[str, float | str] = {}
    for path, raw in text.raw.get(key, {}).items():
        place = (*text.keys, key, path)
        if path not in axes:
            message = f"study {study.name} does not sweep {show(path)} (it sweeps: {listed(axes)})"
            text.document.report(place, message, at="key", got=path, known=axes)
            continue
        value = _level(text, axes[path], raw, place)
        if value is not None:
            found[path] = value
    return found


def _level(text: CriterionText, axis: Axis, raw: Any, place: Keys) -> float | str | None:
    """Return a value of an axis as it is stored, or None after a report."""
    numeric = all(isinstance(value, (int, float)) for value in axis.values)
    value = text.plain(raw, axis.unit, place) if numeric else raw
    if value is None:
        return None
    for known in axis.values:
        if value == known or (numeric and math.isclose(float(value), float(known), rel_tol=1e-9)):
            return float(known) if numeric else str(known)
    shown = listed(f"{v:g}" if numeric else str(v) for v in axis.values)
    text.document.report(place, f"{show(raw)} is no value of {axis.path} (in {axis.unit}: {shown})")
    return None


def lacks(study: Study, arms: list[str], measures: tuple[str, ...], section: str) -> str:
    """Return what a study does not have of what is asked, in words, or ""."""
    missing = [arm for arm in arms if arm not in study.arms]
    if missing:
        return f"does not have the arms {listed(missing)}"
    for measure in measures if section == "outcome" else ():
        if measure not in study.outcomes:
            return f"does not store outcome {measure}"
    return "keeps no courses" if section == "course" and not study.record else ""
