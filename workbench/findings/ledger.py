"""The findings ledger: what was published, what the model gives, and whether that is met, missed or undecided."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from workbench.analysis.intervals import ROUNDING
from workbench.findings.finding import ROLES, Criterion, Finding, Role
from workbench.findings.samples import Sample
from workbench.findings.standing import Severity
from workbench.findings.statistic_values import value_of


@dataclass(frozen=True)
class CriterionRow:
    """One criterion of a finding and what the stored runs say to it.

    Attributes
    ----------
    words : str
        What was taken of which arms.
    value, mc_error : float, optional
        The statistic, and the standard error of its calculation; None where there is none.
    interval : (low, high), optional
        5th and 95th percentile of the statistic over assumed parameter sets; None where `without` says why.
    note : str
        What a reader should know: why it was not run, who was left out, over which values it holds.
    role : str
        What agreement with this criterion is worth, where it is worth less than the finding says: `demoted` says why.
    severity : Severity, optional
        In how many assumed parameter sets it holds; None where `unmeasured` says why.
    paces : tuple of PaceRow
        The same criterion at other numbers of trials a day.
    needed : int
        People that would decide it, if what it is now stays; 0 where it is decided, or where no number would do.
    """

    criterion: Criterion
    words: str
    verdict: Verdict
    value: float | None = None
    mc_error: float | None = None
    interval: tuple[float, float] | None = None
    without: str = ""
    subjects: int = 0
    note: str = ""
    role: Role = "test"
    demoted: str = ""
    severity: Severity | None = None
    unmeasured: str = ""
    paces: tuple[PaceRow, ...] = ()
    needed: int = 0

    @property
    def counts(self) -> bool:
        """Whether meeting it is a success of the model."""
        return self.role == "test" and not self.criterion.beside and not self.criterion.one_sided

    @property
    def excludes_own(self) -> bool:
        """Whether the range over parameter sets does not hold the model's own figure."""
        if self.interval is None or self.value is None:
            return False
        return not self.interval[0] <= self.value <= self.interval[1]

    @property
    def judged(self) -> bool:
        """Whether the finding's verdict depends on it; what is shown beside is not judged."""
        return not self.criterion.beside


@dataclass(frozen=True)
class PaceRow:
    """A criterion at one number of trials a day."""

    pace: float
    unit: str
    verdict: Verdict
    value: float | None


@dataclass(frozen=True)
class LedgerRow:
    """One finding with its verdict.

    Attributes
    ----------
    role : str
        What agreement is worth: "test" only while one of its criteria is a test that could fail.
    db, sweep
        Where the runs are; `note` says what is odd about them.
    severity : Severity, optional
        In how many assumed parameter sets all judged criteria hold at once.
    unmeasured : str
        Why that is not known.
    chosen : tuple of str
        What of the model was chosen with it in view.
    """

    finding: Finding
    role: Role
    verdict: Verdict
    criteria: tuple[CriterionRow, ...]
    db: str = ""
    sweep: int = 0
    note: str = ""
    severity: Severity | None = None
    unmeasured: str = ""
    chosen: tuple[str, ...] = ()

    @property
    def deciding(self) -> CriterionRow | None:
        """The criterion that decides: the first whose verdict is the finding's own, one that counts before others."""
        said = self.verdict
        if self.finding.must_fail:
            said = {"fails as it must": "missed", "missed": "met"}.get(said, said)  # type: ignore[assignment]
        deciding = [c for c in self.criteria if c.verdict == said and c.judged]
        return next((c for c in deciding if c.counts), deciding[0] if deciding else None)

    @property
    def could_not_fail(self) -> bool:
        """Whether it was not fitted and still none of its criteria could fail: shown but not counted."""
        return self.role == "built_in" and not self.finding.by_construction

    @property
    def met(self) -> bool | None:
        """Whether it is as it should be: met, or failed where it must; None while that is open."""
        return {"met": True, "fails as it must": True, "missed": False}.get(self.verdict)

    @property
    def why(self) -> str:
        """What the finding says of itself: why it is true by construction, or is expected to, or must, fail."""
        return self.finding.by_construction or self.finding.expected_failure or self.finding.must_fail


