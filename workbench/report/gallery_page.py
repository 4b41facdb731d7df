"""One page of many small scenarios: for each its picture, what it shows, its equation, and its checks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.analysis.selection import Selection
from workbench.analysis.time_course import TimeCourses, bands, read_time_courses, recorded_names
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, registry
from workbench.execution.tolerances import between_processors
from workbench.files import refuse_existing, refuse_replacing, write_whole
from workbench.findings.ledger import CriterionRow, LedgerRow, natural_order, span
from workbench.inspection.description import relevant
from workbench.quantities import SECONDS_PER_HOUR
from workbench.report.drawing import BLUE, GREY, LINES, RUST, Margins, Panel, distinct_labels, drawing
from workbench.report.page import environment
from workbench.report.words import cut_text, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray


TEMPLATE = "gallery.html.j2"
TIGHT = 0.005
"""A range that is narrower than this share of its middle is written as one number and how near is near enough."""
SHORT = 0.1
"""Hours below which a course is drawn in seconds."""


@dataclass(frozen=True)
class ShownCriterion:
    """One criterion of one finding, in words; `value` is the number itself."""

    role: str
    words: str
    expected: str
    value: float | None
    model: str
    verdict: str
    why: str


@dataclass(frozen=True)
class GalleryFinding:
    """One finding: what it says, by which theory, and its checks; `note` says why one is missed.

    `refuted` marks a claim that theory denies: a control that must fail.
    """

    name: str
    title: str
    theory: str
    note: str
    refuted: bool
    checks: tuple[ShownCriterion, ...]


@dataclass(frozen=True)
class GalleryEntry:
    """One scenario of the gallery, read from its stored sweep."""

    file: Path
    rows: tuple[LedgerRow, ...]
    selection: Selection
    href: str

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.file.stem

    @property
    def title(self) -> str:
        """What it shows, in one sentence: the title of its file."""
        return str(self.selection.facts["title"])

    @property
    def question(self) -> str:
        """The question that its file asks."""
        return str(self.selection.scenario.get("use", {}).get("question", ""))

    @property
    def limits(self) -> list[str]:
        """What it does not show."""
        return [str(limit) for limit in self.selection.scenario.get("use", {}).get("limits", [])]

    @property
    def between_processors(self) -> list[str]:
        """What of it other processors give other digits of."""
        return between_processors(self.selection)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file that was swept, which is the file that lies there if the page is current."""
        return hashlib.sha256(self.selection.results.scenario_text(self.selection.sweep)).hexdigest()

    @property
    def equations(self) -> list[tuple[str, list[str]]]:
        """Name and equation of each learning rule that its arms use, of homeostats, and of what the task shows."""
        found = self.selection.settings
        listed: dict[tuple[str, str], list[str]] = {}
        held = found[found.path.str.endswith(".stabiliser")]
        held_by = {(str(r.arm), field_path(str(r.path)).table): str(r.text) for r in held.itertuples()}
        for section in ("plasticity", "homeostat", "task"):
            key = SECTIONS[section].key
            named = found[found.path.str.match(rf"{section}\.[^.]+\.{key}$")]
            for component in dict.fromkeys(str(text) for text in named.text):
                if (section, component) in registry():
                    lines = registry().get(section, component).equation.splitlines()
                    mine = named[named.text == component]
                    tables = ((str(r.arm), field_path(str(r.path)).table) for r in mine.itertuples())
                    listed[section, component] = relevant(lines, {held_by.get(table, "") for table in tables})
        return [(component, lines) for (_, component), lines in listed.items()]

    @cached_property
    def picture(self) -> Panel | None:
        """The first course of its file, all arms in one drawing; without a course, its checks."""
        for name in recorded_names(self.selection):
            for study in self.selection.studies.name:
                course = read_time_courses(self.selection, str(study), name)
                if course is not None and len(frame := _each_arm(course)):
                    measure = self.selection.measures
                    row = measure[(measure.kind == "course") & (measure.name == name)].iloc[0]
                    titles = {str(a): str(t) or str(a) for a, t in self.selection.arms.title.items()}
                    axis = "trials" if course.time_unit == "trial" else f"time ({course.time_unit})"
                    if course.time_unit == "h" and frame.time.max() < SHORT:
                        frame, axis = frame.assign(time=frame.time * SECONDS_PER_HOUR), "time (s)"
                    return overlay_panel(f"g-{self.name}", str(row.title or row.meaning), frame, titles, axis)
        made = [(row.finding.name, c) for row in self.rows for c in row.criteria if c.value is not None]
        shown = [(name, float(c.value or 0.0), c.criterion.accept) for name, c in made]
        return checks_panel(f"g-{self.name}", "Values in their accepted ranges", shown) if shown else None

    @property
    def statements(self) -> list[GalleryFinding]:
        """Its findings, in the order of their names."""
        rows = sorted(self.rows, key=lambda row: natural_order(row.finding.name))
        return [_statement(row) for row in rows]

    @property
    def verdict(self) -> str:
        """How its findings stand, in one line."""
        counts = {v: sum(row.verdict == v for row in self.rows) for v in dict.fromkeys(r.verdict for r in self.rows)}
        words = (_counted(count, verdict) for verdict, count in counts.items())
        return f"{len(self.rows)} statement{'s' if len(self.rows) > 1 else ''}: {', '.join(words)}"


