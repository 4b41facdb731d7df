"""Tables of dose records as NONMEM's users write them: read, checked cell by cell, and written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from workbench.component.field_path import field_path
from workbench.errors import Problem, shorten
from workbench.protocol.dose_record import DoseRecord, nothing
from workbench.quantities import parse_integer
from workbench.scenario.csv_tables import (
    DECIMAL_COMMA,
    MARKED,
    MAX_COLUMNS,
    MISSING,
    NUMBER,
    TableError,
    parting_fault,
    starts_of,
    table_text,
)
from workbench.scenario.dose_words import SAYINGS, ZERO_IS_NOTHING, Word, word
from workbench.scenario.model import Arm, Study
from workbench.scenario.names import name_fault
from workbench.scenario.paths import Tables
from workbench.scenario.text.document import Document, listed, spell
from workbench.scenario.text.syntax import Keys

COLUMNS = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID")
"""Columns that are always written; TINF and CMT only where a record needs them."""
MAX_LINES = 100_000
MOST_TOLD = 200
"""Problems of one table that are reported before reading stops."""
BREAK = re.compile(r"\r\n|\r|\n")
"""Where a line ends; what else Python takes for its end (U+2028, a form feed) is part of a cell."""
NEEDED = ("TIME", "AMT")
NUMBERS = ("TIME", "AMT", "RATE", "TINF", "II", "ADDL", "SS", "EVID")
DOSING = ("AMT", "RATE", "TINF", "II", "ADDL", "SS")
LARGE = 1e12
"""An upper limit beyond any real record; also keeps out infinities."""
MARKS = ("C", "I")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
RATES = {
    -1.0: "a rate that a model estimates (-1) is not supported: write the rate in mg/h",
    -2.0: "a duration that a model estimates (-2) is not supported: write its length in TINF, or the rate in mg/h",
}
EVENTS = {0.0: "observation", 2.0: "other event", 3.0: "reset"}


def read_dosing(document: Document, base: Path, raw: str, keys: Keys) -> tuple[DoseRecord, ...] | None:
    """Return the dose records of a CSV file in the folder `base`, or of the text itself; None after a report.

    Problems inside a table stand at their line and column: of the file, or of the scenario where the text is there. A
    note says which columns were read, ignored and not recognised.
    """
    if "\n" in raw:
        file, line, _ = document.locate(keys, "value")
        return _Table(document, file, keys, spell(keys), line).read(raw)
    fault = name_fault(raw, file=True)
    if not fault:
        try:
            return _Table(document, str(base / raw), keys, "", 1).read(table_text(base / raw))
        except TableError as error:
            fault = str(error)
    document.report(keys, f"{fault} (a CSV file beside the scenario, or the text of one)")
    return None


def check_people(
    document: Document, tables: Tables, subjects: int, arms: Mapping[str, Arm], studies: Mapping[str, Study]
) -> None:
    """Report tables of several IDs that are fewer or more than the subjects, wherever a table is named."""
    for table in tables.get("dose", {}).values():
        _check_count(document, (table.section, table.name, "table"), table.fields.get("table"), subjects)
    for arm in arms.values():
        for path, value in arm.set.items():
            if _names_table(path):
                _check_count(document, ("arm", arm.name, "set", path), value, subjects)
    for study in studies.values():
        for axis in study.axes:
            for value in axis.values if _names_table(axis.path) else ():
                _check_count(document, ("study", study.name, "sweep", axis.path), value, subjects)


def _names_table(path: str) -> bool:
    """Whether a path is that of a dose's table of records."""
    section, _, field = field_path(path)
    return (section, field) == ("dose", "table")


def people_of(fields: Mapping[str, object]) -> int:
    """Return how many people a table of records has; 1 of any other dose."""
    records = fields.get("table")
    return int(max(record[0] for record in records)) + 1 if isinstance(records, tuple) and records else 1


def _check_count(document: Document, keys: Keys, records: object, subjects: int) -> None:
    people = people_of({"table": records})
    if people > 1 and people != subjects:
        rule = "one ID is for all, several are one for each"
        document.report(keys, f"the table has {people} IDs for {subjects} subjects; {rule} ([subjects] count)")


