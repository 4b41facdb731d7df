"""Three factors with a trace that is carried along: activity leaves it, time and volleys decay it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.delays import arriving
from workbench.circuit.populations import size_of
from workbench.component.arrays import ONE, operand
from workbench.component.declaration import Component, number, option, reference
from workbench.plasticity.eligibility import modes_of
from workbench.plasticity.synapses import bound_and_store, without_ticks
from workbench.quantities import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


CARRIED = {"trial": "decay by steps", "event": "decay between events"}
"""What a trace must offer on each clock, to be carried along."""
OVERSHOOT = 2.0
"""Rate from which the value of a state no longer converges."""


def _length_faults(fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
    """Yield where a trace would outlive the episode or the phase at whose end it is cleared."""
    trace = tables["eligibility"].get(fields["trace"] or "")
    decay, interval = None if trace is None else trace.get("decay"), fields["interval"]
    if trace is None or decay is None:
        return
    steps = tables["task"][fields["task"]].get("steps") if fields["task"] else None
    if steps is not None and interval is not None:
        lasts = size_of(tables, steps) * interval
        if decay > lasts:
            yield "trace", f"{trace['name']} lasts {decay:g} s, longer than the episode ({lasts:g} s), which clears it"
    for name in tables.phases_on("event"):
        lasts = tables["phase"][name]["length"] * SECONDS_PER_HOUR
        if decay > lasts:
            yield "trace", f"{trace['name']} lasts {decay:g} s, longer than phase {name} ({lasts:g} s), which clears it"


def _third_faults(fields: Fields, tables: Tables, clocks: set[str]) -> Iterable[tuple[str, str]]:
    """Yield faults of the third factor: it never occurs, is signed per unit, or makes a prediction overshoot."""
    named, rate = fields["third_factor"], fields["rate"]
    third = tables["modulator"][named]
    if "trial" in clocks and third.offers("pulses"):
        yield "third_factor", f"{named} is a pulse, which occurs at events: on the trial clock there are none"
    if "event" in clocks and not third.offers("pulses"):
        yield "third_factor", f"{named} is {third.kind}; between events only a pulse acts"
    if third.offers("single units"):
        yield "third_factor", f"{named} has a sign for each unit, which needs a two_sided rule"
    if third.offers("value error") and rate is not None and rate >= OVERSHOOT:
        yield "rate", f"overshoots: a prediction that moves by {OVERSHOOT:g} errors or more diverges, got {rate:g}"


@dataclass(frozen=True, kw_only=True)
class ThreeFactor(Component):
    """A third factor turns what is left of a trace into change; the trace lives on from step to step.

    On the trial clock a trial is one step, and the trace moves before the weight. On the event clock everything between
    two events is solved by closed form, a pulse that lingers included. For a change that is signed on two sides, with
    gates and soft bounds, `two_sided` reads traces of one trial.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "three_factor"
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection": "all pairs"})
    equation: ClassVar[str] = (
        "trial clock: e <- kept (1 - begin) e + H;  dW = rate (burst - dip) e;  rate / (1 + trial / settling)\n"
        "event clock: dW/dt = rate D(t) e(t) with D and e sums of exponentials, e += H at activity\n"
        "H = x (presynaptic), y x (hebb) or (y - p) x (score)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Izhikevich2007", "Williams1992", "Sutton1988", "Fremaux2016")

    drive: str = option("presynaptic", ("presynaptic", "hebb", "score"), "what leaves a trace")
    postsynaptic: str | None = reference(
        "population", "population whose activity is y; default: the projection's post", None,
        same_size_as="projection.post", because="each synapse needs an activity of its own",
    )  # fmt: skip
    third_factor: str = reference("modulator", "signal that signs the change")
    trace: str | None = reference("eligibility", "the trace; without it only what is active now changes", None)
    task: str | None = reference(
        "task", "task whose episodes clear the trace when they begin", None, requires="episodes"
    )
    rate: Value = number(0.1, "1", "learning rate per unit of third factor (and second, where a pulse lingers)",
                         low=0.0, high=10.0)  # fmt: skip
    settling: Value = number(0.0, "trial", "trials after which the rate has halved; 0 holds it", low=0.0, high=1e9)
    interval: Value = number(1.0, "s", "on the trial clock: time from one step to the next", low=1e-6, high=1e6)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse clocks, traces, drives and tasks that do not go together."""
        yield from without_ticks(fields, tables)
        way, clocks, trace = tables["projection"][fields["projection"]], tables.clocks, fields["trace"]
        for clock, carried in CARRIED.items():
            if clock in clocks and trace and not tables.offers("eligibility", trace, carried):
                kinds, kind = ", ".join(tables.kinds("eligibility", carried)), tables["eligibility"][trace].kind
                yield "trace", f"{trace} is {kind}; on the {clock} clock a trace is one of {kinds}"
        if "event" in clocks and not trace:
            yield (
                "trace",
                "is missing: on the event clock activity and third factor meet only through an eligibility trace",
            )
        post = fields.get("postsynaptic") or way["post"]
        unit = tables["population"][post]
        if fields["drive"] == "score" and not unit.offers("actions"):
            yield "drive", f"a score is what a softmax population has, and {post} is {unit.kind}"
        if tables.shown(way["pre"], "one unit") is not None:
            yield "rule", f"needs all weights at once, but of {way['pre']} only the shown cue's row takes part"
        yield from _length_faults(fields, tables)
        yield from _third_faults(fields, tables, clocks)

    def build(self, block: Assembly, name: str) -> None:
        """Register the form for each clock that the protocol has."""
        if "trial" in block.clocks:
            self._build_trials(block, name)
            bound_and_store(block, name)
        if "event" in block.clocks:
            Lingering(self, block, name).register()

    def drift(self, trace: Array, third: Array) -> Array:
        """Return the change of one step as the equation reads, ``(post, pre, runs)``, before the rate settles."""
        change: Array = self.rate * third * trace
        return change

    def mark(self, block: Assembly, name: str) -> Any:
        """Return a function that gives H; reads are recorded for the step that calls it."""
        projection = block.component("projection", name)
        pre = arriving(block, name)
        if self.drive == "presynaptic":
            return lambda: pre
        signal = "score" if self.drive == "score" else "activity"
        post = block.read(f"population.{self.postsynaptic or projection.post}.{signal}")
        out = block.empty(len(post), len(pre))
        return lambda: np.multiply(post[:, None], pre, out=out)

    def _build_trials(self, block: Assembly, name: str) -> None:
        weight = block.signals[f"projection.{name}.weight"]
        trace = block.state(f"plasticity.{name}.trace", *weight.shape[:-1])
        eligibility = block.component("eligibility", self.trace) if self.trace is not None else None
        kept: Value = 0.0
        if eligibility is not None:
            kept = block.derived(eligibility.kept, self.interval)
            if "volleys" in eligibility.offers:
                kept = block.derived(np.multiply, kept, eligibility.left(block))
        kept = operand(kept)
        begin = block.read(f"task.{self.task}.begin") if self.task is not None else None
        leave, worn = self.mark(block, name), block.empty()
        block.update(f"plasticity.{name}.trace")

        def wear(t: int) -> None:
            if begin is None:
                np.multiply(trace, kept, out=trace)
            else:
                np.subtract(ONE, begin, out=worn)
                np.multiply(kept, worn, out=worn)
                np.multiply(trace, worn, out=trace)
            np.add(trace, leave(), out=trace)

        block.step("trace", wear, clock="trial")
        burst = block.read(f"modulator.{self.third_factor}.burst")
        dip = block.read(f"modulator.{self.third_factor}.dip")
        trace, weight = block.read(f"plasticity.{name}.trace"), block.update(f"projection.{name}.weight")
        third, change = block.empty(), block.scratch("change", *weight.shape[:-1])
        rate, settling = operand(self.rate), self.settling
        # A link may move an array from 0 later, so only a plain number decides now.
        holds = isinstance(settling, float) and settling == 0.0
        slowing = block.derived(
            lambda half: np.where(np.asarray(half) > 0.0, 1.0 / np.maximum(half, 1e-9), 0.0), settling
        )

        def learn(t: int) -> None:
            np.subtract(burst, dip, out=third)
            np.multiply(third, rate, out=third)
            if not holds:
                np.divide(third, 1.0 + block.trial * slowing, out=third)
            np.multiply(trace, third, out=change)
            np.add(weight, change, out=weight)

        block.step("rule", learn, clock="trial")


class Lingering:
    """The event form of a `three_factor` rule: ``dW = rate integral of D(t) e(t)``, exact over any stretch.

    Every exponential of the trace times the exponential of dopamine is one exponential, so a stretch of length s adds
    ``size e D tau (1 - exp(-s / tau))`` with ``1 / tau = 1 / tau_e + 1 / tau_D``. A pulse without a decay acts at once.
    Time constants are read anew each time: a drug may move them.
    """

    resolution = 1_000_000_000

    def __init__(self, rule: ThreeFactor, block: Assembly, name: str) -> None:
        self._rule, self._block, self._name = rule, block, name
        self._third: Any = block.component("modulator", rule.third_factor)
        self._eligibility: Any = block.component("eligibility", str(rule.trace))
        weight = block.signals[f"projection.{name}.weight"]
        shape = weight.shape[:-1]
        self._weight = weight
        self._marks = [
            block.state(f"plasticity.{name}.mark_{i + 1}", *shape) for i in range(len(modes_of(self._eligibility)))
        ]
        self._level = block.state(f"plasticity.{name}.level")
        cleared = "volleys" in self._eligibility.offers
        self._left: Value = self._eligibility.left(block) if cleared else 1.0
        self._decay: Value = getattr(self._third, "decay", 0.0)
        self._bounds = block.component("projection", name).bounds

    def register(self) -> None:
        """Register traces at activity, pulses at reinforcement, and what happens in between."""
        block, rule = self._block, self._rule
        drive, due = rule.mark(block, self._name), block.due("activity")
        for i in range(len(self._marks)):
            block.update(f"plasticity.{self._name}.mark_{i + 1}")

        def mark(t: int) -> None:
            left = np.where(due > 0.0, self._left, 1.0)
            for state in self._marks:
                state *= left
                state += drive() * due

        block.on("activity", "trace", mark)
        burst = block.read(f"modulator.{rule.third_factor}.burst")
        dip = block.read(f"modulator.{rule.third_factor}.dip")
        block.update(f"projection.{self._name}.weight")
        block.update(f"plasticity.{self._name}.level")

        def fire(t: int) -> None:
            amplitude = burst - dip
            lasting = np.asarray(self._decay) > 0.0
            self._level += np.where(lasting, amplitude, 0.0)
            at_once = np.where(lasting, 0.0, amplitude) * rule.rate
            for (size, _), state in zip(modes_of(self._eligibility), self._marks, strict=True):
                self._weight += size * at_once * state
            self._bound()

        block.on("reinforcement", "rule", fire)
        block.exposures.append(self)
        block.forgetting.append(self)

    def clear(self) -> None:
        """Begin a phase with nothing left."""
        for state in (*self._marks, self._level):
            state[...] = 0.0

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Advance traces, dopamine and weights from `start` to `stop` hours of a phase on the event clock."""
        if average or look:
            return False
        seconds = (np.asarray(stop) - start) * SECONDS_PER_HOUR
        lasting = np.asarray(self._decay) > 0.0
        # A pulse that acts at once has level 0, so its rate never matters; 0 keeps the division finite.
        fading = np.where(lasting, 1.0 / np.where(lasting, self._decay, 1.0), 0.0)
        for (size, decay), state in zip(modes_of(self._eligibility), self._marks, strict=True):
            speed = 1.0 / decay + fading
            # expm1, because 1 - exp(-x) has no digits left over a stretch much shorter than the time constants.
            self._weight += self._rule.rate * size * self._level * state * (-np.expm1(-seconds * speed) / speed)
            state *= np.exp(-seconds / decay)
        self._level *= np.exp(-seconds * fading)
        self._bound()
        return False

    def _bound(self) -> None:
        if self._bounds is not None:
            self._weight.clip(*self._bounds, out=self._weight)
