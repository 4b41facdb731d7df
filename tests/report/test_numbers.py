"""One number, one source: figures, tables, files, queries and the database say the same."""

from __future__ import annotations

import csv
import re
from html import unescape
from pathlib import Path

import pytest
from support.aimed import aimed
from support.commands import workbench

import workbench as api
from workbench.analysis import compare
from workbench.analysis.selection import select
from workbench.errors import StorageError
from workbench.report import build_report
from workbench.report.content import Page
from workbench.report.page_tables import PageTable, table_files
from workbench.report.words import number, signed

NUMBER = re.compile(r"[−+]?\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return aimed(tmp_path_factory.mktemp("numbers") / "spill.db", design=True)


@pytest.fixture(scope="module")
def page(database: Path) -> Page:
    return Page(select(database))


@pytest.fixture(scope="module")
def written(database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("written")
    build_report(database, folder / "a.html", tables=folder / "tables")
    return (folder / "a.html").read_text(encoding="utf-8"), folder / "tables"


def test_at_most_six_figures_stand_before_the_appendix_each_with_a_title_made_from_data(page: Page) -> None:
    assert 0 < len(page.figures) <= 6
    for figure in page.figures:
        assert figure.title.endswith(".") and NUMBER.search(figure.title)


def test_every_number_in_a_title_stands_in_a_table_of_its_figure(page: Page) -> None:
    for figure in page.figures:
        cells = {n for t in figure.tables for row in (t.columns, *t.rows) for c in row for n in NUMBER.findall(c)}
        cells |= {n.lstrip("+") for n in cells}
        missing = [n for n in NUMBER.findall(figure.title) if n.lstrip("+") not in cells | {"100", "80", "95"}]
        assert not missing, (figure.title, missing)


def test_every_table_has_a_name_of_its_own_and_a_query_that_runs(page: Page) -> None:
    names = [table.name for table in page.tables]
    assert len(names) == len(set(names)) and all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)
    for table in page.tables:
        assert len(page.selection.results.sql(table.query)), table.name


def test_compare_open_results_and_the_query_agree_with_the_page_to_the_last_digit(database: Path, page: Page) -> None:
    table = next(t for t in page.tables if t.name == "comparisons")
    asked = page.selection.results.sql(table.query).set_index(["arm", "baseline"])
    told = compare(database, study="arms").set_index(["arm", "baseline"])
    pairs = api.open_results(database).pairs(study="arms")
    titles = {page.words.arm(str(name)): str(name) for name in page.selection.arms.index}
    for row in table.rows:
        key = titles[row[1]], titles[row[2]]
        mine = pairs[(pairs.arm == key[0]) & (pairs.baseline == key[1])]
        assert row[3] == number(asked.loc[key, "mean"], even=True) == number(told.loc[key, "mean"], even=True)
        assert row[4] == number(asked.loc[key, "mean_there"], even=True)
        assert row[5] == signed(asked.loc[key, "difference"]) == signed(told.loc[key, "difference"])
        assert row[5] == signed(mine.difference.mean())


def test_a_pair_that_the_arms_do_not_declare_has_its_numbers_and_its_query_too(tmp_path: Path) -> None:
    extra = '\n[report.cost.odd]\noutcome = "overflow"\narm = "ill_6"\nagainst = "healthy"\n'
    page = Page(select(aimed(tmp_path / "a.db", subjects=5, extra=extra)))
    table = next(t for t in page.tables if t.name == "comparisons")
    asked = page.selection.results.sql(table.query).set_index(["arm", "baseline"])
    (row,) = [r for r in table.rows if r[1:3] == ("Patient, blocker 6 mg a day", "Healthy")]
    assert row[5] == signed(asked.loc[("ill_6", "healthy"), "difference"]) and row[5] not in ("", "0")


def test_the_page_as_written_holds_each_table_and_its_query(page: Page, written: tuple[str, Path]) -> None:
    text = unescape(re.sub(r"<[^>]+>", "\n", written[0]))
    for table in page.tables:
        assert table.query in text, table.name
        for row in table.rows:
            assert all(cell in text for cell in row), table.name


def test_the_files_hold_the_cells_of_the_page(page: Page, written: tuple[str, Path]) -> None:
    files = {file.stem: file for file in written[1].iterdir()}
    assert set(files) == {table.name for table in page.tables}
    for table in page.tables:
        with files[table.name].open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) == 1 + len(table.rows)
        for shown, kept in zip(table.rows, rows[1:], strict=True):
            for cell, stored in zip(shown, kept, strict=True):
                bare = cell.replace("−", "-").replace(",", "").lstrip("+")
                assert stored in (cell, f"'{cell}", bare), table.name


def test_a_cell_that_looks_like_a_formula_is_text(tmp_path: Path) -> None:
    odd = PageTable("t", ("=1+1", "b"), (("@sum", "−1,234.5"), ("+ a", "+0.5")), name="odd")
    (text,) = table_files([odd], tmp_path, force=False).values()
    assert text == "'=1+1,b\n'@sum,-1234.5\n'+ a,0.5\n"


def test_C02_existing_files_are_left_alone_without_force(database: Path, tmp_path: Path) -> None:
    (tmp_path / "arms.csv").write_text("mine")
    with pytest.raises(StorageError, match="already exists and was left unchanged"):
        build_report(database, tmp_path / "a.html", tables=tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == ["arms.csv"] and (tmp_path / "arms.csv").read_text() == "mine"


def test_the_command_writes_page_and_tables(database: Path, tmp_path: Path) -> None:
    done = workbench("report", database, "--output", "a.html", "--tables", "numbers", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "numbers" / "comparisons.csv").read_text().startswith("Outcome,Arm,Compared with,Mean")