@dataclass(frozen=True)
class Ledger:
    """Rows with misses first; `about` says of targets that no finding is about which rows stand in their place."""

    rows: tuple[LedgerRow, ...]
    about: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Role, dict[Verdict, int]]:
        """Rows by role and verdict; roles without a row are there too."""
        found = Counter((row.role, row.verdict) for row in self.rows)
        return {role: {verdict: found[role, verdict] for verdict in VERDICTS} for role in ROLES}

    @property
    def successes(self) -> int:
        """How many findings are met that nothing was fitted to: the only ones that count."""
        return self.counts["test"]["met"]

    @property
    def strictly_met(self) -> bool:
        """Whether every row is as it should be, apart from those expected to fail and those quoted from memory."""
        judged = [row for row in self.rows if row.role not in ("stress", "unchecked")]
        return all(row.met for row in judged)


def in_order(rows: Iterable[LedgerRow]) -> tuple[LedgerRow, ...]:
    """Return rows with misses first; within a verdict, tests first, then by name."""
    roles = list(ROLES)
    return tuple(
        sorted(rows, key=lambda r: (VERDICTS.index(r.verdict), roles.index(r.role), natural_order(r.finding.name)))
    )


def span(accept: tuple[float, float]) -> str:
    """Return an accepted range in words."""
    low, high = accept
    if math.isinf(high):
        return f">= {low:g}"
    return f"<= {high:g}" if math.isinf(low) else f"{low:g} to {high:g}"


