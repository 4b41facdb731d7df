"""One grammar for every cell of every table beside a scenario, with row and column; no point counts twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL

from workbench.errors import Problem, ScenarioError
from workbench.plan import plan
from workbench.scenario import load_scenario
from workbench.scenario.settings import SettingReader
from workbench.scenario.shipped_files import scenarios_folder

POINTS = '\n[study.listed]\ntable = "points.csv"\n'
RATE = "projection.input_output.spread"
TRAIT = '\n[subjects.trait.gain]\non = "plasticity.input_output.rate"\ndistribution = "empirical"\ntable = "points.csv"\ncolumn = "gain"\n'
DRUG = """
[drug.pill]
model = "one_compartment_intravenous"
molar_mass = "300 g/mol"
volume = "50 L"
clearance = "5 L/h"
[dose.pill]
regimen = "table"
drug = "pill"
during = "learning"
table = "points.csv"
"""

NUMBERS = {" 1 ": 1.0, "+1": 1.0, "1.": 1.0, ".5": 0.5, "1e-3": 0.001, "1E0": 1.0, "007": 7.0, "\t2": 2.0, '"3"': 3.0}
NO_NUMBERS = (
    *(
        "1_0",
        "0x10",
        "0b1",
        "1 0",
        '"1,5"',
        "inf",
        "-inf",
        "Infinity",
        "nan",
        "NaN?",
        "1e999",
        "--1",
        "1e",
        "e5",
        "one",
    ),
    *("１", "١", "½", "1\u00a0", "−1", "1 mg", "1%", "true", "=1", "#1", "1f", "1j", "1;2"),
)
"""The last two rows: digits and signs of other scripts, spaces that are none, units, and what other programs read."""


@pytest.fixture
def problems(tmp_path: Path):
    """Return a function that writes points.csv and a scenario, and returns what is wrong with them."""

    def read(table: str | bytes, more: str = POINTS, text: str = SMALL) -> tuple[Problem, ...]:
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / "points.csv").write_bytes(content)
        (tmp_path / "tables.toml").write_text(text + more, encoding="utf-8")
        try:
            plan(load_scenario(tmp_path / "tables.toml"))
        except ScenarioError as error:
            return error.problems
        return ()

    return read


def doors(cell: str) -> dict[str, tuple[str, str]]:
    """Return for each kind of table its text, with `cell` in row 2, and the tables that read it."""
    return {
        "points": (f"{RATE}\n0.1\n{cell}\n", POINTS),
        "trait": (f"gain\n0.1\n{cell}\n", TRAIT),
        "doses": (f"TIME,AMT,RATE\n0,10,0\n4,{cell},0\n", DRUG),
    }


@pytest.mark.parametrize("door", doors("1"))
@every_case("cell", NO_NUMBERS)
def test_what_is_no_number_in_one_table_is_none_in_any_and_its_row_is_named(cell: str, door: str, problems) -> None:
    table, more = doors(cell)[door]
    (problem,) = problems(table, more)
    assert problem.file.endswith("points.csv") and problem.line == 3
    assert problem.column == (3 if door == "doses" else 1)
    assert "expected a number" in problem.message


@pytest.mark.parametrize("cell", NUMBERS)
def test_what_is_a_number_in_one_table_is_one_in_all(cell: str, tmp_path: Path, problems) -> None:
    for table, more in doors(cell).values():
        assert [p for p in problems(table, more) if "expected a number" in p.message] == []
    table, more = doors(cell)["points"]
    problems(table, more)
    found = load_scenario(tmp_path / "tables.toml").studies["listed"].axes[0].values
    assert found == (0.1, NUMBERS[cell])


@every_case(
    ("table", "line", "column", "said"),
    [
        ("", 1, 1, "the table is empty"),
        (f"{RATE}\n", 1, 1, "the table has no rows"),
        (f"{RATE},\n0.1,2\n", 1, len(RATE) + 2, "this column has no name"),
        (f"{RATE},{RATE}\n0.1,2\n", 1, len(RATE) + 2, f"two columns are called {RATE}"),
        (f"{RATE}, {RATE} [1]\n0.1,2\n", 0, 0, "the same path is swept twice"),
        (f"{RATE}\n0.1\n\n0.2,3\n", 4, 1, "2 cells, but there are 1 columns"),
        (f"{RATE},phase.learning.trials\n0.1,30\n0.2\n", 3, 1, "1 cells, but there are 2 columns"),
        (f"{RATE},phase.learning.trials\n0.1,30\n,30\n", 3, 1, "the cell is empty"),
        (f"{RATE},phase.learning.trials\n0.1,30\n0.2,1.5\n", 3, 5, "phase.learning.trials: "),
        (f"{RATE},phase.learning.trials\n0.1,30\n0.2,1_0\n", 3, 5, "phase.learning.trials: "),
        (f"{RATE},phase.learning.trials [h]\n0.1,30\n", 1, len(RATE) + 2, "is not a number and has no unit"),
        (f"{RATE} [h]\n0.1\n", 1, 1, "the column needs its unit"),
        (f"{RATE},subject\n0.1,1\n", 1, len(RATE) + 2, "subject"),
        (f"{RATE},plasticity.input_output.rat\n0.1,1\n", 1, len(RATE) + 2, "plasticity.input_output"),
        (b"\xff\xfe0\n", 1, 1, "it is not UTF-8"),
        (f'{RATE}\n"0.1\n', 2, 1, "cannot be read"),
    ],
)
def test_a_faulty_table_is_refused_at_its_row_and_column(
    table: str | bytes, line: int, column: int, said: str, problems
) -> None:
    found = problems(table)
    assert any(said in problem.message for problem in found), found
    if line:
        assert any((problem.line, problem.column) == (line, column) for problem in found), found
        assert all(problem.file.endswith("points.csv") for problem in found)


def test_a_mark_of_bytes_and_other_line_ends_are_read(tmp_path: Path, problems) -> None:
    assert problems(b"\xef\xbb\xbf" + f"{RATE}\r\n0.1\r\n0.2\r\n".encode()) == ()
    assert load_scenario(tmp_path / "tables.toml").studies["listed"].axes[0].values == (0.1, 0.2)


def test_every_row_that_repeats_another_is_named(problems) -> None:
    found = problems(f"{RATE},phase.learning.trials\n0.1,30\n0.2,30\n0.10,30\n1e-1,30\n0.2,40\n0.2,30\n")
    assert [(p.line, p.message) for p in found] == [
        (4, "row 3 of the points repeats row 1"),
        (5, "row 4 of the points repeats row 1"),
        (7, "row 6 of the points repeats row 2"),
    ]


SWEPT = '\n[study.zipped.sweep]\n"projection.input_output.spread" = {}\n"phase.learning.trials" = {}\n'


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (
            '{ values = [0.1, 0.1, 0.2], zip = "z" }',
            '{ values = [30, 30, 40], zip = "z" }',
            "point 2 of the axes zipped as 'z' repeats point 1",
        ),
        ('{ values = [0.1, 0.1, 0.2], zip = "z" }', '{ values = [30, 40, 40], zip = "z" }', ""),
        ("{ values = [0.1, 0.1] }", "{ values = [30, 40] }", "the value 0.1 is listed twice"),
        ("{ values = [0.1, 0.2] }", "{ values = [30, 40, 30] }", "the value 30 is listed twice"),
        ("{ from = 0.1, to = 0.1000000000001, steps = 9 }", "{ values = [30, 40] }", "are not all different"),
    ],
)
def test_no_point_counts_twice_whatever_lists_it(first: str, second: str, said: str, problems) -> None:
    text = SWEPT.replace("{}", first, 1).replace("{}", second, 1)
    found = problems("", text)
    assert [problem.message for problem in found] == [] if not said else said in " ".join(p.message for p in found)


def test_columns_that_no_trait_reads_are_said(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("who,gain,age\n1,0.1,50\n2,0.2,60\n")
    (tmp_path / "tables.toml").write_text(SMALL + TRAIT)
    (note,) = load_scenario(tmp_path / "tables.toml").notes
    assert note.message == "columns of points.csv that no trait uses: who, age"
    assert note.key == "subjects.trait.gain.table"


TABLES = {
    "points": ([RATE, "plasticity.input_output.rate"], ["0.1", "0.01"], POINTS),
    "trait": (["gain", "age"], ["0.1", "40"], TRAIT),
    "people": (["ID", "gain"], ["1", "0.5"], TRAIT),
    "doses": (["TIME", "AMT", "RATE"], ["4", "10.5", "0"], DRUG),
    "doses of people": (["ID", "TIME", "AMT"], ["1", "4", "10.5"], DRUG),
}
MARKS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}


@pytest.mark.parametrize("kind", TABLES)
@every_case("mark", MARKS)
@every_case("where", ["everywhere", "below the columns", "decimal commas"])
def test_what_parts_a_table_other_than_commas_is_named_where_it_stands(problems, kind, mark, where) -> None:
    names, cells, more = TABLES[kind]
    if where == "decimal commas":
        cells = [cell.replace(".", ",") for cell in cells]
    head = ("," if where == "below the columns" else mark).join(names)
    found = problems(f"{head}\n{mark.join(cells)}\n{mark.join(cells)}\n", more)
    line = 2 if where == "below the columns" else 1
    column = len(cells[0] if line == 2 else names[0]) + 1
    told = f"separated by {MARKS[mark]}; use commas"
    assert (Path(found[0].file).name, found[0].line, found[0].column) == ("points.csv", line, column)
    assert told in found[0].message


@pytest.mark.parametrize("kind", TABLES)
def test_a_decimal_comma_is_told_with_what_to_write(problems, kind) -> None:
    names, cells, more = TABLES[kind]
    place = next(i for i, cell in enumerate(cells) if "." in cell)
    quoted = [f'"{cell.replace(".", ",")}"' if i == place else cell for i, cell in enumerate(cells)]
    found = problems(f"{','.join(names)}\n{','.join(quoted)}\n", more)
    assert any(f"(a number has a point: {cells[place]})" in p.message and p.line == 2 for p in found)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("dose.given.duration [h]", ["1", "0.5", ".5", "2e3", "0", "1.", "-1", "x", "1_0", "", "1e400", "1" * 400]),
        ("dose.given.duration [min]", ["5", "60.25", "7.1", "12345.678901234567", "0.1", "1e-9", "1e99", "5 h"]),
        ("drug.tracer.volume [mL]", ["50000", "60.25", "83.3", "0", "-0", "1e-9"]),
        ("drug.tracer.volume [kg]", ["1"]),
    ],
)
def test_a_column_read_at_once_says_what_its_cells_say_one_by_one(
    header: str, cells: list[str], problems, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (scenarios_folder() / "routes.toml").read_text(encoding="utf-8")
    head = text[: text.index("[study.arms]")]
    more = '[study.listed]\narms = ["bolus"]\ntable = "points.csv"\n'

    def told(listed: list[str]) -> tuple[tuple[Problem, ...], tuple[float, ...]]:
        found = problems("\n".join([header, *(f'"{cell}"' for cell in listed), ""]), more, head)
        return found, () if found else load_scenario(tmp_path / "tables.toml").studies["listed"].axes[0].values

    sound = [cell for cell in cells if not told([cell])[0]]
    assert bool(sound) == ("kg" not in header)
    quick = told(cells), told(sound)
    monkeypatch.setattr(SettingReader, "plain_numbers", lambda self, target, cells, unit: [None] * len(cells))
    assert quick == (told(cells), told(sound))
