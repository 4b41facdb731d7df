"""Refitting parameters to the findings that they name, by batches of candidates.

A population with the shipped values in it evolves between the bounds, a generation as one batch; from its best, bounded
least squares goes on. The same seed gives the same answer, stopped or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.calibration.candidates import Answer, Candidates, Stopped, forecast
from workbench.calibration.fit import Calibration, Fitted
from workbench.calibration.loss import SWEPT, FitTarget, Loss, targets_of
from workbench.calibration.search import Free, Search, directions, explain_no_freedom, free_parameters
from workbench.errors import StorageError, UsageError
from workbench.execution.signals import StopSignal
from workbench.findings.finding import Finding
from workbench.findings.ledger import in_words
from workbench.scenario.model import Scenario

if TYPE_CHECKING:
    from workbench.calibration.candidates import RefitProgress
    from workbench.solver.batch import Structure
    from workbench.store.refit_log import CandidateLog, Sought


BUDGET = 1_000
"""Candidates simulated, unless the caller says otherwise."""
DIGITS = 6
"""Digits of a refitted value: more would claim what no search can know."""


def calibrate(
    scenario: Scenario | str | Path,
    *,
    parameters: Iterable[str] = (),
    seed: int = 1,
    budget: int = BUDGET,
    subjects: int | None = None,
    workers: int = 1,
    db: str | Path | None = None,
    to: str | Path | None = None,
    force: bool = False,
    progress: RefitProgress | None = None,
    command: str = "",
    lock_timeout: float = 30.0,
) -> Calibration:
    """Refit the parameters whose ``fitted_to`` names findings that this scenario evaluates.

    Writes nothing unless `db` or `to` is given.

    Parameters
    ----------
    parameters
        Only these; all that can be moved unless named.
    seed
        Of the population; subjects keep the scenario's own seed.
    budget
        Candidates to simulate at most.
    subjects
        Of each candidate; the scenario's own number unless given.
    db
        A result database that keeps every candidate: the same call continues it, and a larger budget uses what
        is there.
    to
        The file of the new parameter set, NAME.toml; `force` replaces one that exists.

    Raises
    ------
    ScenarioError
        If the scenario or a finding has a mistake.
    UsageError
        If there is nothing to move or nothing to fit to, or the budget is too small.
    StorageError
        If a file cannot be written.
    Stopped
        After Ctrl-C or SIGTERM, once the part of a batch that was in flight is stored; a second one raises
        `StoppedAtOnce`.
    """
    from workbench.calibration.parameter_set import refuse_target, write_set
    from workbench.scenario import load_scenario

    document = load_scenario(scenario) if isinstance(scenario, str | Path) else scenario
    if to is not None:
        refuse_target(Path(to), document.parameters.name, force)
    question = _Question.of(document, tuple(parameters), seed, budget, subjects)
    with (
        StopSignal(progress.stopping if progress else None) as stop,
        question.log(db, command, lock_timeout) as log,
        question.loss(workers).at_work() as loss,
    ):
        candidates = Candidates(loss, question.targets, question.fitted, budget, log, progress, stop)
        search = Search(candidates, question.free, budget)
        if progress is not None:
            progress.forecast(forecast(loss, question.targets[: question.fitted], budget, log))
        found = question.answered(search)
    if to is not None:
        write_set(found, Path(to))
    return found


@dataclass(frozen=True)
class _Question:
    """What is moved, to fit what; the first `fitted` of the targets make the loss."""

    scenario: Scenario
    findings: tuple[Finding, ...]
    free: tuple[Free, ...]
    frozen: tuple[tuple[str, str], ...]
    targets: tuple[FitTarget, ...]
    fitted: int
    seed: int
    budget: int
    subjects: int

    @classmethod
    def of(cls, scenario: Scenario, only: tuple[str, ...], seed: int, budget: int, subjects: int | None) -> _Question:
        """Read the findings about `scenario` and see what may move and what can be evaluated."""
        from workbench.findings.collection import scenario_findings

        (bound,) = scenario_findings([Path(scenario.file)])
        free, frozen = free_parameters(scenario, bound.bound, only)
        every = targets_of(bound.bound)
        named = {name for one in free for name in one.findings}
        fitted = [target for target in every if target.finding in named]
        if not free or not fitted:
            raise UsageError(f"{scenario.file}: nothing to refit ({explain_no_freedom(frozen)})")
        fewest = len(free) + 1
        if budget < fewest or seed < 0:
            raise UsageError(
                f"budget {budget}, seed {seed}: {len(free)} parameters need at least {fewest} candidates (the shipped"
                " values, and at the end a step of each), and a seed is 0 or more"
            )
        targets = (*fitted, *(target for target in every if target not in fitted))
        count = scenario.subjects.count if subjects is None else subjects
        return cls(scenario, tuple(bound.bound), tuple(free), tuple(frozen), targets, len(fitted), seed, budget, count)

    @property
    def findings_sha256(self) -> str:
        """The hash over all that the findings say."""
        return hashlib.sha256("\n".join(map(repr, self.findings)).encode()).hexdigest()

    def loss(self, workers: int) -> Loss:
        """Return the distance from the targets."""
        return Loss(self.scenario, tuple(one.name for one in self.free), self.subjects, workers)

    @contextmanager
    def log(self, db: str | Path | None, command: str, lock_timeout: float) -> Iterator[CandidateLog | None]:
        """Keep the log of candidates open, if there is to be one, and write down how it ended."""
        if db is None:
            yield None
            return
        from workbench.store.refit_log import CandidateLog

        with CandidateLog(Path(db), self._sought(), self.budget, command, lock_timeout) as log:
            try:
                yield log
            except BaseException as fault:
                with suppress(StorageError):
                    log.finish("stopped" if isinstance(fault, Stopped) else "broken off")
                raise
            log.finish("finished")

    def _sought(self) -> Sought:
        from workbench.store.refit_log import Sought

        loss = self.loss(1)
        shipped = np.array([[one.value for one in self.free]])
        return Sought(
            scenario=self.scenario,
            parameters=tuple((one.name, one.unit, one.value, one.low, one.high) for one in self.free),
            criteria=tuple(target.recorded(i < self.fitted) for i, target in enumerate(self.targets)),
            findings_sha256=self.findings_sha256,
            structures=tuple(sorted(map(_identity, loss.request(shipped, self.targets).plan.structures()))),
            seed=self.seed,
            subjects=self.subjects,
        )

    def answered(self, search: Search) -> Calibration:
        """Search, and compare the shipped values with the best."""
        best, jacobian = search.run(self.seed)
        shipped, refit = search.scaled(search.shipped), search.scaled(best)
        if not np.array_equal(best, search.shipped):
            refit = np.clip([round_as_written(value) for value in refit], search.low, search.low + search.width)
        answers = search.candidates.compared(np.array([shipped, refit]))
        rows = tuple(self._rows(*answers))
        eigenvalues, open_directions = directions([one.name for one in self.free], jacobian)
        log = search.candidates.log
        return Calibration(
            scenario=self.scenario,
            parameters=tuple(search.refits(refit, jacobian)),
            frozen=self.frozen,
            rows=rows,
            left_out=tuple(self._left_out()),
            eigenvalues=eigenvalues,
            directions=open_directions,
            loss=(_sum(rows, 0), _sum(rows, 1)),
            candidates=search.candidates.spent,
            computed=search.candidates.computed,
            seed=self.seed,
            budget=self.budget,
            subjects=self.subjects,
            findings_sha256=self.findings_sha256,
            db=log.path if log else None,
            calibration=log.calibration if log else None,
            said=log.said if log else "",
        )

    def _rows(self, shipped: Answer, refit: Answer) -> Iterator[Fitted]:
        (before, errors_before), (after, errors_after) = shipped, refit
        for i, target in enumerate(self.targets):
            values = float(before[i]), float(after[i])
            yield Fitted(target, i < self.fitted, *values, errors_before[i], errors_after[i])

    def _left_out(self) -> Iterator[tuple[str, str, str]]:
        evaluated = {id(target.criterion) for target in self.targets}
        for finding in self.findings:
            for criterion in finding.criteria:
                if id(criterion) not in evaluated and not criterion.beside:
                    yield finding.name, in_words(criterion), SWEPT


def _identity(structure: Structure) -> str:
    """Return a circuit with the revisions of its components, and the text's hash of those that are not installed."""
    return " ".join([structure.identity.hex(), *(table.source_sha256 for table in structure.tables)])


def round_as_written(value: float) -> float:
    """Return a value with the digits that are written and compared."""
    return float(f"{value:.{DIGITS}g}")


def _sum(rows: Sequence[Fitted], which: int) -> float:
    return float(sum(row.residuals[which] ** 2 for row in rows if row.fitted))
