"""What a refit found: each criterion and each parameter before and after, and what a reader must know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.calibration.loss import FitTarget
from workbench.calibration.search import Direction, Refit
from workbench.findings.ledger import SHARE
from workbench.scenario.model import Scenario

FEW = 2.0
"""With fewer targets than this for each number that moves, a fit shows that the structure suffices and no more."""

Change = Literal["improved", "still missed", "newly missed", "stays met"]
CHANGES: tuple[Change, ...] = ("improved", "still missed", "newly missed", "stays met")


@dataclass(frozen=True)
class Fitted:
    """One criterion before and after; `target` says whether it was fitted to, or is only shown.

    Attributes
    ----------
    error_before, error_after : float, optional
        Standard errors of the two values over simulated subjects; None where they cannot be known.
    """

    target: FitTarget
    fitted: bool
    before: float
    after: float
    error_before: float | None
    error_after: float | None

    @property
    def residuals(self) -> tuple[float, float]:
        """Distances from what was published, in errors, before and after."""
        return self.target.residual(self.before), self.target.residual(self.after)

    @property
    def noise(self) -> float | None:
        """The error of the value after, in widths of the accepted range."""
        return None if self.error_after is None else self.error_after / self.target.width

    @property
    def noisy(self) -> bool:
        """Whether that error is too large, or not known, to tell whether the value lies in the range."""
        return self.noise is None or self.noise > SHARE

    @property
    def change(self) -> Change:
        """What the refit made of it: ``improved`` is from outside the accepted range to inside."""
        before, after = self.target.inside(self.before), self.target.inside(self.after)
        if after:
            return "stays met" if before else "improved"
        return "newly missed" if before else "still missed"


@dataclass(frozen=True)
class Calibration:
    """What a refit found.

    Attributes
    ----------
    frozen : tuple of (name, why)
        Parameters that name a finding of this scenario and were not moved.
    rows : tuple of Fitted
        Every criterion of the scenario's findings that can be evaluated: those fitted to first.
    left_out : tuple of (finding, words, why)
        The other criteria.
    eigenvalues : tuple of float
        Of J'J at the end, falling, with parameters in widths of their ranges and residuals in errors.
    directions : tuple of Direction
        Combinations of parameters that the targets leave open, the most open first.
    loss : (before, after)
        Sums of squared residuals of the targets.
    candidates : int
        Different candidates that the search asked for; `computed` of them now, the others were in the log.
    subjects : int
        Of each candidate, the same in all.
    findings_sha256 : str
        Hash over all that the scenario's findings say.
    """

    scenario: Scenario
    parameters: tuple[Refit, ...]
    frozen: tuple[tuple[str, str], ...]
    rows: tuple[Fitted, ...]
    left_out: tuple[tuple[str, str, str], ...]
    eigenvalues: tuple[float, ...]
    directions: tuple[Direction, ...]
    loss: tuple[float, float]
    candidates: int
    computed: int
    seed: int
    budget: int
    subjects: int
    findings_sha256: str
    db: Path | None = None
    calibration: int | None = None
    said: str = ""

    @property
    def fitted(self) -> list[Fitted]:
        """The criteria that were fitted to."""
        return [row for row in self.rows if row.fitted]

    @property
    def shown(self) -> list[Fitted]:
        """The criteria that nothing was fitted to."""
        return [row for row in self.rows if not row.fitted]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before using the numbers."""
        return tuple(_warnings(self))


def _warnings(found: Calibration) -> Iterator[str]:
    moved, targets = len(found.parameters), len(found.fitted)
    if targets < FEW * moved:
        yield (
            f"{moved} numbers moved, {targets} targets: with so many free numbers a good fit shows that the structure"
            " is sufficient, not that it is right"
        )
    for row in found.fitted:
        if row.noisy:
            size = "is not known" if row.noise is None else f"is {row.noise:.0%} of the accepted width"
            yield (
                f"{row.target.finding}: {row.target.words}: the Monte-Carlo error {size} with"
                f" {found.subjects} subjects (more than {SHARE:.0%}); give more --subjects"
            )
    for free in (one.free for one in found.parameters if one.free.elsewhere):
        yield f"{free.name} names {', '.join(free.elsewhere)} too, which this scenario does not evaluate: not seen here"
