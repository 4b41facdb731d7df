"""The frozen document: what a scenario file says, with every number in its canonical unit.

Built by `workbench.scenario.load`; read by `workbench.plan`. Nothing here knows TOML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from workbench.component.declaration import Component
from workbench.component.field_path import field_path
from workbench.component.registry import Registry
from workbench.errors import Problem

if TYPE_CHECKING:
    from workbench.scenario.text.document import Document


@dataclass(frozen=True)
class Evidence:
    """What stands beside a number: where it may lie and why it is believed.

    `status` is measured, fitted, assumed or protocol; `low` and `high` are the plausible range in `unit`.
    """

    status: str = "assumed"
    source: str = ""
    low: float | None = None
    high: float | None = None
    fitted_to: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Quantity:
    """A number in its declared unit, with the text it was written as and its evidence."""

    number: float
    unit: str
    text: str
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Ref:
    """``{ ref = "th_d" }``: take the number from the parameter set."""

    name: str


Setting = Quantity | Ref | int | str | bool | tuple[Any, ...]
"""A value for a path: a number or reference for numeric fields, plain Python for structural ones."""


@dataclass(frozen=True)
class Span:
    """From `low` to `high`, in `unit`."""

    low: float
    high: float
    unit: str

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}"


@dataclass(frozen=True)
class DoseRange:
    """Which doses are plausible, at one time and in a day (None: not known); `source` are keys of the bibliography."""

    single: Span | None
    daily: Span | None
    source: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """One named table, ``[section.name]``: its component class and the fields the file gives.

    `stream` names its random numbers, by default the table's name. For a drug, `substance` is what it is, where its
    name does not say so, and `plausible` gives its plausible doses.
    """

    section: str
    name: str
    component: type[Component]
    fields: Mapping[str, Setting]
    title: str = ""
    substance: str = ""
    plausible: DoseRange | None = None
    stream: str = ""

    @cached_property
    def path(self) -> str:
        """``section.name``."""
        return f"{self.section}.{self.name}"


@dataclass(frozen=True)
class ParameterSet:
    """A named, versioned file of values with evidence, and conditions that change some of them.

    `conditions` maps a condition's name to parameter name -> Quantity.
    """

    name: str
    version: str
    title: str
    text: bytes
    sha256: str
    values: Mapping[str, Quantity]
    meanings: Mapping[str, str]
    conditions: Mapping[str, Mapping[str, Quantity]]
    condition_titles: Mapping[str, str]


UNREADABLE = ParameterSet("", "", "", b"", "", {}, {}, {}, {})
"""Stands for a parameter set that cannot be found, so that references into it are not reported again."""


@dataclass(frozen=True)
class Trait:
    """What differs between subjects: one draw per subject from a named stream.

    `on` is the path (or ``parameter.x``) that the draw changes; "" for a covariate that acts only
    through `effects`. `mode` is "multiply" or "set". `settings` are the distribution's own numbers (median, cv, mean,
    sd, low, high, p ...): quantities, references, or tuples of quantities. `stream` names its random numbers; by
    default they go by the trait's name.
    """

    name: str
    on: str
    mode: Literal["multiply", "set"]
    distribution: str
    settings: Mapping[str, Any]
    effects: tuple[Effect, ...] = ()
    unit: str = "1"
    stream: str = ""

    @property
    def drawn_as(self) -> str:
        """The name that its random numbers go by."""
        return self.stream or self.name


@dataclass(frozen=True)
class Effect:
    """How a covariate scales a number: ``(value / reference) ** exponent``."""

    path: str
    reference: float
    exponent: float


@dataclass(frozen=True)
class Subjects:
    """How many subjects, from which seed, with which traits and correlations between their normal scores."""

    count: int
    seed: int
    traits: tuple[Trait, ...] = ()
    correlation: tuple[tuple[str, str, float], ...] = ()

    @cached_property
    def traits_on(self) -> Mapping[str, tuple[Trait, ...]]:
        """The traits that change the number at each path, themselves or by an effect, in the order of their draws."""
        found: dict[str, list[Trait]] = {}
        for trait in sorted(self.traits, key=lambda trait: trait.drawn_as):
            for path in dict.fromkeys((trait.on, *(effect.path for effect in trait.effects))):
                found.setdefault(path, []).append(trait)
        return {path: tuple(traits) for path, traits in found.items()}

    def moving(self, path: str) -> tuple[Trait, ...]:
        """Return the traits that set or scale the number at `path`, by the names that their numbers go by."""
        return self._by_path.get(path, ())

    @cached_property
    def _by_path(self) -> dict[str, tuple[Trait, ...]]:
        found: dict[str, tuple[Trait, ...]] = {}
        for trait in sorted(self.traits, key=lambda trait: trait.drawn_as):
            for path in dict.fromkeys((trait.on, *(effect.path for effect in trait.effects))):
                found[path] = (*found.get(path, ()), trait)
        return found


@dataclass(frozen=True)
class Arm:
    """A named set of overrides, with ``extends`` already folded in; `short` is what figures and tables call it."""

    name: str
    title: str
    condition: str | None
    without: frozenset[str]
    set: Mapping[str, Setting]
    compare_with: str | None
    short: str = ""


@dataclass(frozen=True)
class Axis:
    """One swept path with its values (canonical unit), or its factors when `relative`.

    Axes with the same `zip` label move together instead of being crossed. An axis with `arms` moves only those: what
    is uncertain of a disease leaves its healthy control alone.
    """

    path: str
    values: tuple[Any, ...]
    unit: str
    relative: bool = False
    scale: Literal["linear", "log"] = "linear"
    zip: str = ""
    arms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """What is crossed: arms x points x subjects. `record` says whether courses are kept for its runs.

    A `design` of "grid" crosses the values of the axes. "sobol" and "lhs" spread `n` points between the two
    values (low, high) that each axis then has.
    """

    name: str
    title: str
    arms: tuple[str, ...]
    subjects: int
    axes: tuple[Axis, ...] = ()
    record: bool = True
    outcomes: tuple[str, ...] = ()
    design: Literal["grid", "sobol", "lhs"] = "grid"
    n: int = 0

    def axes_of(self, arm: str) -> dict[str, Axis]:
        """Return the axes that move an arm, by path."""
        return {axis.path: axis for axis in self.axes if not axis.arms or arm in axis.arms}


@dataclass(frozen=True)
class Interaction:
    """Two treatments crossed: the arms with both, with the first alone, with the second alone, and with neither.

    Its size is (both - first) - (second - neither), within each subject.
    """

    name: str
    title: str
    arms: tuple[str, str, str, str]


@dataclass(frozen=True)
class Contrary:
    """A published observation that speaks against the scenario; `source` is a key of the bibliography."""

    text: str
    source: str


@dataclass(frozen=True)
class Use:
    """What the scenario may be used for, and what not; shown on the first screen of every page."""

    context: str
    not_for: str
    question: str = ""
    limits: tuple[str, ...] = ()
    contrary: tuple[Contrary, ...] = ()


@dataclass(frozen=True)
class ResponderRule:
    """Who has responded: who is better by the share `by` of the outcome `before` of the same person and arm."""

    before: str
    by: float
    source: str = ""


@dataclass(frozen=True)
class Caveat:
    """What is said as long as `setting` has `value`; "{value}" in `text` stands for the value."""

    setting: str
    value: float
    text: str


@dataclass(frozen=True)
class Contrast:
    """One comparison that a page puts first, or a cost beside it: `outcome` in `arm` against another arm.

    `title` is the outcome in words that need no glossary. `meaningful` is the smallest change that matters on a
    clinical scale, in the outcome's unit, from `source`, `smallest` the smallest difference that the author finds worth
    naming; `course` the recorded course that shows the outcome over time; `interaction` the declared interaction that
    the page is about, `arm` then its arm with both; `response` who counts as having responded.
    """

    outcome: str
    arm: str = ""
    against: str = ""
    title: str = ""
    course: str = ""
    meaningful: float | None = None
    source: str = ""
    interaction: str = ""
    smallest: float | None = None
    response: ResponderRule | None = None

    @property
    def least(self) -> float | None:
        """The smallest difference worth naming: what the scenario says, else what matters on a clinical scale."""
        return self.meaningful if self.smallest is None else self.smallest

    @property
    def pair(self) -> tuple[str, str]:
        """The two arms."""
        return self.arm, self.against


@dataclass(frozen=True)
class Report:
    """What a page needs to know beyond the model: who is simulated, which outcome is the benefit and which a cost."""

    population: str = ""
    benefit: Contrast | None = None
    also: Mapping[str, Contrast] = field(default_factory=dict)
    cost: Mapping[str, Contrast] = field(default_factory=dict)
    caveat: Mapping[str, Caveat] = field(default_factory=dict)
    author: str = ""
    contact: str = ""
    influence: str = ""
    consequence: str = ""
    glossary: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """One file: one question. Immutable; every reference in it has been checked."""

    name: str
    file: str
    text: bytes
    sha256: str
    title: str
    use: Use
    parameters: ParameterSet
    tables: Mapping[str, Mapping[str, Table]]
    subjects: Subjects
    arms: Mapping[str, Arm]
    studies: Mapping[str, Study]
    registry: Registry = field(compare=False, repr=False)
    summary: tuple[str, ...] = ()
    interactions: Mapping[str, Interaction] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    document: Document | None = field(default=None, compare=False, repr=False)
    """The text as it was read: where each part of it stands, also that which another file says."""
    notes: tuple[Problem, ...] = field(default=(), compare=False)
    """Notes from reading the file; `Plan.notes` has them too."""

    def table(self, path: str) -> Table:
        """Return the table at ``section.name``."""
        section, name, _ = field_path(path)
        return self.tables[section][name]
