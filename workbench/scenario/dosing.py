"""Tables of dose records as NONMEM's users write them: read, checked cell by cell, and written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import Problem, shorten
from workbench.scenario.columns import MAX_ROWS
from workbench.scenario.document import Document, listed, spell
from workbench.scenario.names import name_fault
from workbench.scenario.paths import Tables
from workbench.scenario.syntax import Keys

COLUMNS = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID")
NEEDED = ("TIME", "AMT")
MISSING = (".", "", "NA")
LARGE = 1e12
"""What no record needs; also keeps out infinities and what is no number."""
PASSED_OVER = (0.0, 2.0)
"""EVID of records that give nothing: observations, and others."""

Record = tuple[float, ...]
"""Subject's place, time (h), amt (mg), rate (mg/h), ii (h), addl, ss."""


def read_dosing(document: Document, base: Path, raw: str, keys: Keys) -> tuple[Record, ...] | None:
    """Return the dose records of a CSV file in the folder `base`, or of the text itself; None after a report.

    Problems inside a table stand at their line and column: of the file, or of the scenario where the text is there.
    """
    if "\n" in raw:
        line, _ = document.positions.value(keys)
        return _Table(document, document.file, spell(keys), line).read(raw)
    fault = name_fault(raw, file=True)
    if not fault:
        try:
            text = (base / raw).read_text(encoding="utf-8-sig")
            return _Table(document, str(base / raw), "", 1).read(text)
        except (OSError, UnicodeDecodeError) as error:
            fault = f"{raw} cannot be read: {getattr(error, 'strerror', None) or error}"
    document.report(keys, f"{fault} (a CSV file beside the scenario, or the text of one)")
    return None


def check_people(document: Document, tables: Tables, subjects: int) -> None:
    """Report a table of several IDs in which there are fewer of them than subjects."""
    for table in tables.get("dose", {}).values():
        records = table.fields.get("table")
        people = int(max(record[0] for record in records)) + 1 if isinstance(records, tuple) else 1
        if 1 < people < subjects:
            message = f"the table has {people} IDs for {subjects} subjects; one ID is for all, several are one for each"
            document.report((table.section, table.name, "table"), message)


def nothing(subject: float) -> Record:
    """Return the record of a subject who is given nothing, and counts."""
    return subject, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