def natural_order(name: str) -> list[Any]:
    """Return a key that sorts DY2 before DY10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def in_words(criterion: Criterion) -> str:
    """Say what a criterion takes of which arms."""
    if criterion.title:
        return criterion.title
    c, first, *rest = criterion, *criterion.arms
    if c.measures:
        return f"{c.statistic} ({c.of}) of {c.measures[0]} ... {c.measures[-1]}{_bounds(c)} in {', '.join(c.arms)}"
    moment = f" at {c.time:g}" if c.time is not None else ""
    point = "".join(f" at {path} = {_level(value)}" for path, value in c.at.items())
    what = f"{c.measure}{moment}"
    if c.statistic == "gain_ratio":
        return f"gain of {what}{point} in {first} against {rest[0]}, over the gain of {_second(c)}"
    if c.statistic in ("difference", "ratio", "effect_size", "hedges_g"):
        return f"{c.statistic} of {what} in {first}{point} to {_second(c)} in {rest[0] if rest else first}"
    if c.statistic in ("share", "share_difference") and c.against:
        what += f" to {c.against}"
    along = f" along {c.over}" if c.over else ""
    bounds = _bounds(c)
    inner = f" ({c.of})" if c.of != "value" else ""
    return f"{c.statistic}{inner} of {what}{bounds} in {', '.join(c.arms)}{point}{along}"


def _second(c: Criterion) -> str:
    moment = f" at {c.against_time:g}" if c.against_time is not None else ""
    point = "".join(f" at {path} = {_level(value)}" for path, value in c.against_at.items())
    return f"{c.against or c.measure}{moment}{point}"


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _bounds(c: Criterion) -> str:
    above = f" above {c.above:g}" if c.above is not None else ""
    below = f" below {c.below:g}" if c.below is not None else ""
    return above + below


def table(rows: Sequence[LedgerRow]) -> Any:
    """Return rows as a data frame: one row a finding, in the order given."""
    import pandas as pd

    columns = {name: [] for name in COLUMNS}  # type: dict[str, list[Any]]
    for row in rows:
        for name, value in flat_row(row).items():
            columns[name].append(value)
    return pd.DataFrame(columns)


COLUMNS = (
    "id", "role", "verdict", "met", "published", "accept_low", "accept_high", "model", "mc_error",
    "low", "high", "criterion", "title", "scenario", "source", "checked", "note",
)  # fmt: skip


def flat_row(row: LedgerRow) -> dict[str, Any]:
    """Return one row as plain values, of its deciding criterion."""
    found, deciding = row.finding, row.deciding
    accept = deciding.criterion.accept if deciding else (float("nan"),) * 2
    low, high = (deciding.interval if deciding else None) or (None, None)
    values = (
        found.name, row.role, row.verdict, row.met, found.published, *accept,
        deciding.value if deciding else None, deciding.mc_error if deciding else None, low, high,
        deciding.words if deciding else "", found.title, found.scenario, ", ".join(found.source), found.checked,
        deciding.note if deciding else row.note,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


Verdict = Literal["missed", "undecided", "not run", "fails as it must", "met"]
VERDICTS: tuple[Verdict, ...] = ("missed", "undecided", "not run", "fails as it must", "met")
"""From what a reader must see first to what needs no attention."""

RESAMPLES = 400
SEED = 20_140_626
SHARE = 0.1
"""The largest error, in widths of the range, with which a value inside it is sure."""
CLEAR = 2.0
"""A value further outside than so many errors is a clear miss."""


def monte_carlo_error(criterion: Criterion, sample: Sample) -> float | None:
    """Return the standard error of a statistic over simulated subjects, by resampling them.

    0 where all subjects are alike, so that nothing is random; None where it cannot be known: one subject, or a
    statistic that some resamples leave undefined.
    """
    if sample.subjects < 2:
        return None
    spread = np.ptp(sample.terms, axis=1)
    if np.all(spread <= ROUNDING * np.abs(sample.terms).max(axis=1)):
        return 0.0
    rng = np.random.default_rng(SEED)
    n = sample.subjects
    values = np.array([value_of(criterion, sample.of(rng.integers(0, n, n))) for _ in range(RESAMPLES)])
    return float(values.std(ddof=1)) if np.isfinite(values).all() else None


def verdict_of(value: float, accept: tuple[float, float], error: float | None) -> Verdict:
    """Return whether a value with the error of its calculation lies in a range.

    Inside counts as met if the error is below a tenth of the range's width, or of the distance to the only bound of an
    open range; outside counts as missed if the bound is more than two errors away.
    """
    low, high = accept
    if math.isnan(value):
        return "missed"
    if error is None:
        return "undecided"
    if low <= value <= high:
        bounds = [bound for bound in accept if math.isfinite(bound)]
        scale = high - low if len(bounds) == 2 else abs(value - bounds[0])
        return "met" if error == 0 or error < SHARE * scale else "undecided"
    return "missed" if max(low - value, value - high) > CLEAR * error else "undecided"


def people_needed(value: float, accept: tuple[float, float], error: float | None, people: int) -> int:
    """Return how many people would decide a value that stays as it is; 0 where no number would.

    An error falls with the square root of the number of people.
    """
    if error is None or math.isnan(value):
        return 0
    low, high = accept
    if low <= value <= high:
        bounds = [bound for bound in accept if math.isfinite(bound)]
        allowed = SHARE * (high - low if len(bounds) == 2 else abs(value - bounds[0]))
    else:
        allowed = max(low - value, value - high) / CLEAR
    return math.ceil(people * (error / allowed) ** 2) if allowed > 0 else 0


def joint_verdict(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of a finding from those of its criteria: the first of missed, not run, undecided, met."""
    order: tuple[Verdict, ...] = ("missed", "not run", "undecided", "met")
    return next((verdict for verdict in order if verdict in verdicts), "not run")


def invert_verdict(verdict: Verdict) -> Verdict:
    """Return the verdict of what theory says must fail: a miss is right, and meeting it is a mistake."""
    reversal: dict[Verdict, Verdict] = {"missed": "fails as it must", "met": "missed"}
    return reversal.get(verdict, verdict)
