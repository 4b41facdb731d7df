"""Runs of one structure: their parameters, signals and the ordered steps that advance them together.

Components are assembled by closures: each fetches its buffers once and registers plain functions under named stages.
What a function reads and writes is recorded as it fetches, and checked when the block is put in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.arrays import in_order
from workbench.component.declaration import Component
from workbench.component.field_path import field_path
from workbench.component.registry import Registry
from workbench.errors import AssemblyError
from workbench.solver.buffers import StructureView
from workbench.solver.inputs import Inputs
from workbench.solver.noise_chunks import NoiseChunks
from workbench.solver.registered import Registered
from workbench.solver.steps import Unorderable
from workbench.solver.stimulation import EligibilityTraces, Stimulation

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import AssessedVisits, DoseFactors, Exposing, Forgetting
    from workbench.solver.batch import Batch
    from workbench.solver.draws import Draws


NAMING = ("reference", "references", "anchor", "signal", "path")
"""Kinds of fields that name other tables."""


class Block(StructureView, NoiseChunks, Registered):
    """A group of runs that advance together; `runs` is its width.

    Attributes
    ----------
    trial : int
        Trials done in the current phase before this one.
    hours : Value
        The moment, in hours of the phase, on clocks that run in hours.
    ahead : mapping phase -> array (moments, 1 or runs)
        The hours of a phase to which what moves by closed form is advanced, in order, as far as its clock knows them.
    span : tuple of float
        Start and stop (hours of the phase) of the step that the tick clock takes.
    visits : mapping assessment -> AssessedVisits
        What is scored, and when.
    adjusted : mapping dose -> DoseFactors
        What visits make of the doses of a table, whichever drugs follow them.
    moved : mapping path -> (array, low, high)
        The numbers that links move, with their declared ranges.
    strayed : mapping table -> mapping field -> runs
        Where a number that is moved from moment to moment has left its range.
    outside, formulas : set of str
        The signals that move from outside, and those that `derived` and `spread` make of them and of parameters alone.
    gridded : set of str
        The phases on the flow clock that go in steps: what is read in them is read between two.
    """

    def __init__(self, batch: Batch, registry: Registry) -> None:
        StructureView.__init__(self, batch.structure, registry)
        NoiseChunks.__init__(self, batch.seed, batch.subjects)
        Registered.__init__(self, len(batch), self.lanes.count)
        self.exposures: list[Exposing] = []
        self.exposing: dict[str, Exposing] = {}
        self.trial = 0
        self.hours: Value = 0.0
        self.phase, self.span = "", (0.0, 0.0)
        self.ahead: dict[str, Array] = {}
        self.visits: dict[str, AssessedVisits] = {}
        self.adjusted: dict[str, DoseFactors] = {}
        self.inputs = Inputs(self)
        self.forgetting: list[Forgetting] = []
        self.stimulations: dict[str, Stimulation] = {}
        self._values = batch.values
        self._made: dict[tuple[str, str], Component] = {}
        self._built: set[tuple[str, str]] = set()
        self._provided: dict[str, Value] = {}
        self.outside: set[str] = set()
        self.formulas: set[str] = set()
        # Arrays are known by identity, since parameters are plain arrays without a name: one that is in here changes
        # while the model runs, and whatever is derived from it must be recomputed.
        self._live: dict[int, str] = {}
        self._leaves: dict[int, str] = {}
        self.strayed: dict[str, dict[str, Any]] = {}
        self.gridded: set[str] = set()
        self.moved: dict[str, tuple[Array, float, float]] = {}
        self._formulas: dict[int, tuple[Callable[..., Any], tuple[Value, ...]]] = {}
        self._due: dict[str, Array] = {}

    # -- components ---------------------------------------------------------------------------------------------

    def all(self, section: str) -> Iterator[tuple[str, Any]]:
        """Yield (name, component) of a section, by name."""
        for name in self.names(section):
            yield name, self.component(section, name)

    def component(self, section: str, name: str) -> Any:
        """Return the component of a table, made with this block's values; links are applied to its numbers."""
        key = (section, name)
        if key not in self._made:
            table = self._tables[key]
            cls = self._registry.get(section, table.component)
            fields = dict(table.fields)
            for field, parameter in cls.parameters().items():
                if field not in fields and not parameter.structural:
                    fields[field] = self._linked(f"{section}.{name}.{field}")
            self._made[key] = cls(**fields, **self._companions(cls, name))
        return self._made[key]

    def _companions(self, cls: type[Component], name: str) -> dict[str, Any]:
        """Return what other tables give a component: those that name it, and those that it names."""
        found: dict[str, Any] = {}
        for field, place in cls.companions().items():
            if len(place) == 1:
                own = self._tables[cls.section, name].field(place[0])
                found[field] = self.component(cls.parameters()[place[0]].section, own)
            else:
                section, through = place
                found[field] = {n: self.component(section, n) for n in self.naming(section, through, name)}
        return found

    def _linked(self, path: str) -> Value:
        value: Value = self._values[path]
        mine = self.naming("link", "onto", path)
        kinds = {self._tables["link", name].component for name in mine}
        # Links of different kinds do not commute (adding, then scaling), so their order is declared by `turn` and not
        # left to names in the file.
        for kind in sorted(kinds, key=lambda kind: (getattr(self._registry.get("link", kind), "turn", 2), kind)):
            links = [self.component("link", name) for name in mine if self._tables["link", name].component == kind]
            own = [n for n, p in type(links[0]).parameters().items() if not p.structural]
            numbers: list[Value] = []
            for name, link in zip((n for n in mine if self._tables["link", n].component == kind), links, strict=True):
                with self._apart("link", name):
                    numbers += [self.driven(link.signal), *(getattr(link, n) for n in own)]
            if len(links) == 1 or not hasattr(links[0], "joined"):
                for i, link in enumerate(links):
                    given = numbers[i * (1 + len(own)) : (i + 1) * (1 + len(own))]
                    value = self.derived(_applying(link, tuple(own)), value, *given)
            else:
                value = self.derived(_together(links, tuple(own)), value, *numbers)
        if id(self._itself(value)) in self._live:
            section, name, field = field_path(path)
            declared = self._registry.get(section, self._tables[section, name].component).parameters()[field]
            self.moved[path] = np.asarray(self._itself(value)), declared.low, declared.high
        return value

    def value(self, path: str) -> Value:
        """Return the number at ``section.name.field``, links applied."""
        section, name, field = field_path(path)
        found: Value = getattr(self.component(section, name), field)
        return found

    def sole_input(self, projection: str) -> bool:
        """Return whether the projection alone makes the input of a population that adds nothing of its own."""
        declared = self.component("projection", projection)
        if self.is_source(declared.post):
            return False
        post = self.component("population", declared.post)
        incoming = [n for n, p in self.all("projection") if p.post == declared.post]
        return bool(declared.sign == "excitatory" and post.quiet and incoming == [projection])

    def kin(self, projection: str) -> tuple[str, str]:
        """Return what tells a projection from others, names left out: its sign, then what it is and what it reads."""
        fields = dict(self._tables["projection", projection].fields)
        around = [("projection", projection), ("plasticity", projection), ("population", fields.get("pre", ""))]
        around_it = [self._nameless(*key) for key in around if key in self._tables]
        return str(fields.get("sign", "")), repr(around_it)

    def _nameless(self, section: str, name: str) -> tuple[str, list[tuple[str, Any]]]:
        """Return a table's component and its structural fields, without what names other tables."""
        table = self._tables[section, name]
        declared = self._registry.get(section, table.component).parameters()
        return table.component, [(f, value) for f, value in table.fields if declared[f].kind not in NAMING]

    def moving(self, name: str) -> Array:
        """Reserve a driven signal that changes while the model runs."""
        array = self.signal(name)
        self._live[id(array)] = name
        self._leaves[id(array)] = name
        self.outside.add(name)
        self._provided[name] = array
        return array

    # -- driven signals -----------------------------------------------------------------------------------------

    def provide(self, name: str, value: Value) -> None:
        """Offer a driven signal: what comes from outside the step and is there before activity."""
        self._provided[name] = value

    def driven(self, name: str) -> Value:
        """Return a driven signal, building its component first if need be."""
        if name not in self._provided:
            section, table, _ = field_path(name)
            self.build(section, table)
        if name not in self._provided:
            raise self.refusal(f"{name} has no level that could act on something; it works step by step")
        return self._provided[name]

    def derived(self, formula: Callable[..., Any], *args: Value) -> Value:
        """Return a formula of parameters: computed once, or whenever a driven signal behind it changes.

        A product of parameters must be asked for here and never formed at build time: a drug may move any factor.
        """
        # A formula of constants is evaluated once here; only what depends on a driven signal costs anything in a
        # step.
        behind = [self._live[id(a)] for a in args if id(a) in self._live]
        if not behind:
            result = formula(*args)
            return float(result) if np.ndim(result) == 0 else np.asarray(result, dtype=np.float64)
        out = self.empty()
        out[...] = formula(*map(self._itself, args))
        name = f"derived.{len(self._live)}.{self.owner}"
        self._live[id(out)] = name
        self._formulas[id(out)] = formula, args
        self.signals[name] = out
        self.formulas.add(name)
        # Into the same array each time: rules keep a reference to it from when they were built.
        self.add_step("drive", name, lambda t: np.copyto(out, formula(*args)), reads=behind, writes=(name,))
        return out

    def leaves(self, value: Value) -> frozenset[str]:
        """Return what moves a value while the model runs, by name: concentrations and windows."""
        at = id(self._itself(value))
        if at in self._leaves:
            return frozenset([self._leaves[at]])
        args = self._formulas[at][1] if at in self._formulas else ()
        return frozenset().union(*map(self.leaves, args))

    def evaluated(self, value: Value, levels: Mapping[str, Value]) -> Value:
        """Return what a value is where the signals that move it have `levels`."""
        value = self._itself(value)
        at = id(value)
        if at in self._leaves:
            return levels[self._leaves[at]]
        if at not in self._formulas:
            return value
        formula, args = self._formulas[at]
        found: Value = formula(*(self.evaluated(arg, levels) for arg in args))
        return found

    def _itself(self, value: Value) -> Value:
        """Return a value as it is held."""
        return value

    def spread(self, value: Value, *shape: int) -> Value:
        """Return an array value repeated to ``(*shape, runs)`` and kept up to date; a float as it is.

        For what every step multiplies onto a whole layer: reading it at full size is faster than broadcasting.
        """
        if isinstance(value, float):
            return value
        out = self.empty(*shape)
        out[...] = value
        if id(value) in self._live:
            name = f"spread.{self._live[id(value)]}.{len(self.signals)}"
            self.signals[name] = out
            self.formulas.add(name)
            self.add_step(
                "drive", name, lambda t: np.copyto(out, value), reads=(self._live[id(value)],), writes=(name,)
            )
        return out

    # -- what subjects share ------------------------------------------------------------------------------------

    def gather_pattern(self, population: str) -> None:
        """Register the copy of a pattern into the population's activity; dropped where nobody reads that."""
        pattern = self._patterns[population]
        activity = self.write(f"population.{population}.activity")
        spread = self.lanes.spreader(activity)
        self.step("event", lambda t: spread(pattern[t]), clock="trial", on_demand=True)

    def by_subject(self, value: Value) -> Value | None:
        """Return a number per subject ``(subjects,)``, a float as it is, or None where a subject's runs differ."""
        if isinstance(value, float):
            return value
        if id(value) in self._live:
            return None
        # A value that is equal within each subject may be applied to the subject's own table, which is gathered to
        # the runs afterwards: the same products, far fewer of them.
        first: Array = value[self.first_run]
        return first if np.array_equal(first[self.subject_index], value) else None

    # -- event clock --------------------------------------------------------------------------------------------

    def due(self, kind: str) -> Array:
        """Return the 0/1 signal ``(runs,)`` that says for whom an event of this kind is due now."""
        if kind not in self._due:
            self._due[kind] = self.empty()
        return self._due[kind]

    def marks(self, eligibility: str, shape: tuple[int, ...]) -> EligibilityTraces:
        """Return the eligibility traces that past activity left for one side of a rule."""
        marks = EligibilityTraces(
            self.component("eligibility", eligibility), lambda: self.hours, self.due("activity"), self.empty(*shape)
        )
        self.forgetting.append(marks)
        return marks

    # -- tick clock ---------------------------------------------------------------------------------------------

    def stimulated(self, projection: str) -> Stimulation:
        """Return what stimulates a projection; asking for it says that its rule answers."""
        return self.stimulations.setdefault(projection, Stimulation())

    def stimulate(self, projection: str) -> None:
        """Refuse to stimulate a projection whose rule does not answer."""
        self.build("plasticity", projection)
        if projection not in self.stimulations:
            rule = self.component("plasticity", projection).name
            raise self.refusal(f"the rule of {projection} ({rule}) has no form for the tick clock")

    # -- random numbers -----------------------------------------------------------------------------------------

    def named_stream(self, stream: str) -> str:
        """Return the name of a stream by the names that its tables give to their numbers.

        A stream is called ``purpose:section.name``, or ``purpose:section.name:phase``.
        """
        purpose, path, *phase = stream.split(":")
        section, _, name = path.partition(".")
        table = self._tables.get((section, name))
        owner = table.stream if table is not None and table.stream else name
        return ":".join((purpose, f"{section}.{owner}", *map(self.phase_stream, phase)))

    def draw_once(self, stream: str, *shape: int) -> Array:
        """Return normals drawn once per subject, ``(*shape, runs)``."""
        self.reserve(*shape)
        return super().draw_once(stream, *shape)

    def pattern(self, population: str, size: int) -> Array:
        """Return the table ``(piece, size, subjects)`` of what a task shows."""
        # Reserved before anything is allocated, so that an impossible size is refused with a message instead of
        # running out of memory.
        self.reserve(self.piece, size)
        return super().pattern(population, size)

    def _open(self, stream: str, kind: Any, size: int) -> Draws:
        self.reserve(2, self.piece, size)  # the draws, and the same turned
        return super()._open(stream, kind, size)

    def phase_stream(self, phase: str) -> str:
        """Return the name by which the random numbers of a phase go."""
        return self._tables["phase", phase].stream or phase

    # -- loops --------------------------------------------------------------------------------------------------

    def loop(self, error: Unorderable) -> AssemblyError:
        """Return the error for a circle of projections, spelled out from population to population."""
        owners = [step.owner.split(".", 1) for step in error.circle if step.stage == "input"]
        ways = [name for section, name in owners if section == "projection"]
        if not ways:
            return super().loop(error)
        # The same loop is always told from the same projection on, whichever one the search met first.
        first = ways.index(min(ways))
        named = [(name, self._tables["projection", name]) for name in (*ways[first:], *ways[:first])]
        spelled = ", ".join(f"{way.field('pre')} -> {way.field('post')} by projection.{name}" for name, way in named)
        reason = f"a loop: {spelled}; each needs activity of the same trial, so give one of them a delay (delay = 1)"
        return AssemblyError(f"projection.{ways[first]}", reason)

    # -- building -----------------------------------------------------------------------------------------------

    def build(self, section: str, name: str) -> None:
        """Build one table (once), keeping apart what nested builds fetch."""
        key = (section, name)
        if key in self._built:
            if key in self._building:
                circle = " -> ".join(".".join(k) for k in (*self._building, key))
                raise self.refusal(f"{section}.{name} depends on itself: {circle}")
            return
        self._built.add(key)
        with self._apart(section, name):
            self.component(section, name).build(self, name)

    def build_all(self) -> None:
        """Allocate, then build every acting table, tasks first (they show), then by section and name."""
        acting = sorted(
            # Tasks come first: the index of the shown cue is theirs, and populations get it as an alias.
            (k for k in self._tables if k[0] not in ("outcome", "course")),
            key=lambda k: (k[0] != "task", k),
        )
        for section, name in acting:
            try:
                self.component(section, name).allocate(self, name)
            except AssemblyError as error:
                raise AssemblyError(error.path or f"{section}.{name}", error.reason) from None
        for section, name in acting:
            self.build(section, name)
        self.inputs.register()


def _applying(link: Any, names: tuple[str, ...]) -> Callable[..., Value]:
    """Return a link as a formula; its own numbers come behind, so that another link may move them."""

    def apply(base: Value, signal: Value, *numbers: Value) -> Value:
        found: Value = _with(link, names, numbers).scaled(base, signal)
        return found

    return apply


def _together(links: list[Any], names: tuple[str, ...]) -> Callable[..., Value]:
    """Return several links of one form as a formula: from the smallest part to the largest, so that no name decides."""

    def apply(base: Value, *numbers: Value) -> Value:
        parts = []
        for i, link in enumerate(links):
            signal, *own = numbers[i * (1 + len(names)) : (i + 1) * (1 + len(names))]
            parts.append(_with(link, names, own).part(signal))
        found: Value = base
        for part in in_order(parts):
            found = links[0].joined(found, part)
        return found

    return apply


def _with(link: Any, names: tuple[str, ...], numbers: Sequence[Value]) -> Any:
    """Return a link with numbers of its own; most of the time they are those that it has."""
    moved = {name: value for name, value in zip(names, numbers, strict=True) if getattr(link, name) is not value}
    return replace(link, **moved) if moved else link