@dataclass(frozen=True)
class Gallery:
    """The whole page."""

    entries: tuple[GalleryEntry, ...]

    @property
    def summary(self) -> str:
        """How all findings stand, theory apart from published tests."""
        rows = [row for entry in self.entries for row in entry.rows]
        theory, tests = ([r for r in rows if r.role == role] for role in ("theory", "test"))
        forced = sum(row.verdict == "fails as it must" for row in theory)
        right = sum(bool(row.met) for row in theory) - forced
        text = f"{len(theory)} checks against theory: {right} met, {forced} fail as they must"
        text += f", {len(theory) - right - forced} not as theory says" if right + forced < len(theory) else ""
        if tests:
            text += f"; {len(tests)} published tests: {sum(bool(r.met) for r in tests)} met"
        others = len(rows) - len(theory) - len(tests)
        return f"{text}; {others} rows count as neither." if others else f"{text}."


def build_gallery(rows: Sequence[LedgerRow], files: Iterable[Path], output: str | Path, *, force: bool = False) -> Path:
    """Write the gallery of stored sweeps and return its path.

    Parameters
    ----------
    rows : the ledger of the scenarios, with the database and sweep of each
    files : their files; those without a finding are left out
    output : path of the page; its folder must exist
    force : bool
        Replace an existing file.

    Raises
    ------
    StorageError
        If the page already exists (without `force`), or cannot be written.
    """
    target, files = Path(output), list(files)
    refuse_replacing(target, [*files, *{Path(row.db) for row in rows if row.db}])
    refuse_existing(target, force=force)
    found = [entry(file, rows, target) for file in files]
    page = Gallery(tuple(sorted((e for e in found if e is not None), key=_place)))
    write_whole(target, environment().get_template(TEMPLATE).render(page=page) + "\n")
    return target


def entry(file: Path, rows: Sequence[LedgerRow], target: Path) -> GalleryEntry | None:
    """Return the entry of a scenario, or None where no finding is about it."""
    from workbench.store.read import open_results

    mine = tuple(row for row in rows if row.finding.scenario == file.stem and row.db)
    if not mine:
        return None
    selection = Selection(open_results(mine[0].db), mine[0].sweep)
    href = Path(os.path.relpath(file.absolute(), target.absolute().parent)).as_posix()
    return GalleryEntry(file, mine, selection, href)


def _each_arm(course: TimeCourses) -> pd.DataFrame:
    """Return the bands of every arm over its own times: arms may be of different length."""
    import pandas as pd

    own = []
    for arm, table in course.by_arm.items():
        kept = ~np.isnan(table).all(axis=0)
        own.append(bands(replace(course, times=course.times[kept], by_arm={arm: table[:, kept]})))
    return pd.concat(own, ignore_index=True)


def _place(entry: GalleryEntry) -> list[Any]:
    return natural_order(min((row.finding.name for row in entry.rows), key=natural_order))


def _counted(count: int, verdict: str) -> str:
    return f"{count} {'fail as they must' if verdict == 'fails as it must' and count > 1 else verdict}"


def _statement(row: LedgerRow) -> GalleryFinding:
    finding = row.finding
    checks = tuple(_check(row, criterion) for criterion in row.criteria)
    return GalleryFinding(finding.name, finding.title, finding.published, finding.note, bool(finding.must_fail), checks)


def _check(row: LedgerRow, criterion: CriterionRow) -> ShownCriterion:
    return ShownCriterion(
        role=row.role,
        words=criterion.words,
        expected=_expected(criterion),
        value=criterion.value,
        model="" if criterion.value is None else number(criterion.value),
        verdict=row.verdict if row.finding.must_fail else criterion.verdict,
        why=row.why,
    )


