"""The pages as a whole: they build without a warning and without a network, and what they take from elsewhere is current."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.examples import ROOT, blocks
from support.shipped_runs import SCENARIOS, Shipped

from workbench.component.registry import registry

sys.path.insert(0, str(ROOT / "docs"))

import picture
import tables

README = (ROOT / "README.md").read_text(encoding="utf-8")
KEPT = picture.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, built where a warning is an error and nobody answers."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-E", "docs", str(folder)]
    nobody = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **nobody}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_pages_build_without_a_warning_and_ask_for_nothing_from_outside(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|link)\b[^>]*?(?:src|href)="([^"]*)"', text)
        assert [place for place in loaded if place.startswith(("http:", "https:", "//"))] == [], page


def test_every_component_stands_in_the_reference_with_its_equation(site: Path) -> None:
    pages: dict[str, str] = {}
    for component in registry():
        folder = site / "reference" / "components"
        page = pages.setdefault(component.section, (folder / f"{component.section}.html").read_text(encoding="utf-8"))
        assert f'id="{component.name.replace("_", "-")}"' in page, component.name
        assert html.escape(component.equation.splitlines()[0], quote=False)[:20] in re.sub(r"<[^>]+>", "", page)


def test_the_readme_is_short_and_begins_with_two_commands_and_the_picture() -> None:
    assert len(README.encode()) <= 9 * 1024
    first, second, *_ = (block.code for block in blocks(ROOT / "README.md") if block.language == "sh")
    for line in (first, second):
        assert len(line.splitlines()) == 1
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert README.index(second) < README.index("(reports/dystonia.svg)") < 1600


def test_the_readme_shows_the_finding_of_its_page_and_the_page_that_of_the_shipped_sweep(shipped: Shipped) -> None:
    assert picture.told(README, KEPT) == README, "run: python docs/picture.py"
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.picture(KEPT), "run: python docs/picture.py"
    fresh = shipped.page("dystonia").read_text(encoding="utf-8")
    assert picture.finding(fresh) == picture.finding(KEPT), "make reports/dystonia.html again, then the picture"
    assert _said(picture.picture(fresh)) == _said(picture.picture(KEPT))


def _said(drawing: str) -> list[str]:
    return re.findall(r"<desc>(.*?)</desc>", drawing)


@pytest.mark.parametrize("page", tables.MADE)
def test_the_table_of_a_folder_is_that_of_its_files(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == tables.written(page), "run: python docs/tables.py"


def test_every_shipped_scenario_and_data_file_is_told() -> None:
    scenarios = (ROOT / "scenarios" / "README.md").read_text(encoding="utf-8")
    assert [name for name in SCENARIOS if f"`{name}.toml`" not in scenarios] == []
    data = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    files = [file for file in (ROOT / "data").rglob("*.*") if file.is_file() and "results" not in file.parts]
    told = (file.relative_to(ROOT / "data").as_posix() for file in files if file.name != "README.md")
    assert [name for name in told if f"| `{name}` | `" not in data] == []


def test_links_between_the_texts_of_the_repository_lead_somewhere() -> None:
    texts = [
        *ROOT.glob("*.md"),
        *(file for folder in ("scenarios", "data", "reports") for file in ROOT.glob(f"{folder}/*.md")),
    ]
    for text in texts:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text.read_text(encoding="utf-8")):
            assert (text.parent / target).exists(), f"{text.name}: {target}"
