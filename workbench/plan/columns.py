"""How one number of the model comes about, run by run: a base, and the factors that multiply it.

A form is worked out once for each arm; evaluating it for a stretch of runs is a few array operations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from workbench.plan.points import Points
from workbench.quantities import convert

Numbers = NDArray[np.float64]
Indexes = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """A stretch of runs of one study.

    Attributes
    ----------
    ordinals : array (runs,)
        Point of each run.
    subjects : array (runs,)
    draws : mapping trait name -> array (runs,)
    """

    points: Points
    ordinals: Indexes
    subjects: Indexes
    draws: Mapping[str, Numbers]

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        """Return the runs at which `mask` is true."""
        draws = {name: values[mask] for name, values in self.draws.items()}
        return Rows(self.points, self.ordinals[mask], self.subjects[mask], draws)


@dataclass(frozen=True)
class Swept:
    """A number taken from an axis: level of `group` at the run's point."""

    path: str
    group: int
    unit: str
    levels: Numbers = field(compare=False, repr=False)

    def values(self, rows: Rows) -> Numbers:
        """Return the axis value of every run."""
        return self.levels[rows.points.digit(rows.ordinals, self.group)]

    def converted(self, unit: str) -> Swept:
        """Return the same axis in another unit."""
        if unit == self.unit:
            return self
        levels = np.array([convert(level, self.unit, unit) for level in self.levels.tolist()])
        return replace(self, unit=unit, levels=levels)


@dataclass(frozen=True)
class TraitFactor:
    """A number taken from a trait: ``factor * draw``, or ``(draw / reference) ** exponent`` of a covariate."""

    trait: str
    factor: float = 1.0
    reference: float | None = None
    exponent: float = 1.0

    def values(self, rows: Rows) -> Numbers:
        """Return the number of every run's subject."""
        return self.of(rows.draws[self.trait])

    def of(self, draw: Numbers) -> Numbers:
        """Return what draws of the trait contribute."""
        return draw * self.factor if self.reference is None else (draw / self.reference) ** self.exponent


@dataclass(frozen=True)
class Form:
    """``base * factor * factor ...``, multiplied in this order; a base that is a float needs no run."""

    base: float | Swept | TraitFactor
    factors: tuple[Swept | TraitFactor, ...] = ()

    @property
    def constant(self) -> float | None:
        """The number, where it is the same for all points and subjects."""
        return self.base if isinstance(self.base, float) and not self.factors else None

    def times(self, *factors: Swept | TraitFactor) -> Form:
        """Return the form with more factors."""
        return replace(self, factors=(*self.factors, *factors)) if factors else self

    def converted(self, given: str, unit: str) -> Form:
        """Return the form in `unit`; factors have none."""
        if given == unit:
            return self
        if isinstance(self.base, Swept):
            return replace(self, base=self.base.converted(unit))
        if isinstance(self.base, TraitFactor):
            return replace(self, base=replace(self.base, factor=self.base.factor * convert(1.0, given, unit)))
        return replace(self, base=convert(self.base, given, unit))

    def values(self, rows: Rows) -> Numbers:
        """Return the number of every run, shape (runs,)."""
        base = self.base
        result = np.full(len(rows.ordinals), base) if isinstance(base, float) else base.values(rows)
        for factor in self.factors:
            # In the order of the layers, one factor after another: another grouping would differ in the last bit, and
            # so in the run's key.
            result = result * factor.values(rows)
        return result

    def at(self, levels: Mapping[str, int]) -> float | None:
        """Return the number with each swept path at a level; None where a trait or another path has a part in it."""
        number = 1.0
        for part in (self.base, *self.factors):
            if isinstance(part, Swept) and part.path in levels:
                number *= float(part.levels[levels[part.path]])
            elif isinstance(part, float):
                number *= part
            else:
                return None
        return number

    @property
    def is_individual(self) -> bool:
        """Whether a trait has a part in it."""
        return isinstance(self.base, TraitFactor) or any(isinstance(factor, TraitFactor) for factor in self.factors)

    def limits(self, draws: Mapping[str, Numbers]) -> tuple[Numbers, Numbers]:
        """Return the smallest and largest number over all points, for each subject in `draws`.

        `draws` maps every trait in the form to an array (subjects,); without any the result has one entry.
        """
        low = high = np.ones(1)
        moving: dict[int, Numbers] = {}
        for part in (self.base, *self.factors):
            if isinstance(part, Swept):
                moving[part.group] = moving.get(part.group, 1.0) * part.levels
            else:
                share = part.of(draws[part.trait]) if isinstance(part, TraitFactor) else part
                low, high = np.minimum(low * share, high * share), np.maximum(low * share, high * share)
        for levels in moving.values():
            # A product is extreme at the ends of its factors, but which ends depends on their signs: all are tried.
            corners = [end * levels.min() for end in (low, high)] + [end * levels.max() for end in (low, high)]
            low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
        return low, high


def column(forms: Sequence[Form], arm_slice: Indexes, rows: Rows) -> Numbers:
    """Return one number for every run.

    Parameters
    ----------
    forms : sequence
        One form for each arm_slice (an arm at fixed structural levels).
    arm_slice : array (runs,)
        The arm_slice of every run.
    """
    constants = [form.constant for form in forms]
    if all(constant is not None for constant in constants):
        return np.array(constants, dtype=np.float64)[arm_slice]
    if all(form == forms[0] for form in forms):
        return forms[0].values(rows)
    result = np.empty(len(arm_slice))
    for form in dict.fromkeys(forms):
        mask = np.array([other == form for other in forms])[arm_slice]
        if mask.any():
            result[mask] = form.values(rows.where(mask))
    return result
