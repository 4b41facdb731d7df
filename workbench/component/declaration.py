"""How a component declares itself: one frozen dataclass, read by everything else.

A component is one idea (a rule, a drug, a task, a readout): a frozen dataclass whose fields carry
unit, meaning, range, status and source. From this one declaration come the scenario grammar, the
JSON Schema, ``workbench describe``, the range checks, the README's menu and the report's citations;
the solver instantiates the same class with ``(runs,)`` arrays.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from workbench.component.assembly import Assembly
    from workbench.component.referents import Identity

Kind = Literal[
    "number",
    "numbers",
    "interval",
    "count",
    "option",
    "switch",
    "reference",
    "references",
    "anchor",
    "signal",
    "path",
    "window",
    "dosing",
]
"""What a field holds. Only ``number`` may differ between the runs of a block; the rest is structure."""

BOUNDS = "bounds = [low, high]"
NOT_NEGATIVE = f"{BOUNDS} with low at least 0"
"""What a component may need of the bounds of its projection."""
STATUSES = ("measured", "fitted", "assumed", "protocol")


@dataclass(frozen=True)
class Parameter:
    """One field of a component, as declared.

    Attributes
    ----------
    unit : str
        Canonical unit; every number is converted to it at load ("1" for a pure number).
    low, high : float
        Physical range; a value outside is an error.
    status, source : str
        Where the default comes from: measured, fitted, assumed or protocol; a key of the bibliography,
        or "" for what is assumed or a matter of protocol.
    refused : tuple of (name, why)
        For choices: names that one may expect among them, and why they are not.
    section : str
        For references: the section (``population``, ``gate`` ...) whose table is named.
    fixed : bool
        A number that arms may set but that must be the same for all runs of an arm: it shapes the protocol.
    whole : bool
        A number that counts something: no fraction.
    zero : str
        What to do instead of writing 0 in the table, where 0 means that there is none.
    still : str
        Why no link can move the number while the model runs; "" where one may.
    moved : bool
        For paths: whether the component moves the number that is named, while the model runs.
    acts : bool
        For what names another table: this table acts on that one, which so depends on it. Otherwise it reads it.
    needed : bool
        For optional references: whether an arm that has this table cannot be without the one that it names.
    only_with : pair of str and tuple of str
        An option of the same table and those of its choices with which alone this number acts; None where it always
        does.
    requires : str
        For references: what the component of the table that is named must offer.
    shows : str
        For a task's references to a population: what it shows these units ("one unit", "pattern", "batch" ...).
    added : bool
        A fixed number or a count that its component gained when results were stored already, at the value that was
        hidden before: at its default it is no part of what makes a run this run, so stored runs stay what they are.
    above, below, not_above, within, order, members_of, same_size_as, least, needs, needs_bounds, because
        What the field is held against: see `Rules`; needs_bounds as pairs.
    default
        None for an optional reference; MISSING where the scenario must give a value.
    """

    name: str
    kind: Kind
    default: Any
    doc: str
    unit: str = "1"
    low: float = -math.inf
    high: float = math.inf
    status: str = "assumed"
    source: str = ""
    choices: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    section: str = ""
    fixed: bool = False
    whole: bool = False
    zero: str = ""
    still: str = ""
    moved: bool = False
    acts: bool = False
    needed: bool = False
    only_with: tuple[str, tuple[str, ...]] | None = None
    added: bool = False
    requires: str = ""
    shows: str = ""
    above: str = ""
    below: str = ""
    not_above: str = ""
    within: str = ""
    order: str = ""
    members_of: str = ""
    same_size_as: str = ""
    least: int = 0
    needs: str = ""
    needs_bounds: tuple[tuple[str, str], ...] = ()
    because: str = ""

    @property
    def required(self) -> bool:
        """Whether the scenario must give a value."""
        return self.default is MISSING

    @property
    def constrained(self) -> bool:
        """Whether it is held against anything beside its range."""
        orders = self.above or self.below or self.not_above or self.within or self.order
        sizes = self.members_of or self.same_size_as or self.least
        return bool(orders or sizes or self.needs or self.needs_bounds)

    @property
    def structural(self) -> bool:
        """Whether a change of this field makes another program rather than another number."""
        return self.kind != "number" or self.fixed


class Rules(TypedDict, total=False):
    """What a field is held against beside its range; `workbench.component.constraints` checks and words all of it.

    Another field is meant by its name, what lies further off by the way to it, each step a reference: the population
    on which a projection ends is ``"projection.post"``, and where a way ends at a table its members count.

    Attributes
    ----------
    above, below, not_above : str
        What the number must lie above, below, or not above: ``above="rise"``, ``not_above="projection.post"``.
    within : str
        An interval of the same table in which the number, or each of a list, must lie.
    order : str
        Of a list: "rising", each once, or "falling".
    members_of : str
        Of a list: the table whose members it numbers, from 1, each once.
    same_size_as : str
        Of a reference: a table that must have as many members; of a list: what it must have a number for each of.
    least : int
        Of a reference: how many members the table must have at least.
    needs : str
        Another field of the table without which this one says nothing.
    needs_bounds : mapping str -> str
        Of an option: choices that need bounds on the rule's projection, and which (`BOUNDS` or `NOT_NEGATIVE`).
    because : str
        Why, where it is not plain; ends the message.
    """

    above: str
    below: str
    not_above: str
    within: str
    order: str
    members_of: str
    same_size_as: str
    least: int
    needs: str
    needs_bounds: Mapping[str, str]
    because: str


def _field(kind: Kind, default: Any, doc: str, **rest: Any) -> Any:
    if "needs_bounds" in rest:
        rest["needs_bounds"] = tuple(rest["needs_bounds"].items())
    metadata = {"parameter": dict(kind=kind, doc=doc, **rest)}
    return (
        dataclasses.field(metadata=metadata)
        if default is MISSING
        else dataclasses.field(default=default, metadata=metadata)
    )


def number(
    default: Any,
    unit: str,
    doc: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    status: str = "assumed",
    source: str = "",
    fixed: bool = False,
    whole: bool = False,
    zero: str = "",
    still: str = "",
    only_with: tuple[str, tuple[str, ...]] | None = None,
    added: bool = False,
    **held: Unpack[Rules],
) -> Any:
    """Declare a quantity: a float, or a ``(runs,)`` array where runs differ; `fixed` ones must not differ.

    A `whole` one counts something that may differ between runs, such as doses. `zero` says what to do instead of
    writing 0, where a table that gives the number means one above it; `still` says why no link can move it. `only_with`
    names an option of the table and those of its choices with which alone the number acts. A fixed one that is `added`
    leaves runs at its default the runs that they were without it. `held` is what it is held against: see `Rules`.
    """
    rules: dict[str, Any] = {"low": low, "high": high, "fixed": fixed, "whole": whole, "zero": zero, "still": still}
    rules |= {"only_with": only_with, "added": added}
    return _field("number", default, doc, unit=unit, status=status, source=source, **rules, **held)


def numbers(
    default: Any, unit: str, doc: str, *, low: float = -math.inf, high: float = math.inf, **held: Unpack[Rules]
) -> Any:
    """Declare a list of quantities that is part of the structure (a spectrum, a set of times)."""
    return _field("numbers", default, doc, unit=unit, low=low, high=high, **held)


def interval(default: Any, unit: str, doc: str) -> Any:
    """Declare a pair lower < upper."""
    return _field("interval", default, doc, unit=unit)


def count(
    default: Any, doc: str, *, low: int = 1, high: int = 10_000_000, added: bool = False, **held: Unpack[Rules]
) -> Any:
    """Declare a whole number that shapes the arrays or the length of a phase; `added` as in `number`."""
    return _field("count", default, doc, low=low, high=high, added=added, **held)


def option(
    default: Any,
    choices: tuple[str, ...],
    doc: str,
    *,
    refused: Mapping[str, str] = MappingProxyType({}),
    **held: Unpack[Rules],
) -> Any:
    """Declare a choice from a closed list of names; `refused` says why a name known elsewhere is not one of them."""
    return _field("option", default, doc, choices=choices, refused=tuple(refused.items()), **held)


def switch(default: bool, doc: str) -> Any:
    """Declare an on/off choice."""
    return _field("switch", default, doc)


def reference(
    section: str,
    doc: str,
    default: Any = MISSING,
    *,
    acts: bool = False,
    needed: bool = False,
    requires: str = "",
    shows: str = "",
    **held: Unpack[Rules],
) -> Any:
    """Declare the name of a table in `section`; a default of None makes it optional.

    With `acts` this table acts on the one that it names (a projection on its end); otherwise it reads it. An optional
    one that is `needed` cannot be taken from an arm that has this table. With `requires`, only a table whose component
    offers that is accepted; a task says by `shows` what it shows the population.
    """
    rules = {"acts": acts, "needed": needed, "requires": requires, "shows": shows}
    return _field("reference", default, doc, section=section, **rules, **held)


def references(section: str, doc: str, default: Any = ()) -> Any:
    """Declare a list of names of tables in `section`; a file may give one name or a list."""
    return _field("references", default, doc, section=section)


def anchor(doc: str, default: Any = None) -> Any:
    """Declare a dose, session or assessment by its table (``dose.infusion``), from whose first one times count."""
    return _field("anchor", default, doc)


def path(doc: str, default: Any = MISSING, *, moved: bool = False) -> Any:
    """Declare a dotted path to a number of the scenario (``modulator.acetylcholine.d2_efficacy``).

    Of a number that is `moved` while the model runs, only one that can move is accepted.
    """
    return _field("path", default, doc, moved=moved)


def signal(doc: str, default: Any = MISSING) -> Any:
    """Declare a driven signal by the table that makes it: ``occupancy.thp_m4``, ``receptor.m1``."""
    return _field("signal", default, doc)


def dosing(doc: str) -> Any:
    """Declare a table of dose records: the name of a CSV file beside the scenario, or the text of one."""
    return _field("dosing", MISSING, doc)


def gathered(section: str, through: str) -> Any:
    """Declare the components of `section` whose reference `through` names this table, by name: never in a file."""
    return dataclasses.field(default_factory=dict, metadata={"gathered": (section, through)})


def named(through: str) -> Any:
    """Declare the component of the table that this one's reference `through` names: never in a file."""
    return dataclasses.field(default=None, metadata={"named": through})