def laid_out(records: Iterable[DoseRecord]) -> tuple[list[str], list[list[int | float | str]]]:
    """Return the columns of records, TINF and CMT only where needed, and their rows, whole numbers as such."""
    kept = [DoseRecord(*record) for record in records]
    rows: list[list[float | str]] = [[r.subject + 1.0, *r[1:7], r.evid] for r in kept]
    columns = [*COLUMNS]
    for name, cells in (("TINF", [r.duration for r in kept]), ("CMT", [_number_or_name(r.cmt) for r in kept])):
        if any(cells):
            columns.append(name)
            rows = [[*row, cell] for row, cell in zip(rows, cells, strict=True)]
    return columns, [[int(n) if isinstance(n, float) and n == int(n) else n for n in row] for row in rows]


def _number_or_name(cmt: str) -> float | str:
    return cmt if cmt and parse_integer(cmt) is None else float(cmt or 0)


def written(records: Iterable[DoseRecord]) -> str:
    """Return records as the text of a table that reads back as the same numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns, rows = laid_out(records)
    writer.writerow(columns)
    writer.writerows([repr(number) if isinstance(number, float) else number for number in row] for row in rows)
    return out.getvalue()


class Row(NamedTuple):
    """One row: its line, its cells by column, and all of them as they are written."""

    line: int
    cells: dict[str, str]
    written: list[str]

    def start(self, name: str) -> int:
        """Return where the cell of a column begins in the line, from 1; 1 where there is no such column."""
        starts = dict(zip(self.cells, starts_of(self.written), strict=True))
        return starts.get(name, 1)


class _TooMany(Exception):
    """A table has so many faults that the rest of it is not checked."""


@dataclass
class _Table:
    """One table while it is read; `first` is the line of `file` in which its text begins."""

    document: Document
    file: str
    keys: Keys
    key: str
    first: int
    sound: bool = True
    words: list[Word] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    marked: list[tuple[int, list[str]]] = field(default_factory=list)
    """Rows whose first cell is a C or an I before a number: left out, or a person's name."""
    left_out: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    subjects: dict[Decimal | str, int] = field(default_factory=dict)
    since: dict[int, float] = field(default_factory=dict)
    idle: int = 0
    summary: int = 0

    def read(self, text: str) -> tuple[DoseRecord, ...] | None:
        """Return the records, or None after a report of all problems (or the first of very many)."""
        try:
            return self._records(text)
        except _TooMany:
            return None

    def _records(self, text: str) -> tuple[DoseRecord, ...] | None:
        # TOML drops the line break behind the opening quotes, so that the text begins one line further down.
        shift = self.first + (1 if self.key and self._on_next_line() else 0)
        self._split(text, shift)
        if not self.words:
            if self.sound:
                self._report(shift, 1, f"the table has no header line ({_known()})")
            return None
        self._settle_marks()
        found: list[DoseRecord] = []
        people = self._people()
        if len(self.subjects) > 1:
            self.document.people[self.keys] = tuple(self.subjects)
        for row, subject in zip(self.rows, people, strict=True):
            record = None if subject is None else self._record(row, subject)
            if record:
                found.append(record)
        self._check_columns()
        if self.sound and not any(record.evid != 3.0 for record in found):
            self._report(shift, 1, "the table gives no dose (a record with AMT above 0; EVID 1 where there is one)")
        if not self.sound:
            return None
        self._tell(found)
        undosed = sorted(set(self.subjects.values()) - {int(record.subject) for record in found})
        return (*found, *(nothing(float(subject)) for subject in undosed))

    def _on_next_line(self) -> bool:
        lines = self.document.source(self.keys)[0].text.split("\n")[self.first - 1 : self.first]
        return bool(lines) and lines[0].rstrip().endswith(('"""', "'''"))

    def _report(self, line: int, column: int, message: str) -> None:
        self.sound, self.summary = False, self.summary + 1
        self.document.problems.append(Problem(self.file, line, column, self.key, message))
        if self.summary == MOST_TOLD:
            raise _TooMany

    # -- rows -----------------------------------------------------------------------------------------------------

    def _split(self, text: str, shift: int) -> None:
        """Split the text into the header line, rows, and rows that are marked as left out."""
        headed = ""
        lines = text.count("\n") + text.count("\r") - text.count("\r\n")
        if lines > MAX_LINES:  # asked of the text, as a list of so many lines is itself too large
            self._report(shift + MAX_LINES, 1, f"the table has {lines:,} lines (at most {MAX_LINES:,})")
            return
        for number, line in enumerate(BREAK.split(text)):
            place = shift + number
            try:
                cells = next(csv.reader([line]), [])
            except csv.Error as error:
                self._report(place, 1, f"the line cannot be read: {error}")
                return
            if not cells or not line.strip():
                continue
            if not self.words:
                if len(cells) > MAX_COLUMNS:
                    self._report(place, 1, f"the table has {len(cells):,} columns (at most {MAX_COLUMNS:,})")
                    return
                if line.lstrip().startswith("#") and not _is_header(cells):
                    self.left_out["#"] += 1
                    continue
                if not self._head(cells, place):
                    return
                headed = line.strip()
            elif (mark := self._mark(cells)) or line.strip() == headed:
                self.left_out[mark or "repeated header line"] += 1
            elif MARKED.fullmatch(cells[0].strip()) and self.words[0].name != "C":
                self.marked.append((place, cells))
            else:
                self._add(cells, place)

    def _mark(self, cells: list[str]) -> str:
        """Return the mark that leaves a row out, or ""."""
        first = cells[0].strip()
        if first[:1] in ("#", "@"):
            return first[0]
        if first.upper() in MARKS:
            return first.upper()
        for heading, cell in zip(self.words, cells, strict=False):
            if heading.name == "C" and (cell.strip().upper() in MARKS or cell.strip()[:1] in ("#", "@")):
                return cell.strip().upper()[0]
        return ""

    def _add(self, cells: list[str], line: int) -> None:
        if len(cells) != len(self.words):
            summary = f"{len(cells)} cells, but there are {len(self.words)} columns"
            message, column = parting_fault(cells, len(self.words)) or (summary, 1)
            self._report(line, column, message)
            return
        texts = (cell.strip(" \t").strip("'\"") for cell in cells)
        row = Row(line, dict(zip((w.name for w in self.words), texts, strict=True)), cells)
        if row.cells.get("C", ".") not in (*MISSING, "0"):
            said = shorten(row.cells["C"])
            self._report(line, row.start("C"), f"a C marks a row to leave out: expected C, I or a point, got {said}")
            return
        self.rows.append(row)

    def _settle_marks(self) -> None:
        """Leave out rows such as "C1,0,100"; where all rows look like that, they are people with such names."""
        if self.words[0].name == "ID" and self.marked and not self.rows:
            for line, cells in self.marked:
                self._add(cells, line)
        else:
            for _, cells in self.marked:
                self.left_out[cells[0].strip()[0].upper()] += 1

    def _head(self, cells: list[str], line: int) -> bool:
        """Set the columns; return whether the table can be read."""
        if (parted := parting_fault(cells)) is not None:
            self._report(line, parted[1], parted[0])
            return False
        self.words = _set_aside(_set_aside([word(cell) for cell in cells], "AMT", "DOSE", "passed"), "ID", "", "people")
        self._check_units(cells, line)
        faults = _heading_faults(self.words)
        for fault in faults:
            self._report(line, 1, fault)
        return not faults

    def _check_units(self, cells: list[str], line: int) -> None:
        """Report headings that say another unit than the column is read in."""
        for w, column in zip(self.words, starts_of(cells), strict=True):
            if w.fate == "read" and w.unit and w.unit.lower() not in SAYINGS.get(w.name, ()):
                unit = SAYINGS.get(w.name, ("none",))[0]
                message = f"{shorten(w.text)}: {w.name} is read in {unit}, and not in {shorten(w.unit)}"
                self._report(line, column, message)

    # -- people ---------------------------------------------------------------------------------------------------

    def _people(self) -> list[int | None]:
        """Return the place of each row's person, in order of appearance; None after a report."""
        named = any(w.name == "ID" for w in self.words)
        if not named:
            self.subjects[""] = 0
            return [0] * len(self.rows)
        texts = [row.cells["ID"] for row in self.rows]
        numeric = [bool(NUMBER.fullmatch(text)) for text in texts if text not in MISSING]
        found: list[int | None] = []
        before: Decimal | str = ""
        back = 0
        for row, text in zip(self.rows, texts, strict=True):
            if text in MISSING:
                self._report(row.line, row.start("ID"), "ID is empty: a table with IDs needs one in every row")
                found.append(None)
                continue
            if any(numeric) and not NUMBER.fullmatch(text):
                message = (
                    f"ID: {shorten(text)} beside IDs that are numbers (a C, an I or a # before it leaves a row out)"
                )
                self._report(row.line, row.start("ID"), message)
                found.append(None)
                continue
            person = Decimal(text) if any(numeric) else text
            back += person in self.subjects and person != before
            before = person
            found.append(self.subjects.setdefault(person, len(self.subjects)))
        if back:
            self.remarks.append("an ID that comes back after others is the same person (NONMEM would count a new one)")
        self._check_other_names(found)
        return found

    def _check_other_names(self, found: list[int | None]) -> None:
        """Report another column of identifiers that separates people differently from ID."""
        for w in (w for w in self.words if w.fate == "people"):
            pairs = {(who, row.cells[w.name]) for row, who in zip(self.rows, found, strict=True) if who is not None}
            if len({who for who, _ in pairs}) < len(pairs) or len({name for _, name in pairs}) < len(pairs):
                self._report(
                    self.rows[0].line,
                    self.rows[0].start(w.name),
                    f"{shorten(w.text)} separates people differently from ID",
                )

    # -- records --------------------------------------------------------------------------------------------------

    def _record(self, row: Row, subject: int) -> DoseRecord | None:
        """Return one record, or None for one that gives nothing or after a report."""
        numbers = self._numbers(row)
        if numbers is None:
            return None
        kind = numbers["EVID"]
        if row.cells.get("EVID", ".") in MISSING:
            kind = float(numbers["AMT"] != 0.0 or (numbers["RATE"] != 0.0 and numbers["SS"] != 0.0))
        cmt, cmt_fault = _compartment(row.cells.get("CMT", "."))
        name, fault = self._fault(row, numbers, kind)
        if not fault and cmt_fault and (kind not in EVENTS or row.cells["CMT"].startswith("-")):
            name, fault = "CMT", cmt_fault
        if not fault and kind not in (0.0, 2.0) and numbers["TIME"] < self.since.get(subject, 0.0):
            name, fault = "TIME", f"goes back in time (the previous record is at {self.since[subject]:g} h)"
        if fault:
            self._report(row.line, row.start(name), f"{name}: {fault}")
            return None
        if kind in EVENTS:
            self.events[EVENTS[kind]] += 1
        if kind in (0.0, 2.0):
            return None
        self.since[subject] = numbers["TIME"]
        interval = numbers["II"]
        if interval and not numbers["ADDL"] and not numbers["SS"]:
            self.idle += 1
            interval = 0.0
        n = numbers
        return DoseRecord(float(subject), n["TIME"], n["AMT"], n["RATE"], interval, n["ADDL"], n["SS"], kind, n["TINF"],
                      "" if kind == 3.0 else cmt)  # fmt: skip

    def _numbers(self, row: Row) -> dict[str, float] | None:
        """Return the numbers of a record by column, 0 where it says nothing; None after a report."""
        numbers: dict[str, float] = {}
        for name in NUMBERS:
            text = row.cells.get(name, ".")
            number = 0.0 if text in MISSING else float(text) if NUMBER.fullmatch(text) else None
            if number is None or not abs(number) < LARGE:
                self._report(row.line, row.start(name), f"{name}: {_no_number(name, text)}")
                return None
            numbers[name] = number
        return numbers

    @staticmethod
    def _fault(row: Row, numbers: dict[str, float], kind: float) -> tuple[str, str]:
        """Return the column and what is wrong in it, or two empty texts."""
        n = numbers
        endless = n["AMT"] == 0.0 and n["RATE"] > 0.0
        if kind in EVENTS:
            said = next((name for name in DOSING if n[name] != 0.0), "")
            given = f"{n[said]:g} in a record of EVID {kind:g}, which gives no dose" if said else ""
            if not given and kind == 3.0 and (row.cells["TIME"] in MISSING or not 0.0 <= n["TIME"] <= 1e6):
                return "TIME", "hours from the start of the phase, 0 to 1e6"
            return said, given
        checks = (
            ("EVID", kind not in (1.0, 4.0), f"{kind:g} is not supported (0 to 4 are)"),
            ("TIME", row.cells["TIME"] in MISSING, "a dose needs its time, in hours from the start of the phase"),
            ("TIME", not 0.0 <= n["TIME"] <= 1e6, "hours from the start of the phase, 0 to 1e6"),
            ("RATE", n["RATE"] in RATES, RATES.get(n["RATE"], "")),
            ("RATE", not 0.0 <= n["RATE"] <= 1e9, "mg/h, 0 for a dose at once"),
            ("TINF", not 0.0 <= n["TINF"] <= 1e4, "hours, 0 for a dose at once"),
            ("TINF", n["TINF"] > 0.0 and n["RATE"] > 0.0, "RATE and a duration are both given: leave one of them out"),
            ("ADDL", n["ADDL"] < 0.0, "doses until steady state (below 0) are not supported: write SS"),
            ("ADDL", n["ADDL"] != int(n["ADDL"]), "a whole number of further doses"),
            ("SS", n["SS"] == 3.0, "3, a steady state as initial condition of a solver, is not supported: use 1 or 2"),
            ("SS", n["SS"] not in (0.0, 1.0, 2.0), "0, 1 (compartments emptied first) or 2 (added to what is there)"),
            ("AMT", endless and n["SS"] == 0.0, "a dose is above 0 mg; 0 with a RATE, an endless infusion, needs SS"),
            ("II", endless and n["II"] != 0.0, "an endless infusion (AMT 0) has no interval"),
            ("ADDL", endless and n["ADDL"] != 0.0, "an endless infusion (AMT 0) has no further doses"),
            ("AMT", not endless and not 0.0 < n["AMT"] <= 1e6, "a dose is above 0 mg (at most 1e6)"),
            ("II", n["II"] < 0.0, "0.1 to 8760 h"),
            (
                "II",
                not endless and n["ADDL"] + n["SS"] > 0.0 and not 0.1 <= n["II"] <= 8760.0,
                "0.1 to 8760 h, with ADDL or SS",
            ),
        )  # fmt: skip
        return next(((name, message) for name, wrong, message in checks if wrong), ("", ""))

    # -- columns --------------------------------------------------------------------------------------------------

    def _check_columns(self) -> None:
        """Report columns that ask for something unsupported."""
        for w in self.words:
            said = [(row, row.cells[w.name]) for row in self.rows if row.cells[w.name] not in MISSING]
            if w.fate == "refused":
                said = [(row, text) for row, text in said if not (w.bare_heading in ZERO_IS_NOTHING and _is_zero(text))]
                fault = w.why if said else ""
            elif w.fate == "unit":
                said = [(row, text) for row, text in said if text.lower() not in SAYINGS[w.why]]
                fault = f"{w.why} is read in {SAYINGS[w.why][0]}, and not in {shorten(said[0][1])}" if said else ""
            elif w.fate == "single":
                others = [(row, text) for row, text in said if text != said[0][1]]
                fault = (
                    f"a table is about one drug, but this one names {shorten(said[0][1])} and {shorten(others[0][1])}"
                    if others
                    else ""
                )
                said = others
            else:
                continue
            if fault:
                row = said[0][0]
                self._report(row.line, row.start(w.name), f"{shorten(w.text)}: {fault}")

    def _tell(self, found: Sequence[DoseRecord]) -> None:
        """Note which columns were read, ignored and not recognised."""
        people, doses = len(self.subjects), sum(record.evid != 3.0 for record in found)
        columns = ", ".join(
            w.name if w.name == w.bare_heading else f"{shorten(w.text)} as {w.name}"
            for w in self.words
            if w.fate == "read" and w.name != "C"
        )
        summary = [f"read {_many(doses, 'dose record')} of {_many(people, 'person', 'people')} from {columns}"]
        if people == 1:
            summary[0] += "; every subject gets them" if doses > 1 else "; every subject gets it"
        summary += [f"{_many(resets, 'record')} of EVID 3"] if (resets := self.events["reset"]) else []
        passed = [_many(many, name) for name, many in self.events.items() if name != "reset"]
        passed += [
            f"{_many(many, 'row')} marked {mark}" if len(mark) == 1 else mark for mark, many in self.left_out.items()
        ]
        passed += [f"II of {_many(self.idle, 'record')} without ADDL or SS"] if self.idle else []
        groups: dict[str, list[str]] = {}
        for w in self.words:
            if w.fate in ("passed", "people"):
                groups.setdefault(w.why, []).append(shorten(w.text))
            elif w.fate in ("refused", "unit", "single"):
                groups.setdefault("one value or none", []).append(shorten(w.text))
        passed += [f"{', '.join(names)} ({why})" for why, names in groups.items()]
        unknown = [shorten(w.text) or "a column without a name" for w in self.words if w.fate == "unknown"]
        summary += [f"ignored: {', '.join(passed)}"] if passed else []
        summary += [f"not recognised and ignored: {', '.join(unknown)}"] if unknown else []
        self.document.note(self.keys, "; ".join([*summary, *self.remarks]))


