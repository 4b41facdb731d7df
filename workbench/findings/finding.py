"""The frozen form of findings: every reference checked, every bound in the unit of what it bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Checked = Literal["page", "page2", "memory", "theory"]
Role = Literal["fit", "built_in", "stress", "test", "theory", "unchecked"]

ROLES: Mapping[Role, str] = {
    "test": "tested: no number was fitted to it",
    "fit": "fitted: numbers were set with it, so agreement is no success",
    "built_in": "true by construction, so agreement is no success",
    "stress": "expected to fail, and shown for that",
    "theory": "theory: a check of the engine, not of a brain",
    "unchecked": "quoted from memory; not a target",
}
"""What agreement with a finding of a role is worth, in the order in which roles are counted."""


@dataclass(frozen=True)
class Among:
    """Which subjects count: those whose trait, or whose outcome in one arm, lies in a range."""

    trait: str = ""
    outcome: str = ""
    arm: str = ""
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Smallest:
    """The smallest effect worth naming of a criterion with one bound: from `no_effect` to that bound.

    `no_effect` is the value that would be found if what was published were not so; `because` says why a smaller effect
    is not worth naming, `source` is a key of the bibliography or "".
    """

    no_effect: float
    because: str
    source: str = ""


@dataclass(frozen=True)
class Pace:
    """The study that sweeps how many trials a day holds, and the swept path."""

    study: str
    over: str


@dataclass(frozen=True)
class Criterion:
    """One statistic of stored outcomes and the range in which it must lie.

    Attributes
    ----------
    statistic : str
        A name of `workbench.findings.grammar.STATISTICS`.
    kind, measure : str
        Whether an outcome or a course is meant, and its name; `against` is a second one of the same kind.
    arms : tuple of str
        What is compared with what: the first against the second.
    study : str
        Whose runs are used; "" is the first study without a sweep that has the arms.
    measures, times : tuples
        Several outcomes, each at its own visit, and when these are, where a time is asked for.
    at, against_at : mapping path -> value
        The point of a swept study; `against_at` that of the second term.
    time, against_time : float, optional
        The moment of a course, in its own unit of time.
    over : str
        The swept path along which a slope, an argmax or a range is taken.
    of : str
        What a share or a range is taken of.
    above, below : float, optional
        What counts for a share, or where a course crosses.
    baseline : float
        Subtracted from every value first.
    accept : (low, high)
        Infinite where an end is open, in `unit`.
    holds : (low, high), optional
        For ``holds_over``: the range of the inner statistic.
    target, error : float, optional
        The published number and its error in `unit`, for refitting parameters.
    closed_form : str
        The named formula that the accepted range was made from; "" for a range that was given.
    smallest : Smallest, optional
        What a range with one open end leaves out as too small to be named.
    pace : Pace, optional
        Where the same criterion is read at other numbers of trials a day.
    by_construction : str
        Why the model cannot fail it; "" where it can, as far as is known.
    beside : str
        Why it is shown beside the others and not judged; "" where it is judged.
    """

    statistic: str
    kind: Literal["outcome", "course"]
    measure: str
    arms: tuple[str, ...]
    accept: tuple[float, float]
    unit: str = "1"
    against: str = ""
    study: str = ""
    at: Mapping[str, float | str] = field(default_factory=dict)
    against_at: Mapping[str, float | str] = field(default_factory=dict)
    time: float | None = None
    against_time: float | None = None
    over: str = ""
    of: str = "value"
    among: Among | None = None
    above: float | None = None
    below: float | None = None
    baseline: float = 0.0
    holds: tuple[float, float] | None = None
    target: float | None = None
    error: float | None = None
    title: str = ""
    closed_form: str = ""
    measures: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    smallest: Smallest | None = None
    pace: Pace | None = None
    by_construction: str = ""
    beside: str = ""

    @property
    def effect(self) -> float | None:
        """How far the only bound lies from no effect: the smallest effect that is accepted; None for two bounds."""
        if self.smallest is None:
            return None
        return abs((self.accept[1] if self.open_below else self.accept[0]) - self.smallest.no_effect)

    @property
    def one_sided(self) -> bool:
        """Whether the accepted range has one bound and nothing says from where on an effect is worth naming."""
        return (self.open_below or self.open_above) and self.smallest is None

    @property
    def studies_needed(self) -> tuple[str, ...]:
        """The studies whose runs it is taken of."""
        return (self.study,) if self.pace is None else (self.study, self.pace.study)

    @property
    def arms_needed(self) -> tuple[str, ...]:
        """The arms whose runs it is taken of, with the one by which subjects are chosen."""
        return (*self.arms, self.among.arm) if self.among is not None and self.among.arm else self.arms

    @property
    def open_below(self) -> bool:
        """Whether anything small enough is accepted."""
        return math.isinf(self.accept[0])

    @property
    def open_above(self) -> bool:
        """Whether anything large enough is accepted."""
        return math.isinf(self.accept[1])


@dataclass(frozen=True)
class Finding:
    """A published observation, as its file states it; `criteria` are empty until it is bound to its scenario.

    Attributes
    ----------
    source : tuple of str
        Keys of the bibliography.
    published, unit : str
        The result as printed, and its unit.
    checked : str
        "page": read in the source or its abstract; "page2": read in another text; "memory": not confirmed;
        "theory": derived, not observed.
    by_construction, expected_failure : str
        Why the model cannot fail, or cannot meet, it; "" where neither is so.
    must_fail : str
        Why theory says that this cannot be met: its miss is what is right, and meeting it would be a mistake.
    treatment : float, optional
        Days from the start of the treatment to what was published; `treatment_note` says where they are from.
    structure : str
        What of the model was chosen with this row in view; "" for nothing.
    """

    name: str
    title: str
    scenario: str
    source: tuple[str, ...]
    preparation: str
    published: str
    unit: str
    checked: Checked
    by_construction: str = ""
    expected_failure: str = ""
    must_fail: str = ""
    note: str = ""
    treatment: float | None = None
    treatment_note: str = ""
    structure: str = ""
    criteria: tuple[Criterion, ...] = ()