def written(records: Iterable[Record]) -> str:
    """Return records as the text of a table that reads back as the same numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for subject, time, amt, rate, ii, addl, ss in records:
        row = (subject + 1.0, time, amt, rate, ii, addl, ss, float(amt > 0.0))
        writer.writerow([int(number) if number == int(number) else repr(float(number)) for number in row])
    return out.getvalue()


@dataclass
class _Table:
    """One table while it is read; `first` is the line of `file` in which its text begins."""

    document: Document
    file: str
    key: str
    first: int
    sound: bool = True
    subjects: dict[str, int] = field(default_factory=dict)
    since: dict[int, float] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    target: str = ""

    def read(self, text: str) -> tuple[Record, ...] | None:
        """Return the records, or None after a report of everything that is wrong."""
        found: list[Record] = []
        # TOML drops the line break behind the opening quotes, so that the text begins one line further down.
        shift = self.first + (1 if self.key and self._on_next_line() else 0)
        for number, line in enumerate(text.splitlines()):
            cells = next(csv.reader([line]), [])
            if not cells or not line.strip():
                continue
            place = shift + number
            if not self.header:
                self._head([cell.strip().lstrip("#").upper() for cell in cells], place)
            elif len(found) >= MAX_ROWS:
                self._report(place, 1, f"the table has more than {MAX_ROWS:,} rows")
            elif len(cells) != len(self.header):
                self._report(place, 1, f"{len(cells)} cells, but there are {len(self.header)} columns")
            elif record := self._record(cells, place):
                found.append(record)
            if not self.sound and not self.header:
                return None
        if not found and self.sound:
            self._report(shift, 1, "the table gives no dose (a record with AMT above 0; EVID 1 where there is one)")
        undosed = sorted(set(self.subjects.values()) - {int(record[0]) for record in found})
        return (*found, *(nothing(float(subject)) for subject in undosed)) if self.sound else None

    def _on_next_line(self) -> bool:
        lines = self.document.text.splitlines()[self.first - 1 : self.first]
        return bool(lines) and lines[0].rstrip().endswith(('"""', "'''"))

    def _head(self, names: list[str], line: int) -> None:
        missing = [name for name in NEEDED if name not in names]
        if missing or len(set(names)) < len(names):
            known = f"columns {listed(COLUMNS)}; {listed(NEEDED)} are needed, and each only once"
            self._report(line, 1, f"no column {listed(missing)} ({known})" if missing else f"a column twice ({known})")
        else:
            self.header = names

    def _report(self, line: int, column: int, message: str) -> None:
        self.sound = False
        self.document.problems.append(Problem(self.file, line, column, self.key, message))

    def _record(self, cells: list[str], line: int) -> Record | None:
        """Return one dose, or None for a record that gives nothing or after a report."""
        at = dict(zip(self.header, _columns(cells), strict=True))
        given = dict(zip(self.header, (cell.strip() for cell in cells), strict=True))
        numbers: dict[str, float] = {}
        for name in COLUMNS[1:]:
            text = given.get(name, ".")
            try:
                numbers[name] = 0.0 if text in MISSING else float(text)
                if not abs(numbers[name]) < LARGE:
                    raise ValueError
            except ValueError:
                self._report(line, at[name], f"{name}: expected a number or a point, got {shorten(text)}")
                return None
        subject = self.subjects.setdefault(given.get("ID", "1"), len(self.subjects))
        kind = numbers["EVID"] if given.get("EVID", ".") not in MISSING else float(numbers["AMT"] != 0.0)
        if kind in PASSED_OVER:
            return None
        name, fault = self._fault(numbers, kind)
        if not fault and numbers["TIME"] < self.since.get(subject, 0.0):
            name, fault = "TIME", f"goes back (the record before is at {self.since[subject]:g} h)"
        target = given.get("CMT", self.target)
        if not fault and target != (self.target or target):
            name, fault = "CMT", f"one table doses one compartment, the entry of its drug (before it was {self.target})"
        self.target = target
        if fault:
            self._report(line, at.get(name, 1), f"{name}: {fault}")
            return None
        self.since[subject] = numbers["TIME"]
        return (float(subject), *(numbers[column] for column in COLUMNS[1:-1]))

    @staticmethod
    def _fault(numbers: dict[str, float], kind: float) -> tuple[str, str]:
        """Return the column and what is wrong in it, or two empty texts."""
        n = numbers
        checks = (
            ("EVID", kind != 1.0, f"{kind:g} is not followed here (0 and 2 are passed over, 1 is a dose)"),
            ("TIME", not 0.0 <= n["TIME"] <= 1e6, "hours from the start of the phase, 0 to 1e6"),
            ("AMT", not 0.0 < n["AMT"] <= 1e6, "a dose is above 0 mg (at most 1e6)"),
            ("RATE", not 0.0 <= n["RATE"] <= 1e9, "mg/h, 0 for a dose at once; rates to be estimated (-1, -2) are not"),
            ("ADDL", n["ADDL"] < 0.0 or n["ADDL"] != int(n["ADDL"]), "a whole number of further doses"),
            ("SS", n["SS"] not in (0.0, 1.0), "0 or 1"),
            ("II", n["ADDL"] + n["SS"] > 0.0 and not 0.1 <= n["II"] <= 8760.0, "0.1 to 8760 h, with ADDL or SS"),
            ("SS", n["SS"] > 0.0 and n["TIME"] > 0.0, "the steady state is that at the start of the phase (TIME 0)"),
        )  # fmt: skip
        return next(((name, message) for name, wrong, message in checks if wrong), ("", ""))


def _columns(cells: list[str]) -> list[int]:
    """Return where each cell of a line begins, from 1."""
    starts, at = [], 1
    for cell in cells:
        starts.append(at)
        at += len(cell) + 1
    return starts