def _set_aside(words: list[Word], name: str, prefix: str, fate: str) -> list[Word]:
    """Return the columns, those beside the one that is called exactly `name` left to another fate.

    A nominal DOSE beside AMT, and further names of the people beside ID, are not what is read.
    """
    same = [w for w in words if w.name == name]
    exact = [w for w in same if w.bare_heading == name]
    others = [w for w in same if w not in exact[:1]]
    if len(same) < 2 or len(exact) != 1 or not all(w.bare_heading.startswith(prefix) for w in others):
        return words
    return [replace(w, fate=fate, name=w.text, why=f"{name} is read") if w in others else w for w in words]


def _heading_faults(words: list[Word]) -> list[str]:
    """Return what is missing among the columns, or stands there twice."""
    names = Counter(w.name for w in words)
    missing = [name for name in NEEDED if name not in names]
    if missing:
        return [f"no column {listed(missing)} ({_known()})"]
    twice = {name: [shorten(w.text) for w in words if w.name == name] for name, many in names.items() if many > 1}
    return [f"a column appears twice: {' and '.join(headings)} ({_known()})" for headings in twice.values()]


def _known() -> str:
    return f"columns {listed((*COLUMNS, 'TINF', 'CMT'))}; {listed(NEEDED)} are required, each once, separated by commas"