def _expected(criterion: CriterionRow) -> str:
    """Return the accepted range; what lies about one value as that value and how near is near enough."""
    low, high = criterion.criterion.accept
    form, about, near = criterion.criterion.closed_form, 0.5 * (low + high), 0.5 * (high - low)
    if form:
        return f"{number(about)} ({form.replace('_', ' ')}, within {near:.2g})"
    if low == -high:
        return f"0 within {high:.2g}"
    return f"{number(about)} within {near:.2g}" if near < TIGHT * abs(about) else span((low, high))


MOST_LINES = len(LINES)
STEEP = 1e3
"""Means further apart than this factor are drawn on a logarithmic scale."""
LONG = 5.0
"""So is time, where one arm lasts that much longer than another."""


def overlay_panel(name: str, heading: str, frame: pd.DataFrame, titles: Mapping[str, str], axis: str) -> Panel:
    """Draw the mean of each arm over time, with the middle 80 % of subjects as a band; each line has its own dashes.

    Parameters
    ----------
    frame : data frame of `analysis.course.bands`
    titles : arm -> words, in the order of the lines
    """
    there = [arm for arm in titles if arm in set(frame.arm)]
    shown = there[:MOST_LINES]
    heading += f" ({len(shown)} of {len(there)} arms)" if len(there) > len(shown) else ""
    means = {arm: np.asarray(frame[frame.arm == arm]["mean"], dtype=np.float64) for arm in shown}
    with drawing(name, 4.4, 2.1, Margins(left=0.72, bottom=0.48).with_legend(len(shown))) as (axes, drawn):
        named = distinct_labels([titles[arm] for arm in shown], 56)
        for place, arm in enumerate(shown):
            colour, dash, marker = LINES[place]
            mine = frame[frame.arm == arm]
            if not _steep(means):
                axes.fill_between(mine.time, mine.p10, mine.p90, color=colour, alpha=0.15, linewidth=0)
            every = max(1, len(mine) // 6)
            axes.plot(
                mine.time, mine["mean"], color=colour, linestyle=dash, marker=marker, markersize=4,
                markevery=(place * every // max(len(shown), 1), every), label=named[place],
            )  # fmt: skip
        if _steep(means):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        last = frame[frame.arm.isin(shown)].groupby("arm").time.max()
        if last.max() > LONG * last.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel(axis)
        axes.tick_params(colors=GREY, labelcolor="black")
        axes.figure.legend(loc="lower center", ncols=1)
    said = "; ".join(f"{titles[a]} goes from {number(m[0])} to {number(m[-1])}" for a, m in means.items() if len(m))
    return Panel(heading, drawn.svg, f"{heading}. {said}.")


def _steep(means: Mapping[str, NDArray[np.float64]]) -> bool:
    values = np.concatenate([m for m in means.values() if len(m)] or [np.ones(1)])
    return bool(values.min() > 0.0 and values.max() > STEEP * values.min())


def checks_panel(name: str, heading: str, rows: Sequence[tuple[str, float, tuple[float, float]]]) -> Panel:
    """Draw where values lie in their accepted ranges, for a scenario that records no course.

    Parameters
    ----------
    rows : (words, value, accepted range); an end of a range may be infinite
    """
    with drawing(name, 4.4, 0.3 * len(rows) + 0.2, Margins(left=1.3, bottom=0.42)) as (axes, drawn):
        axes.axvspan(0.0, 1.0, color=GREY, alpha=0.15, linewidth=0)
        for y, (words, value, accept) in enumerate(rows):
            at = float(np.clip(_position(value, accept), -0.5, 1.5))
            inside = accept[0] <= value <= accept[1]
            axes.plot([at], [y], marker="o" if inside else "x", color=BLUE if inside else RUST, markersize=6)
            axes.annotate(cut_text(words, 24), (0, y), xycoords=("axes fraction", "data"), xytext=(-4, 0),
                          textcoords="offset points", ha="right", va="center", fontsize=7.5)  # fmt: skip
        axes.set(xlim=(-0.6, 1.6), ylim=(len(rows) - 0.4, -0.6), yticks=[])
        axes.set_xticks([0.0, 1.0], ["lowest accepted", "highest"])
    said = "; ".join(f"{words}: {number(value)}" for words, value, _ in rows)
    return Panel(heading, drawn.svg, f"{heading}. {said}.")


def _position(value: float, accept: tuple[float, float]) -> float:
    """Return 0 at the lower end of a range, 1 at the upper; where an end is open, just inside or outside the other."""
    low, high = accept
    if np.isfinite(low) and np.isfinite(high):
        return (value - low) / (high - low)
    if np.isfinite(low):
        return 0.5 if value >= low else -0.25
    return 0.5 if value <= high else 1.25
