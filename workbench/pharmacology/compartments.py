"""Any number of compartments around a central one: a drug's body as a list of flows and volumes.

The rates at which compartments around a central one decay together, each to its last digit on every processor.

Every rate `r` solves ``r (1 + sum over compartments of out / (back - r)) = elimination``. There is one below the
smallest rate back, one between each two neighbours, and one above the largest. The left side grows with `r` all the
way, so that halving finds it; measured from the nearer end of its interval, no difference loses digits. A last step of
Newton's method, whose residual is summed in twice the digits, leaves nothing but the rounding of the result.
Only sums, products and quotients are used, which every processor rounds alike; an eigenproblem of a library is solved
with other roundings on each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power, unordered
from workbench.component.declaration import Component, gathered, number, reference
from workbench.pharmacology.disposition import Oral
from workbench.pharmacology.kinetics import Kinetics
from workbench.pharmacology.linear import REFERENCE_WEIGHT

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.pharmacology.linear import After, Entries

    Pair = tuple[Array, Array]
    """A number in twice the digits: its rounded value, and what that leaves."""


@dataclass(frozen=True, kw_only=True)
class Peripheral(Component):
    """A compartment that a drug reaches from the central one and comes back from (mammillary).

    Flow and volume grow with body weight as the drug's clearance and volume do. A flow of 0 means no compartment:
    the bits are those of a model without it, so conditions and arms may have different numbers of compartments.
    """

    section: ClassVar[str] = "compartment"
    name: ClassVar[str] = "peripheral"
    equation: ClassVar[str] = "dA/dt = flow (C - A / volume),  C = concentration in the central compartment"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    drug: str = reference(
        "drug", "the drug, whose model takes any number of compartments", acts=True, requires="compartments"
    )
    flow: Value = number(
        MISSING, "L/h", "flow to and from the central compartment at 70 kg; 0 is none", low=0.0, high=1e5
    )
    volume: Value = number(MISSING, "L", "volume at 70 kg", low=1e-3, high=1e6)


@dataclass(frozen=True, kw_only=True)
class MultiCompartment(Kinetics):
    """Disposition in a central compartment that exchanges with any number of others, each a table of its own.

    Rates and projections `P_j` have all their digits, also where rates meet or lie 18 powers of ten apart, and are the
    same bits on every processor: they come from sums, products and quotients alone.
    """

    revision: ClassVar[int] = 5
    offers: ClassVar[frozenset[str]] = frozenset({"plasma", "compartments"})
    first_around: ClassVar[int]
    """The number that dose records have for the first compartment that is a table of its own."""

    around: Mapping[str, Peripheral] = gathered("compartment", "drug")

    @property
    def compartments(self) -> tuple[str, ...]:
        """The central compartment and the others, by name."""
        return ("central", *self.between)

    @cached_property
    def between(self) -> dict[str, tuple[Value, Value]]:
        """Rates (1/h) from the central compartment and back, by compartment."""
        # Flows scale like clearance and volumes like volume, so rates scale by the difference of the exponents.
        slowed = power(self.body_weight / REFERENCE_WEIGHT, self.clearance_exponent - self.volume_exponent)
        return {
            f"compartment.{name}": (other.flow / self.volume * slowed, other.flow / other.volume * slowed)
            for name, other in sorted(self.around.items())
        }

    def holds(self, compartment: str) -> bool:
        """Whether every run has the compartment: its flow is above 0."""
        return compartment not in self.between or bool(np.all(np.asarray(self.between[compartment][0]) > 0.0))

    def exchange(self) -> Entries:
        """Return elimination and exchange."""
        found: Entries = {
            ("central", "central"): -(self.elimination + unordered([out for out, _ in self.between.values()]))
        }
        for place, (out, back) in self.between.items():
            found |= {(place, "central"): out, ("central", place): back, (place, place): -back}
        return found

    def rates(self) -> Mapping[str, Value]:
        """Return the rates of decay, the fastest first; one of an absent compartment repeats the fastest."""
        return {f"decay_{j}": rate for j, rate in enumerate(self.modes[0])}

    def reach(self, after: After, *, onto: str = "") -> Entries:
        """Return ``exp(-r_0 t) + sum over j of P_j (exp(-r_j t) - exp(-r_0 t))``: exactly what is there at t = 0."""
        places = ("central", *self.between)
        first = after("decay_0")
        later = [after("decay_0", f"decay_{j}") for j in range(1, len(places))]
        found: Entries = {}
        for to, row in zip(places, self.modes[1], strict=True):
            for source, weights in zip(places, row, strict=True):
                if not onto or to == onto:
                    share: Any = sum(weight * part for weight, part in zip(weights, later, strict=True))
                    found[to, source] = first + share if to == source else share
        return found

    @cached_property
    def modes(self) -> tuple[list[Value], list[list[list[Value]]]]:
        """Rates (1/h), the fastest first, and by row, column and later mode ``P_j (fastest - rate_j)``."""
        rates = [np.asarray(self.elimination), *(np.asarray(rate) for pair in self.between.values() for rate in pair)]
        shape = np.broadcast_shapes(*(rate.shape for rate in rates))
        spread = np.stack([np.broadcast_to(rate, shape).ravel() for rate in rates])
        size, runs = 1 + len(self.between), spread.shape[1]
        decay, weights = np.empty((size, runs)), np.zeros((size, size, size - 1, runs))
        present = spread[1::2] > 0.0
        # Runs in which a flow is 0 have fewer compartments, hence fewer modes; each group is solved by itself, and a
        # run's numbers do not depend on the others.
        for pattern in np.unique(present, axis=1).T:
            mine = np.flatnonzero(np.all(present == pattern[:, None], axis=0))
            here = np.array([0, *(np.flatnonzero(pattern) + 1)])
            own, shares = _modes(spread[0, mine], spread[1::2][pattern][:, mine], spread[2::2][pattern][:, mine])
            decay[:, mine] = own[0]
            decay[: len(here), mine] = own
            weights[np.ix_(here, here, np.arange(len(here) - 1), mine)] = shares
        if not shape:
            return decay[:, 0].tolist(), weights[..., 0].tolist()
        return list(decay), [[list(cell) for cell in row] for row in weights]


def _modes(leaving: Array, outs: Array, backs: Array) -> tuple[Array, Array]:
    """Return rates ``(modes, runs)`` and weights ``(to, from, modes - 1, runs)`` of one set of compartments.

    Parameters
    ----------
    leaving : array (runs,)
        Rate of elimination.
    outs, backs : array (compartments, runs)
        Rates from the central compartment and back, above 0.
    """
    order = np.argsort(backs, axis=0, kind="stable")
    outs, backs = (np.take_along_axis(rates, order, axis=0) for rates in (outs, backs))
    found = [decay_mode(mode, leaving, outs, backs) for mode in reversed(range(len(outs) + 1))]
    size, fastest = len(found), found[0][0]
    weights, place = np.empty((size, size, size - 1, len(leaving))), np.argsort(order, axis=0)
    for j, (rate, apart) in enumerate(found[1:]):
        one = np.ones_like(leaving)
        into = [one, *np.take_along_axis(outs / apart, place, axis=0)]
        onto = [one, *np.take_along_axis(backs / apart, place, axis=0)]
        length = sum((outs / apart) * (backs / apart), one)
        for to in range(size):
            for source in range(size):
                weights[to, source, j] = into[to] * onto[source] / length * (fastest - rate)
    return np.stack([rate for rate, _ in found]), weights


@dataclass(frozen=True, kw_only=True)
class MultiCompartmentIntravenous(MultiCompartment):
    """Straight into a central compartment that exchanges with any number of others, tables [compartment.NAME]."""

    name: ClassVar[str] = "multi_compartment_intravenous"
    first_around: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "dA1/dt = input - (clearance / V) A1 + sum over compartments of flow (A / volume - A1 / V)\n"
        "c(t) = amount / V sum over modes of P exp(-r t),  r (1 + sum of out / (back - r)) = clearance / V"
    )


@dataclass(frozen=True, kw_only=True)
class MultiCompartmentOral(Oral, MultiCompartment):
    """First-order absorption into a central compartment that exchanges with any number of others."""

    name: ClassVar[str] = "multi_compartment_oral"
    first_around: ClassVar[int] = 3
    equation: ClassVar[str] = (
        "dgut/dt = -ka gut,  dA1/dt = ka gut - (clearance / V) A1 + sum of flow (A / volume - A1 / V)"
    )

    absorption: Value = number(MISSING, "1/h", "first-order absorption rate", low=1e-4, high=1e3)
    clearance: Value = number(MISSING, "L/h", "clearance at 70 kg", low=1e-4, high=1e5)
    volume: Value = number(MISSING, "L", "central volume at 70 kg", low=1e-3, high=1e6)


HALVINGS = 63
"""As many as a number has bits beside its sign: then no other number lies between the two ends."""
TOGETHER = 2.0**-200
"""Rates back that are equal are held apart by this share of them, far below the last digit of any difference."""
SPLIT = 2.0**27 + 1.0


def decay_mode(mode: int, leaving: Array, outs: Array, backs: Array) -> tuple[Array, Array]:
    """Return one rate of decay ``(runs,)`` and the distances ``back - rate`` ``(compartments, runs)``.

    Parameters
    ----------
    mode : int
        Which: 0 is the slowest, the number of compartments the fastest.
    leaving : array (runs,)
        Rate of elimination.
    outs, backs : array (compartments, runs)
        Rates from the central compartment and back, above 0 and sorted by the second.
    """
    size = len(backs)
    if not size:
        return leaving, backs
    total = sum(outs, leaving)
    if mode == size:
        start, away, forward = backs[-1], _distances(size - 1, backs), np.ones(leaving.shape, dtype=np.bool_)
        longest = total + total + backs[-1]
    else:
        low = backs[mode - 1] if mode else np.zeros_like(leaving)
        up, down = _distances(mode - 1, backs) if mode else backs.copy(), _distances(mode, backs)
        longest = 0.5 * up[mode]
        forward = _residual(low, longest, up, leaving, outs) > 0.0
        start, away = np.where(forward, low, backs[mode]), np.where(forward, up, down)
    sign = np.where(forward, 1.0, -1.0)
    # Bisection over the bit patterns: positive floats are ordered like their bits, so 63 halvings end at two
    # neighbouring numbers, however small the root.
    near, far = np.zeros(leaving.shape, dtype=np.int64), longest.copy().view(np.int64)
    for _ in range(HALVINGS):  # numbers above 0 are in the order of their bits
        middle = near + (far - near) // 2
        beyond = (_residual(start, sign * middle.view(np.float64), away, leaving, outs) > 0.0) == forward
        near, far = np.where(beyond, near, middle), np.where(beyond, middle, far)
    step = sign * far.view(np.float64)
    # One Newton step with the residual in twice the digits: bisection alone knows the root to one unit, and weights
    # of nearby modes amplify that.
    left, apart = _residual_in_pairs(start, step, away, leaving, outs), away - step
    last = -left / (1.0 + sum(outs * backs / (apart * apart)))
    rate, lost = _add(start, step)
    return rate + (lost + last), apart - last


def _distances(place: int, backs: Array) -> Array:
    """Return how far each rate back lies above the one at `place`; of equal ones the later lies further."""
    apart = backs - backs[place]
    # Equal rates back would make a mode with no weight and a division 0 / 0; held apart by less than any digit, the
    # limit comes out.
    share = TOGETHER * np.arange(-place, len(backs) - place)[:, None]
    found: Array = np.where(apart == 0.0, share * backs[place], apart)
    return found


def _residual(start: Array, step: Array, away: Array, leaving: Array, outs: Array) -> Array:
    # `sum` adds row by row; how NumPy adds along an axis may depend on the number of runs.
    # Around the pole: distances from it are exact, while the difference of two rates near each other has lost its
    # digits.
    found: Array = (start + step) * (1.0 + sum(outs / (away - step))) - leaving
    return found


def _residual_in_pairs(start: Array, step: Array, away: Array, leaving: Array, outs: Array) -> Array:
    """Return the same, rounded once."""
    whole, rest = np.ones_like(leaving), np.zeros_like(leaving)
    for out, distance in zip(outs, away, strict=True):
        apart, lost = _add(distance, -step)
        share = out / apart
        product, less = _multiply(share, apart)
        whole, more = _add(whole, share)
        rest = rest + (more + ((out - product) - less - share * lost) / apart)
    rate, lost = _add(start, step)
    product, less = _multiply(rate, whole)
    return (product - leaving) + (less + (rate * rest + lost * whole))


def _add(a: Array, b: Array) -> Pair:
    """Return a sum and what its rounding leaves (Knuth)."""
    found = a + b
    # Knuth's sum without error: what rounding removed is recovered exactly, whichever of the two is larger.
    part = found - a
    return found, (a - (found - part)) + (b - part)


def _multiply(a: Array, b: Array) -> Pair:
    """Return a product and what its rounding leaves (Dekker)."""
    found = a * b
    (high, low), (top, bottom) = _halves(a), _halves(b)
    return found, ((high * top - found) + high * bottom + low * top) + low * bottom


def _halves(a: Array) -> Pair:
    # Dekker's split into two halves of 26 bits, whose products are exact.
    shifted = SPLIT * a
    high = shifted - (shifted - a)
    return high, a - high