def _is_header(cells: list[str]) -> bool:
    names = {word(cell).name for cell in cells}
    return all(name in names for name in NEEDED)


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _is_zero(text: str) -> bool:
    return bool(NUMBER.fullmatch(text)) and float(text) == 0.0


def _no_number(name: str, text: str) -> str:
    if name == "TIME" and re.search(r"\d[:/]\d|\d-\d", text):
        return f"{shorten(text)} is a time of day or a date: write hours from the start of the phase"
    summary = f"expected a number or a point, got {shorten(text)}"
    return f"{summary} (a number has a point: {text.replace(',', '.')})" if DECIMAL_COMMA.fullmatch(text) else summary


def _compartment(text: str) -> tuple[str, str]:
    """Return a compartment by number or name, "" for the usual one, and what is wrong with it."""
    if text in MISSING:
        return "", ""
    if NUMBER.fullmatch(text):
        number = float(text)
        if not 0.0 <= number <= 99.0 or number != int(number):
            return (
                "",
                f"the number of a compartment, or its name, got {shorten(text)} (compartments cannot be turned off)",
            )
        return (str(int(number)) if number else ""), ""
    return (
        (text.lower(), "")
        if _NAME.fullmatch(text)
        else ("", f"the number of a compartment, or its name, got {shorten(text)}")
    )
