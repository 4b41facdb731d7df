"""Eligibility traces left at a synapse by activity, which a later third factor turns into change.

Every kind answers `response`: the share of a trace that still counts after a delay. On the trial clock a rule
uses it directly (activity and reward of one trial are `delay` apart); on the event clock traces of several
events add up. Both give the same change for one pairing and one reward. On the tick clock activity lasts; traces
that it leaves all the time add up to an area, for which a kind answers `total` and `remaining`.

Traces that are sums of exponentials can be carried along by a rule, one state for each.

`modes` gives the sum, so that between two events a trace advances by closed form; `kept` is what one step of the trial
clock leaves of a trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power
from workbench.component.declaration import Component, number, signal, switch

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Exponential(Component):
    """A trace that is there at once and fades exponentially."""

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "exponential"
    offers: ClassVar[frozenset[str]] = frozenset({"decay by steps", "decay between events", "duration"})
    equation: ClassVar[str] = "e(d) = exp(-(d - reference) / decay) for d >= 0, else 0"
    sources: ClassVar[tuple[str, ...]] = ("Izhikevich2007", "He2015")

    decay: Value = number(1.0, "s", "time constant of the trace", low=1e-3, high=1e5)
    reference: Value = number(0.0, "s", "delay at which the learning rate is quoted (response 1)", low=0.0, high=1e5)

    def response(self, delay: Value) -> Value:
        """Return the share of the trace left after `delay` seconds, relative to the reference delay."""
        passed: Array = np.exp(-(delay - self.reference) / self.decay)
        return np.where(np.asarray(delay) >= 0.0, passed, 0.0)

    def total(self) -> Value:
        """Return the area under the whole response, in seconds."""
        area: Array = self.decay * np.exp(self.reference / self.decay)
        return area

    def kept(self, interval: Value) -> Value:
        """Return what `interval` seconds leave of a trace that is carried along."""
        share: Array = np.exp(-interval / self.decay)
        return share

    def remaining(self, since: Value) -> Value:
        """Return, `since` seconds (not negative) after a lasting drive began, the area that it has yet to make up.

        Traces left at 1/s from 0 to t have the area ``total t - remaining(0) + remaining(t)``.
        """
        area: Array = self.decay * self.decay * np.exp((self.reference - since) / self.decay)
        return area


@dataclass(frozen=True, kw_only=True)
class Delayed(Component):
    """A trace that dopamine can read only within a window after the activity.

    Zero until `onset`, largest at `peak` (gamma shape), then fading; the shape multiplies an exponential
    decay. `response` is 1 at the reference delay, which must lie inside the window.
    """

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "delayed"
    offers: ClassVar[frozenset[str]] = frozenset({"duration"})
    equation: ClassVar[str] = (
        "e(d) = k(d) exp(-d / decay) / (k(reference) exp(-reference / decay))\n"
        "k(d) = (z exp(1 - z))^shape with z = (d - onset) / (peak - onset), 0 for d <= onset"
    )
    sources: ClassVar[tuple[str, ...]] = ("Yagishita2014", "Fisher2017")

    decay: Value = number(1.0, "s", "time constant of the trace", low=1e-3, high=1e5, source="Yagishita2014")
    onset: Value = number(
        0.3, "s", "shortest delay that counts", low=0.0, high=1e3, status="measured", source="Yagishita2014"
    )
    peak: Value = number(
        0.8, "s", "delay at which the window is widest open", low=1e-3, high=1e3, source="Yagishita2014"
    )
    shape: Value = number(1.0, "1", "sharpness of the window", low=0.1, high=20.0)
    reference: Value = number(0.8, "s", "delay at which the learning rate is quoted (response 1)", low=1e-3, high=1e3)

    def _raw(self, delay: Value) -> Array:
        # Clipped at the onset: a negative number to a fractional power is not a number.
        z = np.maximum((np.asarray(delay) - self.onset) / (self.peak - self.onset), 0.0)
        raw: Array = power(z * np.exp(1.0 - z), self.shape) * np.exp(-np.maximum(delay, 0.0) / self.decay)
        return raw

    def response(self, delay: Value) -> Value:
        """Return what `delay` seconds leave of the trace, relative to the reference delay."""
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
        # Upper incomplete gammas: the complement of the lower one has no digits left far from the activity.
        left: Array = mean * gammaincc(shape + 2.0, passed) - late * gammaincc(shape + 1.0, passed)
        return self.total() * left


Modes = tuple[tuple["Value", "Value"], ...]
"""Pairs (size, time constant in seconds); their sum of exponentials is the response."""


def summed(modes: Modes, delay: Value) -> Value:
    """Return the sum of exponentials `delay` seconds after the trace; 0 before it."""
    # Before the activity the exponential grows and may overflow, so it is held at 0 and cut off below.
    late = np.maximum(np.asarray(delay), 0.0)
    total: Any = 0.0
    for size, decay in modes:
        total = total + size * np.exp(-late / decay)
    return np.where(np.asarray(delay) >= 0.0, total, 0.0)


@dataclass(frozen=True, kw_only=True)
class DoubleExponential(Component):
    """A trace that takes time to become readable and then fades: the difference of two exponentials.

    Zero at the moment of activity, 1 at its largest; an exponential is largest at once.
    """

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "double_exponential"
    offers: ClassVar[frozenset[str]] = frozenset({"decay between events", "duration"})
    equation: ClassVar[str] = (
        "e(d) = (exp(-d / decay) - exp(-d / rise)) / the same at d_peak, for d >= 0, else 0\n"
        "d_peak = ln(decay / rise) rise decay / (decay - rise)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Yagishita2014",)

    rise: Value = number(0.3, "s", "time constant with which it becomes readable", low=1e-3, high=1e5)
    decay: Value = number(
        1.0, "s", "time constant with which it fades",
        low=1e-3, high=1e5, above="rise", because="a trace rises before it fades",
    )  # fmt: skip

    def peak(self) -> Value:
        """Return the delay at which the trace is largest, in seconds."""
        found: Value = np.log(self.decay / self.rise) * self.rise * self.decay / (self.decay - self.rise)
        return found

    def modes(self) -> Modes:
        """Return both exponentials, scaled to 1 at the peak."""
        at = self.peak()
        height = np.exp(-at / self.decay) - np.exp(-at / self.rise)
        return (1.0 / height, self.decay), (-1.0 / height, self.rise)

    def response(self, delay: Value) -> Value:
        """Return what `delay` seconds leave of the trace."""
        return summed(self.modes(), delay)

    def total(self) -> Value:
        """Return the area under the whole response, in seconds."""
        return sum(size * decay for size, decay in self.modes())

    def remaining(self, since: Value) -> Value:
        """Return what `Exponential.remaining` does."""
        found: Value = sum(size * decay * decay * np.exp(-since / decay) for size, decay in self.modes())
        return found


@dataclass(frozen=True, kw_only=True)
class Nmda(Component):
    """A trace that lasts as long as NMDA receptors hold glutamate: a fast part by GluN2A and a slow one by GluN2B.

    A postsynaptic spike that comes while they do opens them. Time constants are those of weighted deactivation in
    patches of oocytes, for one splice form; another has others, and what follows from them can change its order.
    """

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "nmda"
    offers: ClassVar[frozenset[str]] = frozenset({"decay between events", "duration"})
    equation: ClassVar[str] = (
        "e(d) = share_2a exp(-d / decay_2a) + (1 - share_2a) exp(-d / decay_2b) for d >= 0, else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Erreger2005",)

    share_2a: Value = number(0.5, "1", "share of GluN2A", low=0.0, high=1.0)
    decay_2a: Value = number(0.087, "s", "deactivation of GluN2A", low=1e-4, high=100.0,
                             status="measured", source="PMC6858497")  # fmt: skip
    decay_2b: Value = number(0.548, "s", "deactivation of GluN2B", low=1e-4, high=100.0,
                             status="measured", source="PMC6858497")  # fmt: skip

    def modes(self) -> Modes:
        """Return both parts."""
        return (self.share_2a, self.decay_2a), (1.0 - self.share_2a, self.decay_2b)

    def response(self, delay: Value) -> Value:
        """Return what `delay` seconds leave of the trace."""
        return summed(self.modes(), delay)

    def total(self) -> Value:
        """Return the area under the whole response, the width of the window, in seconds."""
        return self.share_2a * self.decay_2a + (1.0 - self.share_2a) * self.decay_2b

    def remaining(self, since: Value) -> Value:
        """Return what `Exponential.remaining` does."""
        found: Value = sum(size * decay * decay * np.exp(-since / decay) for size, decay in self.modes())
        return found


@dataclass(frozen=True, kw_only=True)
class Cleared(Component):
    """An exponential trace that, by hypothesis, a volley of acetylcholine shortens: credit goes to the last action.

    That acetylcholine shortens traces is a hypothesis. Published slice work shows thalamic volleys that make
    cholinergic interneurons burst and then pause, with a presynaptic suppression of cortical input and a later, longer
    enhancement in striatopallidal neurons; a shorter trace is one reading of it. So the
    switch is off unless a file turns it on.
    """

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "cleared"
    offers: ClassVar[frozenset[str]] = frozenset({"decay by steps", "decay between events", "volleys"})
    equation: ClassVar[str] = (
        "de/dt = -e / decay - clearing A(t) e, with A a pulse of area `signal` at every activity event or step\n"
        "so that one interval leaves q = exp(-interval / decay - clearing signal)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Ding2010",)

    decay: Value = number(3.0, "s", "time constant of the trace between volleys", low=1e-3, high=1e5)
    signal: str = signal("acetylcholine, or the receptors that it activates")
    clearing: Value = number(1.0, "1", "logarithmic loss per volley and unit of signal", low=0.0, high=1e3)
    hypothesis: bool = switch(False, "whether acetylcholine shortens the trace: a hypothesis, off by default")

    def modes(self) -> Modes:
        """Return the one exponential between volleys."""
        return ((1.0, self.decay),)

    def left(self, block: Assembly) -> Value:
        """Return what one volley leaves of a trace; 1 where the hypothesis is off."""
        if not self.hypothesis:
            return 1.0
        return block.derived(lambda k, level: np.exp(-k * level), self.clearing, block.driven(self.signal))

    def kept(self, interval: Value) -> Value:
        """Return what `interval` seconds leave, without a volley."""
        return np.exp(-interval / self.decay)


@dataclass(frozen=True, kw_only=True)
class Discounted(Component):
    """The trace of temporal differences: a share of it survives every step."""

    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "discounted"
    offers: ClassVar[frozenset[str]] = frozenset({"decay by steps", "discount"})
    equation: ClassVar[str] = "e <- discount persistence e at every step"
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988",)

    discount: Value = number(0.98, "1", "discount of the value (gamma)", low=0.0, high=1.0)
    persistence: Value = number(0.0, "1", "share of the trace that lives on (lambda); 0 credits the last step only",
                                low=0.0, high=1.0)  # fmt: skip

    def kept(self, interval: Value) -> Value:
        """Return what one step leaves, whatever its length."""
        return self.discount * self.persistence


def modes_of(eligibility: Any) -> Modes:
    """Return the exponentials of any trace that is a sum of them."""
    if isinstance(eligibility, Exponential):
        size: Array = np.exp(eligibility.reference / eligibility.decay)
        return ((size, eligibility.decay),)
    found: Modes = eligibility.modes()
    return found
