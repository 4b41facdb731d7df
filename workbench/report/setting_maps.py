"""Maps over two settings: one per arm on one colour scale, with the arm's own setting as a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.report.drawing import RASTER_CELLS, Margins, Panel, distinct_labels, drawing, named_ticks
from workbench.report.words import cut_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from workbench.analysis.maps import Grid, SweptAxis

WRITTEN_CELLS = 42
DASHES = (0, (4, 2))


@dataclass(frozen=True)
class ArmLevel:
    """A value that an arm has elsewhere, drawn as a dashed line where a map passes it; `name` is the arm's."""

    value: float
    name: str


def map_panel(
    name: str,
    heading: str,
    grid: Grid,
    axis: tuple[str, str, str],
    scale: tuple[float, float],
    level: ArmLevel | None = None,
) -> Panel:
    """Draw a grid; `axis` labels x, y and the colours, `scale` is the range of colours that all maps share."""
    from matplotlib.transforms import offset_copy

    words = 0 if grid.y.numeric else 0.35
    with drawing(name, height=2.9, margins=Margins(left=0.68 + words, bottom=0.4)) as (axes, drawn):
        edges = _edges(grid.x), _edges(grid.y)
        large = grid.mean.size > RASTER_CELLS
        shown = np.ma.masked_invalid(grid.mean)
        colours = axes.pcolormesh(*edges, shown, cmap="cividis", vmin=scale[0], vmax=scale[1], rasterized=large)
        axes.set_facecolor("#FFFFFF")
        for at, swept in (("x", grid.x), ("y", grid.y)):
            _ticks(axes, at, swept)
        if grid.mean.size <= WRITTEN_CELLS:
            _write(axes, grid, scale)
        _cross_out(axes, grid, edges)
        own = _place(grid.x, grid.own[0]), _place(grid.y, grid.own[1])
        if own[0] is not None and own[1] is not None:
            raised = 13 if grid.mean.size <= WRITTEN_CELLS else 0  # above the number that stands in the cell
            axes.plot(
                own[0],
                own[1],
                transform=offset_copy(axes.transData, axes.get_figure(root=True), y=raised, units="points"),
                marker="*",
                markersize=15,
                markerfacecolor="white",
                markeredgecolor="black",
                clip_on=False,
                zorder=5,
            )
        axes.set_xlim(edges[0][0], edges[0][-1])
        axes.set_ylim(edges[1][0], edges[1][-1])
        axes.set_xlabel(_scaled(axis[0], grid.x, 42))
        axes.set_ylabel(_scaled(axis[1], grid.y, 36))
        shows = level is not None and _contour(axes, grid, level)
        dashed_line = f" (dashed: {cut_text(level.name, 16)})" if level and shows else ""
        label = cut_text(axis[2], 48 - len(dashed_line)) + dashed_line
        bar = axes.figure.colorbar(colours, ax=axes, orientation="horizontal", label=label, fraction=0.05, pad=0.2)
        if level and shows:
            bar.ax.axvline(level.value, color="black", linestyle=DASHES, linewidth=1.2)
    return Panel(heading, drawn.svg, _alt(heading, grid))


def _scaled(label: str, axis: SweptAxis, letters: int) -> str:
    """Return an axis label; it says where the scale is logarithmic."""
    return f"{cut_text(label, letters - 6)} (log)" if axis.logarithmic else cut_text(label, letters)


def _contour(axes: Axes, grid: Grid, level: ArmLevel) -> bool:
    """Draw where a map passes a level; return whether it does."""
    places = _centres(grid.x), _centres(grid.y)
    known = grid.mean[~np.isnan(grid.mean)]
    if min(map(len, places)) < 2 or not known.size or not known.min() < level.value < known.max():
        return False
    for width, colour in ((2.4, "white"), (1.2, "black")):  # seen on any colour
        axes.contour(
            *places, np.ma.masked_invalid(grid.mean), levels=[level.value], colors=colour, linewidths=width,
            linestyles=[DASHES] if colour == "black" else "solid",
        )  # fmt: skip
    return True


def inside(grid: Grid) -> bool:
    """Return whether the arm's own setting lies on the map."""
    places = [_place(swept, value) for swept, value in zip((grid.x, grid.y), grid.own, strict=True)]
    edges = _edges(grid.x), _edges(grid.y)
    return all(p is not None and e[0] <= p <= e[-1] for p, e in zip(places, edges, strict=True))


def _edges(axis: SweptAxis) -> NDArray[np.float64]:
    """Return the borders of the cells, half-way between levels (on the axis's own scale)."""
    if not axis.numeric or len(axis.levels) < 2:
        return np.arange(len(axis.levels) + 1, dtype=np.float64) - 0.5
    levels = np.array(axis.levels, dtype=np.float64)
    if axis.logarithmic:
        return np.asarray(np.exp(_halves(np.log(levels))))
    return _halves(levels)


def _halves(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = (levels[:-1] + levels[1:]) / 2
    ends = 2 * levels[0] - middle[0], 2 * levels[-1] - middle[-1]
    return np.concatenate([ends[:1], middle, ends[1:]]).astype(np.float64)


def _ticks(axes: Axes, at: str, axis: SweptAxis) -> None:
    if axis.numeric and len(axis.levels) > 1:
        if axis.logarithmic:
            axes.set(**{f"{at}scale": "log"})
        named_ticks(axes, at, [v for v in axis.levels if isinstance(v, float)], axis.logarithmic)
    else:
        words = distinct_labels([v if isinstance(v, str) else f"{v:g}" for v in axis.levels], 14)
        axes.set(**{f"{at}ticks": range(len(words)), f"{at}ticklabels": words})


def _centres(axis: SweptAxis) -> list[float]:
    return [p for p in (_place(axis, level) for level in axis.levels) if p is not None]


def _place(axis: SweptAxis, value: float | str | None) -> float | None:
    """Return where a level, or the arm's own value, lies along the drawn axis; None if it has no place."""
    if value is None:
        return None
    if axis.numeric and len(axis.levels) > 1:
        return value if isinstance(value, float) else None
    return float(axis.levels.index(value)) if value in axis.levels else None


def _write(axes: Axes, grid: Grid, scale: tuple[float, float]) -> None:
    middle = (scale[0] + scale[1]) / 2
    for row, y in enumerate(_centres(grid.y)):
        for column, x in enumerate(_centres(grid.x)):
            value = grid.mean[row, column]
            if not np.isnan(value):
                colour = "white" if value < middle else "black"
                axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)


def _cross_out(axes: Axes, grid: Grid, edges: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    """Mark the cells in which runs failed."""
    for row, column in zip(*np.nonzero(grid.failed), strict=True):
        x, y = edges[0][column : column + 2], edges[1][row : row + 2]
        axes.plot(x, y, color="#D55E00", linewidth=0.8)
        axes.plot(x, y[::-1], color="#D55E00", linewidth=0.8)


def _alt(heading: str, grid: Grid) -> str:
    if np.isnan(grid.mean).all():
        return f"{heading}. No run finished."
    low, high = np.nanmin(grid.mean), np.nanmax(grid.mean)
    at = [np.argwhere(grid.mean == v)[0] for v in (low, high)]
    said = [
        f"{word} {value:.3g} at {grid.x.levels[column]} and {grid.y.levels[row]}"
        for word, value, (row, column) in zip(("lowest", "highest"), (low, high), at, strict=True)
    ]
    return f"{heading}. {' and '.join(said)} (first and second axis). The numbers stand in the table."
