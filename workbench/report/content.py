"""What stands on a page: every sentence, table and figure, read once from one sweep."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import workbench.report.evidence as evidence
import workbench.report.findings as findings
import workbench.report.ignorance as ignorance
import workbench.report.sections as sections
import workbench.report.tables as tables
from workbench.analysis.chain import chain_studies
from workbench.analysis.course import courses, recorded
from workbench.analysis.findings import ledger as published
from workbench.analysis.paired import compare, studies_to_compare
from workbench.analysis.plausible import Plausible, designs, plausible
from workbench.analysis.protocol import main_outcome
from workbench.analysis.selection import Selection
from workbench.report.chain import chain_figure
from workbench.report.sections import Figure
from workbench.report.tables import Table
from workbench.report.timing import timing_figure
from workbench.report.words import Wording, each, headline, plain, sentence

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.ledger import LedgerRow


@dataclass(frozen=True)
class Page:
    """Everything that the template shows, read once from one sweep."""

    selection: Selection

    @cached_property
    def words(self) -> Wording:
        """How arms, outcomes and subjects are called."""
        conditions = self.selection.parameter_set.get("condition", {})
        return Wording(self.selection, {name: str(c.get("title", "")) for name, c in conditions.items()})

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The sweep's own row."""
        return dict(self.selection.facts)

    @cached_property
    def use(self) -> dict[str, Any]:
        """Context, not_for, question and limits as the scenario states them."""
        return {"context": "", "not_for": "", "question": "", "limits": [], **self.selection.scenario.get("use", {})}

    @cached_property
    def summary(self) -> list[str]:
        """The scenario's own plain sentences."""
        return [str(line) for line in self.selection.scenario.get("summary", [])]

    @cached_property
    def study(self) -> str:
        """The study whose arms are compared on the first screen."""
        return studies_to_compare(self.selection)[0]

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Every paired difference of that study at its first point."""
        found = compare(self.selection, study=self.study)
        return found[found.point == found.point.min()] if len(found) else found

    @cached_property
    def outcomes(self) -> list[str]:
        """The outcomes recorded, in the file's order."""
        named = list(self.selection.scenario.get("outcome", {}))
        order = {name: i for i, name in enumerate(named)}
        return sorted(self.selection.outcomes_named(), key=lambda name: order.get(name, len(order)))

    @cached_property
    def main(self) -> str:
        """The main outcome."""
        return main_outcome(self.selection, self.outcomes) if self.outcomes else ""

    @cached_property
    def headline(self) -> list[str]:
        """The main finding, in sentences made from the stored rows."""
        ranges = {(f.arm, f.baseline): ignorance.range_sentence(self.words, f) for f in self.plausible}
        return headline(self.words, self.differences, self.main, ranges) if self.main else ["Nothing was measured."]

    @cached_property
    def plausible(self) -> list[Plausible]:
        """The comparisons of the main outcome over plausible parameters; empty if no such study was run.

        Comparisons that are zero whatever the parameters say nothing and are left out.
        """
        studies = designs(self.selection) if self.main else []
        found = plausible(self.selection, studies[0], self.main) if studies else []
        return [f for f in found if f.differences.any()]

    @cached_property
    def rests_on(self) -> str:
        """How much of the model is assumed, in a sentence."""
        return evidence.summary(self.selection.settings)

    @cached_property
    def banner(self) -> list[str]:
        """What is missing or failed, in sentences; empty if the sweep is whole."""
        expected, stored, failed = (int(self.facts[name]) for name in ("expected", "stored", "failed"))
        said = []
        if expected > stored + failed:
            said.append(f"Not finished: {expected - stored - failed:,} of {expected:,} runs are still to be computed.")
        if failed:
            said.append(f"{failed:,} of {expected:,} runs failed and are left out of every mean; tables count them.")
        return said

    @cached_property
    def arms(self) -> Table:
        """Every arm in words, with its counts."""
        words, progress = self.words, self.selection.progress
        progress = progress[progress.study == self.study].set_index("arm")
        rows = []
        for name in self.selection.arms.index:
            base = str(self.selection.arms.baseline[name])
            done, failed = (int(progress[c].get(name, 0)) for c in ("stored", "failed"))
            counted = f"{done:,} simulated" + (f", {failed:,} failed" if failed else "")
            rows.append((words.arm(name), words.what(name), words.arm(base) if base else "nothing", counted))
        return Table("What was compared", ("Arm", "What it is", "Compared with", "Runs"), tuple(rows))

    @cached_property
    def figures(self) -> list[Figure]:
        """The figures in the order of the page."""
        names = self._courses()
        leading, *others = names or [""]
        found: list[Figure | None] = []
        chains, drawn_elsewhere = chain_studies(self.selection), designs(self.selection)
        if self.main:
            found.append(sections.effects_figure(self.words, self.differences, self.main))
            main = self.differences[self.differences.outcome == self.main]
            found.append(ignorance.ignorance_figure(self.words, self.plausible, main))
            if course := courses(self.selection, self.study, leading) if leading else None:
                found += [sections.course_figure(self.words, course), timing_figure(self.words, course)]
            found.append(
                sections.dose_figure(self.words, self.study, sections.siblings(self.words, self.outcomes, self.main))
            )
            found.append(sections.responder_figure(self.words, self.study, self.main))
            for study in (str(s) for s in self.selection.studies.index):
                if study in drawn_elsewhere:
                    continue
                if study in chains:
                    found.append(chain_figure(self.words, study))
                else:
                    found += sections.swept_figures(self.words, study, self.main)
        read = (courses(self.selection, self.study, name) for name in others)
        found += [sections.course_figure(self.words, course) for course in read if course]
        return [figure for figure in found if figure]

    def _courses(self) -> list[str]:
        """Return the recorded courses, the one that reads the main outcome over time first."""
        readout = self.selection.measure("outcome", self.main)["readout"] if self.main else ""
        of = {name: self.selection.measure("course", name)["readout"] for name in recorded(self.selection)}
        return sorted(of, key=lambda name: of[name] != readout)

    @cached_property
    def not_drawn(self) -> list[str]:
        """Studies that no figure shows, in sentences."""
        drawn = {f.id.partition("-")[2] for f in self.figures} | {f.study for f in self.plausible}
        swept = [s for s in self.selection.studies.index if self.selection.paths(s) and s not in drawn]
        return [
            f"The study “{plain(s)}” sweeps more than two settings and is not drawn; its runs are in the database."
            for s in swept
        ]

    @cached_property
    def main_differences(self) -> Table:
        """The comparisons of the main outcome."""
        rows = self.differences[self.differences.outcome == self.main]
        return tables.differences(
            self.words, rows, f"Paired differences in {self.words.measure('outcome', self.main)}", named=False
        )

    @cached_property
    def other_differences(self) -> Table | None:
        """The comparisons of all other outcomes."""
        rows = self.differences[self.differences.outcome != self.main]
        order = {name: i for i, name in enumerate(self.outcomes)}
        rows = rows.assign(order=rows.outcome.map(order)).sort_values("order", kind="stable")
        return (
            tables.differences(self.words, rows, "Paired differences in every other outcome", named=True)
            if len(rows)
            else None
        )

    @cached_property
    def measures(self) -> Table:
        """What each outcome means."""
        found = [self.selection.measure("outcome", name) for name in self.outcomes]
        rows = tuple(
            (
                self.words.measure("outcome", str(m["name"])),
                sentence(str(m["meaning"])),
                "" if m["unit"] == "1" else str(m["unit"]),
                str(m["better"] or "no direction"),
            )
            for m in found
        )
        return Table("What the outcomes mean", ("Outcome", "Meaning", "Unit", "Better"), rows)

    @cached_property
    def ledger(self) -> Table:
        """How many settings are measured, fitted, assumed."""
        return evidence.ledger(self.selection.settings)

    @cached_property
    def published(self) -> list[LedgerRow]:
        """The published findings about this scenario, misses first; none if no file of findings names it."""
        return published(self.selection)

    @cached_property
    def findings_summary(self) -> str:
        """How many of them the model meets, in a sentence."""
        return findings.findings_summary(self.published)

    @cached_property
    def findings(self) -> Table:
        """Every criterion of every finding."""
        return findings.findings_table(self.published)

    @cached_property
    def settings(self) -> Table:
        """Every setting in every arm."""
        return evidence.settings_table(self.words, self.selection.settings)

    @cached_property
    def failures(self) -> Table | None:
        """Why runs failed, counted by study, arm and reason."""
        rows = self.selection.sql(
            "select study, arm, reason, count(*) as n, min(model_time) as first from failures where sweep = :sweep"
            " group by study, arm, reason order by study, arm, reason"
        )
        cells = tuple(
            (plain(r.study), self.words.arm(r.arm), str(r.reason), f"{r.n:,}", str(r.first)) for r in each(rows)
        )
        return Table("Failed runs", ("Study", "Arm", "Reason", "Runs", "For example at"), cells) if cells else None

    @cached_property
    def provenance(self) -> Table:
        """Where every number comes from."""
        facts, results = self.facts, self.selection.results
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
        versions = results.provenance(self.selection.sweep)
        for key, values in versions.groupby("key", sort=True)["value"]:
            rows.append((str(key), ", ".join(dict.fromkeys(str(v) for v in values))))
        return Table("Provenance", ("What", "Value"), tuple(rows))
