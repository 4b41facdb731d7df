"""The learning rules beneath, as shipped: every check is as theory says, and the gallery shows what is stored."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.commands import ROOT, workbench
from support.shipped_runs import SCENARIOS, Shipped
from support.shipped_texts import shipped_drafts, whole_text

from workbench.errors import StorageError
from workbench.execution.tolerances import tolerances
from workbench.findings.collection import ledger
from workbench.findings.ledger import LedgerRow
from workbench.report.gallery_page import build_gallery, checks_panel
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.store.read import open_results

DRAFTS = shipped_drafts()
ABOUT = {draft.head.scenario for draft in DRAFTS}
RULES = [name for name in SCENARIOS if name.startswith("rules/") and name.partition("/")[2] in ABOUT]


class Reader(HTMLParser):
    """Collects the hash of each entry, the numbers of its table, and anything that a page must not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, tuple[str, list[float]]] = {}
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._now = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "article":
            self._now = str(given["id"])
            self.entries[self._now] = (str(given["data-sha256"]), [])
        if "data-value" in given:
            self.entries[self._now][1].append(float(str(given["data-value"])))
        if given.get("href"):
            self.links.append(str(given["href"]))


@pytest.fixture(scope="module")
def folder(shipped: Shipped) -> Path:
    for name in RULES:
        shipped.db(name)
    return shipped.folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    done = workbench("gallery", "scenarios/rules/", "--force", "--workers", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not re.search(r"[1-9]\d* to compute", done.stderr), "the gallery reads what is stored"
    return (folder / "reports" / "gallery.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rows(folder: Path, page: str) -> tuple[LedgerRow, ...]:
    """The ledger of the stored sweeps; `page` has been made by then, so nothing is computed."""
    found: list[LedgerRow] = []
    for name in RULES:
        with open_results(folder / "data" / "results" / f"{name.partition('/')[2]}.db") as results:
            found += ledger(results, folder=data_folder() / "findings")
    return tuple(found)


def test_every_check_is_met_or_fails_where_it_must(rows: tuple[LedgerRow, ...]) -> None:
    theory = [row for row in rows if row.role == "theory"]
    missed = {row.finding.name: row.finding.note for row in theory if not row.met}
    assert set(missed) == {"R12D", "R27D", "R28D"} and all("Missed" in note for note in missed.values())
    mine = [row for row in theory if row.finding.name < "R10"]
    assert len(mine) == 71 and sum(row.verdict == "fails as it must" for row in mine) == 16


def test_drawn_policies_are_within_three_standard_errors_of_the_gradient(rows: tuple[LedgerRow, ...]) -> None:
    """A range as narrow as that could not be decided by the ledger's own rule, which asks for ten errors in a range."""
    (row,) = (row for row in rows if row.finding.name == "R10B")
    means = [c for c in row.criteria if c.criterion.measure == "better"]
    assert len(means) == 2
    for c in means:
        assert c.value is not None and c.mc_error is not None
        assert abs(c.value - 0.5 * sum(c.criterion.accept)) < 3.0 * c.mc_error


def test_the_gallery_shows_the_files_and_numbers_that_are_there(
    page: str, folder: Path, rows: tuple[LedgerRow, ...]
) -> None:
    reader = Reader()
    reader.feed(page)
    assert set(reader.entries) == {name.partition("/")[2] for name in RULES}
    for name, (sha256, numbers) in reader.entries.items():
        file = folder / "scenarios" / "rules" / f"{name}.toml"
        assert sha256 == hashlib.sha256(whole_text(file).encode()).hexdigest(), (
            f"{name}.toml has changed: make it again"
        )
        assert f"../scenarios/rules/{name}.toml" in reader.links
        stored = [c.value for row in rows if row.finding.scenario == name for c in row.criteria]
        assert sorted(numbers) == sorted(value for value in stored if value is not None)


def test_the_gallery_is_one_file_without_script_and_the_same_twice(
    page: str, folder: Path, rows: tuple[LedgerRow, ...]
) -> None:
    reader = Reader()
    reader.feed(page)
    assert not reader.tags & {"script", "img", "iframe", "object", "form", "video"}
    assert not [link for link in reader.links if link.startswith(("http:", "https:", "//"))]
    assert "connect-src" not in page and "default-src 'none'" in page
    files = sorted((folder / "scenarios" / "rules").glob("*.toml"))
    with pytest.raises(StorageError, match="already exists"):
        build_gallery(rows, files, folder / "reports" / "gallery.html")
    again = build_gallery(rows, files, folder / "reports" / "again.html")
    assert again.read_text(encoding="utf-8") == page


def test_every_picture_has_words_and_more_than_colour(page: str) -> None:
    figures = re.findall(r'<figure role="img" aria-label="([^"]+)">(.*?)</figure>', page, re.DOTALL)
    assert len(figures) == page.count("<article ")
    for words, drawing in figures:
        assert re.search(r": -?[\d.]| goes from ", words)
        assert drawing.count("stroke-dasharray") or words.count(" goes from ") < 2, "lines differ in dashes, too"


def test_a_scenario_without_a_course_is_drawn_by_its_checks() -> None:
    rows = [("R1", 1.0, (0.5, 1.5)), ("R2", 3.0, (0.5, 1.5)), ("R3", 0.2, (0.5, float("inf")))]
    panel = checks_panel("g-x", "Values in their accepted ranges", rows)
    assert panel.alt == "Values in their accepted ranges. R1: 1; R2: 3; R3: 0.2."
    assert panel.svg.startswith("<svg ") and panel.svg == checks_panel("g-x", "Values", rows).svg


def test_no_file_of_rules_and_findings_holds_a_typed_value_where_a_formula_is_named() -> None:
    for draft in DRAFTS:
        for raw in draft.criteria.values():
            assert not ("expected" in raw and "accept" in raw)
            assert "within" in raw or "within_share" in raw or "accept" in raw
    assert (scenarios_folder() / "rules").is_dir()


NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|\.\d)")
"""A number of a text, also before a full stop; not a part of a word, a version or a hash."""


def test_a_number_is_found_wherever_it_stands() -> None:
    said = "From 0.5 to -2.25e-3. At 12, not in v1.2 or 1.2.3, w3, 3rd or a0b1; 7."
    assert NUMBER.findall(said) == ["0.5", "-2.25e-3", "12", "7"]


def last_place(number: str) -> float:
    """Return one unit in the last place of a number as it is printed."""
    digits, _, power = number.lstrip("-").partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


def entries(text: str) -> dict[str, str]:
    """Return the words of each entry of the gallery by its name, and what stands outside of them under ""."""
    whole = re.compile(r'<article id="([^"]+)".*?</article>', flags=re.DOTALL)
    return {"": whole.sub("", text), **{found[1]: found[0] for found in whole.finditer(text)}}


def test_the_page_that_is_kept_is_current(page: str) -> None:
    """Words, numbers and file hashes, not the pictures: made again by `workbench gallery scenarios/rules/`.

    Numbers may differ by what is stated between processors, and by a unit of their last printed place.
    """
    kept = (ROOT / "reports" / "gallery.html").read_text(encoding="utf-8")
    one, two = (entries(re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)) for text in (kept, page))
    assert one.keys() == two.keys()
    for name, text in one.items():
        assert NUMBER.sub("", text) == NUMBER.sub("", two[name]), name
        share = tolerances()[name].widest if name else 0.0
        for old, new in zip(NUMBER.findall(text), NUMBER.findall(two[name]), strict=True):
            near = share * max(1.0, abs(float(old))) + max(last_place(old), last_place(new))
            assert float(new) == pytest.approx(float(old), rel=0.0, abs=1.000001 * near), (name, old, new)
