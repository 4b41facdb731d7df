"""The corticostriatal rule: separate potentiation and depression, each with its own gain, gates and trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.arrays import ZERO, operand
from workbench.component.declaration import BOUNDS, Component, number, option, reference, references
from workbench.plasticity.stabilisers import COMPETITION, compete, competition_faults
from workbench.plasticity.synapses import Synapses, bound_and_store, synapses_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


ONE_SIDED: Mapping[str, str] = {
    "none": "is hard_bounds here: the two sides need bounds; leave them off the projection and none act",
    "scaling": "holds a mean rate, which is what a homeostat does here: its two sides need bounds",
    **dict.fromkeys(
        ("oja", "sanger", "subspace", "l2", "deflation", "sum_subtractive", "sum_divisive"),
        "holds a rule of one drive; two_sided has potentiation and depression apart, and its two sides need bounds "
        "(a sum over units is competition)",
    ),
}
"""Why this rule does not take the stabilisers of driven rules."""


def _product(*factors: Value) -> Value:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


@dataclass(frozen=True, kw_only=True)
class TwoSided(Component):
    """Potentiation and depression driven by activity, signed by a third factor, inside soft bounds.

    A burst of the third factor opens potentiation and a dip opens depression (`potentiate_on` swaps the two, as
    in the indirect pathway). Gates multiply one side each; the depression gates also open
    `depotentiation`, a slow return to `rest` that needs no activity. A homeostat makes
    potentiation harder and depression easier after high activity. What drives potentiation counts only above
    `ltp_threshold`, a number that a link may move; with one, negative activity potentiates nothing. With
    `competition` the weights of one input have a fixed sum over units, so one gains what the others lose.
    On the tick clock stimulation clamps activity and third factor at 1, and `pace` turns trials into seconds.
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "two_sided"
    equation: ClassVar[str] = (
        "dW = P [H / f - ltp_threshold] (w_max - W) - D H (W - w_min) f - g (W - rest)        (soft bounds)\n"
        "dW = P [H / f - ltp_threshold] - D H f - g (W - rest)                                (hard bounds)\n"
        "P = rate ltp_gain sqrt(balance) product(ltp gates) e_ltp(delay) burst\n"
        "D = rate ltd_gain / sqrt(balance) product(ltd gates) e_ltd(delay) dip\n"
        "g = depotentiation product(ltd gates);  f = homeostat factor\n"
        "H = y (activity), y x (hebb) or (y - p) x (score)\n"
        "depotentiation_from above: [W - rest] is 0 below rest\n"
        f"competition: {COMPETITION}\n"
        "tick clock: dW/dt = pace dW with H = f = burst = dip = 1, lasting traces, g only at low stimulus rates"
    )
    sources: ClassVar[tuple[str, ...]] = ("Shen2008", "Wang2006", "Fremaux2016", "MillerMacKay1994")
    clamped: ClassVar[tuple[str, ...]] = ("third_factor", "homeostat", "postsynaptic")
    """Fields that name what stimulation on the tick clock clamps; a rule that has this list answers to it."""

    drive: str = option(
        "activity",
        ("activity", "hebb", "score"),
        "what moves the weight: postsynaptic activity, post x pre, or the score of a policy",
    )
    postsynaptic: str | None = reference(
        "population", "population whose activity is y; default: the projection's post", None,
        same_size_as="projection.post", because="each synapse needs an activity of its own",
    )  # fmt: skip
    third_factor: str | None = reference(
        "modulator", "signal that signs the change; without it both sides are always on", None
    )
    potentiate_on: str = option("burst", ("burst", "dip"), "which sign of the third factor potentiates")
    stabiliser: str = option(
        "soft_bounds", ("soft_bounds", "hard_bounds"), "how change shrinks towards the bounds", refused=ONE_SIDED,
        needs_bounds={"soft_bounds": BOUNDS},
    )  # fmt: skip
    competition: str = option(
        "none", ("none", "subtractive"), "whether units compete for a fixed sum of weights",
        needs_bounds={"subtractive": BOUNDS},
    )  # fmt: skip
    total: Value = number(1.0, "1", "competition: the sum over units, of each input's weights", low=1e-9,
                          only_with=("competition", ("subtractive",)))  # fmt: skip
    rate: Value = number(0.08, "1", "learning rate per trial", low=0.0, high=10.0)
    ltp_gain: Value = number(1.0, "1", "gain of potentiation", low=0.0, high=100.0)
    ltd_gain: Value = number(1.0, "1", "gain of depression", low=0.0, high=100.0)
    ltp_threshold: Value = number(0.0, "1", "drive that potentiation needs before any of it counts", low=0.0, high=1e3)
    balance: Value = number(1.0, "1", "potentiation x sqrt(b), depression / sqrt(b)", low=1e-6, high=1e6)
    ltp_permission: tuple[str, ...] = references("gate", "gates that multiply potentiation")
    ltd_permission: tuple[str, ...] = references("gate", "gates that multiply depression and depotentiation")
    ltp_trace: str | None = reference("eligibility", "the trace that potentiation reads", None)
    ltd_trace: str | None = reference("eligibility", "the trace that depression reads", None)
    homeostat: str | None = reference("homeostat", "sliding threshold of the postsynaptic population", None)
    depotentiation: Value = number(0.0, "1", "activity-independent return to rest, per trial", low=0.0, high=1.0)
    rest: Value = number(0.5, "1", "weight to which depotentiation returns")
    depotentiation_from: str = option(
        "both_sides", ("both_sides", "above"), "whether what lies below rest returns too, or only what lies above"
    )
    pace: Value = number(
        1.0, "1/s", "on the tick clock: trials that a second of stimulation is worth", low=0.0, high=1e6
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse partners that do not fit."""
        return two_sided_faults(fields, tables)

    def drift(
        self, weight: Array, drive: Array, up: Value, down: Value, back: Value, bounds: tuple[float, float]
    ) -> Array:
        """Return the change of one trial as the equation reads (soft bounds, no homeostat, H not negative).

        Parameters
        ----------
        weight, drive : array (post, runs)
            Weight and H.
        up, down, back : float or array (runs,)
            P, D and g of the equation.
        """
        low, high = bounds
        above = np.maximum(drive - self.ltp_threshold, 0.0)
        away = weight - self.rest
        if self.depotentiation_from == "above":
            away = np.maximum(away, 0.0)
        change: Array = up * above * (high - weight) - down * drive * (weight - low) - back * away
        return change

    def build(self, block: Assembly, name: str) -> None:
        """Register the form for each clock that the protocol has."""
        for clock in block.clocks:
            match clock:
                case "trial":
                    self._build_trials(block, name)
                case "event":
                    self._build_events(block, name)
                case "tick":
                    build_ticks(self, block, name)
        if self.competition == "subtractive":
            synapses = synapses_of(block, name, self.postsynaptic)
            compete(block, synapses.signal, synapses.weight, self.total, block.component("projection", name).bounds)
        bound_and_store(block, name)

    def gains(self, block: Assembly, delay: Value | None) -> tuple[Value, Value, Value]:
        """Return P, D and g without the third factor; `delay` folds in the traces of one trial."""
        ltp = [block.driven(f"gate.{gate}") for gate in self.ltp_permission]
        ltd = [block.driven(f"gate.{gate}") for gate in self.ltd_permission]
        back = block.derived(_product, self.depotentiation, *ltd)
        for trace, side in ((self.ltp_trace, ltp), (self.ltd_trace, ltd)):
            if trace is not None and delay is not None:
                side.append(block.derived(block.component("eligibility", trace).response, delay))
        up = block.derived(lambda rate, gain, b: rate * gain * np.sqrt(b), self.rate, self.ltp_gain, self.balance)
        down = block.derived(lambda rate, gain, b: rate * gain / np.sqrt(b), self.rate, self.ltd_gain, self.balance)
        return block.derived(_product, up, *ltp), block.derived(_product, down, *ltd), back

    def _third(self, block: Assembly) -> tuple[Array, Array] | None:
        if self.third_factor is None:
            return None
        burst = block.read(f"modulator.{self.third_factor}.burst")
        dip = block.read(f"modulator.{self.third_factor}.dip")
        return (burst, dip) if self.potentiate_on == "burst" else (dip, burst)

    def _drives(self, block: Assembly, synapses: Synapses) -> tuple[Any, Any]:
        """Return functions that give H for potentiation (H / f above the threshold) and depression (H f)."""
        plain, depressing = self._plain_drives(block, synapses)
        threshold = self.ltp_threshold
        # Without a threshold H may be negative (a score), and a maximum with 0 would cut it.
        if isinstance(threshold, float) and threshold == 0.0:
            return plain, depressing
        above = block.empty(*np.shape(plain())[:-1])
        # Without a floor at threshold 0 H passes to the bit, whatever its sign, so that a run among runs with
        # thresholds gives what it gives alone.
        floor = operand(block.derived(lambda level: np.where(np.asarray(level) > 0.0, 0.0, -np.inf), threshold))
        level = operand(threshold)

        def potentiating() -> Array:
            np.subtract(plain(), level, out=above)
            np.maximum(above, floor, out=above)
            return above

        return potentiating, depressing

    def _plain_drives(self, block: Assembly, synapses: Synapses) -> tuple[Any, Any]:
        if self.homeostat is not None:
            harder = block.read(f"homeostat.{self.homeostat}.ltp_drive")
            easier = block.read(f"homeostat.{self.homeostat}.ltd_drive")
            if synapses.dense:
                harder, easier = harder[:, None], easier[:, None]
            if self.drive == "hebb" and synapses.pre is not None:
                pre, shape = synapses.pre, synapses.weight.shape[:-1]
                a, b = block.empty(*shape), block.empty(*shape)
                return lambda: np.multiply(harder, pre, out=a), lambda: np.multiply(easier, pre, out=b)
            return lambda: harder, lambda: easier
        if self.drive in ("hebb", "score"):
            both = synapses.coactivity(block)
            return both, both
        post = synapses.post[:, None] if synapses.dense else synapses.post
        return lambda: post, lambda: post

    def _build_trials(self, block: Assembly, name: str) -> None:
        synapses = synapses_of(block, name, self.postsynaptic, "score" if self.drive == "score" else "activity")
        third = self._third(block)
        delay = getattr(block.component("modulator", self.third_factor), "delay", None) if self.third_factor else None
        *both, back = self.gains(block, delay)
        ltp, ltd = map(operand, both)
        drive_up, drive_down = self._drives(block, synapses)
        apply = kernel(self, block, synapses.weight, back, block.component("projection", name).bounds)
        channels = np.shape(third[0])[:-1] if third is not None else ()
        up, down = block.scratch("up", *channels), block.scratch("down", *channels)
        gain_up, gain_down = (block.scratch(slot, *synapses.weight.shape[:-1]) for slot in ("up", "down"))

        def learn(t: int) -> None:
            if third is None:
                np.multiply(drive_up(), ltp, out=gain_up)
                np.multiply(drive_down(), ltd, out=gain_down)
            else:
                np.multiply(third[0], ltp, out=up)
                np.multiply(third[1], ltd, out=down)
                np.multiply(drive_up(), up, out=gain_up)
                np.multiply(drive_down(), down, out=gain_down)
            apply(gain_up, gain_down)

        block.step("rule", learn, clock="trial")

    def _build_events(self, block: Assembly, name: str) -> None:
        """Each side reads the superposed traces of past activity when the third factor comes."""
        if self.third_factor is None or self.ltp_trace is None or self.ltd_trace is None:
            return  # a phase without events, in which nothing happens: `check` asks for all three where there are some
        synapses = synapses_of(block, name, self.postsynaptic)
        third: Any = self._third(block)
        *both, back = self.gains(block, None)
        ltp, ltd = map(operand, both)
        apply = kernel(self, block, synapses.weight, back, block.component("projection", name).bounds)
        drive_up, drive_down = self._drives(block, synapses)
        traces_up = block.marks(self.ltp_trace, synapses.weight.shape[:-1])
        traces_down = block.marks(self.ltd_trace, synapses.weight.shape[:-1])
        up, down = block.scratch("up"), block.scratch("down")
        gain_up, gain_down = (block.scratch(slot, *synapses.weight.shape[:-1]) for slot in ("up", "down"))

        def mark(t: int) -> None:
            traces_up.leave(drive_up())
            traces_down.leave(drive_down())

        def learn(t: int) -> None:
            np.multiply(third[0], ltp, out=up)
            np.multiply(third[1], ltd, out=down)
            np.multiply(traces_up.read(), up, out=gain_up)
            np.multiply(traces_down.read(), down, out=gain_down)
            apply(gain_up, gain_down)

        block.on("activity", "trace", mark)
        block.on("reinforcement", "rule", learn)


def two_sided_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, why) for each partner of the rule that does not fit it."""
    projection = tables["projection"][fields["projection"]]
    yield from _homeostat_faults(fields, projection, tables)
    yield from competition_faults(fields, projection, tables)
    yield from _trace_faults(fields, tables)
    yield from _third_factor_faults(fields, projection, tables)


def _homeostat_faults(fields: Fields, projection: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a homeostat of another population, and why a score cannot drive the rule."""
    watched = tables.field("homeostat", fields["homeostat"], "population")
    post = fields.get("postsynaptic") or projection.get("post")
    if watched is not None and watched != post:
        yield "homeostat", f"it watches population {watched!r}, but this rule's postsynaptic population is {post!r}"
    if fields.get("drive") == "score":
        yield from _score_faults(fields, str(post), tables)


def _score_faults(fields: Fields, post: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why a score cannot drive the rule: it needs a policy, and scores may be negative."""
    if not tables.offers("population", post, "actions"):
        yield "drive", f"only a softmax population has a score, and {post} is not one"
    if fields["stabiliser"] == "soft_bounds":
        yield "stabiliser", "a score falls below zero, where soft bounds would push outwards: use hard_bounds"
    if fields.get("homeostat") or fields.get("ltp_threshold"):
        yield "drive", "a score has no threshold: leave homeostat and ltp_threshold out"


def _trace_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what is missing between events, and traces that are carried from step to step."""
    happens = sorted(event["phase"] for event in tables["event"].values())
    missing = [key for key in ("third_factor", "ltp_trace", "ltd_trace") if not fields.get(key)]
    if happens and missing:
        yield missing[0], f"is missing: in phase {happens[0]} events are apart in time, and only a trace connects them"
    for side in ("ltp_trace", "ltd_trace"):
        mark = tables["eligibility"].get(fields[side] or "")
        if mark is not None and not mark.offers("duration"):
            yield (
                side,
                f"{fields[side]} is {mark.kind}, a trace that is carried from step to step: use a three_factor rule",
            )


def _third_factor_faults(fields: Fields, projection: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a signal of single units where weights are not one-to-one, and a pulse with a decay."""
    third = tables["modulator"].get(fields["third_factor"] or "")
    if third is None:
        return
    if third.offers("single units"):
        units, many = (size_of(tables, p) for p in (third["population"], projection["post"]))
        if not projection.offers("single pairs") or units != many:
            yield (
                "third_factor",
                f"has a sign for each of {units} units: it needs one-to-one weights onto as many units",
            )
    if third.offers("pulses") and third.get("decay"):
        yield "third_factor", "reads a pulse at the moment it occurs; one with a decay needs a three_factor rule"


FREE = (0.0, 1.0)
"""Bounds where the projection has none."""


def kernel(rule: TwoSided, block: Assembly, weight: Array, back: Value, bounds: tuple[float, float] | None) -> Any:
    """Return the in-place update from gains A and B: ``W (1 - g - B - A) + A w_max + B w_min + g rest``.

    Regrouped so that each array is touched as rarely as possible; A and B are used up. Tested against `drift`.
    """
    shape = weight.shape[:-1]
    if rule.depotentiation_from == "above" and not (isinstance(back, float) and back == 0.0):
        return _from_above(rule, block, weight, back, kernel(rule, block, weight, 0.0, bounds))
    returns = not (isinstance(back, float) and back == 0.0)
    home = operand(block.spread(block.derived(np.multiply, back, rule.rest), *shape))
    kept = operand(block.spread(block.derived(lambda g: 1.0 - g, back), *shape))
    low, high = map(operand, bounds if bounds is not None else FREE)
    # The usual bounds 0 and 1 save two passes over the weights, and the skipped products would change no bit.
    lowest, whole = block.scratch("lowest", *shape) if low != 0.0 else None, high == 1.0

    def soft(a: Array, b: Array) -> None:
        if lowest is not None:
            np.multiply(b, low, out=lowest)
        np.subtract(kept, b, out=b)
        np.subtract(b, a, out=b)
        np.multiply(weight, b, out=weight)
        if not whole:
            np.multiply(a, high, out=a)
        np.add(weight, a, out=weight)
        if lowest is not None:
            np.add(weight, lowest, out=weight)
        if returns:
            np.add(weight, home, out=weight)

    def hard(a: Array, b: Array) -> None:
        np.multiply(weight, kept, out=weight)
        np.subtract(a, b, out=a)
        np.add(weight, a, out=weight)
        if returns:
            np.add(weight, home, out=weight)

    return soft if rule.stabiliser == "soft_bounds" else hard


def _from_above(rule: TwoSided, block: Assembly, weight: Array, back: Value, plain: Any) -> Any:
    """Return `plain` with a depotentiation of its own: ``W - g max(W - rest, 0)``, on the old weight."""
    excess = block.scratch("excess", *weight.shape[:-1])
    rest, back = operand(rule.rest), operand(back)

    def update(a: Array, b: Array) -> None:
        # Before `plain` moves the weight: both terms are to act on the weight of the step's beginning.
        np.subtract(weight, rest, out=excess)
        np.maximum(excess, ZERO, out=excess)
        np.multiply(excess, back, out=excess)
        plain(a, b)
        np.subtract(weight, excess, out=weight)

    return update


def relaxed(
    weight: Array, up: Value, down: Value, back: Value, rest: Value, seconds: float, bounds: tuple[float, float] | None
) -> Array:
    """Return the weight after `seconds` at constant rates, by the exact flow of the linear equation.

    Parameters
    ----------
    up, down, back : float or array (runs,)
        P, D and g in 1/s; `back` is 0 where the weight does not return.
    bounds : pair or None
        Of soft bounds. None is the hard-bounds form, in which P and D move the weight whatever it is.
    """
    if bounds is None:
        pull, loss = up - down + back * rest, back * np.ones_like(weight)
    else:
        low, high = bounds
        pull, loss = up * high + down * low + back * rest, (up + down + back) * np.ones_like(weight)
    moving = loss != 0.0
    # expm1 keeps the digits of slow rates; at rate 0 its quotient tends to the length of the step.
    lasting = np.where(moving, -np.expm1(-loss * seconds) / np.where(moving, loss, 1.0), seconds)
    moved: Array = weight + (pull - loss * weight) * lasting
    return moved


def build_ticks(rule: TwoSided, block: Assembly, name: str) -> None:
    """Register the step of the tick clock: each side's trace averaged over the step, then the exact flow.

    Activity and third factor are clamped at 1, so every weight of the projection moves alike: dense and one-to-one
    weights take the same form. Where depotentiation acts from above only, it is on while the weight lies above rest.
    """
    projection = block.component("projection", name)
    weight = block.update(f"projection.{name}.weight")
    stimulated = block.stimulated(name)
    ltp, ltd, back = rule.gains(block, None)
    above = block.derived(lambda threshold: np.maximum(1.0 - threshold, 0.0), rule.ltp_threshold)
    up = block.derived(lambda gain, pace, share: gain * pace * share, ltp, rule.pace, above)
    down = block.derived(lambda gain, pace: gain * pace, ltd, rule.pace)
    returning = block.derived(lambda gain, pace: gain * pace, back, rule.pace)
    marks = [
        stimulated.area(side, block.component("eligibility", trace) if trace is not None else None)
        for side, trace in (("ltp", rule.ltp_trace), ("ltd", rule.ltd_trace))
    ]
    rest, only_above = rule.rest, rule.depotentiation_from == "above"
    soft = (projection.bounds or FREE) if rule.stabiliser == "soft_bounds" else None

    def learn(t: int) -> None:
        seconds = stimulated.seconds
        area_up, area_down = (area() for area in marks)
        back = returning * stimulated.low
        if only_above:
            back = np.where(weight > rest, back, 0.0)
        weight[...] = relaxed(weight, up * area_up / seconds, down * area_down / seconds, back, rest, seconds, soft)
        if projection.bounds is not None:
            weight.clip(*projection.bounds, out=weight)

    block.step("rule", learn, clock="tick")
