"""A cubic rule, which sees the fourth moment of its input: one unit finds one independent source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import einsum, operand
from workbench.component.declaration import number, option
from workbench.component.tables import Fields, Tables
from workbench.plasticity.driven import Driven
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.shown import has_trials, input_power, task_of
from workbench.plasticity.stabilisers import EQUATION, holding
from workbench.plasticity.stepping import Advance, on_grid, runge_kutta
from workbench.tasks.mixture import KURTOSIS, kinds_of

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly


SIGNED = "independent sources lie in directions of either sign, for which a sum or one-sided bounds are no measure"
LINEAR = "its decay follows from the output correlation of linear units; use deflation for several outputs"


@dataclass(frozen=True, kw_only=True)
class Cubic(Driven):
    """Growth with the cube of activity on whitened input: a fixed point is one independent source.

    ``heavy`` seeks sources with heavier tails than a normal one, ``light`` those with lighter tails. ``threshold`` is
    the form like BCM's, the gradient of kurtosis: it keeps the length of the weights in continuous time, and lets it
    creep up with finite steps, so that it too wants ``l2``. Fourth moments are sensitive to outliers. The mean field
    knows them from the sources and keeps no memory of them.
    """

    name: ClassVar[str] = "cubic"
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "dW_ji = rate * f_j x_i\n"
        "f = y^3 (heavy), -y^3 (light), y (y^2 - m4 / m2) (threshold);  window dm_k = y^k - m_k\n"
        "mean field: E[y^3 x] = 3 |W|^2 W + sum_s kurtosis_s (W . q_s)^3 q_s,  q_s the direction of source s\n"
        f"{EQUATION}"
    )
    sources: ClassVar[tuple[str, ...]] = ("HyvarinenOja1998", "Blais1998")
    mean_field: ClassVar[MeanField | None] = MeanField(over="sources", stabilisers=("none", "oja", "l2"))
    unsuited: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "sanger": LINEAR, "subspace": LINEAR, "sum_subtractive": SIGNED, "sum_divisive": SIGNED,
            "soft_bounds": SIGNED,
            "scaling": "a unit on centred input has no mean rate that could be scaled",
        }
    )  # fmt: skip

    form: str = option("heavy", ("heavy", "light", "threshold"), "which tails are sought, and how")
    window: Value = number(1000.0, "trial", "threshold: memory of the moments", low=1.0, high=1e9,
                           only_with=("form", ("threshold",)))  # fmt: skip

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse growth that nothing holds, inputs that are not white, bounds on one side, and steps too long."""
        yield from super().check(fields, tables)
        if fields["stabiliser"] not in cls.unsuited:
            yield from cubic_faults(fields, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return f; the moments move before it."""
        out = block.scratch("cubic", len(post))
        light, minus = self.form == "light", operand(-1.0)

        def cube() -> Array:
            np.multiply(post, post, out=out)
            np.multiply(out, post, out=out)
            return np.multiply(out, minus, out=out) if light else out

        if self.form != "threshold":
            return cube
        m2, m4 = (block.state(f"plasticity.{name}.m{k}", len(post)) for k in (2, 4))
        m2[...], m4[...] = 1.0, 3.0  # those of a normal unit: no side is favoured at the start
        follow = operand(block.derived(lambda window: -np.expm1(-1.0 / window), self.window))
        squared, ahead = block.scratch("squared", len(post)), block.scratch("ahead", len(post))

        def above_threshold() -> Array:
            np.multiply(post, post, out=squared)
            for moment, power in ((m2, squared), (m4, None)):
                np.multiply(squared, squared, out=ahead) if power is None else np.copyto(ahead, power)
                np.subtract(ahead, moment, out=ahead)
                np.multiply(ahead, follow, out=ahead)
                np.add(moment, ahead, out=moment)
            np.divide(m4, m2, out=out)
            np.subtract(squared, out, out=out)
            return np.multiply(out, post, out=out)

        return above_threshold

    def flow(self, block: Assembly, name: str, task: str) -> Mapping[str, Advance]:
        """Return Runge-Kutta steps of the rule averaged over independent sources, whitened."""
        weight, bounds = block.update(f"projection.{name}.weight"), block.component("projection", name).bounds
        directions = block.signals[f"task.{task}.mixing"]
        excess = np.array([KURTOSIS[kind] for kind in block.component("task", task).kinds])[:, None]
        hold = holding(self, block, weight, bounds) or (lambda: None)  # l2, whose norm also the start must have
        sign = -1.0 if self.form == "light" else 1.0

        def drift(state: tuple[Array, ...]) -> tuple[Array, ...]:
            (w,) = state
            heard, m2 = einsum("jir,isr->jsr", w, directions), einsum("jir,jir->jr", w, w)[:, None]
            m4 = 3.0 * m2**2 + np.add.reduce(excess * heard**4, axis=1)[:, None]
            grown = sign * (3.0 * m2 * w + einsum("jsr,isr->jir", excess * heard**3, directions))
            match self.form, self.stabiliser:
                case "threshold", _:  # E[f y] is 0, so that nothing is left for a stabiliser to take off
                    return (self.rate * (grown - m4 / m2 * w),)
                case _, "oja":
                    return (self.rate * (grown - self.decay * m4 * w),)
                case _, "l2":
                    return (self.rate * (grown - sign * m4 / m2 * w),)
                case _:
                    return (self.rate * grown,)

        def step(span: float) -> None:
            hold()
            (weight[...],) = runge_kutta(drift, (weight,), span)
            hold()
            if bounds is not None:
                weight.clip(*bounds, out=weight)

        return {"stepped": on_grid(block, step)}


ALONE = {
    "heavy": "a cubic drive diverges faster than any exponential: stabilise it with l2, deflation or oja",
    "light": "the negative cubic drive shrinks the weights to 0: stabilise it with l2 or deflation",
}
"""Why a form needs a stabiliser: without one its weights diverge or vanish within a few trials; `threshold` keeps their
length in continuous time."""
NORMAL = 3.0
"""Fourth moment of a normal unit, to which excess kurtosis adds."""


def cubic_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, why) for each partner of the rule that does not fit it."""
    projection = tables["projection"][fields["projection"]]
    form, stabiliser, bounds = fields["form"], fields["stabiliser"], projection.get("bounds")
    if stabiliser == "oja" and form != "heavy":
        yield "stabiliser", f"cubic with oja: in the {form} form f y is not positive, so the decay cannot hold"
    if stabiliser == "none" and form in ALONE and has_trials(tables):
        yield "stabiliser", f"cubic ({form}) with none: {ALONE[form]}"
    if projection.get("sign") == "inhibitory":
        yield "rule", f"cubic seeks a source by growing along it, but {fields['projection']} is inhibitory"
    if bounds and not bounds[0] < 0.0 < bounds[1]:
        yield "rule", "a source may lie in either direction: the weights of cubic need bounds on both sides of 0"
    shown = task_of(projection.get("pre"), tables)
    if shown is not None and shown.offers("sources") and shown["whitened"]:
        yield from _source_faults(form, [KURTOSIS[kind] for kind in kinds_of(shown)])
        yield from _step_faults(fields, form, shown, tables)
    elif shown is not None or tables.offers("population", projection.get("pre"), "shown"):
        yield (
            "rule",
            (
                "cubic needs white input with sources in it, a mixture with whitened = true: otherwise variance leads "
                "it, not tails"
            ),
        )


def _source_faults(form: str, excess: list[float]) -> Iterator[tuple[str, str]]:
    """Yield the fault where no source has the tails that are sought."""
    if excess and not any((kurtosis < 0.0) == (form == "light") for kurtosis in excess):
        yield "form", f"seeks sources with {'light' if form == 'light' else 'heavy'} tails, and the mixture has none"


def _step_faults(fields: Fields, form: str, shown: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a step that is not small even on average: of one trial ``rate y^3 x``, of the order of the weights."""
    rate, goal, power = fields["rate"], _length(fields), input_power(shown["inputs"], tables)
    excess = [KURTOSIS[kind] for kind in kinds_of(shown)]
    if None in (rate, goal, power) or not excess or not has_trials(tables):
        return
    fourth = NORMAL + (min(excess) if form == "light" else max(excess))
    if (step := rate * goal * power * fourth) >= 1.0:
        yield (
            "rate",
            (
                f"rate * |W|^2 * E|x|^2 * E[s^4] = {step:.3g} must stay well below 1 (s: the source sought, of fourth "
                f"moment {fourth:.2g}): each trial would make the weights jump (here rate below {rate / step:.3g})"
            ),
        )


def _length(fields: Fields) -> float | None:
    """Return the squared length that the stabiliser holds; 1 where there is none."""
    norm, decay = fields["norm"], fields["decay"]
    match fields["stabiliser"]:
        case "l2" | "deflation":
            return None if norm is None else norm**2
        case "oja":
            return None if decay is None else 1.0 / decay
        case _:
            return 1.0
