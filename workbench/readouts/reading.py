"""What readouts share: where they look, how a span becomes numbers, and the weights of one unit or one spectrum."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, count, number, reference, window
from workbench.tasks.second_moment import eigenvalues, is_known

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


MOST_VALUES = 100_000
"""Values of one time course: more would be a typo, and more than a page can show."""


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
    every: int = count(0, "for a time course on the trial clock: trials per recorded value", low=0)
    interval: float = number(0.0, "h", "for a time course in a phase that runs in hours: time between values", low=0.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a time course without a pace, or with the other clock's, and an outcome with one."""
        every, interval = fields.get("every"), fields.get("interval")
        if fields["section"] == "outcome":
            pace = "every" if every else "interval"
            if every or interval:
                yield pace, "belongs to a time course; an outcome is one number, taken over its window"
            return
        clocks = tables.clocks
        timed = clocks - {"trial", "flow"}
        if not timed and interval:
            yield "interval", "is for phases that run in hours; these count trials: use every, such as every = 100"
        elif not timed and not every:
            yield "every", "is missing (trials per recorded value, such as every = 100)"
        elif not clocks & {"trial", "flow"} and not interval:
            yield "interval", 'is missing (hours between recorded values, such as interval = "1 h")'
        elif not every and not interval:
            yield "every", 'a time course needs a pace: every = 100 (trials) or interval = "1 h"'
        elif every and sum(phase.get("trials", 0) for phase in tables["phase"].values()) > MOST_VALUES * every:
            yield "every", f"makes a time course of more than {MOST_VALUES:,} values"
        elif interval and sum(phase.get("length", 0.0) for phase in tables["phase"].values()) > MOST_VALUES * interval:
            yield "interval", f"makes a time course of more than {MOST_VALUES:,} values"

    def reading(self, block: Assembly) -> Reading:
        """Fetch what the readout needs from `block`, registering steps if it must."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class OfUnit(Readout):
    """Base of what looks at the weights of one unit."""

    projection: str = reference("projection", "the projection")
    unit_number: int = count(1, "the postsynaptic unit, from 1", high=4096, not_above="projection.post")

    def row(self, block: Assembly) -> Array:
        """Return the weights of the unit, a view: dense ``(pre, runs)``, one-to-one ``(runs,)``."""
        found: Array = block.read(f"projection.{self.projection}.weight")[self.unit_number - 1]
        return found


@dataclass(frozen=True, kw_only=True)
class OfRow(OfUnit):
    """Base of what is read off all weights of one unit."""

    projection: str = reference("projection", "a dense projection")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a projection without rows."""
        yield from super().check(fields, tables)
        yield from _sparse_fault(fields, tables)


@dataclass(frozen=True, kw_only=True)
class OneSynapse(OfUnit):
    """Base of what looks at one synapse."""

    projection: str = reference("projection", "the learned projection")
    input_number: int = count(
        1, "the presynaptic unit, from 1; one-to-one weights have none", high=4096, not_above="projection.pre"
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse weights that no rule changes."""
        yield from super().check(fields, tables)
        yield from unlearned_fault(fields, tables)

    def synapse(self, block: Assembly) -> Array:
        """Return the weight of the synapse, a view ``(runs,)``."""
        row = self.row(block)
        return row if row.ndim == 1 else row[self.input_number - 1]


@dataclass(frozen=True, kw_only=True)
class AmongOthers(OneSynapse):
    """Base of what compares one synapse with the others of its unit."""

    projection: str = reference("projection", "a dense projection onto units with several synapses")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a synapse that has no others."""
        yield from super().check(fields, tables)
        sparse = list(_sparse_fault(fields, tables))
        yield from sparse
        pre = tables["projection"][fields["projection"]]["pre"]
        if not sparse and size_of(tables, pre) < 2:
            yield "projection", f"{pre} has one unit: there is nothing to compare its synapse with"


def unlearned_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield a projection whose weights never change."""
    name = fields["projection"]
    if name not in tables["plasticity"]:
        yield "projection", f"nothing changes {name}: it has no [plasticity.{name}]"


def _sparse_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    name = fields["projection"]
    way = tables["projection"][name]
    if not way.offers("all pairs"):
        yield "projection", f"needs a dense projection, but {name} is {way.kind}"


NARROWEST_GAP = 1.05
"""Neighbouring eigenvalues nearer than this factor leave their eigenvectors undetermined in practice."""
NOTHING = 1e-12
"""Eigenvalues below this share of the largest are rounding error of 0."""


def moment_fault(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield a task whose second moment is not known, and a projection from other inputs than it shows."""
    task, way = tables["task"][fields["task"]], tables["projection"][fields["projection"]]
    if not task.offers("eigenvectors"):
        known = ", ".join(tables.kinds("task", "eigenvectors"))
        yield "task", f"needs a task with a known covariance ({known}), but {fields['task']} is {task.kind}"
    elif way["pre"] != task["inputs"]:
        yield "projection", f"comes from {way['pre']}, but {fields['task']} shows its inputs to {task['inputs']}"


def eigenvalue_faults(fields: Fields, component: int, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield an eigenvector whose direction is not determined."""
    for pair in ((component - 1, component), (component, component + 1)):
        if fault := gap_fault(fields, pair, tables):
            yield "component", fault
            return


def gap_fault(fields: Fields, pair: tuple[int, int], tables: Tables) -> str:
    """Return that two neighbouring eigenvalues, counted from 1, are too near to each other; "" if they are not."""
    spectrum = _spectrum(tables["task"][fields["task"]], tables)
    if spectrum is None or pair[0] < 1 or pair[1] > len(spectrum):
        return ""
    large, small = (float(spectrum[k - 1]) for k in pair)
    if large > NARROWEST_GAP * small:
        return ""
    return (
        f"eigenvalues {large:.3g} and {small:.3g} are nearer than a factor {NARROWEST_GAP:g}: a mixture of their "
        "eigenvectors explains as much, so no rule can be held to one of them"
    )


def _spectrum(task: Fields, tables: Tables) -> Array | None:
    """Return the eigenvalues of the second moment, largest first; None where they are not known."""
    ask = getattr(task.component, "spectrum_of", None)
    if ask is not None:
        found: Array | None = ask(task, tables)
        return found
    if not is_known(task, tables):
        return None
    moment = task.component.covariance_of(task, tables)  # type: ignore[attr-defined]
    if moment is None:
        return None
    values = eigenvalues(moment)[::-1]
    return np.where(values > NOTHING * values[0], values, 0.0)
