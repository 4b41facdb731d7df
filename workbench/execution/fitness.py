"""Whether every structure of a plan can be put together, asked before anything runs or is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import AssemblyError, ScenarioError

if TYPE_CHECKING:
    from workbench.design import Plan
    from workbench.registry import Registry


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
                arm, levels = study.arms[group.slabs[0].arm], group.slabs[0].levels
                moved = [p for p in (*levels, *plan.scenario.arms[arm].set) if p.startswith(f"{error.path}.")]
                message = f"{error.reason} (in arm {arm})"
                problems.append(places.problem(error.path, message, study=study.name, arm=arm, moved=moved))
    if problems:
        raise ScenarioError({(p.key, p.message.partition(" (in arm")[0]): p for p in reversed(problems)}.values())
