"""Rules averaged over their inputs: for which tasks, units and stabilisers the average is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.component.tables import Tables


@dataclass(frozen=True)
class MeanField:
    """What is known of a rule averaged over its inputs.

    Attributes
    ----------
    over : str
        What a task must offer so that the rule can be averaged over it.
    stabilisers : tuple of str
        Those that the averaged rule may have; `exact` are those of them with a solution in closed form.
    varying : bool
        Whether it covers inputs whose gain changes during the phase.
    """

    over: str = "covariance"
    stabilisers: tuple[str, ...] = ("none",)
    exact: tuple[str, ...] = ()
    varying: bool = False

    def faults(self, rule: str, fields: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
        """Yield why the rule has no mean field here, if a phase is on the flow clock."""
        flowing = tables.phases_on("flow")
        if not flowing:
            return
        stabiliser = fields["stabiliser"]
        yield from self._task_faults(rule, flowing[0], fields, tables)
        units = list(_unit_faults(fields["projection"], tables))
        yield from units
        if not units and stabiliser not in self.stabilisers:
            yield "stabiliser", f"{rule} with {stabiliser} has no mean field here; use the trial clock"
        for name in flowing:
            yield from _pace_faults(name, stabiliser in self.exact, tables)

    def _task_faults(
        self, rule: str, phase: str, fields: Mapping[str, Any], tables: Tables
    ) -> Iterator[tuple[str, str]]:
        """Yield what is shown where its average is not known."""
        pre = tables["projection"][fields["projection"]]["pre"]
        task, known = tables.shown(pre, "pattern"), " or ".join(tables.kinds("task", self.over))
        if task is None or not (task.offers("eigenvectors") or task.offers(self.over)):
            yield "rule", f"phase {phase} (flow clock) averages over a {known} task"
        elif not task.offers(self.over):
            yield "rule", f"the mean field of {rule} is a sum over {known}, but {pre} shows a {task.kind}"
        elif task.get("changes_in") and not self.varying:
            yield "rule", "the gain of its patterns changes during the phase, which the exact solution does not cover"


def _unit_faults(name: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield postsynaptic units whose activity is more than the weighted sum of this projection's inputs."""
    projection = tables["projection"][name]
    post = projection["post"]
    unit = tables["population"][post]
    incoming = [n for n, p in tables["projection"].items() if p.get("post") == post]
    if projection.get("sign") == "inhibitory":
        yield "rule", f"the flow clock averages over excitation, but {name} is inhibitory; use the trial clock"
    elif not unit.offers("linear") or unit["noise"] != 0.0:
        yield "rule", f"the flow clock needs linear units without noise, which those of {post} are not"
    elif len(incoming) != 1 or unit["baseline"] != 0.0 or not projection.offers("all pairs"):
        yield "rule", f"the flow clock needs {name} (dense) to be the only input of {post}"


def _pace_faults(phase: str, solved: bool, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield time courses that are recorded within a step; a closed-form solution has no steps."""
    declared = tables["phase"][phase]
    step = 1 if solved and declared["solution"] == "exact" else declared["step"]
    for course, recorded in sorted(tables["course"].items()):
        every = recorded["every"]
        if every % step:
            yield "rule", f"phase {phase} goes in steps of {step} trials, but course {course} is read every {every}"
