"""Signals that scale a named number of another component while the model runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.component.declaration import Component, number, path, signal

if TYPE_CHECKING:
    from workbench.component.arrays import Value


MENDED = ("drug.", "compartment.", "eligibility.")
"""Sections whose numbers no link moved before."""


@dataclass(frozen=True, kw_only=True)
class LinearLink(Component):
    """Scales a number in proportion to a driven signal.

    The block applies the link where it makes the component that owns the number, so that no rule can miss it; several
    links onto one number multiply, from the smallest factor up, after any shift. A number that is read once, before
    anything moves, is refused. A drug's numbers follow the drugs behind the signal from moment to moment, on every
    clock.
    """

    section: ClassVar[str] = "link"
    name: ClassVar[str] = "linear"
    equation: ClassVar[str] = "number -> number * (1 + gain * signal)"
    sources: ClassVar[tuple[str, ...]] = ("Downs2019", "Downs2022")

    turn: ClassVar[int] = 1
    """Among links onto one number: after those that shift."""

    signal: str = signal("the driven signal")
    onto: str = path("the number that it scales", moved=True)
    gain: Value = number(0.0, "1", "relative change at signal 1", low=-1.0, high=1e3)

    @classmethod
    def revision_of(cls, fields: Mapping[str, Any], constant: Callable[[str], float | None]) -> int:
        """Return 2 where it moves kinetics or a trace, which stood at 0 before."""
        return 2 if fields["onto"].startswith(MENDED) else 1

    def scaled(self, base: Value, signal: Value) -> Value:
        """Return the number as the link leaves it."""
        return base * self.part(signal)

    def part(self, signal: Value) -> Value:
        """Return the factor that it contributes."""
        return 1.0 + self.gain * signal

    @staticmethod
    def joined(base: Value, part: Value) -> Value:
        """Return a number with what a link contributes."""
        return base * part


@dataclass(frozen=True, kw_only=True)
class ShiftLink(Component):
    """Adds to a number in proportion to a driven signal: what is 0 without the signal can be raised by it.

    Applied like every link, where the block makes the component that owns the number; several onto one number add up,
    from the smallest change on, before all that scale it.
    """

    section: ClassVar[str] = "link"
    name: ClassVar[str] = "shift"
    equation: ClassVar[str] = "number -> number + gain * signal"

    turn: ClassVar[int] = 0
    """Among links onto one number: first."""

    signal: str = signal("the driven signal")
    onto: str = path("the number that it moves", moved=True)
    gain: Value = number(0.0, "1", "change at signal 1, in the unit of the number", low=-1e6, high=1e6)

    @classmethod
    def revision_of(cls, fields: Mapping[str, Any], constant: Callable[[str], float | None]) -> int:
        """Return 2 where it moves kinetics or a trace, which stood at 0 before."""
        return 2 if fields["onto"].startswith(MENDED) else 1

    def scaled(self, base: Value, signal: Value) -> Value:
        """Return the number as the link leaves it."""
        return base + self.part(signal)

    def part(self, signal: Value) -> Value:
        """Return the change that it contributes."""
        return self.gain * signal

    @staticmethod
    def joined(base: Value, part: Value) -> Value:
        """Return a number with what a link contributes."""
        return base + part
