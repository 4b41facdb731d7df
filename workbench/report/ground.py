"""What every section of a page stands on: one sweep, its comparisons, and what the scenario wants said first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.analysis.aims import Aim, Aims, aims
from workbench.analysis.interaction import interactions
from workbench.analysis.paired import compare, studies_to_compare
from workbench.analysis.parameter_uncertainty import Plausible, designs, plausible, plausible_interaction
from workbench.analysis.protocol import days_declared
from workbench.analysis.time_course import TimeCourses, read_time_courses
from workbench.findings.collection import ledger as published
from workbench.findings.held import HeldSets, find_held_sets
from workbench.report.overview import Excess, excess
from workbench.report.queries import Queries
from workbench.report.words import Wording, name_in_words, number, row_records

if TYPE_CHECKING:
    import pandas as pd

    from workbench.analysis.selection import Selection
    from workbench.findings.ledger import LedgerRow


@dataclass(frozen=True)
class Ground:
    """Read once from one sweep; every sentence, figure and table of a page is made from it."""

    selection: Selection

    @cached_property
    def words(self) -> Wording:
        """How arms, outcomes and subjects are called."""
        conditions = self.selection.parameter_set.get("condition", {})
        return Wording(self.selection, {name: str(c.get("title", "")) for name, c in conditions.items()})

    @cached_property
    def queries(self) -> Queries:
        """The questions behind the tables."""
        return Queries(int(self.selection.facts["sweep"]))

    @cached_property
    def study(self) -> str:
        """The study whose arms are compared on the first screen."""
        return studies_to_compare(self.selection)[0]

    @cached_property
    def aims(self) -> Aims:
        """The benefit and the costs."""
        return aims(self.selection)

    @property
    def main(self) -> str:
        """The outcome of the benefit, "" if nothing was measured."""
        return self.aims.benefit.outcome if self.aims.benefit else ""

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Every paired difference of that study at its first point."""
        found = compare(self.selection, study=self.study)
        return found[found.point == found.point.min()] if len(found) else found

    @cached_property
    def outcomes(self) -> list[str]:
        """The outcomes recorded, in the file's order."""
        order = {name: i for i, name in enumerate(self.selection.scenario.get("outcome", {}))}
        return sorted(self.selection.outcomes_named(), key=lambda name: order.get(name, len(order)))

    @cached_property
    def plausible(self) -> list[Plausible]:
        """The comparisons of the benefit and the costs over plausible parameters; empty if no such study was run.

        Comparisons that are zero whatever the parameters say nothing and are left out.
        """
        studies = designs(self.selection)
        outcomes = dict.fromkeys(aim.outcome for aim in self.aims.named) if studies else ()
        found = [f for outcome in outcomes for f in plausible(self.selection, studies[0], outcome)]
        return [f for f in found if f.differences.any()]

    @cached_property
    def spread(self) -> str:
        """The study that moves everything assumed at once, "" if none was run."""
        return next(iter(designs(self.selection)), "")

    @cached_property
    def published(self) -> list[LedgerRow]:
        """The published findings about this scenario, misses first; none if no file of findings names it."""
        return published(self.selection)

    @cached_property
    def held(self) -> HeldSets | None:
        """Which sets of parameters give back the fitted findings; None where none of these can be judged there."""
        return find_held_sets(self.selection, self.spread, self.published) if self.spread else None

    @cached_property
    def crossed(self) -> dict[str, Any]:
        """The four terms of the interaction that the page is about, by name; empty where it is about none."""
        aim = self.aims.benefit
        if aim is None or not aim.interaction:
            return {}
        rows = interactions(self.selection, study=self.study, names=[aim.interaction], outcomes=[aim.outcome])
        return {str(row.term): row for row in row_records(rows[rows.point == rows.point.min()])}

    @property
    def interaction_title(self) -> str:
        """What the interaction that the page is about is called."""
        name = self.aims.benefit.interaction if self.aims.benefit else ""
        return str(self.selection.scenario.get("interaction", {}).get(name, {}).get("title", "")) or name_in_words(name)

    @cached_property
    def main_over(self) -> Plausible | None:
        """What the page is about (a comparison, or an interaction) over sets of parameters; None if not run."""
        aim = self.aims.benefit
        if aim is None or not self.spread or not aim.arm:
            return None
        if aim.interaction:
            return plausible_interaction(self.selection, self.spread, aim.interaction, aim.outcome, aim.four)
        return self.over_parameters(aim)

    @property
    def main_difference(self) -> float | None:
        """The shipped set's own figure of what the page is about; None where nobody finished."""
        aim = self.aims.benefit
        if aim is None:
            return None
        row = self.crossed.get("interaction") if aim.interaction else self.row(aim)
        return None if row is None else float(row.difference)

    @cached_property
    def reach(self) -> Excess | None:
        """What the benefit removes of the excess over the arm that nothing is wrong with; None without such an arm."""
        aim = self.aims.benefit
        return excess(self.selection, self.study, self.spread, aim) if aim is not None and aim.arm else None

    def over_parameters(self, aim: Aim) -> Plausible | None:
        """Return a comparison over plausible parameters, None where that was not run."""
        found = (f for f in self.plausible if (f.outcome, f.arm, f.baseline) == (aim.outcome, *aim.pair))
        return next(found, None)

    def row(self, aim: Aim) -> Any:
        """Return the comparison of an aim as `analysis.compare` gives it, None where no pair finished."""
        rows = self.differences
        if not aim.arm:
            return None
        if self.selection.arms.baseline.get(aim.arm) != aim.against:
            rows = compare(self.selection, study=self.study, baseline=aim.against, outcomes=[aim.outcome])
        chosen = rows[(rows.outcome == aim.outcome) & (rows.arm == aim.arm) & (rows.baseline == aim.against)]
        return next((row for row in row_records(chosen) if row.n > 0), None)

    @cached_property
    def _courses(self) -> dict[str, TimeCourses | None]:
        return {}

    def course(self, name: str) -> TimeCourses | None:
        """Return a recorded course of the compared study, None if it was not recorded there; read once."""
        if name not in self._courses:
            self._courses[name] = read_time_courses(self.selection, self.study, name)
        return self._courses[name]

    def title(self, aim: Aim) -> str:
        """Return what an aim is about, in the scenario's plain words if it has some."""
        return aim.title or self.words.measure("outcome", aim.outcome)

    @cached_property
    def trial_axis(self) -> str:
        """The label of an axis of trials: trials first, days second and only as an assumption."""
        rows = self.selection.settings
        rates = rows[rows.path.str.endswith(".trials_per_day") & rows.number.notna()]
        if not days_declared(self.selection) or rates.number.nunique() != 1:
            return "practice trials"
        first = rates.iloc[0]
        known = first["low"] == first["low"] and first["low"] is not None
        span = f", {number(first['low'])}-{number(first['high'])}" if known else ""
        return f"practice trials (days if {number(first['number'])} effective a day: assumed{span})"
