"""What stands on a page: every sentence, table and figure, read once from one sweep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import workbench.report.appendix as appendix
import workbench.report.evidence as evidence
import workbench.report.methods as methods
import workbench.report.published as findings
import workbench.report.review as review
import workbench.report.statements.closing as closing
import workbench.report.statements.opening as opening
from workbench.analysis.selection import Selection
from workbench.report.comparisons import comparison_figure
from workbench.report.evidence import references, split, works
from workbench.report.figure import Figure
from workbench.report.glossary import glossary
from workbench.report.ground import Ground
from workbench.report.leading import courses_figure, icons_figure
from workbench.report.mechanism import mechanism_figures, turning_figure
from workbench.report.page_tables import PageTable
from workbench.report.protocol_figure import protocol_figure

if TYPE_CHECKING:
    from workbench.findings.ledger import LedgerRow
    from workbench.report.statements import Said
    from workbench.report.words import Wording

MOST_FIGURES = 6
NAMED_LIMITS = 3


@dataclass(frozen=True)
class Page:
    """Everything that the template shows, read once from one sweep."""

    selection: Selection

    @cached_property
    def ground(self) -> Ground:
        """What all sections stand on."""
        return Ground(self.selection)

    @property
    def words(self) -> Wording:
        """How arms, outcomes and subjects are called."""
        return self.ground.words

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The sweep's own row."""
        return dict(self.selection.facts)

    @cached_property
    def use(self) -> dict[str, Any]:
        """Context, not_for, question, limits and contrary evidence as the scenario states them."""
        nothing: dict[str, Any] = {"context": "", "not_for": "", "question": "", "limits": [], "contrary": []}
        return {**nothing, **self.selection.scenario.get("use", {})}

    @cached_property
    def summary(self) -> list[str]:
        """The scenario's own plain sentences."""
        return [str(line) for line in self.selection.scenario.get("summary", [])]

    # --- first screen -------------------------------------------------------------------------------------------

    @cached_property
    def made(self) -> Said:
        """When and with what the runs were made, and who answers for them."""
        return opening.made(self.ground)

    @cached_property
    def who(self) -> list[Said]:
        """Who was simulated, and what was compared."""
        return opening.who_and_what(self.ground)

    @cached_property
    def finding(self) -> list[Said]:
        """The main finding with its size."""
        return opening.finding(self.ground)

    @cached_property
    def beside(self) -> list[Said]:
        """The comparisons that the scenario puts beside it."""
        return opening.beside(self.ground)

    @cached_property
    def in_the_box(self) -> list[Said]:
        """What must be read with the finding: both ranges, how clear it is, what turns it, its tests and caveats."""
        ground = self.ground
        one = (
            opening.assumed_ranges(ground),
            opening.held_to_findings(ground),
            opening.how_clear(ground),
            opening.share_removed(ground),
            opening.with_reference_as_one(ground),
        )
        return [
            *(said for said in one if said),
            *opening.sign_flips(ground),
            opening.tested(ground),
            *opening.caveats(ground),
        ]

    @cached_property
    def not_for(self) -> Said:
        """What the page must not be used for, after "Research use only."."""
        return opening.not_for(self.ground)

    @cached_property
    def costs(self) -> list[Said]:
        """What it costs."""
        return opening.costs(self.ground)

    @cached_property
    def rests_on(self) -> list[Said]:
        """What it rests on, and how far it moves when that changes."""
        ground = self.ground
        return [*opening.hangs_most_on(ground), opening.rests_on_numbers(ground), *opening.moved_by_studies(ground)]

    @cached_property
    def first_limits(self) -> list[str]:
        """The limits that stand on the first screen."""
        return [str(line) for line in self.use["limits"]][:NAMED_LIMITS]

    @cached_property
    def own_limits(self) -> list[Said]:
        """Limits of every simulation of this kind, after those that the scenario states."""
        return opening.own_limits(self.ground)

    @property
    def limits(self) -> int:
        """How many limits the page states in all."""
        return len(self.use["limits"]) + len(self.own_limits)

    @cached_property
    def banner(self) -> list[Said]:
        """What is missing or failed, in sentences; empty if the sweep is whole."""
        return closing.banner(self.facts)

    # --- figures ------------------------------------------------------------------------------------------------

    @cached_property
    def figures(self) -> list[Figure]:
        """The figures before the appendix; where nothing can be compared, the first of those that there are."""
        ground = self.ground
        found = [protocol_figure(ground), turning_figure(ground), courses_figure(ground), comparison_figure(ground)]
        found += [*mechanism_figures(ground), icons_figure(ground)]
        leading = [figure for figure in found if figure] or list(appendix.further_figures(ground, set()))
        return leading[:MOST_FIGURES]

    @cached_property
    def further(self) -> list[Figure]:
        """The figures of the appendix."""
        return list(appendix.further_figures(self.ground, {figure.id for figure in self.figures}))

    @cached_property
    def not_drawn(self) -> list[Said]:
        """Studies that no figure shows, in sentences."""
        return closing.not_drawn(self.ground, [f.id.partition("-")[2] for f in (*self.figures, *self.further)])

    # --- tables -------------------------------------------------------------------------------------------------

    @cached_property
    def arms(self) -> PageTable:
        """Every arm in words, with its counts."""
        return appendix.arms_table(self.ground)

    @cached_property
    def contrary(self) -> PageTable | None:
        """What was published against the scenario."""
        return appendix.contrary_table(self.ground, self.use["contrary"])

    @cached_property
    def known(self) -> Any:
        """The bibliography."""
        return works(self.selection.results.path)

    @cached_property
    def ledger(self) -> PageTable:
        """How many numbers are measured, fitted, assumed, and in whom."""
        return evidence.ledger(self.ground, self.known)

    @property
    def published(self) -> list[LedgerRow]:
        """The published findings about this scenario, misses first; none if no file of findings names it."""
        return self.ground.published

    @cached_property
    def tested(self) -> Said:
        """How many of them the model meets, in a sentence."""
        return closing.findings_record(self.ground)

    @cached_property
    def findings(self) -> list[PageTable]:
        """Every criterion of every finding: tests, then the rest."""
        return findings.findings_tables(self.published, self.ground.queries.cells(self.ground.study))

    @cached_property
    def assumptions(self) -> list[review.Assumption]:
        """Every assumed number, those that move the result most first."""
        return review.assumptions(self.ground)

    @cached_property
    def reviewed(self) -> list[review.Assumption]:
        """Those of them that stand on the page to be mailed back."""
        return self.assumptions[: review.MOST]

    @cached_property
    def request(self) -> Said:
        """What the review sheet asks, and where it may be sent."""
        return closing.review_request(self.ground, self.reviewed, review.hangs_on_first(self.ground, self.reviewed))

    @cached_property
    def more_assumptions(self) -> Said:
        """How many assumptions stand in the appendix only."""
        return closing.more_assumptions(self.assumptions, self.reviewed)

    @cached_property
    def looks(self) -> list[Said]:
        """What each kind of uncertainty looks like."""
        return closing.looks(self.ground)

    @cached_property
    def tables_counted(self) -> Said:
        """How many tables there are."""
        return closing.tables_counted(self.ground, len(self.tables))

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """What may be ticked."""
        return review.ANSWERS

    @cached_property
    def glossary(self) -> list[tuple[str, str]]:
        """Terms and meanings."""
        return glossary(self.ground)

    @cached_property
    def methods(self) -> list[Said]:
        """Methods in words."""
        return closing.methods(self.ground, methods.components(self.ground))

    @cached_property
    def method_tables(self) -> list[PageTable]:
        """Model tables, credibility, equations, works."""
        used = methods.sources(self.ground) | {k for s in self.selection.settings.source for k in split(s)}
        used |= {str(one.get("source", "")) for one in self.use["contrary"]}
        used |= {aim.source for aim in self.ground.aims.all if aim.source}
        used |= {key for row in self.published for key in row.finding.source}
        return [
            methods.credibility(self.ground, self.tested),
            *methods.model_tables(self.ground),
            methods.equations(self.ground),
            references(self.ground, self.known, used),
        ]

    @cached_property
    def all_differences(self) -> PageTable | None:
        """Every comparison of every outcome."""
        return appendix.differences_table(self.ground)

    @cached_property
    def appendix_tables(self) -> list[PageTable]:
        """The tables of the appendix, folded on the screen and left out in print."""
        found = (
            self.all_differences,
            appendix.measures_table(self.ground),
            review.review_table(self.ground, self.assumptions),
            evidence.settings_table(self.words, self.selection.settings, self.ground.queries.settings()),
            appendix.failures_table(self.ground),
            appendix.provenance_table(self.ground),
        )
        return [table for table in found if table is not None]

    @cached_property
    def tables(self) -> list[PageTable]:
        """Every table of the page, each under a name of its own."""
        return list(_distinct(self._all_tables()))

    def _all_tables(self) -> Iterator[PageTable]:
        yield self.arms
        yield from (table for figure in (*self.figures, *self.further) for table in figure.tables)
        yield from (table for table in (self.contrary, self.ledger) if table)
        yield from (*self.findings, *self.method_tables, *self.appendix_tables)


def _distinct(tables: Iterator[PageTable]) -> Iterator[PageTable]:
    """Yield every table; one that shares its name with an earlier one gets a number."""
    seen: dict[str, int] = {}
    for table in tables:
        seen[table.name] = seen.get(table.name, 0) + 1
        yield table if seen[table.name] == 1 else replace(table, name=f"{table.name}_{seen[table.name]}")
