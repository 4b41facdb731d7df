"""Hebb's rule: synapses between units that are active together grow.

The mean field of Hebb's rule at linear units: the weights as a flow, by exact solution where there is one.

Every solution starts from the weights at the beginning of the phase, and steps lie on a grid of their own, so what
is read on the way changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import einsum
from workbench.component.tables import Fields, Tables
from workbench.plasticity.driven import Driven
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.stabilisers import EQUATION, holding, project
from workbench.plasticity.stepping import Advance, flow_faults, on_grid, runge_kutta

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.plasticity.stabilisers import Stabilised


EXACT = ("none", "oja", "l2", "sum_divisive")
"""Stabilisers for which the flow has a solution in closed form."""
STEPPED = (*EXACT, "sanger", "subspace", "sum_subtractive")
"""All for which it can go in steps."""
HALVINGS = 60
"""Halvings of the interval in which a weight meets a bound."""


def _solution(rule: Stabilised, vectors: Array, values: Array, start: Array) -> Callable[[Any], Array]:
    """Return the weights at a time, ``(post, pre, runs)``, through ``u = exp(rate C t) W(0)`` in the eigenvectors of C.

    none: W = u. oja, with W scaled by ``sqrt(decay)``: ``u / sqrt(1 - |W(0)|^2 + |u|^2)``. l2 and sum_divisive: the
    direction of u at the fixed size.

    Parameters
    ----------
    vectors : array (eigenvector, pre, runs)
    values : array (eigenvector, runs)
    start : array (post, pre, runs)
        W(0), read anew each time.
    """
    # Growth is taken relative to the leading eigenvector, which is put back at the end as one factor: exp of the
    # whole growth would overflow long before the direction has settled.
    above = values - values[:1]

    def along(time: Any) -> tuple[Array, Array]:
        """Return u without its growth along the leading eigenvector, and that growth."""
        part = np.einsum("kir,jir->jkr", vectors, start) * np.exp(rule.rate * above * time)
        return np.einsum("jkr,kir->jir", part, vectors), np.asarray(rule.rate * values[0] * time)

    def solution(time: Any) -> Array:
        u, growth = along(time)
        match rule.stabiliser:
            case "oja":
                first, last = (np.einsum("jir,jir->jr", w, w) for w in (start, u))
                # Numerator and root are both divided by exp(growth), so Oja's solution stays finite for any time.
                left = np.exp(-2.0 * growth) * (1.0 - rule.decay * first) + rule.decay * last
                return np.asarray(u / np.sqrt(left)[:, None])
            case "l2":
                return np.asarray(u * (rule.norm / np.sqrt(np.einsum("jir,jir->jr", u, u)))[:, None])
            case "sum_divisive":
                return np.asarray(u * (rule.total / np.einsum("jir->jr", u))[:, None])
            case _:
                return np.asarray(u * np.exp(growth))

    return solution


def exact(rule: Stabilised, block: Assembly, name: str, task: str) -> Advance:
    """Return the flow by its solution; where a weight meets a bound it ends, and the run stops there."""
    weight = block.update(f"projection.{name}.weight")
    vectors, values = block.signals[f"task.{task}.eigenvectors"], block.signals[f"task.{task}.eigenvalues"]
    reached, start = block.signals[f"projection.{name}.bound_time"], np.zeros_like(weight)
    bounds = block.component("projection", name).bounds
    clock = {"before": 0.0, "now": 0.0}
    solution = _solution(rule, vectors, values, start)

    def outside(w: Array) -> Any:
        low, high = bounds
        return ((w > high) | (w < low)).any(axis=(0, 1))

    def meet(stop: float) -> None:
        """Stop runs at the moment at which a weight meets its bound."""
        out = outside(weight) & (reached == 0.0)
        early, late = np.zeros(block.runs), np.full(block.runs, stop)
        # Each side has a monotone first crossing within the interval; 60 halvings reach the last bit of a double.
        for _ in range(HALVINGS):
            middle = 0.5 * (early + late)
            beyond = outside(solution(middle))
            early, late = np.where(beyond, early, middle), np.where(beyond, middle, late)
        np.copyto(reached, np.where(out, clock["before"] + early, reached))
        weight[...] = np.where(out, np.clip(solution(early), *bounds), weight)

    def advance(begin: float, stop: float) -> None:
        if begin == stop == 0.0:
            # From the start of the phase each time, never from the last reading: errors do not add up over readings,
            # and what is read changes nothing.
            start[...] = weight
            clock["before"], clock["now"] = clock["before"] + clock["now"], 0.0
            return
        clock["now"] = stop
        moving = reached == 0.0
        weight[...] = np.where(moving, solution(stop), weight)
        if bounds is not None and outside(weight)[moving].any():
            meet(stop)

    return advance


def _covariance(block: Assembly, vectors: Array, values: Array) -> Array:
    """Return C ``(pre, pre, runs)``; all runs of a subject are shown the same, and it is summed up once for them."""
    axes, sizes = vectors[:, :, block.first_run], values[:, block.first_run]
    found = np.zeros((vectors.shape[1], *axes.shape[1:]))
    for axis, size in zip(axes, sizes, strict=True):  # in one order, so that the bits do not depend on the width
        found += (axis * size)[:, None] * axis
    everybody: Array = found[..., block.subject_index]
    return everybody


def stepped(rule: Stabilised, block: Assembly, name: str, task: str) -> Advance:
    """Return classical Runge-Kutta steps, of fourth order; projected Euler steps, of first, for sum_subtractive."""
    weight = block.update(f"projection.{name}.weight")
    vectors, values = block.signals[f"task.{task}.eigenvectors"], block.signals[f"task.{task}.eigenvalues"]
    covariance = _covariance(block, vectors, values)
    bounds, reached = block.component("projection", name).bounds, block.signals[f"projection.{name}.bound_time"]
    elapsed = [0.0]

    def drift(state: tuple[Array, ...]) -> tuple[Array, ...]:
        (w,) = state
        drive = einsum("imr,jmr->jir", covariance, w)
        power = einsum("jir,kir->jkr", drive, w)
        match rule.stabiliser:
            case "oja":
                back = einsum("jjr->jr", power)[:, None] * w * rule.decay
            case "sanger" | "subspace":
                if rule.stabiliser == "sanger":
                    # The lower triangle makes Sanger's rule of the subspace rule: unit j sees only units up to j.
                    power = power * np.tri(len(w))[:, :, None]
                back = einsum("jkr,kir->jir", power, w) * rule.decay
            case "l2":
                back = (einsum("jjr->jr", power) / einsum("jir,jir->jr", w, w))[:, None] * w
            case "sum_divisive":
                back = (einsum("jir->jr", drive) / einsum("jir->jr", w))[:, None] * w
            case _:
                return (rule.rate * drive,)
        return (rule.rate * (drive - back),)

    def note(span: float) -> None:
        """Keep the end of the step in which a weight first met its bound."""
        low, high = bounds
        elapsed[0] += span
        met = ((weight >= high) | (weight <= low)).any(axis=(0, 1))
        np.copyto(reached, np.where(met & (reached == 0.0), elapsed[0], reached))

    def euler(span: float) -> None:
        weight[...] += rule.rate * span * einsum("imr,jmr->jir", covariance, weight)
        project(weight, rule.total, *bounds)
        note(span)

    if rule.stabiliser == "sum_subtractive":
        return on_grid(block, euler)

    def step(span: float) -> None:
        (weight[...],) = runge_kutta(drift, (weight,), span)
        if bounds is not None:
            weight.clip(*bounds, out=weight)
            note(span)

    onward, hold = on_grid(block, step), holding(rule, block, weight, bounds)
    if hold is None:
        return onward

    def advance(begin: float, stop: float) -> None:
        """Start with the fixed sum or norm, as the exact solution does: the flow only keeps what there is."""
        if begin == stop == 0.0:
            hold()
        onward(begin, stop)

    return advance


@dataclass(frozen=True, kw_only=True)
class Hebb(Driven):
    """Growth by coincidence, held in check by nothing but its stabiliser and the bounds of the projection.

    Alone, the weights of a linear unit grow along the leading eigenvector of the input correlation, at
    ``rate * lambda_1`` per trial in the mean. With ``oja`` they settle on it with norm ``1 / sqrt(decay)``; with
    ``sanger`` several units settle on the leading ones in order, with ``subspace`` on their span only. A fixed sum
    makes one weight take all only if it is held by subtraction; held by division it leaves weights as graded as Oja's.
    """

    name: ClassVar[str] = "hebb"
    revision: ClassVar[int] = 3
    equation: ClassVar[str] = f"dW_ji = rate * f_j x_i,  f_j = y_j\n{EQUATION}"
    sources: ClassVar[tuple[str, ...]] = (
        "Hebb1949", "Oja1982", "Sanger1989", "Oja1989", "MillerMacKay1994", "Turrigiano1998", "vanRossum2000",
    )  # fmt: skip
    mean_field: ClassVar[MeanField | None] = MeanField(stabilisers=STEPPED, exact=EXACT)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Also refuse steps of the flow clock beyond stability."""
        yield from super().check(fields, tables)
        yield from flow_faults(fields, fields["stabiliser"], EXACT, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return y itself."""
        return lambda: post

    def flow(self, block: Assembly, name: str, task: str) -> Mapping[str, Advance]:
        """Return steps of the averaged rule, and its exact solution where there is one."""
        ways = {"stepped": stepped(self, block, name, task)}
        if self.stabiliser in EXACT:
            ways["exact"] = exact(self, block, name, task)
        return ways
