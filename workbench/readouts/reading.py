"""What every readout shares: where it looks, and how a window becomes one number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.circuit.populations import size_of
from workbench.declaration import Component, count, number, window

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


MOST_VALUES = 100_000
"""Values of one course: more is a slip of the pen, and more than a page can show."""


@dataclass(frozen=True)
class Reading:
    """How a readout is taken: signals summed over trials, then one function of the sums.

    Attributes
    ----------
    signals : tuple of str
        Signals ``(runs,)`` to add up over the trials of the window; empty for a reading of the moment.
    value : function (sums, trials) -> array (runs,)
        Turns the sums over a window into the outcome; NaN or infinity marks a run whose outcome is undefined.
    """

    signals: tuple[str, ...]
    value: Callable[[tuple[Array, ...], int], Array]


def number_fault(
    fields: Mapping[str, Any], key: str, tables: Mapping[str, Mapping[str, Any]], population: str
) -> Iterable[tuple[str, str]]:
    """Yield the number of a unit that the population does not have; `key` counts from 1."""
    size, given = size_of(tables, population), fields.get(key, 1)
    if given > size:
        yield key, f"{population} has {size} units, got {given}"


@dataclass(frozen=True, kw_only=True)
class Readout(Component):
    """Base of readouts; `unit`, `meaning` and `better` ("lower", "higher" or "") go into tables and pages.

    `at_moments` says that it has a value at any moment, so that it can be followed over time.
    """

    section: ClassVar[str] = "outcome"
    unit: ClassVar[str] = "1"
    meaning: ClassVar[str]
    better: ClassVar[str] = ""
    at_moments: ClassVar[bool] = True

    window: str | None = window(None, "stretch of the protocol; a reading of the moment is taken at its end")
    every: int = count(0, "for a course on the trial clock: trials per recorded value", low=0)
    interval: float = number(0.0, "h", "for a course in a phase that runs in hours: time between values", low=0.0)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a course without a pace, or with the other clock's, and an outcome that has one."""
        every, interval = fields.get("every"), fields.get("interval")
        if fields["section"] == "outcome":
            pace = "every" if every else "interval"
            if every or interval:
                yield pace, "belongs to a course; an outcome is one number, taken over its window"
            return
        clocks = {phase["clock"] for phase in tables["phase"].values()}
        timed = clocks - {"trial", "flow"}
        if not timed and interval:
            yield "interval", "is for phases that run in hours; these count trials: use every, such as every = 100"
        elif not timed and not every:
            yield "every", "is missing (trials per recorded value, such as every = 100)"
        elif not clocks & {"trial", "flow"} and not interval:
            yield "interval", 'is missing (hours between recorded values, such as interval = "1 h")'
        elif not every and not interval:
            yield "every", 'a course needs its pace: every = 100 (trials) or interval = "1 h"'
        elif every and sum(phase.get("trials", 0) for phase in tables["phase"].values()) > MOST_VALUES * every:
            yield "every", f"makes a course of more than {MOST_VALUES:,} values"
        elif interval and sum(phase.get("length", 0.0) for phase in tables["phase"].values()) > MOST_VALUES * interval:
            yield "interval", f"makes a course of more than {MOST_VALUES:,} values"

    def reading(self, block: Assembly) -> Reading:
        """Fetch what the readout needs from `block`, registering steps if it must."""
        raise NotImplementedError