def window(default: Any, doc: str) -> Any:
    """Declare a stretch of the protocol in words: ``"last 200 trials of treatment"``."""
    return _field("window", default, doc)


class Component:
    """Base of every component.

    Subclasses are ``@dataclass(frozen=True, kw_only=True)`` and set the class variables below. The
    docstring's first line is the one-sentence summary shown by ``workbench describe``. `drives` says
    that the component makes a signal that links and gates may read.
    """

    section: ClassVar[str]
    name: ClassVar[str]
    drives: ClassVar[bool] = False
    revision: ClassVar[int] = 1
    former_names: ClassVar[tuple[str, ...]] = ()
    """Names that it had before: files that use one are read as if they used `name`, with a note."""
    former_fields: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Names that fields had before, each with the field's name now; read like former names."""
    equation: ClassVar[str]
    sources: ClassVar[tuple[str, ...]] = ()
    packaged: ClassVar[bool] = True
    offered_by: ClassVar[str] = ""
    """Name and version of the other package that offers the component; set when it is loaded."""
    still: ClassVar[str] = ""
    """Why no link can move any of its numbers while the model runs; "" where one may."""
    withheld_by: ClassVar[tuple[str, ...]] = ()
    """Fields that are 0 in an arm without the table: what is given or held then keeps its place in the protocol."""
    draws: ClassVar[bool] = False
    """Whether it draws random numbers, so that its table may give them a name: ``stream``."""
    takes_input: ClassVar[bool] = True
    """Of a population: whether projections onto it add to its activity."""
    offers: ClassVar[frozenset[str]] = frozenset()
    """What others may build upon: words of `workbench.component.capabilities`, or a package's own."""
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """What a table on a way from this one must offer: ``{"projection.post": "channels"}``, each step a reference."""
    clocks: ClassVar[tuple[str, ...]] = ()
    """The clocks on which all phases must run for the component to work; empty where it does not matter."""
    clock: ClassVar[str] = ""
    """Of a phase: the clock on which it runs."""
    fed_by: ClassVar[str] = ""
    """The section of which some table must act on this one, or it stays at zero: doses for a drug."""
    member: ClassVar[str] = "unit"
    """What one of those is called that a table has by the number: a unit, an action, a visit. What is no population
    says by a method ``members(fields, tables)`` how many it has."""
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Fields of which exactly one is given: ``(("drug", "signal"),)``."""
    any_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Fields of which at least one is given."""
    at_most_one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Fields of which no two are given."""
    together: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Fields that are given together, or not at all."""
    same_size: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """Ways to two tables that have equally many members, after the field that is blamed where they have not."""
    needs_bounds: ClassVar[str] = ""
    """Which bounds the projection needs that the table is about; "" where it needs none."""

    @classmethod
    @cache
    def parameters(cls) -> Mapping[str, Parameter]:
        """Return the declared fields, in order, by name."""
        found = {}
        for item in dataclasses.fields(cls):  # type: ignore[arg-type]
            if "gathered" in item.metadata or "named" in item.metadata:
                continue
            declared = item.metadata.get("parameter")
            if declared is None:
                raise TypeError(f"{cls.__name__}.{item.name} is not declared with number(), count(), option() ...")
            found[item.name] = Parameter(name=item.name, default=item.default, **declared)
        return MappingProxyType(found)

    @classmethod
    @cache
    def constrained(cls) -> tuple[Parameter, ...]:
        """Return the fields that are held against anything beside their ranges: most are not."""
        return tuple(parameter for parameter in cls.parameters().values() if parameter.constrained)

    @classmethod
    @cache
    def defaults(cls) -> Mapping[str, Any]:
        """Return what a file may leave out, by name."""
        return MappingProxyType({name: p.default for name, p in cls.parameters().items() if not p.required})

    @classmethod
    @cache
    def companions(cls) -> Mapping[str, tuple[str, ...]]:
        """Return the fields that other tables fill: (section, its reference to this table), or (own reference,)."""
        found: dict[str, tuple[str, ...]] = {}
        for item in dataclasses.fields(cls):  # type: ignore[arg-type]
            if "gathered" in item.metadata:
                found[item.name] = item.metadata["gathered"]
            elif "named" in item.metadata:
                found[item.name] = (item.metadata["named"],)
        return MappingProxyType(found)

    @classmethod
    def is_reference(cls, name: str) -> bool:
        """Return whether a field names another table."""
        declared = cls.parameters().get(name)
        return declared is not None and declared.kind == "reference"

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0]

    @classmethod
    def identity(cls) -> Identity:
        """Return what the class is, with everything that it refers to: see `workbench.component.referents`.

        Its text alone does not tell: a closure, a constant of its module or a helper function is part of the rule.
        """
        from workbench.component.referents import identify

        return identify(cls)

    @classmethod
    def source_sha256(cls) -> str:
        """Return the hash over the class and everything that it refers to."""
        return cls.identity().sha256

    @classmethod
    def revision_of(cls, fields: Mapping[str, Any], constant: Callable[[str], float | None]) -> int:
        """Return the revision of a table with these structural fields: a change may leave some tables as they were.

        `constant` gives a number of the table by name, None where it differs between runs.
        """
        return cls.revision

    @classmethod
    def offered(cls, fields: Mapping[str, Any]) -> frozenset[str]:
        """Return what a table with these fields offers: all of `offers`, unless an option takes something away."""
        return cls.offers

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the arrays that others may read; `name` is this table's name in the scenario."""

    def build(self, block: Assembly, name: str) -> None:
        """Fetch buffers once and register plain functions under the named stages of a step."""
