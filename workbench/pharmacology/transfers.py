"""The exact flow of one drug over any length of time, kept for the lengths that recur.

What is left at the end of a chain of first-order stages: the one function that all linear kinetics are made of.

A unit amount put into the first stage leaves it at `rates[0]` and enters the second, and so on. The amount in the last
stage is a divided difference of the exponential. Written as ``sum of weights exp(-rate t)`` it loses all digits where
two rates come close; here it keeps them, equal rates included, because near differences are summed as a series.
A rate of 0 is a stage that collects, so the same function gives areas (one 0) and areas of infusions (two).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.arrays import in_order, select_runs
from workbench.component.declaration import Component
from workbench.pharmacology.linear import Amounts, added

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.linear import Entries, LinearKinetics


KEPT = 96
"""Lengths whose transfers are kept: days are alike, and so are the hours between two doses."""
GRIDS = 4
"""The same for grids of many lengths at once."""
GONE = 800.0
"""Time constants after which nothing is left, to the last bit: ``exp(-800)`` is 0."""
SITES = {"plasma": "area", "effect": "effect_area"}
"""The row that gathers the area under the concentration at each site."""


def _key(length: Value) -> Any:
    # The bytes of an array are its exact value: lengths that differ in the last bit are other lengths.
    return length if isinstance(length, float) else (np.asarray(length).tobytes(), np.shape(length))


class Propagator:
    """Transfers between the compartments of one drug at fixed rates.

    Attributes
    ----------
    rows : tuple of str
        The compartments, and "effect" where the effect site follows plasma with a delay.
    """

    def __init__(self, drug: LinearKinetics) -> None:
        self.drug = drug
        self.delayed = bool(np.any(np.asarray(drug.equilibration) > 0.0))
        self.rows = (*drug.compartments, *(("effect",) if self.delayed else ()))
        self.scale = drug.scale()
        # A run without delay shares its block with others that have one; its effect site is not read.
        self.follow: Value = np.log(2.0) / np.where(np.asarray(drug.equilibration) > 0.0, drug.equilibration, 1.0)
        self._rates = {**drug.rates(), "effect": self.follow, "collect": 0.0}
        self._exchange = drug.exchange()
        self._kept: dict[Any, Entries] = {}
        self._grids: dict[Any, Entries] = {}
        self._keeps = True

    @cached_property
    def fastest(self) -> Value:
        """The fastest of its rates, 1/h."""
        rates = [np.asarray(rate) for rate in self._rates.values()]
        found = np.maximum.reduce(np.broadcast_arrays(*rates))
        return float(found) if found.ndim == 0 else found

    def passing(self) -> Propagator:
        """Return the same, keeping nothing: for lengths that do not recur."""
        other = copy(self)
        other._keeps = False
        return other

    def of(self, runs: NDArray[np.intp]) -> Propagator:
        """Return the same for some runs, keeping nothing."""
        other = self.passing()
        own = {name: value for name, value in vars(self).items() if name not in ("_kept", "_grids")}
        vars(other).update({name: _select(value, runs) for name, value in own.items()}, _keeps=False)
        return other

    def over(self, length: Value) -> Entries:
        """Return what a unit in one row becomes in each row, `length` hours later."""
        return self._remembered(("over", _key(length)), lambda: self._rows(length))

    def seen(self, length: Value) -> Entries:
        """Return the same for those rows alone whose concentration is seen: the central one, and the effect site."""
        return self._remembered(("seen", _key(length)), lambda: self._rows(length, onto="central"))

    def areas(self, length: Value) -> Entries:
        """Return the area (ng h/mL) that a unit in one row passes under, at each site, within `length` hours."""
        return self._remembered(("areas", _key(length)), lambda: self._areas(length))

    def inflow(self, length: Value, entry: str, *, onto: str = "") -> Entries:
        """Return the rows that a constant input of 1 mg/h leaves after `length` hours, by (row, entry).

        With `onto` "central" those alone whose concentration is seen.
        """
        made = lambda: _from(entry, self._rows(length, "collect", onto=onto))  # noqa: E731
        return self._remembered((f"inflow {entry} {onto}", _key(length)), made)

    def inflow_areas(self, length: Value, entry: str) -> Entries:
        """Return the areas under the concentrations that a constant input of 1 mg/h makes within `length` hours."""
        return self._remembered(
            (f"inflow areas {entry}", _key(length)), lambda: _from(entry, self._areas(length, "collect"))
        )

    def endless(self, entry: str) -> Amounts:
        """Return what a constant input of 1 mg/h has filled the rows with once nothing changes any more."""
        slowest = np.minimum.reduce(np.broadcast_arrays(*(r for n, r in self._rates.items() if n != "collect")))
        # A steady state is an inflow for so long that its beginning is forgotten: the same formula as for any other
        # inflow, with no matrix to invert.
        gone = GONE / slowest
        found = self._rows(float(gone) if np.ndim(gone) == 0 else gone, "collect")
        return {row: found.get((row, entry), 0.0) for row in self.rows}

    def slopes(self, amounts: Amounts, inputs: Amounts) -> Amounts:
        """Return how fast each row changes: compartments in mg/h, the effect site in ng/mL/h.

        `inputs` are the rates (mg/h) at which the drug flows in, by compartment.
        """
        parts: dict[str, list[tuple[str, Any]]] = {row: [("", 0.0)] for row in self.rows}
        for (to, source), rate in self._exchange.items():
            parts[to].append((source, rate * amounts[source]))
        found: Amounts = {row: added(coming) for row, coming in parts.items()}
        for entry, rate in inputs.items():
            found[entry] = found[entry] + rate
        if self.delayed:
            found["effect"] = self.follow * (self.scale * amounts["central"] - amounts["effect"])
        return found

    def _remembered(self, key: Any, make: Callable[[], Entries]) -> Entries:
        kept, most = (self._grids, GRIDS) if isinstance(key[1], tuple) and len(key[1][1]) > 1 else (self._kept, KEPT)
        if not self._keeps:
            return make()
        if key not in kept:
            # First in, first out is enough: lengths recur within a day or never.
            # Bounded, since lengths that differ from run to run may never come back.
            if len(kept) >= most:
                del kept[next(iter(kept))]
            kept[key] = make()
        return kept[key]

    def _after(self, length: Value, *more: str) -> Callable[..., Value]:
        """Return the chain of named stages with `more` behind them."""
        known: dict[tuple[str, ...], Value] = {}

        def after(*stages: str) -> Value:
            names = tuple(sorted((*stages, *more)))
            if names not in known:
                known[names] = chained(length, *(self._rates[name] for name in names))
            return known[names]

        return after

    def _rows(self, length: Value, *more: str, onto: str = "") -> Entries:
        found = self.drug.reach(self._after(length, *more), onto=onto)
        if self.delayed:
            found |= self._observed("effect", self.follow, length, "effect", *more)
            found["effect", "effect"] = self._after(length, *more)("effect")
        return found

    def _areas(self, length: Value, *more: str) -> Entries:
        found = self._observed("area", 1.0, length, "collect", *more)
        if self.delayed:
            found |= self._observed("effect_area", self.follow, length, "effect", "collect", *more)
            found["effect_area", "effect"] = self._after(length, "collect", *more)("effect")
        return found

    def _observed(self, row: str, rate: Value, length: Value, *behind: str) -> Entries:
        """Return a row fed by the plasma concentration through the stages `behind`."""
        central = self.drug.reach(self._after(length, *behind), onto="central")
        return {(row, source): self.scale * rate * share for (to, source), share in central.items() if to == "central"}


def _from(entry: str, entries: Entries) -> Entries:
    return {pair: share for pair, share in entries.items() if pair[1] == entry}


def _select(value: Any, runs: NDArray[np.intp]) -> Any:
    """Return what a value, or a component and all that it holds, is in some runs."""
    if isinstance(value, Component):
        other = copy(value)
        vars(other).update({name: _select(held, runs) for name, held in vars(value).items()})
        return other
    if isinstance(value, Mapping):
        return {name: _select(held, runs) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_select(held, runs) for held in value)
    return select_runs(value, runs)


def moved(entries: Entries, amounts: Amounts, into: tuple[str, ...]) -> Amounts:
    """Return the rows `into` after a transfer of `amounts`."""
    found: dict[str, list[tuple[str, Any]]] = {}
    for (to, source), share in entries.items():
        found.setdefault(to, []).append((source, share * amounts[source]))
    return {row: added(found[row]) for row in into}


def total(entries: Entries, amounts: Amounts, row: str) -> Array | float:
    """Return one row after a transfer of `amounts`."""
    parts = [(source, share * amounts[source]) for (to, source), share in entries.items() if to == row]
    return added(parts) if parts else 0.0


NEAR = 4.0
"""Rates whose spread times the length is below this are summed as a series; above, a difference loses few digits."""
TERMS = 36
"""Terms of the series: the next one is below ``4**36 / 36!``, less than a unit in the last place."""


def chained(length: Value, *rates: Value) -> Value:
    """Return the amount in the last of the stages, `length` after a unit amount entered the first, all empty.

    Parameters
    ----------
    length : float or array (runs,)
        Not negative.
    *rates : float or array (runs,)
        Rate at which each stage is left, 0 or above; their order does not matter.
    """
    with np.errstate(all="ignore"):
        found = _difference(in_order([np.asarray(rate * length) for rate in rates]), 0, len(rates) - 1, {})
        for _ in rates[1:]:
            found = found * length
    return float(found) if np.ndim(found) == 0 else found


def _difference(nodes: Sequence[Array], first: int, last: int, known: dict[tuple[int, int], Array]) -> Array:
    """Return the divided difference of ``exp(-x)`` over the sorted `nodes` first to last, without its sign."""
    if (first, last) in known:
        return known[first, last]
    low, spread = nodes[first], nodes[last] - nodes[first]
    if last == first:
        found = np.exp(-low)
    elif last == first + 1:
        # expm1, as 1 - exp(-spread) would lose all digits where two rates nearly agree.
        found = np.exp(-low) * np.where(spread > 0.0, -np.expm1(-spread) / spread, 1.0)
    else:
        # The recursive difference subtracts nearly equal terms where nodes are close; the series is exact there, and
        # diverges slowly where they are not.
        near: NDArray[np.bool_] = spread < NEAR
        found = _series(nodes[first : last + 1]) if np.any(near) else spread
        if not np.all(near):
            above = _difference(nodes, first, last - 1, known)
            below = _difference(nodes, first + 1, last, known)
            found = np.where(near, found, (above - below) / spread)
    known[first, last] = np.asarray(found)
    return known[first, last]


def _series(nodes: Sequence[Array]) -> Array:
    """Return the same for nodes that lie near each other: complete symmetric polynomials of their distances."""
    order = len(nodes) - 1
    apart = [np.minimum(node - nodes[0], NEAR) for node in nodes[1:]]
    powers = [np.ones_like(nodes[0]), *[np.zeros_like(nodes[0])] * (TERMS - 1)]
    for distance in apart:
        for k in range(1, TERMS):
            powers[k] = powers[k] + distance * powers[k - 1]
    total = np.zeros_like(nodes[0])
    # From the smallest term to the largest, so that small ones are not lost against the sum.
    for k in reversed(range(TERMS)):
        total = total + powers[k] * ((-1.0) ** k / math.factorial(order + k))
    return np.asarray(np.exp(-nodes[0]) * total)
