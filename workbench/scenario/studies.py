"""The studies: which arms, points and subjects are crossed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from workbench.errors import Problem, quoted
from workbench.quantities import same_kind
from workbench.scenario.axes import AxisReader
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.csv_tables import NUMBER, SHOWN, WHOLE, CsvTable, named_table, no_number, number_in
from workbench.scenario.model import Arm, Axis, Interaction, Study
from workbench.scenario.names import name_fault
from workbench.scenario.paths import Target
from workbench.scenario.remarks import sobol_remark
from workbench.scenario.settings import SettingReader
from workbench.scenario.shapes import InteractionShape, StudyShape
from workbench.scenario.text.document import Document, listed, spell
from workbench.scenario.text.syntax import Keys

MAX_POINTS = 1_000_000
"""Points of one study, unless the caller allows more."""

DEFAULT_NAME = "arms"
HEADING = re.compile(r"(?P<path>[^\[\]]*?)\s*(?:\[\s*(?P<unit>[^\[\]]*?)\s*\])?")
TABLE = "table "
"""How the axes of a table are zipped: as its name, behind this."""


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
        sound = conforming_entries(document, keys, StudyShape, raw)
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
        self.refuse_repeated_zips(axes, keys)
        self.check_conflicts(found, keys)
        return found

    def named(self, what: str, names: list[str], known: tuple[str, ...], keys: Keys) -> tuple[str, ...]:
        """Return the names in a list, all `known` ones if it is empty; each must be defined and listed once."""
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
        if design == "sobol" and (remark := sobol_remark(raw.get("n", 0))):
            self.settings.document.note((*keys, "n"), remark)
        if design != "grid":
            if "n" not in raw:
                report((*keys, "n"), "is missing (the number of points of the design)", at="key")
            if not raw.get("sweep"):
                report((*keys, "sweep"), "is missing (the numbers that the design spreads)", at="key")
            if "table" in raw:
                report((*keys, "table"), "points come from a design or from a table, not both", at="key")
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
        table = named_table(self.settings.document, self.base, file, keys, self.max_points)
        if table is None:
            return []
        found = [axis for header in table.columns if (axis := self.column(table, file, header, keys)) is not None]
        if len(found) == len(table.columns):
            columns = [axis.values for axis in found]
            self.refuse_repeats(table, columns[0] if len(columns) == 1 else zip(*columns, strict=True))
        return found

    def column(self, table: CsvTable, file: str, header: str, keys: Keys) -> Axis | None:
        heading = HEADING.fullmatch(header)
        path, unit = (heading["path"], heading["unit"]) if heading else (header, None)
        before = len(self.settings.document.problems)
        target = self.settings.target(path, (*keys, header))
        if target is None:
            self.place(table, header, None, before)
            return None
        number = target.parameter.kind == "number"
        fault = ""
        if not number and unit is not None:
            fault = f"{path} is not a number and has no unit"
        elif number and not same_kind(unit or "1", target.parameter.unit):
            fault = f"the column needs its unit: {path} [{target.parameter.unit}]"
        if fault:
            self.settings.document.problems.append(Problem(table.file, 1, table.start(header), "", fault))
            return None
        cells = table.columns[header]
        read = self.settings.plain_numbers(target, cells, unit or "1") if number else [None] * len(cells)
        for row in [row for row, plain in enumerate(read) if plain is None]:
            value = self.cell(table, target, header, row, cells[row], (unit or "1") if number else None, keys)
            read[row] = getattr(value, "number", value)
            if len(self.settings.document.problems) - before >= SHOWN:
                return None
        values = [value for value in read if value is not None]
        if len(values) < len(table.lines):
            return None
        return Axis(target.path, tuple(values), target.parameter.unit if number else "1", zip=f"{TABLE}{file}")

    def cell(
        self, table: CsvTable, target: Target, header: str, row: int, cell: str, unit: str | None, keys: Keys
    ) -> Any:
        """Return what one cell says, or None after a report at its row and column."""
        before, document = len(self.settings.document.problems), self.settings.document
        if not cell:
            document.problems.append(table.problem(header, row, "the cell is empty"))
        elif unit is not None and number_in(cell) is None:
            document.problems.append(table.problem(header, row, no_number(cell)))
        else:
            raw = _raw(cell, target.parameter.kind, unit)
            value = self.settings.read(target, raw, (*keys, header, row))
            if value is None:
                self.place(table, header, row, before)
            return value
        return None

    def place(self, table: CsvTable, header: str, row: int | None, first: int) -> None:
        """Give the problems since `first` their place in the table."""
        problems = self.settings.document.problems
        for i in range(first, len(problems)):
            if row is None:
                reported, at = problems[i].message, (1, table.start(header))
                problems[i] = replace(problems[i], file=table.file, line=at[0], column=at[1], key="", message=reported)
            else:
                there = table.problem(header, row, problems[i].message)
                problems[i] = replace(there, hint=problems[i].hint)

    def refuse_repeats(self, table: CsvTable, points: Iterable[Any]) -> None:
        """Report a row that repeats an earlier one: it would count twice in every result."""
        first: dict[Any, int] = {}
        reported = 0
        for row, point in enumerate(points, 1):
            if (before := first.setdefault(point, row)) < row:
                message = f"row {row} of the points repeats row {before}"
                self.settings.document.problems.append(Problem(table.file, table.lines[row - 1], 1, "", message))
                reported += 1
                if reported == SHOWN:
                    return

    def refuse_repeated_zips(self, axes: Sequence[Axis], keys: Keys) -> None:
        """Report zipped axes with a combination of values that repeats."""
        zips: dict[str, list[Axis]] = {}
        for axis in axes:
            if axis.zip and not axis.zip.startswith(TABLE):
                zips.setdefault(axis.zip, []).append(axis)
        for name, together in zips.items():
            first: dict[tuple[Any, ...], int] = {}
            points = enumerate(zip(*(axis.values for axis in together), strict=False), 1)
            again = [(place, before) for place, point in points if (before := first.setdefault(point, place)) < place]
            if again:
                message = f"point {again[0][0]} of the axes zipped as {quoted(name)} repeats point {again[0][1]}"
                message += "".join(f", point {place} repeats point {before}" for place, before in again[1:SHOWN])
                self.settings.document.report((*keys, "sweep", together[0].path), message, at="key")

    def check_count(self, study: Study, keys: Keys) -> None:
        """Report zipped axes of different length, and too many points; points are counted without being computed."""
        lengths: dict[str, int] = {}
        for axis in study.axes:
            first = lengths.setdefault(axis.zip or axis.path, len(axis.values))
            if first != len(axis.values):
                counts = f"{first} and {len(axis.values)}"
                message = f"axes zipped as {quoted(axis.zip)} need equally many values, but have {counts}"
                self.settings.document.report((*keys, "sweep", axis.path), message, at="key")
        points = study.n if study.design != "grid" else math.prod(lengths.values())
        if points > self.max_points:
            large = f"{points:,}" if points < 10**12 else f"about 10^{len(str(points)) - 1}"
            message = f"{large} points (at most {self.max_points:,}; --max-points raises the limit)"
            self.settings.document.report((*keys, "sweep"), message, at="key")

    def check_conflicts(self, study: Study, keys: Keys) -> None:
        """Report a path that both an arm and an axis set: which of them counts is ambiguous."""
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
        lines = document.line_in_words(place, swept), document.line_in_words(swept, place)
        document.report(swept, f"{path} is also set by arm {arm} ({lines[0]}); {rule}", at="key")
        document.report(place, f"{path} is also swept by {spell(keys)} ({lines[1]}); {rule}", at="key")


def _raw(cell: str, kind: str, unit: str | None) -> Any:
    """Return a cell as a TOML file would give it."""
    if unit is not None and unit != "1":
        return f"{cell} {unit}"
    if kind == "switch":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if kind in ("number", "count"):
        return int(cell) if WHOLE.fullmatch(cell) else float(cell) if NUMBER.fullmatch(cell) else cell
    return cell


PLACES = ("both", "the first alone", "the second alone", "neither")
"""What each of the four arms is given."""


def read_interactions(document: Document, arms: Mapping[str, Any]) -> Mapping[str, Interaction]:
    """Return the interactions in the order of the file; `arms` are the scenario's own, by name."""
    raw = document.content.get("interaction", {})
    if not isinstance(raw, dict):
        document.report(("interaction",), f"expected tables [interaction.NAME], got {show(raw)}")
        return MappingProxyType({})
    found = (_interaction(document, name, entry, tuple(arms)) for name, entry in raw.items())
    return MappingProxyType({one.name: one for one in found if one is not None})


def _interaction(document: Document, name: str, raw: Any, known: tuple[str, ...]) -> Interaction | None:
    keys: Keys = ("interaction", name)
    before = len(document.problems)
    if fault := name_fault(name):
        document.report(keys, fault, at="key")
    sound = conforming_entries(document, keys, InteractionShape, raw)
    arms = sound.get("arms", [])
    if "arms" in sound and len(arms) != len(PLACES):
        message = f"an interaction needs four arms ({', '.join(PLACES)}), got {len(arms)}"
        document.report((*keys, "arms"), message)
    for index, arm in enumerate(arms):
        place = (*keys, "arms", index)
        if arm not in known:
            document.report(place, f"no arm {show(arm)} (defined: {listed(known)})", got=arm, known=known)
        elif arm in arms[:index]:
            document.report(place, f"arm {show(arm)} is listed twice: the four arms of an interaction must differ")
    if len(document.problems) > before:
        return None
    both, first, second, neither = arms
    return Interaction(name, sound.get("title", ""), (both, first, second, neither))
