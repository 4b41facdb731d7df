"""The functions of a step, registered with what they read and write, for the table that is being built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.component.field_path import field_path
from workbench.errors import AssemblyError
from workbench.solver.buffers import Buffers
from workbench.solver.steps import Function, Step, Unorderable, in_order

if TYPE_CHECKING:
    from workbench.component.arrays import Array


class Registered(Buffers):
    """Arrays, and the functions that work in them; what a function fetches before it is registered is its own."""

    def __init__(self, runs: int, lanes: int) -> None:
        super().__init__(runs, lanes)
        self._building: list[tuple[str, str]] = []
        self._steps: list[Step] = []
        self._reads: set[str] = set()
        self._writes: set[str] = set()
        self._updates: set[str] = set()

    @property
    def owner(self) -> str:
        """The table that is being built, ``section.name``; "" for none."""
        return ".".join(self._building[-1]) if self._building else ""

    @contextmanager
    def _apart(self, section: str, name: str) -> Iterator[None]:
        """Build a table, keeping apart what it fetches from what the one around it has fetched."""
        self._building.append((section, name))
        kept = self._reads, self._writes, self._updates
        self._reads, self._writes, self._updates = set(), set(), set()
        yield
        self._reads, self._writes, self._updates = kept
        self._building.pop()

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
            asked = field_path(name)
            raise self.refusal(f"{asked.table} has no {asked.field}, which is needed here")
        return self.signals[name]

    def refusal(self, reason: str) -> AssemblyError:
        """Return the error for the table that is being built."""
        return AssemblyError(self.owner, reason)

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
        self.add_step(stage, self.owner, function, self._reads, self._writes, self._updates, clock, kind, on_demand)
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
        """Return the steps of one clock, in order.

        Raises
        ------
        AssemblyError
            If there is none: the circuit has a loop.
        """
        try:
            return in_order([s for s in self._steps if s.clock in (None, clock)], self.signals)
        except Unorderable as error:
            raise self.loop(error) from None

    def loop(self, error: Unorderable) -> AssemblyError:
        """Return the error for steps that cannot be put in order, at the first of them."""
        return AssemblyError(error.circle[0].owner.lstrip("-"), error.reason)
