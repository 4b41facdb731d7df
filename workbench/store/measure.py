"""A measure: what is recorded of a run, identified by its specification rather than by its name alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from workbench.component.registry import Registry
from workbench.protocol.span import parse_window
from workbench.solver.batch import Declared, Structure


@dataclass(frozen=True)
class Measure:
    """One outcome or course with everything that decides its value, given the run.

    Attributes
    ----------
    sha256 : bytes
        Over kind, name, readout, revision and settings: a changed window is another measure.
    better : str
        "lower", "higher" or "": which direction is an improvement.
    specification : str
        The settings as JSON.
    """

    kind: str
    name: str
    sha256: bytes
    readout: str
    unit: str
    meaning: str
    better: str
    specification: str


def measure_of(declared: Declared, registry: Registry) -> Measure:
    """Describe one recording of a structure."""
    specification = json.dumps(dict(declared.fields), sort_keys=True)
    content = [
        declared.section,
        declared.name,
        declared.component,
        declared.revision,
        declared.source_sha256,
        specification,
    ]
    component = registry.get(declared.section, declared.component)
    return Measure(
        kind=declared.section,
        name=declared.name,
        sha256=hashlib.sha256(json.dumps(content).encode()).digest(),
        readout=declared.component,
        unit=getattr(component, "unit", "1"),
        meaning=getattr(component, "meaning", "") or component.summary(),
        better=getattr(component, "better", ""),
        specification=specification,
    )


def time_unit(structure: Structure, declared: Declared) -> str:
    """Return the unit of a course's times: trials on the trial and flow clocks, hours on the event and tick clocks.

    The course's own settings say which (`every` counts trials, `interval` hours); a course without them
    follows the phase that its window names, or the clock that its protocol runs on.
    """
    fields = dict(declared.fields)
    if fields.get("every") or fields.get("interval"):
        return "trial" if fields.get("every") else "h"
    clocks = {table.name: table.component for table in structure.tables if table.section == "phase"}
    window = fields.get("window")
    phase = parse_window(window).phase if window else ""
    running = {clocks[phase]} if phase in clocks else set(clocks.values())
    return "trial" if running & {"trial", "flow"} else "h"
