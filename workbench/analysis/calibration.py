"""Refitting parameters to the findings that they name, by least squares over batches of candidates.

The shipped values and a Latin hypercube of starts are one batch; from the best of them a bounded least-squares search
goes on, with the columns of its Jacobian as one batch a step. The same seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.analysis.loss import SWEPT, Loss, Target, targets_of
from workbench.analysis.search import Free, Refit, Search
from workbench.errors import UsageError
from workbench.literature.model import Finding
from workbench.scenario.model import Scenario

BUDGET = 1_000
"""Candidates simulated, unless the caller says otherwise."""


@dataclass(frozen=True)
class Fitted:
    """One criterion before and after; `target` says whether it was fitted to, or is only shown."""

    target: Target
    fitted: bool
    before: float
    after: float

    @property
    def residuals(self) -> tuple[float, float]:
        """Distances from what was published, in errors, before and after."""
        return self.target.residual(self.before), self.target.residual(self.after)


@dataclass(frozen=True)
class Calibration:
    """What a refit found.

    Attributes
    ----------
    frozen : tuple of (name, why)
        Parameters that name a finding of this scenario and were not moved.
    rows : tuple of Fitted
        Every criterion of the scenario's findings: those fitted to first.
    eigenvalues : tuple of float
        Of J'J at the end, falling, with parameters in widths of their ranges and residuals in errors: directions far
        below 1 are not determined by the targets.
    loss : (before, after)
        Sums of squared residuals of the targets.
    """

    scenario: Scenario
    parameters: tuple[Refit, ...]
    frozen: tuple[tuple[str, str], ...]
    rows: tuple[Fitted, ...]
    left_out: tuple[tuple[str, str], ...]
    eigenvalues: tuple[float, ...]
    loss: tuple[float, float]
    candidates: int
    seed: int
    budget: int


def calibrate(
    scenario: Scenario | str | Path,
    *,
    parameters: Iterable[str] = (),
    seed: int = 1,
    budget: int = BUDGET,
    subjects: int | None = None,
    workers: int = 1,
) -> Calibration:
    """Refit the parameters whose ``fitted_to`` names findings that this scenario evaluates.

    Parameters
    ----------
    parameters
        Only these; all that can be moved unless named.
    seed
        Of the starts; subjects keep the scenario's own seed.
    budget
        Candidates to simulate at most.

    Raises
    ------
    ScenarioError
        If the scenario or a finding has a mistake.
    UsageError
        If there is nothing to move or nothing to fit to.
    """
    from workbench.analysis.findings import scenario_findings
    from workbench.scenario import load_scenario

    document = load_scenario(scenario) if isinstance(scenario, str | Path) else scenario
    (bound,) = scenario_findings([Path(document.file)])
    free, frozen = free_parameters(document, bound.bound, tuple(parameters))
    every = targets_of(bound.bound)
    named = {name for one in free for name in one.findings}
    targets = [target for target in every if target.finding in named]
    if not free or not targets:
        raise UsageError(f"{document.file}: nothing to refit ({_reasons(frozen)})")
    loss = Loss(document, tuple(one.name for one in free), subjects, None, workers)
    search = Search(loss, tuple(free), tuple(targets), budget)
    best = search.run(seed)
    jacobian = search.jacobian(best)
    shown = [*targets, *(target for target in every if target not in targets)]
    before, after = loss.values(search.scaled(np.array([search.shipped, best])), shown)
    rows = tuple(
        Fitted(target, target in targets, float(a), float(b)) for target, a, b in zip(shown, before, after, strict=True)
    )
    return Calibration(
        scenario=document,
        parameters=tuple(search.refits(best, jacobian)),
        frozen=tuple(frozen),
        rows=rows,
        left_out=tuple((name, SWEPT) for name in sorted(named - {t.finding for t in targets})),
        eigenvalues=tuple(float(e) for e in np.sort(np.linalg.eigvalsh(jacobian.T @ jacobian))[::-1]),
        loss=tuple(float(sum(r.residuals[i] ** 2 for r in rows if r.fitted)) for i in (0, 1)),  # type: ignore[arg-type]
        candidates=search.spent,
        seed=seed,
        budget=budget,
    )


def free_parameters(
    scenario: Scenario, findings: Sequence[Finding], only: Collection[str] = ()
) -> tuple[list[Free], list[tuple[str, str]]]:
    """Return the parameters that may move, and those that name a finding but may not, with the reason."""
    checked = {finding.name for finding in findings if finding.checked != "memory"}
    kept, free, frozen = scenario.parameters, list[Free](), list[tuple[str, str]]()
    unknown = [name for name in only if name not in kept.values]
    if unknown:
        raise UsageError(f"no parameter {unknown[0]!r} in {kept.name} (there are: {', '.join(kept.values)})")
    changed = {name: c for c, values in kept.conditions.items() for name in values}
    for name, value in kept.values.items():
        evidence = value.evidence
        named = tuple(f for f in (evidence.fitted_to if evidence else ()) if f in checked)
        if evidence is None or not named or evidence.status != "fitted":
            continue
        if only and name not in only:
            frozen.append((name, "not asked for"))
        elif evidence.low is None or evidence.high is None:
            frozen.append((name, "it has no range"))
        elif name in changed:
            frozen.append((name, f"condition {changed[name]} has a value of its own"))
        elif not _used(scenario, name):
            frozen.append((name, "no field of this scenario refers to it"))
        else:
            free.append(Free(name, value.number, evidence.low, evidence.high, value.unit, named))
    return free, frozen


def _used(scenario: Scenario, name: str) -> bool:
    from workbench.design.overrides import unit_of
    from workbench.errors import ScenarioError

    try:
        unit_of(scenario, f"parameter.{name}")
    except ScenarioError:
        return False
    return True


def _reasons(frozen: Sequence[tuple[str, str]]) -> str:
    told = "; ".join(f"{name}: {why}" for name, why in frozen)
    return told or "no parameter of its set names one of its findings under fitted_to"
