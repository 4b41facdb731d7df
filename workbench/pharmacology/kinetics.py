"""Linear oral kinetics, solved exactly as a sum of exponentials.

A linear model answers one dose with ``c(t) = amount * sum_i K_i exp(-rate_i t)``. Each mode then advances over any
interval by closed form, doses inside it included, and so does the mean concentration over the interval.
Nothing is stepped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, count, number

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly
    from workbench.pharmacology.regimen import Repeated

NG_PER_ML = 1000.0
"""ng/mL in one mg/L."""
HOURS_PER_DAY = 24.0
ALMOST_EQUAL = 1e-7
"""Two rates closer than this (relative) are moved apart by it: the sum of exponentials divides by their difference."""

Modes = tuple[list["Value"], list["Value"]]
Factors = list[tuple["Value", "Value"]]


def _apart(rate: Value, other: Value) -> Value:
    close = np.abs(rate - other) < ALMOST_EQUAL * np.asarray(other)
    return np.where(close, other * (1.0 + ALMOST_EQUAL), rate)


@dataclass(frozen=True, kw_only=True)
class Kinetics(Component):
    """What all linear oral models share; a model adds its `modes`."""

    section: ClassVar[str] = "drug"
    drives: ClassVar[bool] = True

    absorption: Value = number(
        2.07, "1/h", "first-order absorption rate", low=1e-4, high=1e3, status="measured", source="He1995"
    )
    clearance: Value = number(
        16.0, "L/h", "apparent oral clearance CL/F", low=1e-4, high=1e5, status="fitted", source="He1995"
    )
    volume: Value = number(
        502.0, "L", "apparent central volume V/F", low=1e-3, high=1e6, status="fitted", source="He1995"
    )
    effect: Value = number(
        1.0, "1", "share of the concentration that acts; 0 is a subject who never responds", low=0.0, high=1.0
    )
    resolution: int = count(24, "hours over which the trial clock averages the concentration", high=8760)

    def modes(self) -> Modes:
        """Return rates (1/h) and weights (ng/mL per mg) of the response to one dose."""
        raise NotImplementedError

    def response(self, hours: Array) -> Array:
        """Return the concentration ``hours`` after 1 mg, in ng/mL, shape of `hours`."""
        rates, weights = self.modes()
        total = np.zeros_like(np.asarray(hours, dtype=np.float64))
        for rate, weight in zip(rates, weights, strict=True):
            total = total + weight * np.exp(-rate * hours)
        return total

    def build(self, block: Assembly, name: str) -> None:
        """Offer the acting concentration as a driven signal that changes at dose events only."""
        concentration = block.moving(f"drug.{name}")
        state = block.state(f"drug.{name}.modes", len(self.modes()[0]))
        doses = [dose for _, dose in block.all("dose") if dose.drug == name]
        block.exposures.append(Exposure(self, doses, state, concentration))


class Exposure:
    """The running concentration of one drug in one block.

    Parameters
    ----------
    state : array (modes, runs), ng/mL
        Advanced in place.
    concentration : array (runs,), ng/mL
        The acting concentration: mean over the interval (trial clock) or value at its end (event clock).
    """

    def __init__(self, drug: Kinetics, doses: list[Repeated], state: Array, concentration: Array) -> None:
        self.doses, self.state, self.concentration = doses, state, concentration
        self.rates, self.weights = drug.modes()
        self.effect, self.resolution = drug.effect, drug.resolution
        self._factors: dict[tuple[Any, ...], Factors] = {}  # days are alike: most stretches recur

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool) -> bool:
        """Advance from `start` to `stop` (hours in `phase`); return whether the concentration may have changed.

        A dose at `start` is inside, one at `stop` is not; an oral dose adds nothing at its own instant,
        so the order of dose and observation at equal times does not matter.
        """
        active = [dose for dose in self.doses if dose.during == phase and np.any(dose.amount)]
        if not active and not self.state.any():
            quiet = not self.concentration.any()
            self.concentration[...] = 0.0
            return not quiet
        area: Any = 0.0
        cuts = [start, *(np.clip(cut, start, stop) for cut in self._cuts(active, start, stop)), stop]
        for begin, end in pairwise(cuts):
            area = area + self._advance(active, begin, end, average)
        self.state[np.abs(self.state) < 1e-200] = 0.0  # subnormal numbers would slow every later step
        value = area / (stop - start) if average else np.add.reduce(self.state, axis=0)
        np.multiply(value, self.effect, out=self.concentration)
        return True

    @staticmethod
    def _cuts(doses: list[Repeated], start: Any, stop: Any) -> list[float]:
        """Return the hours inside the interval at which a titration raises an amount."""
        found: set[float] = set()
        for dose in doses:
            if np.any(dose.titration_step):
                for length in np.unique(HOURS_PER_DAY * np.asarray(dose.titration_each)).tolist():
                    first, last = np.floor(np.min(start) / length) + 1, np.ceil(np.max(stop) / length)
                    found.update(k * length for k in range(int(first), int(last)))
        return sorted(found)

    def _advance(self, doses: list[Repeated], start: Any, stop: Any, average: bool) -> Any:
        """Advance all modes over a stretch of constant amounts; return the area under the concentration."""
        terms = [(dose.amount_at(start), self._given(dose, start, stop)) for dose in doses]
        area: Any = 0.0
        for i, (kept, share) in enumerate(self._decay(stop - start)):
            mode = self.state[i]
            if average:
                area = area + mode * share
            mode *= kept
            for amount, factors in terms:
                left, passed = factors[i]
                mode += amount * left
                if average:
                    area = area + amount * passed
        return area

    def _decay(self, length: Any) -> Factors:
        """Return, per mode, what a stretch leaves of it and the area that it passes through."""
        key = ("decay", length) if isinstance(length, float) else ()
        if key not in self._factors:
            kept = [np.exp(-rate * length) for rate in self.rates]
            found = [(k, (1.0 - k) / rate) for k, rate in zip(kept, self.rates, strict=True)]
            if not key:
                return found
            self._factors[key] = found
        return self._factors[key]

    def _given(self, dose: Repeated, start: Any, stop: Any) -> Factors:
        """Return, per mode and mg a dose, what the doses of a stretch leave at its end and their area in it."""
        first, given = dose.given(start, stop)
        last_age = stop - (first + given - 1.0) * dose.every
        plain = all(isinstance(v, float) for v in (first, given, last_age, dose.every))
        key = (given, last_age, dose.every) if plain else ()
        if key not in self._factors:
            found: Factors = []
            for rate, weight in zip(self.rates, self.weights, strict=True):
                repeats = np.expm1(-given * rate * dose.every) / np.expm1(-rate * dose.every)
                left = np.where(np.asarray(given) > 0, np.exp(-rate * last_age) * repeats, 0.0)
                found.append((weight * left, weight * (given - left) / rate))
            if not key:
                return found
            self._factors[key] = found
        return self._factors[key]


@dataclass(frozen=True, kw_only=True)
class OneCompartmentOral(Kinetics):
    """First-order absorption into one compartment."""

    name: ClassVar[str] = "one_compartment_oral"
    equation: ClassVar[str] = "c(t) = amount ka / (V (ka - ke)) (exp(-ke t) - exp(-ka t)),  ke = clearance / V"
    sources: ClassVar[tuple[str, ...]] = ("Burke1985",)

    def modes(self) -> Modes:
        """Return elimination and absorption."""
        elimination = self.clearance / self.volume
        absorption = _apart(self.absorption, elimination)
        weight = NG_PER_ML * absorption / (self.volume * (absorption - elimination))
        return [elimination, absorption], [weight, -weight]


@dataclass(frozen=True, kw_only=True)
class TwoCompartmentOral(Kinetics):
    """First-order absorption into a central compartment that exchanges with a peripheral one."""

    name: ClassVar[str] = "two_compartment_oral"
    equation: ClassVar[str] = (
        "c(t) = amount ka / V sum over l in {alpha, beta, ka} of (k21 - l) / prod_(m != l) (m - l) exp(-l t)\n"
        "alpha + beta = k10 + k12 + k21,  alpha beta = k10 k21,  k10 = clearance / V"
    )
    sources: ClassVar[tuple[str, ...]] = ("He1995",)

    k12: Value = number(
        0.0328, "1/h", "rate from central to peripheral", low=1e-6, high=1e3, status="fitted", source="He1995"
    )
    k21: Value = number(
        0.0867, "1/h", "rate from peripheral to central", low=1e-6, high=1e3, status="fitted", source="He1995"
    )

    def modes(self) -> Modes:
        """Return distribution, elimination and absorption."""
        elimination = self.clearance / self.volume
        total = elimination + self.k12 + self.k21
        root = np.sqrt(total * total - 4.0 * self.k21 * elimination)
        fast, slow = 0.5 * (total + root), 2.0 * self.k21 * elimination / (total + root)
        absorption = _apart(_apart(self.absorption, fast), slow)
        rates = [fast, slow, absorption]
        scale = NG_PER_ML * absorption / self.volume
        weights = []
        for i, rate in enumerate(rates):
            a, b = (rates[j] for j in range(3) if j != i)
            weights.append(scale * (self.k21 - rate) / ((a - rate) * (b - rate)))
        return rates, weights
