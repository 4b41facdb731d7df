"""The page's table of findings says what the command says, and follows the file of findings."""

from __future__ import annotations

import re
from pathlib import Path

from support.commands import answer, workbench
from support.shipped_runs import Shipped

NAME = "dystonia_slice"


def section(page: Path) -> str:
    """Return the text of the section on findings, tags removed."""
    text = page.read_text(encoding="utf-8")
    text = text[text.index('id="findings"') : text.index('id="glossary"')]
    return " ".join(re.sub("<[^>]+>", " ", text).split())


def first_screen(page: Path) -> str:
    """Return what the first screen says of the finding, its tests among it."""
    text = page.read_text(encoding="utf-8")
    return text[text.index('id="finding"') : text.index('id="uncertainty"')]


def test_page_and_command_agree(shipped: Shipped) -> None:
    said = answer(workbench("findings", shipped.db(NAME), "--json", cwd=shipped.folder))
    page = section(shipped.page(NAME))
    tested = said["counts"]["test"]
    assert f"{sum(tested.values())} can test it" in page
    assert f"{tested['met']} met, {tested['missed']} missed" in page
    for finding in said["findings"]:
        assert f"{finding['id']}: " in page
    tests = [f["id"] for f in said["findings"] if f["role"] == "test"]
    others = [f["id"] for f in said["findings"] if f["role"] != "test"]
    places = [page.index(f"{name}: ") for name in (*tests, *others)]
    assert places == sorted(places)  # tests first, each part in the command's order: misses first


def test_a_finding_taken_out_of_the_file_is_gone_from_the_page(shipped: Shipped, tmp_path: Path) -> None:
    folder = shipped.copy(NAME, to=tmp_path)
    file = next(folder.rglob("findings/dystonia.toml"))
    text = file.read_text(encoding="utf-8")
    start = text.index("[finding.DY11]")
    file.write_text(text[:start] + text[text.index("[finding.DY12]") :], encoding="utf-8")
    db = folder / shipped.db(NAME).relative_to(shipped.folder)
    done = workbench("report", db, "--output", tmp_path / "page.html", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert first_screen(tmp_path / "page.html") != first_screen(shipped.page(NAME))
    assert "DY11" not in section(tmp_path / "page.html") and "DY11" in section(shipped.page(NAME))
    assert "2 met" in section(tmp_path / "page.html")
