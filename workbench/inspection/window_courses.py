"""A scenario's windows in words and numbers: what opens each, how it runs after a reference dose, what it scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection
    from workbench.plan.sources import Resolved
    from workbench.scenario.model import Scenario

LONGEST = 2000.0
"""Hours that are looked at for the highest level and its half."""


@dataclass(frozen=True)
class ArmWindow:
    """One window, as an arm has it.

    Attributes
    ----------
    numbers : tuple of (name, words)
        Each number with its unit, plausible range, status and source.
    levels : tuple of (hours, level)
        After one reference dose given at once.
    peak, peak_at : float
        The highest level and when, h; `half_from` and `half_to` (h) are the ends of the time at half of it or above.
    scales : tuple of str
        What links carry it onto.
    """

    name: str
    title: str
    opened_by: str
    numbers: tuple[tuple[str, str], ...]
    levels: tuple[tuple[float, float], ...]
    peak: float
    peak_at: float
    half_from: float
    half_to: float
    scales: tuple[str, ...]


@dataclass(frozen=True)
class WindowShape:
    """How a window runs after one reference dose given at once: its peak and the ends of its half, in hours."""

    name: str
    peak: float
    peak_at: float
    half_from: float
    half_to: float


def shape_of(name: str, component: Any) -> WindowShape:
    """Return peak and half of a window, solved from its closed form (it rises to one peak and falls)."""
    from scipy.optimize import brentq, minimize_scalar

    def level(hours: float) -> float:
        return float(component.after_reference(hours))

    grid = np.concatenate([[0.0], np.geomspace(1e-3, LONGEST, 400)])
    top = int(np.argmax(component.after_reference(grid)))
    ends = float(grid[max(top - 1, 0)]), float(grid[min(top + 1, len(grid) - 1)])
    found = minimize_scalar(lambda t: -level(t), bounds=ends, method="bounded", options={"xatol": 1e-9})
    peak_at, half = float(found.x), 0.5 * level(float(found.x))
    low = float(brentq(lambda t: level(t) - half, 0.0, peak_at))
    high = float(brentq(lambda t: level(t) - half, peak_at, LONGEST)) if level(LONGEST) < half else float("inf")
    return WindowShape(name, level(peak_at), peak_at, low, high)


def window_shapes(selection: Selection, arm: str) -> list[WindowShape]:
    """Return the shape of every window of a stored arm with settings of its own; those not installed are left out."""
    from workbench.analysis.arm_tables import arm_tables
    from workbench.analysis.protocol import arm_settings
    from workbench.component.registry import SECTIONS, registry

    settings, known, found = arm_settings(selection, arm), registry(), []
    for name, table in arm_tables(settings)["window"].items():
        key = "window", str(table.get(SECTIONS["window"].key))
        component: Any = known.get(*key) if key in known else None
        if component is None or not hasattr(component, "after_reference"):
            continue
        fields = {p: table.get(p) for p in component.parameters()}
        numbers = [p.name for p in component.parameters().values() if p.kind == "number"]
        if all(isinstance(value := fields[p], float) and np.isfinite(value) for p in numbers):
            found.append(shape_of(name, component(**fields)))
    return found


def windows_of(scenario: Scenario, arm: str, hours: Sequence[float]) -> list[ArmWindow]:
    """Return the windows of an arm by name; `hours` are those at which the level is given."""
    from workbench.plan import plan

    values = plan(scenario).resolved(arm)
    return [_window(scenario, name, values, hours) for name in sorted(scenario.tables.get("window", {}))]


def _window(scenario: Scenario, name: str, values: Mapping[str, Resolved], hours: Sequence[float]) -> ArmWindow:
    table = scenario.tables["window"][name]
    at = f"window.{name}."
    fields: dict[str, Any] = {p: values[at + p].value for p in table.component.parameters()}
    component: Any = table.component(**fields)
    shape = shape_of(name, component)
    numbers = tuple(
        (p.name, _words(values[at + p.name])) for p in table.component.parameters().values() if p.kind == "number"
    )
    opening = component.after_reference(np.asarray(hours))
    return ArmWindow(
        name=name,
        title=table.title,
        opened_by=str(fields["opened_by"]),
        numbers=numbers,
        levels=tuple(zip((float(h) for h in hours), (float(level) for level in opening), strict=True)),
        peak=shape.peak,
        peak_at=shape.peak_at,
        half_from=shape.half_from,
        half_to=shape.half_to,
        scales=tuple(_scaled(scenario, f"window.{name}", values)),
    )


def _scaled(scenario: Scenario, signal: str, values: Mapping[str, Resolved]) -> Iterator[str]:
    for link in sorted(scenario.tables.get("link", {})):
        at = f"link.{link}."
        if f"{at}signal" in values and values[f"{at}signal"].value == signal:
            gain = values[f"{at}gain"]
            form = "+ {gain} x window" if values[f"{at}form"].value == "shift" else "x (1 + {gain} x window)"
            words = form.format(gain="gain" if gain.value is None else f"{gain.value:g}")
            yield f"{values[f'{at}onto'].value}: {words}  [link.{link}; gain {_words(gain)}]"


def _words(value: Resolved) -> str:
    number = "drawn for each subject" if value.value is None else f"{value.value:g} {value.unit}".removesuffix(" 1")
    if value.traits:
        number += f" (differs between subjects: {', '.join(value.traits)})"
    evidence = value.evidence
    if evidence is None:
        return number
    low, high = evidence.low, evidence.high
    span = "" if low is None or high is None else f", {low:g} to {high:g}"
    source = f", {evidence.source}" if evidence.source else ""
    fitted = f", fitted to {', '.join(evidence.fitted_to)}" if evidence.fitted_to else ""
    return f"{number}{span} ({evidence.status}{source}{fitted})"
