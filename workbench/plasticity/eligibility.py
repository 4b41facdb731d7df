"""Marks left at a synapse by activity, which a later third factor turns into change.

Every kind answers `response`: the share of a mark that still counts after a delay. On the trial clock a rule
uses it directly (activity and reward of one trial are `delay` apart); on the event clock marks of several
events add up. Both give the same change for one pairing and one reward. On the tick clock activity lasts; marks
that it leaves all the time add up to an area, for which a kind answers `total` and `remaining`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.arithmetic import power
from workbench.declaration import Component, number

if TYPE_CHECKING:
    from workbench.arrays import Array, Value


@dataclass(frozen=True, kw_only=True)
class Exponential(Component):
    """A mark that is there at once and fades exponentially."""

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "exponential"
    equation: ClassVar[str] = "e(d) = exp(-(d - reference) / decay) for d >= 0, else 0"
    sources: ClassVar[tuple[str, ...]] = ("Izhikevich2007", "He2015")

    decay: Value = number(1.0, "s", "time constant of the mark", low=1e-3, high=1e5)
    reference: Value = number(0.0, "s", "delay at which the learning rate is quoted (response 1)", low=0.0, high=1e5)

    def response(self, delay: Value) -> Value:
        """Return the share of the mark left after `delay` seconds, relative to the reference delay."""
        passed: Array = np.exp(-(delay - self.reference) / self.decay)
        return np.where(np.asarray(delay) >= 0.0, passed, 0.0)

    def total(self) -> Value:
        """Return the area under the whole response, in seconds."""
        area: Array = self.decay * np.exp(self.reference / self.decay)
        return area

    def kept(self, interval: Value) -> Value:
        """Return what `interval` seconds leave of a mark that is carried along."""
        share: Array = np.exp(-interval / self.decay)
        return share

    def remaining(self, since: Value) -> Value:
        """Return, `since` seconds (not negative) after a lasting drive began, the area that it has yet to make up.

        Marks left at 1/s from 0 to t have the area ``total t - remaining(0) + remaining(t)``.
        """
        area: Array = self.decay * self.decay * np.exp((self.reference - since) / self.decay)
        return area


@dataclass(frozen=True, kw_only=True)
class Delayed(Component):
    """A mark that dopamine can read only within a window after the activity.

    Zero until `onset`, largest at `peak` (gamma shape), then fading; the shape multiplies an exponential
    decay. `response` is 1 at the reference delay, which must lie inside the window.
    """

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "delayed"
    equation: ClassVar[str] = (
        "e(d) = k(d) exp(-d / decay) / (k(reference) exp(-reference / decay))\n"
        "k(d) = (z exp(1 - z))^shape with z = (d - onset) / (peak - onset), 0 for d <= onset"
    )
    sources: ClassVar[tuple[str, ...]] = ("Yagishita2014", "Fisher2017")

    decay: Value = number(1.0, "s", "time constant of the mark", low=1e-3, high=1e5, source="Yagishita2014")
    onset: Value = number(
        0.3, "s", "shortest delay that counts", low=0.0, high=1e3, status="measured", source="Yagishita2014"
    )
    peak: Value = number(
        0.8, "s", "delay at which the window is widest open", low=1e-3, high=1e3, source="Yagishita2014"
    )
    shape: Value = number(1.0, "1", "sharpness of the window", low=0.1, high=20.0)
    reference: Value = number(0.8, "s", "delay at which the learning rate is quoted (response 1)", low=1e-3, high=1e3)

    def _raw(self, delay: Value) -> Array:
        z = np.maximum((np.asarray(delay) - self.onset) / (self.peak - self.onset), 0.0)
        raw: Array = power(z * np.exp(1.0 - z), self.shape) * np.exp(-np.maximum(delay, 0.0) / self.decay)
        return raw

    def response(self, delay: Value) -> Value:
        """Return what `delay` seconds leave of the mark, relative to the reference delay."""
        return self._raw(delay) / self._raw(self.reference)

    def _gamma(self) -> tuple[Value, Value, Value]:
        """Return a, b and c of ``response(onset + u) = c u^a exp(-b u)``."""
        width = self.peak - self.onset
        steepness = self.shape / width + 1.0 / self.decay
        largest: Array = np.exp(self.shape - self.onset / self.decay) / power(width, self.shape)
        return self.shape, steepness, largest / self._raw(self.reference)

    def total(self) -> Value:
        """Return the area under the whole response, in seconds."""
        from scipy.special import gamma

        shape, rate, scale = self._gamma()
        area: Array = scale * gamma(shape + 1.0) / power(rate, shape + 1.0)
        return area

    def remaining(self, since: Value) -> Value:
        """Return what `Exponential.remaining` does: the response integrated twice from the far end."""
        from scipy.special import gammaincc

        shape, rate, _ = self._gamma()
        late = np.asarray(since) - self.onset
        passed = rate * np.maximum(late, 0.0)
        mean = (shape + 1.0) / rate
        left: Array = mean * gammaincc(shape + 2.0, passed) - late * gammaincc(shape + 1.0, passed)
        return self.total() * left
