"""Runs of one structure: their parameters, signals and the ordered steps that advance them together.

Components are assembled by closures: each fetches its buffers once and registers plain functions under named stages.
What a function reads and writes is recorded as it fetches, and checked when the block is put in order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.declaration import Component, Registry
from workbench.errors import AssemblyError
from workbench.solver.buffers import Buffers
from workbench.solver.draws import Draws, draw_once
from workbench.solver.inputs import Inputs
from workbench.solver.lanes import Lanes
from workbench.solver.marks import Marks
from workbench.solver.steps import Function, Step, in_order
from workbench.solver.stimulation import Stimulation
from workbench.solver.wiring import Wiring

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Array, Value
    from workbench.assembly import Exposing, Forgetting
    from workbench.pharmacology.adjusted import Adjusted
    from workbench.protocol.visits import Visits
    from workbench.solver.batch import Batch

PIECE = 64
"""Steps drawn at once. A tuning number: draws do not depend on it."""


class Block(Wiring, Buffers):
    """A group of runs that advance together; `runs` is its width.

    Attributes
    ----------
    subjects : array (subjects,)
        The distinct subjects, in order; `subject_index` (runs,) says whose each run is.
    lanes : Lanes
        The stretches of runs that share what they are shown.
    trial : int
        Trials done in the current phase before this one.
    hours : Value
        The moment, in hours of the phase, on clocks that run in hours.
    span : tuple of float
        Start and stop (hours of the phase) of the step that the tick clock takes.
    visits : mapping assessment -> Visits
        What is scored, and when.
    adjusted : mapping dose -> Adjusted
        What visits make of the doses of a table, whichever drugs follow them.
    """

    piece = PIECE

    def __init__(self, batch: Batch, registry: Registry) -> None:
        self.seed = batch.seed
        self.subjects, self.first_run, self.subject_index = _distinct(batch.subjects)
        self.lanes = Lanes(self.subject_index)
        Wiring.__init__(self, batch.structure)
        Buffers.__init__(self, len(batch), self.lanes.count)
        self.exposures: list[Exposing] = []
        self.trial = 0
        self.hours: Value = 0.0
        self.phase, self.span = "", (0.0, 0.0)
        self.visits: dict[str, Visits] = {}
        self.adjusted: dict[str, Adjusted] = {}
        self.inputs = Inputs(self)
        self.draws: list[Draws] = []
        self.forgetting: list[Forgetting] = []
        self.stimulations: dict[str, Stimulation] = {}
        self.draw_seconds = 0.0
        self._values = batch.values
        self._registry = registry
        self._made: dict[tuple[str, str], Component] = {}
        self._built: set[tuple[str, str]] = set()
        self._building: list[tuple[str, str]] = []
        self._provided: dict[str, Value] = {}
        self._live: dict[int, str] = {}
        self._patterns: dict[str, Array] = {}
        self._due: dict[str, Array] = {}
        self._steps: list[Step] = []
        self._hooks: list[tuple[bool, Callable[[int], None]]] = []
        self._reads: set[str] = set()
        self._writes: set[str] = set()
        self._updates: set[str] = set()

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
                mine = [n for n in self.names(section) if self._tables[section, n].field(through) == name]
                found[field] = {n: self.component(section, n) for n in mine}
        return found

    def _linked(self, path: str) -> Value:
        value: Value = self._values[path]
        for name in self.names("link"):
            if self._tables["link", name].field("onto") == path:
                link = self.component("link", name)
                value = self.derived(link.scaled, value, self.driven(link.signal))
        return value

    def value(self, path: str) -> Value:
        """Return the number at ``section.name.field``, links applied."""
        section, name, field = path.split(".", 2)
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

    def moving(self, name: str) -> Array:
        """Reserve a driven signal that changes while the model runs."""
        array = self.signal(name)
        self._live[id(array)] = name
        self._provided[name] = array
        return array

    # -- driven signals -----------------------------------------------------------------------------------------

    def provide(self, name: str, value: Value) -> None:
        """Offer a driven signal: what comes from outside the step and is there before activity."""
        self._provided[name] = value

    def driven(self, name: str) -> Value:
        """Return a driven signal, building its component first if need be."""
        if name not in self._provided:
            section, _, table = name.partition(".")
            self.build(section, table)
        if name not in self._provided:
            raise self.refusal(f"{name} has no level that could act on something; it works step by step")
        return self._provided[name]

    def derived(self, formula: Callable[..., Any], *args: Value) -> Value:
        """Return a formula of parameters: computed once, or whenever a driven signal behind it changes.

        A product of parameters must be asked for here and never formed at build time: a drug may move any factor.
        """
        behind = [self._live[id(a)] for a in args if id(a) in self._live]
        if not behind:
            result = formula(*args)
            return float(result) if np.ndim(result) == 0 else np.asarray(result, dtype=np.float64)
        out = self.empty()
        name = f"derived.{len(self._live)}.{'.'.join(self._building[-1]) if self._building else ''}"
        self._live[id(out)] = name
        self.signals[name] = out
        self.add_step("drive", name, lambda t: np.copyto(out, formula(*args)), reads=behind, writes=(name,))
        return out

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
            self.add_step(
                "drive", name, lambda t: np.copyto(out, value), reads=(self._live[id(value)],), writes=(name,)
            )
        return out

    # -- registering steps --------------------------------------------------------------------------------------

    def read(self, name: str) -> Any:
        """Fetch a signal that the next registered step reads."""
        self._reads.add(self.canonical(name))
        return self._found(name)

    def write(self, *names: str) -> Any:
        """Fetch a signal that the next registered step overwrites (further names are its aliases)."""
        self._writes.update(self.canonical(name) for name in names)
        return self.signals[names[0]]

    def write_new(self, name: str) -> Array:
        """Reserve a signal ``(runs,)`` and fetch it for writing."""
        self.signal(name)
        found: Array = self.write(name)
        return found

    def update(self, name: str) -> Any:
        """Fetch a signal that the next registered step reads and changes in place."""
        self._updates.add(self.canonical(name))
        return self._found(name)

    def previous(self, name: str) -> Any:
        """Fetch a signal to read the value that the last step left in it; feedback is visible by this word."""
        return self._found(name)

    def _found(self, name: str) -> Any:
        if name not in self.signals:
            section, _, rest = name.partition(".")
            table, _, signal = rest.partition(".")
            raise self.refusal(f"{section}.{table} has no {signal}, which is needed here")
        return self.signals[name]

    def refusal(self, reason: str) -> AssemblyError:
        """Return the error for the table that is being built."""
        return AssemblyError(".".join(self._building[-1]) if self._building else "", reason)

    def take_reads(self) -> frozenset[str]:
        """Return and forget the reads recorded so far, for a step registered later."""
        reads, self._reads = frozenset(self._reads), set()
        return reads

    def step(
        self,
        stage: str,
        function: Function,
        *,
        clock: str | None = None,
        kind: str | None = None,
        on_demand: bool = False,
    ) -> None:
        """Register a function with everything fetched since the last one."""
        owner = ".".join(self._building[-1]) if self._building else ""
        self.add_step(stage, owner, function, self._reads, self._writes, self._updates, clock, kind, on_demand)
        self._reads, self._writes, self._updates = set(), set(), set()

    def on(self, kind: str, stage: str, function: Function) -> None:
        """Register a function for one kind of event of the event clock."""
        self.step(stage, function, clock="event", kind=kind)

    def add_step(
        self,
        stage: str,
        owner: str,
        function: Function,
        reads: Iterable[str] = (),
        writes: Iterable[str] = (),
        updates: Iterable[str] = (),
        clock: str | None = None,
        kind: str | None = None,
        on_demand: bool = False,
    ) -> None:
        """Register a function with explicit reads, writes and updates."""
        names = [frozenset(self.canonical(n) for n in group) for group in (reads, writes, updates)]
        self._steps.append(
            Step(stage, owner, len(self._steps), function, names[0], names[1], names[2], clock, kind, on_demand)
        )

    def steps(self, clock: str) -> list[Step]:
        """Return the steps of one clock, in order."""
        return in_order([s for s in self._steps if s.clock in (None, clock)], self.signals)

    # -- noise and pieces ---------------------------------------------------------------------------------------

    def normal(self, stream: str, size: int) -> Draws:
        """Open a stream of normals, `size` per subject and step."""
        return self._open(stream, "normal", size)

    def uniform(self, stream: str, size: int) -> Draws:
        """Open a stream of uniform numbers in [0, 1)."""
        return self._open(stream, "uniform", size)

    def _open(self, stream: str, kind: Any, size: int) -> Draws:
        draws = Draws(stream, kind, size, self.piece, self.seed, self.subjects)
        self.draws.append(draws)
        return draws

    def draw_once(self, stream: str, *shape: int) -> Array:
        """Return normals drawn once per subject, ``(*shape, runs)``."""
        return draw_once(stream, shape, self.seed, self.subjects)[..., self.subject_index]

    def pattern(self, population: str, size: int) -> Array:
        """Return the table ``(piece, size, subjects)`` of what a task shows."""
        if population not in self._patterns:
            self._patterns[population] = np.zeros((self.piece, size, len(self.subjects)))
        return self._patterns[population]

    def gather_pattern(self, population: str) -> None:
        """Register the copy of a pattern into the population's activity; dropped where nobody reads that."""
        pattern = self._patterns[population]
        activity = self.write(f"population.{population}.activity")
        spread = self.lanes.spreader(activity)
        self.step("event", lambda t: spread(pattern[t]), clock="trial", on_demand=True)

    def every_piece(self, hook: Callable[[int], None], *, late: bool = False) -> None:
        """Call `hook(steps)` at the start of each piece, after its draws; `late` ones after all others."""
        self._hooks.append((late, hook))

    def begin_piece(self, steps: int) -> None:
        """Draw and prepare the next `steps` trials."""
        started = time.perf_counter()
        for draws in self.draws:
            draws.fill(steps)
        self.draw_seconds += time.perf_counter() - started
        for _, hook in sorted(self._hooks, key=lambda h: h[0]):
            hook(steps)

    def by_subject(self, value: Value) -> Value | None:
        """Return a number per subject ``(subjects,)``, a float as it is, or None where a subject's runs differ."""
        if isinstance(value, float):
            return value
        first: Array = value[self.first_run]
        return first if id(value) not in self._live and np.array_equal(first[self.subject_index], value) else None

    # -- event clock --------------------------------------------------------------------------------------------

    def due(self, kind: str) -> Array:
        """Return the 0/1 signal ``(runs,)`` that says for whom an event of this kind is due now."""
        if kind not in self._due:
            self._due[kind] = self.empty()
        return self._due[kind]

    def marks(self, eligibility: str, shape: tuple[int, ...]) -> Marks:
        """Return the marks that past activity left for one side of a rule."""
        marks = Marks(
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
        self._building.append(key)
        kept = self._reads, self._writes, self._updates
        self._reads, self._writes, self._updates = set(), set(), set()
        self.component(section, name).build(self, name)
        self._reads, self._writes, self._updates = kept
        self._building.pop()

    def build_all(self) -> None:
        """Allocate, then build every acting table, tasks first (they show), then by section and name."""
        acting = sorted(
            (k for k in self._tables if k[0] not in ("outcome", "course")), key=lambda k: (k[0] != "task", k)
        )
        for section, name in acting:
            self.component(section, name).allocate(self, name)
        for section, name in acting:
            self.build(section, name)
        self.inputs.register()


def _distinct(subjects: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct subjects in order of appearance, their first run, and each run's subject position."""
    found, first, inverse = np.unique(subjects, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return found[order], first[order], rank[inverse]
