"""Checks that every structure of a plan can be built, before anything runs or is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.errors import AssemblyError, InertError, Problem, ScenarioError
from workbench.terms import FEW, FEWEST

if TYPE_CHECKING:
    from workbench.component.registry import Registry
    from workbench.plan import Plan


def check_fitness(plan: Plan, registry: Registry | None = None) -> Plan:
    """Return the plan with what is known of it once it is put together; errors as in `refuse_unfit`."""
    refuse_unfit(plan, registry)
    return replace(plan, notes=(*plan.notes, *_note_few_subjects(plan, registry)))


def _note_few_subjects(plan: Plan, registry: Registry | None) -> Iterator[Problem]:
    """Yield a note where subjects differ, by traits or by chance, and are too few to show it."""
    from workbench.scenario.places import Places
    from workbench.solver.run import shape_of

    places, noted = Places(plan.scenario, plan.settings), set()
    for study in plan.studies:
        differ = plan.scenario.subjects.traits or any(shape_of(g.structure, registry).drawn for g in study.groups)
        if study.paths or study.subjects >= FEWEST or not differ or study.subjects in noted:
            continue
        noted.add(study.subjects)
        who = "1 subject is" if study.subjects == 1 else f"{study.subjects} subjects are"
        message = f"{who} too few to show how subjects differ (at least {FEWEST}; below {FEW} every interval is rough)"
        asked = plan.scenario.studies[study.name].subjects
        key = f"study.{study.name}.subjects" if asked != plan.scenario.subjects.count else "subjects.count"
        at = Problem(plan.scenario.file, 0, 0, key, message)
        yield places.located(at) if study.subjects == asked else replace(at, key="--subjects")


def with_rules(inert: InertError, registry: Registry | None = None) -> ScenarioError:
    """Return the error of tables that act on nothing with the rules beside that the scenario breaks.

    One slip may leave a table without a reader and break a rule as well; the rule is the nearer reason.
    """
    from workbench.plan import plan

    try:
        refuse_unfit(plan(inert.scenario), registry)
    except ScenarioError as rules:
        return ScenarioError([*rules.problems, *inert.problems])
    return inert


def refuse_unfit(plan: Plan, registry: Registry | None = None) -> None:
    """Put one narrow block of each structure together; no step is taken.

    Raises
    ------
    ScenarioError
        If a table asks for something that no other table makes: a receptor for the level of a transmitter that has
        none, a rule for the bursts of one that never fires.
    """
    from workbench.scenario.places import Places
    from workbench.solver.run import width_for

    places, problems = Places(plan.scenario, plan.settings), []
    for study in plan.studies:
        for group in study.groups:
            try:
                width_for(group.structure, registry)
            except AssemblyError as error:
                arm, levels = study.arms[group.arm_slices[0].arm], group.arm_slices[0].levels
                moved = [p for p in (*levels, *plan.scenario.arms[arm].set) if p.startswith(f"{error.path}.")]
                message = f"{error.reason} (in arm {arm})"
                problems.append(places.problem(error.path, message, study=study.name, arm=arm, moved=moved))
    if problems:
        raise ScenarioError({(p.key, p.message.partition(" (in arm")[0]): p for p in reversed(problems)}.values())
