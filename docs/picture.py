"""The picture of the main result: two panels of a page, side by side in one SVG file.

``python docs/picture.py`` takes them from ``reports/dystonia.html``, which one command makes from the rows of a sweep
(``reports/README.md``), writes ``reports/dystonia.svg``, and puts the page's first sentence into the README.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURE, README = ROOT / "reports" / "dystonia.html", ROOT / "reports" / "dystonia.svg", ROOT / "README.md"
SENTENCE = re.compile(r"(?<=picture.py` -->\n).*?(?=<!-- end of finding -->)", flags=re.DOTALL)
PANELS = (("over-time", "Overflow"), ("dose", "Overflow at the end of treatment"))
"""Which panels are shown: the figure's name on the page, and the panel's heading."""
GAP, HEADING, SCALE = 24.0, 26.0, 1.35


def picture(page: str) -> str:
    """Return some panels of a page beside each other, as one drawing on white, with what they show in words."""
    parts, left, height, said = [], 0.0, 0.0, []
    for figure, heading in PANELS:
        words, panel = _panel(page, figure, heading)
        found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', panel)
        if found is None:
            raise ValueError(f"the panel {heading!r} of {figure} has no size")
        wide, high = float(found[1]), float(found[2])
        place = f'<svg x="{left:g}" y="{HEADING:g}" width="{wide:g}" height="{high:g}" '
        title = f'<text x="{left + 8:g}" y="18" font-family="sans-serif" font-size="12" fill="#222222">{heading}</text>'
        parts += [title, panel.replace("<svg ", place, 1)]
        said.append(words)
        left, height = left + wide + GAP, max(height, high)
    whole = f"{left - GAP:g} {height + HEADING:g}"
    size = f'width="{SCALE * (left - GAP):.0f}" height="{SCALE * (height + HEADING):.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {whole}" role="img">'
    words = " ".join(said).replace(" The numbers stand in the table.", "")
    return "\n".join(
        [head, f"<desc>{words}</desc>", '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""]
    )


def finding(page: str) -> str:
    """Return the first sentence of a page, as plain text."""
    found = re.search(r'data-statement="finding">(.*?)</p>', page, flags=re.DOTALL)
    if found is None:
        raise ValueError("the page has no finding")
    return html.unescape(re.sub(r"<[^>]+>", "", found[1]))


def _panel(page: str, figure: str, heading: str) -> tuple[str, str]:
    """Return what a panel shows in words, and its drawing."""
    start = page.index(f'id="{figure}"')
    form = rf'<p [^>]*>{re.escape(heading)}</p>\s*<div role="img" aria-label="([^"]*)">\s*(<svg .*?</svg>)'
    found = re.compile(form, flags=re.DOTALL).search(page, start)
    if found is None:
        raise ValueError(f"{figure} has no panel {heading!r}")
    return found[1], found[2]


def told(readme: str, page: str) -> str:
    """Return the README with the first sentence of a page where that sentence belongs."""
    return SENTENCE.sub(lambda _: f"> {finding(page)}\n", readme)


def main() -> None:
    """Write the picture and the sentence."""
    page = PAGE.read_text(encoding="utf-8")
    PICTURE.write_text(picture(page), encoding="utf-8")
    README.write_text(told(README.read_text(encoding="utf-8"), page), encoding="utf-8")


if __name__ == "__main__":
    main()
