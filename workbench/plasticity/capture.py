"""One step of early and late weights, tags and capture: the exact flow of each while the others hold still.

Order of a step of length dt, each part exact for the coefficients that it sees:

1. choice p at the weights expected in the middle of the step;
2. tags over dt, and their mean;
3. late weights over dt / 2, with the early weights of the start;
4. early weights over dt, with the late weights of the middle;
5. late weights over dt / 2, with the early weights of the end.

The whole is of second order in dt, once dt is shorter than a tag takes to be set (minutes, in a session); a session
that begins inside a step costs one step of first order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from workbench.arrays import Array, Value


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
    teach, pull : array (channels, cues, runs) or 0
        What sessions add to the early weights, ``teach - pull * W``.
    tagged : array (cues, runs) or 0
        Trials in sessions, which set tags on both channels.
    """

    life: Value
    asymptotes: Array
    events: Value
    teach: Any
    pull: Any
    tagged: Any
    tag_decay: Value
    capture: Value
    early_decay: Value
    late_decay: Value
    late_rest: Value


class Synapse:
    """Late and early weights and tags, ``(channels, cues, runs)`` each, and the work space of a step."""

    def __init__(self, late: Array, early: Array, tag: Array, weight: Array) -> None:
        self.late, self.early, self.tag, self.weight = late, early, tag, weight
        self._p, self._gain, self._loss, self._work, self._mean = (np.empty_like(weight) for _ in range(5))

    def step(self, hours: float, c: Coefficients, shares: Callable[[Array, Array], Array]) -> None:
        """Advance by `hours`."""
        p, gain, loss, work = self._p, self._gain, self._loss, self._work
        shares(self._halfway(hours, c, shares), p)
        self._drives(c)
        self._tags(hours, c)
        capture = np.multiply(self._mean, c.capture, out=self._mean)
        self._later(0.5 * hours, c, capture)
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
        self._later(0.5 * hours, c, capture)
        np.add(self.late, self.early, out=self.weight)

    def _halfway(self, hours: float, c: Coefficients, shares: Callable[[Array, Array], Array]) -> Array:
        """Return the weights expected in the middle of the step, from the drift at its start."""
        shares(self.weight, self._p)
        self._drives(c)
        drift = np.multiply(self._loss, self.weight, out=self._work)
        np.subtract(self._gain, drift, out=drift)
        np.subtract(drift, np.divide(self.early, c.early_decay, out=self._mean), out=drift)
        np.multiply(drift, 0.5 * hours, out=drift)
        return np.add(self.weight, drift, out=drift)

    def _drives(self, c: Coefficients) -> None:
        """Fill gain and loss of the early weights, ``gain - loss * W``, from the present choice."""
        np.multiply(self._p, c.life, out=self._loss)
        np.multiply(self._loss, c.asymptotes, out=self._gain)
        if c.pull is not None:
            np.add(self._loss, c.pull, out=self._loss)
            np.add(self._gain, c.teach, out=self._gain)

    def _tags(self, hours: float, c: Coefficients) -> None:
        """Advance the tags; leave their mean over the step."""
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

    def _later(self, hours: float, c: Coefficients, capture: Array) -> None:
        """Advance the late weights with early weights held."""
        tends = np.multiply(capture, self.early, out=self._p)
        np.multiply(tends, c.late_decay, out=tends)
        np.add(tends, c.late_rest, out=tends)
        np.subtract(tends, self.late, out=tends)
        np.multiply(tends, -np.expm1(-hours / c.late_decay), out=tends)
        np.add(self.late, tends, out=self.late)
