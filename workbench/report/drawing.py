"""How every figure looks, and how it becomes text that is the same every time."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from workbench.analysis.selection import Selection


# Okabe and Ito's palette: told apart with any colour vision; each line also has its own dashes and marker.
BLUE, ORANGE, GREEN, PINK, SKY, RUST, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#222222",
)
GREY = "#6B6B6B"
LINES = (
    (BLUE, "-", "o"),
    (RUST, "--", "s"),
    (GREEN, "-.", "^"),
    (PINK, ":", "D"),
    (ORANGE, (0, (5, 1, 1, 1, 1, 1)), "v"),
    (BLACK, (0, (8, 2)), "P"),
    (SKY, (0, (1, 2)), "X"),
)
WIDTH, HEIGHT = 3.6, 1.9
RASTER_CELLS = 1_000
NAMED_TICKS = 6
_RC: dict[Any, Any] = {
    "svg.hashsalt": "workbench",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.unicode_minus": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.6,
    "hatch.linewidth": 0.5,
    # Titles come from files: a dollar sign is a dollar sign.
    "text.parse_math": False,
    "text.usetex": False,
    "savefig.dpi": 150,
    "figure.dpi": 100,
}


@dataclass(frozen=True)
class Panel:
    """One drawing: its heading, its SVG, and a description for readers who cannot see it."""

    heading: str
    svg: str
    alt: str


@dataclass(frozen=True)
class Margins:
    """Room around the axes, in inches. Set by hand: laying out by measured text takes as long as the drawing."""

    left: float = 0.68
    right: float = 0.1
    top: float = 0.1
    bottom: float = 0.5

    def with_legend(self, lines: int) -> Margins:
        """Return margins with room for a legend of so many lines below the axes."""
        return Margins(self.left, self.right, self.top, self.bottom + 0.17 * lines + 0.06)


@contextmanager
def drawing(
    name: str, width: float = WIDTH, height: float = HEIGHT, margins: Margins | None = None
) -> Iterator[tuple[Axes, FinishedDrawing]]:
    """Give axes of `height` inches with margins; afterwards its `svg` holds the text, ids prefixed with `name`."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn, room = FinishedDrawing(), margins or Margins()
    whole = height + room.top + room.bottom
    with matplotlib.rc_context(_RC), warnings.catch_warnings():
        # The reader's own font draws the letters: one that is missing here is no loss.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(width, whole))
        box = (room.left / width, room.bottom / whole, 1 - (room.left + room.right) / width, height / whole)
        axes = figure.add_axes(box)
        yield axes, drawn
        drawn.svg = _text(figure, name)


class FinishedDrawing:
    """Where a finished drawing's SVG is put."""

    svg = ""


