"""How a page and the gallery lie on a phone, a laptop and paper; what figures write where there is little room."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.aimed import aimed
from test_browser import BROWSER, LAPTOP, PHONE, browse, measured

import workbench.report
from workbench.analysis.maps import Grid, SweptAxis
from workbench.report import build_report
from workbench.report.dose_lines import Line, lines_panel
from workbench.report.drawing import round_ticks
from workbench.report.gallery_page import overlay_panel
from workbench.report.setting_maps import ArmLevel, map_panel
from workbench.report.time_courses import courses_panel

in_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (apt-get install chromium)")
TITLES = [f"Ketamine 0.5 mg/kg once and eight computer sessions from the next day on, {end}" for end in ("A", "B", "C")]
HINTED = (
    "[...document.querySelectorAll('.scroll')].filter(s=>s.scrollWidth>s.clientWidth)"
    ".map(s=>[getComputedStyle(s).backgroundImage.includes('gradient'),s.tabIndex===0])"
)
WHOLE = "[...document.querySelectorAll('td span')].map(s=>s.getClientRects().length)"  # a broken word has several boxes


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layout")
    return build_report(aimed(folder / "a.db", subjects=6, design=True), folder / "a.html")


@in_browser
@pytest.mark.parametrize("width", [PHONE, LAPTOP])
def test_a_table_that_goes_on_beyond_the_edge_shows_it_and_scrolls_by_keyboard(
    page: Path, tmp_path: Path, width: int
) -> None:
    opened = page.read_text(encoding="utf-8").replace("<details>", "<details open>")
    (tmp_path / "open.html").write_text(opened, encoding="utf-8")
    found = measured(tmp_path / "open.html", tmp_path, width, HINTED)
    assert all(hint and key for hint, key in found)
    assert found or width == LAPTOP, "on a phone some table is wider than the screen"


@in_browser
@pytest.mark.parametrize("template", ["page", "gallery"])
def test_words_of_a_table_stay_whole_on_a_phone(template: str, tmp_path: Path) -> None:
    style = re.search(r"<style>.*?</style>", _template(template), flags=re.DOTALL)
    assert style is not None
    words = "".join(
        f"<td><span>{word}</span></td>"
        for word in ("depotentiation", "acetylcholine", "trihexyphenidyl", "0.4567", "met")
    )
    table = f"<div class='scroll'><table class='wide'><tbody><tr>{words}</tr></tbody></table></div>"
    (tmp_path / "words.html").write_text(f"<html><head>{style[0]}</head><body>{table}</body></html>", encoding="utf-8")
    assert measured(tmp_path / "words.html", tmp_path, PHONE, WHOLE) == [1] * 5


@in_browser
@pytest.mark.parametrize("template", ["page", "gallery"])
def test_both_print_on_a4(template: str, tmp_path: Path) -> None:
    style = re.search(r"<style>.*?</style>", _template(template), flags=re.DOTALL)
    assert style is not None
    (tmp_path / "print.html").write_text(f"<html><head>{style[0]}</head><body>one line</body></html>", encoding="utf-8")
    browse(
        tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'a.pdf'}", f"file://{tmp_path / 'print.html'}"
    )
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", (tmp_path / "a.pdf").read_bytes())
    assert boxes and all((round(float(w)), round(float(h))) in ((595, 842), (594, 841), (596, 842)) for w, h in boxes)


def test_every_work_that_is_cited_stands_on_paper_too(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    listed = re.search(r'<div class="paper">.*?</div>', text, flags=re.DOTALL)
    assert listed is not None and ".paper { display: none; }" in text
    printed = text[text.index("@media print") :]
    assert ".paper { display: block;" in printed[: printed.index("</style>")]
    table = text[text.index("<caption>Works used, and no others") :]
    keys = re.findall(r'<tr><th scope="row">(.*?)</th>', table[: table.index("</table>")])
    assert keys and all(f"<li data-declared>{key}. " in listed[0] for key in keys)


def labels(svg: str) -> list[str]:
    """Return the texts of a drawing."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_no_two_lines_of_a_figure_have_the_same_name() -> None:
    x = pd.DataFrame({"x": [1.0, 2.0, 3.0], "mean": [1.0, 2.0, 3.0]})
    dose = lines_panel("a", "h", [Line(title, x) for title in TITLES], ("dose", "value"))
    times = pd.DataFrame(
        [{"arm": arm, "time": t, "mean": 1.0 + t, "p10": t, "p90": 2.0 + t} for arm in "abc" for t in (0.0, 1.0, 2.0)]
    )
    arms = list(zip("abc", TITLES, strict=True))
    course = courses_panel("b", "h", times, arms, ("time", "value"), [])
    overlay = overlay_panel("c", "h", times, dict(arms), "time")
    for panel in (dose, course, overlay):
        named = [text for text in labels(panel.svg) if text.startswith("Ketamine")]
        assert len(named) == len(set(named)) == 3


def test_ticks_are_round_numbers_between_the_ends() -> None:
    assert round_ticks([0.5 * 8 ** (i / 16) for i in range(17)], True) == [0.5, 1.0, 2.0]
    assert round_ticks([0.1 + 0.15 * i for i in range(17)], False) == [0.5, 1.0, 1.5, 2.0, 2.5]
    assert round_ticks([1.0, 3.0, 6.0], False) == [1.0, 3.0, 6.0], "few round levels stand themselves"
    assert round_ticks([3.3, 3.4], True) == [3.3, 3.4], "no round number lies between them"


def _template(name: str) -> str:
    return (Path(workbench.report.__file__).parent / f"{name}.html.j2").read_text(encoding="utf-8")


def test_a_map_says_which_axis_is_logarithmic_and_draws_the_level_of_the_first_arm_only_where_it_passes() -> None:
    x = SweptAxis("a.b.tone", "1", (1.0, 2.0, 4.0), False)
    y = SweptAxis("a.b.even", "1", (1.0, 2.0, 3.0), False)
    mean = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5]])
    ones = np.ones((3, 3), dtype=np.int64)
    grid = Grid("ill", "value", "1", x, y, mean, ones, ones * 0, (1.0, 1.0))
    for value, drawn in ((0.33, True), (0.7, False)):
        svg = map_panel("m", "h", grid, ("tone", "even", "value"), (0.1, 0.5), ArmLevel(value, "Healthy")).svg
        assert "tone (log)" in labels(svg) and "even" in labels(svg) and "even (log)" not in labels(svg)
        assert ("value (dashed: Healthy)" in labels(svg)) is drawn
        assert ("stroke-dasharray" in svg) is drawn
