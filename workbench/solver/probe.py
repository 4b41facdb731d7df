"""Which tables take a number that links move for a fixed one: found while a block is assembled.

A link moves a number only where its component hands it to `derived`, or reads it anew in a function of the step. Who
computes with it while the block is put together has what it was before anything ran, for good. Here such a number
stands for its array and says who reads it too early.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import AssemblyError
from workbench.solver.block import Block

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value


class LinkedNumber(np.lib.mixins.NDArrayOperatorsMixin):
    """A number that links move; every use beyond its shape is recorded."""

    def __init__(self, array: Array, paths: frozenset[str], read: Callable[[frozenset[str]], None]) -> None:
        self.array, self.paths, self._read = array, paths, read
        self.shape, self.ndim, self.size, self.dtype = array.shape, array.ndim, array.size, array.dtype

    def plainly(self) -> Array:
        """Return the array, after a note that it was read."""
        self._read(self.paths)
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.plainly(), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain_inputs = [x.plainly() if isinstance(x, LinkedNumber) else x for x in inputs]
        return getattr(ufunc, method)(*plain_inputs, **options)

    def __getitem__(self, key: Any) -> Any:
        return self.plainly()[key]

    def __bool__(self) -> bool:
        return bool(self.plainly())

    def __float__(self) -> float:
        return float(self.plainly())


class Probe(Block):
    """A block that never runs: it knows which links act on nothing that can move.

    Attributes
    ----------
    early : mapping path -> owner
        Numbers that links move, and the first table that took each for a fixed one.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.early: dict[str, str] = {}
        self._applied: set[str] = set()
        self._kept: list[LinkedNumber] = []

    def _linked(self, path: str) -> Value:
        value = super()._linked(path)
        self._applied.add(path)
        moves = isinstance(value, LinkedNumber) or id(value) in self._live
        return self._moved(value, frozenset([path])) if moves else value

    def _moved(self, value: Any, paths: frozenset[str]) -> Any:
        if isinstance(value, LinkedNumber):
            value, paths = value.array, value.paths | paths
        found = LinkedNumber(value, paths, self._note)
        if id(value) in self._live:
            self._live[id(found)] = self._live[id(value)]
        self._kept.append(found)
        return found

    def _note(self, paths: frozenset[str]) -> None:
        for path in paths:
            self.early.setdefault(path, self.owner)

    def _itself(self, value: Value) -> Value:
        return value.array if isinstance(value, LinkedNumber) else value

    def derived(self, formula: Callable[..., Any], *args: Value) -> Value:
        """Return a formula of parameters; what comes of a number that links move is one."""
        value = super().derived(formula, *args)
        paths = frozenset().union(*(a.paths for a in args if isinstance(a, LinkedNumber)))
        return self._moved(value, paths) if paths else value

    def spread(self, value: Value, *shape: int) -> Value:
        """Return an array value repeated, kept up to date."""
        if not isinstance(value, LinkedNumber):
            return super().spread(value, *shape)
        found: Value = self._moved(super().spread(value.array, *shape), value.paths)
        return found

    def refuse_still(self) -> None:
        """Refuse the first link, by name, onto a number that does not move.

        Raises
        ------
        AssemblyError
            At the link.
        """
        for name in self.names("link"):
            onto = self._tables["link", name].field("onto")
            if onto not in self._applied:
                raise AssemblyError(f"link.{name}.onto", f"{onto} is not given, so that nothing can move it")
            if onto in self.early:
                who = self.early[onto]
                reader = f", and {who} has read it by then" if who and who != onto.rpartition(".")[0] else ""
                reason = f"{onto} is read once, before the model runs{reader}: nothing can move it after that"
                raise AssemblyError(f"link.{name}.onto", reason)