def _text(figure: Figure, name: str) -> str:
    """Return the figure as an SVG element without prolog, date or ids that other figures also use."""
    # No date and no version in the file: the same rows must give the same bytes, so that a kept page can be compared.
    buffer = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"\n?\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Several drawings stand on one page, where equal ids would make one use the clip path of another.
    text = re.sub(r'(\sid=")', rf"\1{name}-", text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{name}-", text)
    text = re.sub(r'<svg ([^>]*?)width="[^"]*pt" height="[^"]*pt"', r"<svg \1", text, count=1)
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def round_ticks(levels: Sequence[float], logarithmic: bool) -> list[float]:
    """Return round numbers between the ends of some levels; the levels themselves where they are few and round.

    >>> round_ticks([0.5, 0.5946, 0.7071, 1.0, 1.682, 2.378, 4.0], True)
    [0.5, 1.0, 2.0]
    """
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = min(levels), max(levels)
    if len(levels) <= NAMED_TICKS and all(float(f"{v:.2g}") == v for v in levels):
        return list(levels)
    even = MaxNLocator(NAMED_TICKS - 1, steps=[1, 2, 2.5, 5, 10])
    ticks = (LogLocator(subs=(1.0, 2.0, 5.0)) if logarithmic else even).tick_values(low, high)
    room = 1e-9 * max(abs(low), abs(high))
    inside = [float(f"{v:.6g}") for v in ticks if low - room <= v <= high + room]
    return inside[:: -(-len(inside) // NAMED_TICKS)] if len(inside) > 1 else [float(low), float(high)]


def named_ticks(axes: Axes, at: str, levels: list[float], logarithmic: bool = False) -> None:
    """Mark round numbers between the levels on axis "x" or "y", as plain numbers."""
    chosen = round_ticks(levels, logarithmic)
    axes.set(**{f"{at}ticks": chosen, f"{at}ticklabels": [f"{v:g}" for v in chosen]})
    (axes.xaxis if at == "x" else axes.yaxis).minorticks_off()


MARK = "…"


def short_names(selection: Selection) -> dict[str, str]:
    """Return each arm's short name as the stored scenario declares it, else its title, else its name as words."""
    declared = selection.scenario.get("arm", {})
    return {
        str(name): str(declared.get(name, {}).get("short") or selection.arms.title[name] or str(name).replace("_", " "))
        for name in selection.arms.index
    }


def distinct_labels(texts: Sequence[str], letters: int) -> list[str]:
    """Return texts of at most `letters` letters, each on one line; different texts stay different.

    Where cutting the end makes some alike, what these share at their beginning is cut instead; where that does not
    help either, they are numbered.

    >>> distinct_labels(["Ketamine once, then weekly", "Ketamine once, then daily"], 18)
    ['Ketamine on…weekly', 'Ketamine onc…daily']
    """
    lines = [" ".join(text.split()) for text in texts]
    cut = _ended(lines, letters)
    if _clash(lines, cut):
        cut = _opened(lines, cut, letters)
    if _clash(lines, cut):
        cut = _numbered(lines, cut, letters)
    return cut


def _ended(lines: Sequence[str], letters: int) -> list[str]:
    return [line if len(line) <= letters else line[: letters - 1] + MARK for line in lines]


def _clash(lines: Sequence[str], cut: Sequence[str]) -> set[str]:
    """Return the cut texts that stand for several texts."""
    seen = Counter(label for label, _ in dict.fromkeys(zip(cut, lines, strict=True)))
    return {label for label, number in seen.items() if number > 1}


def _opened(lines: Sequence[str], cut: Sequence[str], letters: int) -> list[str]:
    """Leave out what clashing texts share at their beginning, as far as there is no room for it."""
    found = list(cut)
    for label in _clash(lines, cut):
        group = [place for place, one in enumerate(cut) if one == label]
        shared = _shared([lines[place] for place in group])
        for place in group:
            if len(lines[place]) <= letters:
                continue
            start = lines[place].rfind(" ", 0, shared) + 1
            rest = lines[place][start:]
            rest = rest if len(rest) <= letters - 2 else rest[: letters - 3] + MARK
            found[place] = lines[place][: letters - 1 - len(rest)].rstrip() + MARK + rest
    return found


def _shared(lines: Sequence[str]) -> int:
    """Return the length of the prefix that all lines share."""
    return next(
        (n for n, letters in enumerate(zip(*lines, strict=False)) if len(set(letters)) > 1), min(map(len, lines))
    )


def _numbered(lines: Sequence[str], cut: Sequence[str], letters: int) -> list[str]:
    """Number the different texts that are still alike."""
    found = list(cut)
    for label in _clash(lines, cut):
        group = list(dict.fromkeys(lines[place] for place, one in enumerate(cut) if one == label))
        for place, one in enumerate(cut):
            if one == label:
                found[place] = _free(label, group.index(lines[place]) + 1, letters, found)
    return found


def _free(label: str, number: int, letters: int, taken: Iterable[str]) -> str:
    """Return `label` with a number that no other label ends with."""
    while True:
        end = f" {number}"
        text = label[: letters - len(end)] + end
        if text not in taken:
            return text
        number += 1
