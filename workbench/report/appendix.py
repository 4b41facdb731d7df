"""The appendix: every further figure and table, and what the banner says of missing runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import workbench.report.page_tables as tables
import workbench.report.parameter_ranges as ignorance
import workbench.report.sections as sections
from workbench.analysis.dose_response import chain_studies
from workbench.analysis.parameter_uncertainty import designs
from workbench.analysis.time_course import recorded_names
from workbench.report.dose_lines import chain_figure
from workbench.report.figure import Figure
from workbench.report.page_tables import PageTable
from workbench.report.time_courses import grouped_courses
from workbench.report.timing import timing_figure
from workbench.report.words import name_in_words, row_records, sentence

if TYPE_CHECKING:
    from workbench.report.ground import Ground


def further_figures(ground: Ground, drawn: set[str]) -> Iterator[Figure]:
    """Yield the figures that do not stand before the appendix."""
    found: list[Figure | None] = []
    if ground.main:
        main = ground.differences[ground.differences.outcome == ground.main]
        mine = [f for f in ground.plausible if f.outcome == ground.main]
        found.append(ignorance.ignorance_figure(ground, mine, main))
        found.append(sections.responder_figure(ground.words, ground.study, ground.main))
        found += _swept(ground, drawn)
    for i, name in enumerate(_courses(ground)):
        course = ground.course(name)
        if course:
            found.append(grouped_courses(ground.words, course))
            found.append(timing_figure(ground.words, course) if i == 0 else None)
    yield from (figure for figure in found if figure and figure.id not in drawn)


def _swept(ground: Ground, drawn: set[str]) -> Iterator[Figure | None]:
    chains, elsewhere = chain_studies(ground.selection), designs(ground.selection)
    for study in (str(s) for s in ground.selection.studies.index):
        if study in elsewhere or drawn & {f"map-{study}", f"chain-{study}"}:
            continue
        if study in chains:
            yield chain_figure(ground.words, study)
        else:
            yield from sections.swept_figures(ground.words, study, ground.main)


def _courses(ground: Ground) -> list[str]:
    """Return the recorded courses, the one that reads the main outcome over time first."""
    aim = ground.aims.benefit
    leading = aim.course if aim else ""
    return sorted(recorded_names(ground.selection), key=lambda name: name != leading)


def arms_table(ground: Ground) -> PageTable:
    """Every arm in words, with its counts."""
    words, progress = ground.words, ground.selection.progress
    progress = progress[progress.study == ground.study].set_index("arm")
    rows = []
    for name in ground.selection.arms.index:
        base = str(ground.selection.arms.baseline[name])
        done, failed = (int(progress[c].get(name, 0)) for c in ("stored", "failed"))
        counted = f"{done:,} simulated" + (f", {failed:,} failed" if failed else "")
        title, short = words.arm(name), words.short(name)
        named = title if short == title else f"{title} ({short})"
        rows.append((named, words.what(name), words.arm(base) if base else "nothing", counted))
    table = PageTable("What was compared", ("Arm", "What it is", "Compared with", "Runs"), tuple(rows))
    return table.of("arms", ground.queries.runs())


def contrary_table(ground: Ground, declared: Sequence[Mapping[str, str]]) -> PageTable | None:
    """What was published against the scenario."""
    rows = tuple((str(one.get("text", "")), str(one.get("source", ""))) for one in declared)
    table = PageTable("What speaks against it", ("Observation", "Source"), rows)
    return table.of("contrary", ground.queries.text()) if rows else None


def differences_table(ground: Ground) -> PageTable | None:
    """Every comparison of every outcome, in the file's order of outcomes."""
    order = {name: i for i, name in enumerate(ground.outcomes)}
    rows = ground.differences
    if rows.empty:
        return None
    rows = rows.assign(order=rows.outcome.map(order)).sort_values("order", kind="stable")
    table = tables.differences(ground.words, rows, "Every comparison of every outcome", named=True)
    return table.of("differences", ground.queries.pairs(ground.study))


def measures_table(ground: Ground) -> PageTable:
    """What each outcome means."""
    found = [ground.selection.measure("outcome", name) for name in ground.outcomes]
    rows = tuple(
        (
            ground.words.measure("outcome", str(m["name"])),
            sentence(str(m["meaning"])),
            "" if m["unit"] == "1" else str(m["unit"]),
            str(m["better"] or "no direction"),
        )
        for m in found
    )
    table = PageTable("What the outcomes mean", ("Outcome", "Meaning", "Unit", "Better"), rows)
    return table.of("outcomes", ground.queries.measures())


def failures_table(ground: Ground) -> PageTable | None:
    """Why runs failed, counted by study, arm and reason."""
    rows = ground.selection.sql(
        "select study, arm, reason, count(*) as n, min(model_time) as first from failures where sweep = :sweep"
        " group by study, arm, reason order by study, arm, reason"
    )
    cells = tuple(
        (name_in_words(r.study), ground.words.arm(r.arm), str(r.reason), f"{r.n:,}", str(r.first))
        for r in row_records(rows)
    )
    table = PageTable("Failed runs", ("Study", "Arm", "Reason", "Runs", "For example at"), cells)
    return table.of("failures", ground.queries.failures()) if cells else None


def provenance_table(ground: Ground) -> PageTable:
    """Where every number comes from."""
    facts, results = ground.selection.facts, ground.selection.results
    rows = [
        ("Scenario", f"{facts['scenario']}, SHA-256 {facts['scenario_sha256']}"),
        (
            "Parameter set",
            f"{facts['parameter_set'] or 'none'} {facts['parameter_version']}, SHA-256 {facts['parameter_sha256']}",
        ),
        ("Sweep", f"number {facts['sweep']} of {results.path.name}, identity {facts['identity']}"),
        ("Settings given on the command line", "none" if facts["settings"] == "{}" else str(facts["settings"])),
        ("Seed", str(facts["seed"])),
        ("Runs", f"{facts['expected']:,} expected, {facts['stored']:,} stored, {facts['failed']:,} failed"),
        ("Subjects", f"{facts['subjects']:,}"),
        ("Command", str(facts["command"])),
    ]
    versions = results.provenance(ground.selection.sweep)
    for key, values in versions.groupby("key", sort=True)["value"]:
        rows.append((str(key), ", ".join(dict.fromkeys(str(v) for v in values))))
    return PageTable("Provenance", ("What", "Value"), tuple(rows)).of("provenance", ground.queries.facts())
