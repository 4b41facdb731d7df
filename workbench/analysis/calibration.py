"""Refitting parameters to the findings that they name, by least squares over batches of candidates.

The shipped values and a Latin hypercube of starts are one batch; from the best of them a bounded least-squares search
goes on, with the columns of its Jacobian as one batch a step. The same seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.analysis.loss import SWEPT, Loss, Target, targets_of
from workbench.errors import UsageError
from workbench.literature.model import Finding
from workbench.scenario.model import Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BUDGET = 1_000
"""Candidates simulated, unless the caller says otherwise."""
START_SHARE, MOST_STARTS = 0.25, 256
"""Share of the budget, and the largest number, of candidates that are spread over the bounds first."""
SEARCHES = 3
STEP = 1e-3
"""Step of a difference quotient, in widths of a parameter's range."""
UNIFORM = 12.0
"""Precision of a value that may lie anywhere in its range with equal chance, in widths of that range."""
IDENTIFIED = 0.5
"""A parameter is identified if the findings leave less than this share of what its range left open."""


@dataclass(frozen=True)
class Free:
    """A parameter that may move: its shipped value and its bounds in `unit`.

    `findings` are the targets that it was fitted to, as far as this scenario evaluates them.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Refit:
    """A parameter after the search.

    Attributes
    ----------
    left : float
        Standard deviation that the targets leave, as a share of that of the whole range: 1 says that they say nothing.
    at_bound : bool
        Whether the search ended at an end of the range.
    """

    free: Free
    value: float
    left: float
    at_bound: bool

    @property
    def identified(self) -> bool:
        """Whether the targets say where in its range the parameter lies."""
        return self.left < IDENTIFIED


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
    search = _Search(loss, tuple(free), tuple(targets), budget)
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


class _Search:
    """A search in the unit cube that the parameters' ranges span."""

    def __init__(self, loss: Loss, free: tuple[Free, ...], targets: tuple[Target, ...], budget: int) -> None:
        self.loss, self.free, self.targets, self.budget = loss, free, targets, budget
        self.low = np.array([one.low for one in free])
        self.width = np.array([one.high - one.low for one in free])
        self.shipped: Array = (np.array([one.value for one in free]) - self.low) / self.width
        self.spent = 0

    def scaled(self, unit: Array) -> Array:
        """Return points of the cube in the parameters' own units."""
        return np.asarray(self.low + unit * self.width)

    def at(self, unit: Array) -> Array:
        """Return the residuals of several candidates, as one batch."""
        self.spent += len(unit)
        return self.loss.residuals(self.scaled(unit), self.targets)

    def run(self, seed: int) -> Array:
        """Return the best point found within the budget; the shipped one if nothing is better."""
        from scipy.stats import qmc

        count = min(int(self.budget * START_SHARE), MOST_STARTS)
        spread = qmc.LatinHypercube(len(self.free), rng=seed).random(count)
        starts = np.concatenate([self.shipped[None], spread])
        sums = (self.at(starts) ** 2).sum(axis=1)
        order = [0, *(i for i in np.argsort(sums, kind="stable") if i)][:SEARCHES]
        ends = [(float(sums[0]), self.shipped)]
        step = len(self.free) + 1
        for left, start in zip(range(len(order), 0, -1), order, strict=True):
            allowed = (self.budget - step - self.spent) // (left * step)  # one Jacobian is kept for the end
            if allowed > 0:
                ends.append(self.descend(starts[start], allowed))
        return min(ends, key=lambda end: end[0])[1]

    def descend(self, start: Array, most: int) -> tuple[float, Array]:
        """Return (sum of squares, point) of a bounded least-squares search with `most` evaluations."""
        from scipy.optimize import least_squares

        known: dict[bytes, tuple[Array, Array]] = {}

        def both(x: Array) -> tuple[Array, Array]:
            # Value and Jacobian cost one batch together; SciPy asks for them one after the other.
            if x.tobytes() not in known:
                known[x.tobytes()] = self.linear(x)
            return known[x.tobytes()]

        inside = np.clip(start, 1e-9, 1 - 1e-9)
        found = least_squares(
            lambda x: both(x)[0], inside, lambda x: both(x)[1], bounds=(0.0, 1.0), max_nfev=max(most, 1), method="trf"
        )
        return float((found.fun**2).sum()), found.x

    def linear(self, x: Array) -> tuple[Array, Array]:
        """Return residuals and Jacobian at a point; steps lead into the cube."""
        steps = np.where(x + STEP <= 1.0, STEP, -STEP)
        found = self.at(np.concatenate([x[None], x + np.diag(steps)]))
        return found[0], ((found[1:] - found[0]) / steps[:, None]).T

    def jacobian(self, x: Array) -> Array:
        """Return the derivative of residuals by parameters in widths of their ranges."""
        return self.linear(x)[1]

    def refits(self, best: Array, jacobian: Array) -> Iterable[Refit]:
        """Yield each parameter with what the targets leave open of it."""
        # A value anywhere in its range with equal chance is the weakest statement; the targets can only add to it.
        left = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian + UNIFORM * np.eye(len(best)))) * UNIFORM)
        for i, one in enumerate(self.free):
            edge = bool(min(best[i], 1 - best[i]) < 10 * STEP)
            yield Refit(one, float(self.scaled(best)[i]), float(left[i]), edge)
