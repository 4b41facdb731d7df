"""The studies: which arms, points and subjects are crossed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from workbench.quantities import same_kind
from workbench.scenario.axes import AxisReader
from workbench.scenario.columns import named_table
from workbench.scenario.conformity import conforming, show
from workbench.scenario.document import listed, spell
from workbench.scenario.model import Arm, Axis, Study
from workbench.scenario.names import name_fault
from workbench.scenario.settings import SettingReader
from workbench.scenario.shapes import StudyShape
from workbench.scenario.syntax import Keys

MAX_POINTS = 1_000_000
"""Points of one study, unless the caller allows more."""

DEFAULT_NAME = "arms"


@dataclass(frozen=True)
class StudyReader:
    """Reads studies; `outcomes` are the names of all outcomes, `base` the folder of listed points."""

    settings: SettingReader
    arms: Mapping[str, Arm]
    subjects: int
    outcomes: tuple[str, ...]
    base: Path
    max_points: int = MAX_POINTS

    def read(self) -> Mapping[str, Study]:
        """Return the studies in the order of the file; without any there is one of all arms."""
        document = self.settings.document
        raw = document.content.get("study")
        if raw is None or not isinstance(raw, dict):
            if raw is not None:
                document.report(("study",), f"expected tables [study.NAME], got {show(raw)}")
            whole = Study(DEFAULT_NAME, "", tuple(self.arms), self.subjects, outcomes=self.outcomes)
            return MappingProxyType({whole.name: whole})
        return MappingProxyType({name: self.study(name, entry) for name, entry in raw.items()})

    def study(self, name: str, raw: Any) -> Study:
        keys: Keys = ("study", name)
        document = self.settings.document
        if fault := name_fault(name):
            document.report(keys, fault, at="key")
        sound = conforming(document, keys, StudyShape, raw)
        arms = self.named("arm", sound.get("arms") or [], tuple(self.arms), (*keys, "arms"))
        outcomes = self.named("outcome", sound.get("outcomes") or [], self.outcomes, (*keys, "outcomes"))
        design = self.design(sound, keys)
        axes = self.axes(sound, keys, arms, spread=design != "grid")
        for axis in axes:
            self.named("arm of this study", list(axis.arms), arms, (*keys, "sweep", axis.path, "arms"))
        found = Study(
            name=name,
            title=sound.get("title", ""),
            arms=arms,
            subjects=sound.get("subjects", self.subjects),
            axes=axes,
            record=sound.get("record", True),
            outcomes=outcomes,
            design=design,
            n=sound.get("n", 0),
        )
        self.check_count(found, keys)
        self.check_conflicts(found, keys)
        return found

    def named(self, what: str, names: list[str], known: tuple[str, ...], keys: Keys) -> tuple[str, ...]:
        """Return the names in a list, all `known` ones if it is empty; each must be defined and stand once."""
        for index, name in enumerate(names):
            if name not in known:
                message = f"no {what} {show(name)} (defined: {listed(known)})"
                self.settings.document.report((*keys, index), message, got=name, known=known)
            elif name in names[:index]:
                self.settings.document.report((*keys, index), f"{what} {show(name)} is listed twice")
        return tuple(names) or known

    def design(self, raw: Mapping[str, Any], keys: Keys) -> Literal["grid", "sobol", "lhs"]:
        """Return how points are laid out, and check the keys that go with it."""
        design: Literal["grid", "sobol", "lhs"] = raw.get("design") or "grid"
        report = self.settings.document.report
        if design == "grid" and "n" in raw:
            report((*keys, "n"), 'only goes with design = "sobol" or "lhs"', at="key")
        if design != "grid":
            if "n" not in raw:
                report((*keys, "n"), "is missing (the number of points of the design)", at="key")
            if not raw.get("sweep"):
                report((*keys, "sweep"), "is missing (the numbers that the design spreads)", at="key")
            if "table" in raw:
                report((*keys, "table"), "points come from a design or from a table, not from both", at="key")
        return design

    def axes(self, raw: Mapping[str, Any], keys: Keys, arms: tuple[str, ...], *, spread: bool) -> tuple[Axis, ...]:
        reader = AxisReader(
            self.settings, self.max_points, {name: self.arms[name] for name in arms if name in self.arms}
        )
        axes = [
            reader.read(path, axis, (*keys, "sweep", path), spread=spread)
            for path, axis in raw.get("sweep", {}).items()
        ]
        found = [axis for axis in axes if axis is not None]
        if raw.get("table") and not spread:
            found += self.table(raw["table"], (*keys, "table"))
        for index, axis in enumerate(found):
            if axis.path in (other.path for other in found[:index]):
                self.settings.document.report((*keys, "sweep", axis.path), "the same path is swept twice", at="key")
        return tuple(found)

    def table(self, file: str, keys: Keys) -> list[Axis]:
        """Return one axis for each column of a CSV file of points; a header is ``path`` or ``path [unit]``."""
        columns = named_table(self.settings.document, self.base, file, keys, self.max_points) or {}
        axes = (self.column(file, header, cells, keys) for header, cells in columns.items())
        return [axis for axis in axes if axis is not None]

    def column(self, file: str, header: str, cells: list[str], keys: Keys) -> Axis | None:
        path, _, unit = header.partition("[")
        unit = unit.rstrip("]").strip() or "1"
        target = self.settings.target(path.strip(), keys)
        if target is None:
            return None
        if target.parameter.kind == "number" and not same_kind(unit, target.parameter.unit):
            message = f"column {show(header)} of {file} needs its unit: {path.strip()} [{target.parameter.unit}]"
            self.settings.document.report(keys, message)
            return None
        values: list[Any] = []
        for cell in cells:
            value = self.settings.read(target, _raw(cell, target.parameter.kind, unit), keys)
            if value is None:
                return None
            values.append(getattr(value, "number", value))
        unit = target.parameter.unit if target.parameter.kind == "number" else "1"
        return Axis(target.path, tuple(values), unit, zip=f"table {file}")

    def check_count(self, study: Study, keys: Keys) -> None:
        """Report zipped axes of different length, and more points than allowed; counted, never laid out."""
        lengths: dict[str, int] = {}
        for axis in study.axes:
            first = lengths.setdefault(axis.zip or axis.path, len(axis.values))
            if first != len(axis.values):
                counts = f"{first} and {len(axis.values)}"
                message = f"axes zipped as {axis.zip!r} need equally many values, but have {counts}"
                self.settings.document.report((*keys, "sweep", axis.path), message, at="key")
        points = study.n if study.design != "grid" else math.prod(lengths.values())
        if points > self.max_points:
            large = f"{points:,}" if points < 10**12 else f"about 10^{len(str(points)) - 1}"
            message = f"{large} points (at most {self.max_points:,}; --max-points raises the limit)"
            self.settings.document.report((*keys, "sweep"), message, at="key")

    def check_conflicts(self, study: Study, keys: Keys) -> None:
        """Report a path that both an arm and an axis fix: which of them counts cannot be guessed."""
        for axis in study.axes:
            if axis.relative:
                continue
            for name in axis.arms or study.arms:
                if name in self.arms and axis.path in self.arms[name].set:
                    self.report_conflict(axis.path, name, keys)

    def report_conflict(self, path: str, arm: str, keys: Keys) -> None:
        document, swept = self.settings.document, (*keys, "sweep", path)
        place = ("arm", arm, "set", path)
        rule = "sweep it with relative = true, or leave the arm out of the study"
        lines = document.positions.key(place)[0], document.positions.key(swept)[0]
        document.report(swept, f"{path} is also set by arm {arm} (line {lines[0]}); {rule}", at="key")
        document.report(place, f"{path} is also swept by {spell(keys)} (line {lines[1]}); {rule}", at="key")


def _raw(cell: str, kind: str, unit: str) -> Any:
    """Return a cell as a TOML file would give it."""
    if kind == "number" and unit != "1":
        return f"{cell} {unit}"
    if kind == "switch":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    for number in (int, float):
        try:
            return number(cell)
        except ValueError:
            continue
    return cell
