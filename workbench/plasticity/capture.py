"""One step of early and late weights, tags and capture: the exact flow of each while the others hold still.

Order of a step of length dt, each part exact for the coefficients that it sees:

1. choice p at the weights expected in the middle of the step, by the drift of the step before;
2. tags over dt, and their mean;
3. late weights over dt / 2, with the early weights of the start;
4. early weights over dt, with the late weights of the middle;
5. late weights over dt / 2, with the early weights of the end.

The whole is of second order in dt, once dt is shorter than a tag takes to be set (minutes, in a session).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.synapses import picked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Array, Value
    from workbench.circuit.synapses import Pairs, Shares


@dataclass
class Coefficients:
    """What holds over one step, per hour.

    Attributes
    ----------
    life : Value
        Learning per occasion, times occasions.
    asymptotes : array (channels, 1, 1 or runs)
        What each channel is taught to by being chosen.
    events : Value
        Occasions.
    teach, pull : array (channels, cues, runs) or None
        What sessions add to the early weights, ``teach - pull * W``.
    tagged : array (cues, runs) or None
        Trials in sessions, which set tags on both channels.
    """

    life: Value
    asymptotes: Array
    events: Value
    tag_decay: Value
    capture: Value
    early_decay: Value
    late_decay: Value
    late_rest: Value
    teach: Any = None
    pull: Any = None
    tagged: Any = None

    def of(self, runs: NDArray[np.intp]) -> Coefficients:
        """Return those of some runs."""
        return replace(self, **{item.name: picked(getattr(self, item.name), runs) for item in fields(self)})


class Synapse:
    """Late and early weights and tags, ``(channels, cues, runs)`` each, and the work space of a step.

    `drift` (per hour) is how fast the weights moved in the last step.
    """

    def __init__(self, late: Array, early: Array, tag: Array, drift: Array, weight: Array) -> None:
        self.late, self.early, self.tag, self.drift, self.weight = late, early, tag, drift, weight
        self._p, self._gain, self._loss, self._work, self._mean = (np.empty_like(weight) for _ in range(5))

    def of(self, pairs: Pairs) -> Synapse:
        """Return a copy of some synapses, ``(channels, 1, synapses)``, that goes its own way."""
        cues, runs = pairs
        return Synapse(*(array[:, None, cues, runs] for array in self._state))

    def put(self, pairs: Pairs, other: Synapse) -> None:
        """Take some synapses over from `other`."""
        cues, runs = pairs
        for mine, theirs in zip(self._state, other._state, strict=True):
            mine[:, cues, runs] = theirs[:, 0]

    @property
    def _state(self) -> tuple[Array, ...]:
        return self.late, self.early, self.tag, self.drift, self.weight

    def step(self, hours: Value, c: Coefficients, shares: Shares, pairs: Pairs | None = None) -> None:
        """Advance by `hours`; `pairs` says which synapses these are, None is all of the block."""
        p, gain, loss, work, before = self._p, self._gain, self._loss, self._work, self._mean
        np.multiply(self.drift, 0.5 * hours, out=work)
        shares(np.add(work, self.weight, out=work), p, pairs)
        self._drives(c)
        capture = self._tags(hours, c)
        faded = -np.expm1(-0.5 * hours / c.late_decay)
        self._later(faded, c, capture)
        leaving = np.add(loss, capture, out=work)
        np.add(leaving, 1.0 / c.early_decay, out=leaving)
        np.multiply(loss, self.late, out=loss)
        np.subtract(gain, loss, out=gain)
        np.divide(gain, leaving, out=gain)
        np.multiply(leaving, -hours, out=leaving)
        np.exp(leaving, out=leaving)
        np.subtract(self.early, gain, out=self.early)
        np.multiply(self.early, leaving, out=self.early)
        np.add(self.early, gain, out=self.early)
        self._later(faded, c, capture)
        np.copyto(before, self.weight)
        np.add(self.late, self.early, out=self.weight)
        np.subtract(self.weight, before, out=self.drift)
        np.multiply(self.drift, 1.0 / hours, out=self.drift)

    def _drives(self, c: Coefficients) -> None:
        """Fill gain and loss of the early weights, ``gain - loss * W``, from the present choice."""
        np.multiply(self._p, c.life, out=self._loss)
        np.multiply(self._loss, c.asymptotes, out=self._gain)
        if c.pull is not None:
            np.add(self._loss, c.pull, out=self._loss)
            np.add(self._gain, c.teach, out=self._gain)

    def _tags(self, hours: Value, c: Coefficients) -> Array:
        """Advance the tags; return the rate of capture at their mean over the step."""
        rate, decay, mean = np.multiply(self._p, c.events, out=self._p), self._work, self._mean
        if c.pull is not None:
            np.add(rate, c.tagged, out=rate)
        np.add(rate, 1.0 / c.tag_decay, out=decay)
        np.divide(rate, decay, out=rate)  # where tags tend
        np.multiply(decay, hours, out=decay)
        np.subtract(self.tag, rate, out=self.tag)
        fading = np.expm1(np.negative(decay, out=mean), out=mean)
        np.divide(fading, decay, out=decay)
        np.multiply(decay, self.tag, out=decay)
        np.add(fading, 1.0, out=fading)
        np.multiply(self.tag, fading, out=self.tag)
        np.add(self.tag, rate, out=self.tag)
        np.subtract(rate, decay, out=mean)
        return np.multiply(mean, c.capture, out=mean)

    def _later(self, faded: Value, c: Coefficients, capture: Array) -> None:
        """Advance the late weights with early weights held; `faded` is what of their distance goes."""
        tends = np.multiply(capture, self.early, out=self._p)
        np.multiply(tends, c.late_decay, out=tends)
        np.add(tends, c.late_rest, out=tends)
        np.subtract(tends, self.late, out=tends)
        np.multiply(tends, faded, out=tends)
        np.add(self.late, tends, out=self.late)
