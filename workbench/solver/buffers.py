"""The arrays of a block: signals by name, states that persist, scratch that nobody owns."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import AssemblyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.component.declaration import Component
    from workbench.component.registry import Registry
    from workbench.solver.batch import Declared, Structure


MOST_BYTES = 32 * 2**20
"""What one run may take: 16 runs, the narrowest block of a sweep, take half a gigabyte then."""


class Buffers:
    """Named arrays with the runs last.

    Attributes
    ----------
    signals : mapping name -> array (..., runs)
        Everything that a step may read or write.
    states : mapping name -> array
        The signals that persist from step to step.
    layers : mapping name -> array (runs, ...)
        The signals with the runs first that persist.
    bytes, reserved : int
        Bytes that a run takes in them, and with what is drawn for its subject.
    """

    def __init__(self, runs: int, lanes: int) -> None:
        self.runs, self._lanes = runs, lanes
        self.signals: dict[str, Any] = {}
        self.states: dict[str, Array] = {}
        self.layers: dict[str, Array] = {}
        self.bytes = 0
        self.reserved = 0
        self._alias: dict[str, str] = {}
        self._rows: set[str] = set()
        self._first_names: dict[int, str] = {}
        self._seen = 0
        self._scratch: dict[tuple[Any, ...], Array] = {}

    def reserve(self, *shape: int) -> None:
        """Count so many numbers of a run, before any is there.

        Raises
        ------
        AssemblyError
            If a run would take more than `MOST_BYTES`.
        """
        # Counted even if the array is shared later: an upper bound is enough for a limit, and is known before
        # allocation.
        self.reserved += 8 * math.prod(shape)
        if self.reserved > MOST_BYTES:
            asked = " x ".join(f"{size:,}" for size in shape) or "1"
            raise self.refusal(
                f"asks for {asked} numbers in each run, and with all that is there before a run would take"
                f" {self.reserved / 2**20:,.0f} MiB (at most {MOST_BYTES // 2**20}): make a population smaller"
            )

    def refusal(self, reason: str) -> AssemblyError:
        """Return the error for whoever asks."""
        return AssemblyError("", reason)

    def empty(self, *shape: int) -> Array:
        """Return a new array ``(*shape, runs)``."""
        self.reserve(*shape)
        self.bytes += 8 * math.prod(shape)
        return np.zeros((*shape, self.runs))

    def scratch(self, slot: str, *shape: int) -> Array:
        """Return an array shared by all who ask for this slot and shape; it holds nothing between two functions.

        Sharing keeps a block within the cache: the rule of every pathway works in the same few arrays.
        """
        key = (slot, *shape)
        if key not in self._scratch:
            self._scratch[key] = self.empty(*shape)
        return self._scratch[key]

    def signal(self, name: str, *shape: int) -> Array:
        """Reserve (once) and return a signal."""
        name = self._alias.get(name, name)
        if name not in self.signals:
            self.signals[name] = self.empty(*shape)
        found: Array = self.signals[name]
        return found

    def state(self, name: str, *shape: int) -> Array:
        """Reserve (once) and return a signal that persists; it is watched for divergence."""
        self.states[name] = self.signal(name, *shape)
        return self.states[name]

    def layer(self, name: str, *shape: int, persists: bool = False) -> Array:
        """Reserve (once) and return a signal with the runs first, for what multiplies whole matrices in every run."""
        if name not in self.signals:
            self.reserve(*shape)
            self.signals[name] = np.zeros((self.runs, *shape))
            self.bytes += 8 * math.prod(shape)
        found: Array = self.signals[name]
        if persists:
            self.layers[name] = found
        return found

    def index(self, name: str) -> NDArray[np.int64]:
        """Reserve an integer signal ``(lanes,)``: positions ``unit * lanes + lane`` of what is shown."""
        self.signals[name] = np.arange(self._lanes, dtype=np.int64)
        found: NDArray[np.int64] = self.signals[name]
        return found

    def alias(self, name: str, array: Array | NDArray[np.int64]) -> None:
        """Give an existing signal a second name."""
        for first, held in islice(self.signals.items(), self._seen, None):
            self._first_names.setdefault(id(held), first)
        self._seen = len(self.signals)
        canonical = self._first_names[id(array)]
        self._alias[name] = canonical
        if name.endswith(".row"):
            self._rows.add(canonical)
        self.signals[name] = array

    def canonical(self, name: str) -> str:
        """Return the first name of a signal."""
        return self._alias.get(name, name)

    def has_row(self, signal: str) -> bool:
        """Return whether a projection's row *is* this input: it alone writes it."""
        return signal in self._rows


class StructureView:
    """The tables of one structure, and the questions that several components ask of them."""

    def __init__(self, structure: Structure, registry: Registry) -> None:
        self._tables: dict[tuple[str, str], Declared] = {(t.section, t.name): t for t in structure.tables}
        self._registry = registry
        self._names: dict[str, list[str]] = {}
        for section, name in sorted(self._tables):
            self._names.setdefault(section, []).append(name)
        self._naming: dict[tuple[str, str], dict[Any, list[str]]] = {}
        self.clocks = tuple(sorted({self.kind("phase", name).clock for name in self.names("phase")}))

    def has(self, section: str, name: str) -> bool:
        """Return whether the table exists in this structure."""
        return (section, name) in self._tables

    def names(self, section: str) -> list[str]:
        """Return the names of a section's tables, sorted."""
        return self._names.get(section, [])

    def naming(self, section: str, field: str, value: Any) -> list[str]:
        """Return the names, sorted, of a section's tables that have this value in a field."""
        if (section, field) not in self._naming:
            found = self._naming[section, field] = {}
            for name in self.names(section):
                fields = dict(self._tables[section, name].fields)
                if field in fields:
                    found.setdefault(fields[field], []).append(name)
        return self._naming[section, field].get(value, [])

    def kind(self, section: str, name: str) -> type[Component]:
        """Return the component that a table chooses."""
        return self._registry.get(section, self._tables[section, name].component)

    def size(self, population: str) -> int:
        """Return the number of units."""
        fields = dict(self._tables["population", population].fields)
        while fields.get("like"):
            fields = dict(self._tables["population", fields["like"]].fields)
        units: int = fields["size"]
        return units

    def is_source(self, population: str) -> bool:
        """Return whether the population's activity comes from outside the circuit."""
        return "shown" in self.kind("population", population).offers

    def sources_of(self, population: str) -> int:
        """Return how many projections from sources reach a population."""
        ways = (self._tables["projection", name] for name in self.naming("projection", "post", population))
        return sum(self.is_source(way.field("pre")) for way in ways)

    def is_task_driven(self, population: str) -> bool:
        """Return whether a task shows this population what to be."""
        return self._shows("one unit", population) or self._shows("pattern", population)

    def is_cue(self, population: str) -> bool:
        """Return whether a task shows exactly one unit of this population at a time."""
        return self._shows("one unit", population)

    def _shows(self, what: str, population: str) -> bool:
        """Return whether some task says that it shows this population `what`."""
        return (population, what) in self._shown

    @cached_property
    def _shown(self) -> frozenset[tuple[Any, str]]:
        """The populations that a task shows something, each with what."""
        tasks = ((self.kind("task", name), dict(self._tables["task", name].fields)) for name in self.names("task"))
        return frozenset(
            (fields[field], declared.shows)
            for kind, fields in tasks
            for field, declared in kind.parameters().items()
            if declared.shows and field in fields
        )
