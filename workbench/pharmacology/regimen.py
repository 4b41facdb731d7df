"""What is given, how often and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.arrays import Array, Value


@dataclass(frozen=True, kw_only=True)
class Repeated(Component):
    """The same dose at fixed intervals from the start of a phase to its end, with or without titration.

    The first dose falls on the start of the phase; a dose due at the very end belongs to the next phase and is not
    given. With a titration step the daily total rises by that step until it reaches ``amount * 24 h / every``.
    """

    section: ClassVar[str] = "dose"
    name: ClassVar[str] = "repeated"
    equation: ClassVar[str] = (
        "dose at t_k = k * every;  daily total = min(amount 24 h / every, start + step floor(t / each))"
    )

    drug: str = reference("drug", "what is given")
    amount: Value = number(0.0, "mg", "amount of one dose", low=0.0, high=1e6, status="protocol")
    every: Value = number(24.0, "h", "interval between doses", low=0.1, high=8760.0, status="protocol")
    during: str = reference("phase", "the phase in which it is given")
    titration_start: Value = number(0.0, "mg/day", "daily total on the first day", low=0.0, high=1e6, status="protocol")
    titration_step: Value = number(
        0.0, "mg/day", "rise of the daily total; 0 is no titration", low=0.0, high=1e6, status="protocol"
    )
    titration_each: Value = number(3.0, "day", "days between two rises", low=0.01, high=3650.0, status="protocol")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a titration that never rises."""
        if fields.get("titration_start") and fields.get("titration_step", 0.0) == 0.0:
            yield "titration_step", "a titration that starts below the full dose needs a step above 0"

    def amount_at(self, hours: Value) -> Value:
        """Return the amount of a dose given `hours` after the start of the phase, in mg."""
        if isinstance(self.titration_step, float) and self.titration_step == 0.0:
            return self.amount
        total: Array = self.titration_start + self.titration_step * np.floor(
            hours / (24.0 * self.titration_each) + 1e-9
        )
        per_dose = np.where(np.asarray(self.titration_step) > 0.0, total * self.every / 24.0, np.inf)
        return np.minimum(self.amount, per_dose)

    def given(self, start: float, stop: float) -> tuple[Value, Value]:
        """Return the index of the first dose in ``[start, stop)`` hours and how many there are."""
        first = np.ceil(start / self.every - 1e-9)
        after = np.ceil(stop / self.every - 1e-9)
        return first, after - first
