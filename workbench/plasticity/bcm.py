"""The rule of Bienenstock, Cooper and Munro: depression below a threshold that follows activity, potentiation above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import einsum, operand
from workbench.component.declaration import number, reference
from workbench.component.tables import Fields, Tables
from workbench.plasticity.driven import Driven
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.shown import has_trials, task_of
from workbench.plasticity.stabilisers import EQUATION
from workbench.plasticity.stepping import RUNGE_KUTTA, Advance, flow_steps, on_grid, runge_kutta, too_long
from workbench.tasks.patterns import matrix_of, probabilities_of

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly

OWN = "its sliding threshold controls activity through the length of the weights, which nothing else may fix"
LONGEST = 0.2
"""Largest rate * y^2 |x|^2 at the chosen response: beyond it a single trial overshoots the threshold."""

DEPENDENT = 1e-6
"""Smallest singular value of the patterns, over the largest, at which they still count as linearly independent."""


@dataclass(frozen=True, kw_only=True)
class BCM(Driven):
    """Potentiation above a threshold that slides with squared activity, depression below.

    Each unit keeps one of several linearly independent patterns: there ``y = set_point / p`` for a pattern shown with
    probability p, and 0 for all others. The threshold is that of the homeostat, which must be faster than the weights:
    otherwise activity oscillates. A start with negative activity grows the wrong way.
    """

    name: ClassVar[str] = "bcm"
    equation: ClassVar[str] = (
        "dW_ji = rate * f_j x_i,  f_j = y_j (y_j - theta_j / set_point)\n"
        f"theta of the homeostat: window dtheta = y^2 - theta\n{EQUATION}"
    )
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982", "IntratorCooper1992", "Udeigwe2017")
    mean_field: ClassVar[MeanField | None] = MeanField(over="patterns", varying=True)
    unsuited: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "oja": f"{OWN}; at the fixed point f is 0, so this decay would vanish too",
            "sanger": f"{OWN}; at the fixed point f is 0, so this decay would vanish too",
            "subspace": f"{OWN}; at the fixed point f is 0, so this decay would vanish too",
            "sum_subtractive": OWN, "sum_divisive": OWN, "l2": OWN, "deflation": OWN,
            "scaling": "the sliding threshold already holds the mean rate; the two set points would compete",
        }
    )  # fmt: skip

    homeostat: str = reference("homeostat", "the sliding threshold of the postsynaptic population")
    set_point: Value = number(1.0, "1", "mean activity at which the unit settles, y0", low=1e-6, high=1e6)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a threshold of other units, dependent patterns, and a step that overshoots."""
        yield from super().check(fields, tables)
        projection = tables["projection"][fields["projection"]]
        watched = tables.field("homeostat", fields["homeostat"], "population")
        post = fields.get("postsynaptic") or projection.get("post")
        if watched is not None and watched != post:
            yield "homeostat", f"it watches population {watched!r}, but this rule's postsynaptic population is {post!r}"
        shown = task_of(projection.get("pre"), tables)
        if shown is None:
            return
        if shown.offers("normal"):
            yield (
                "rule",
                (
                    f"bcm lives on third moments, and the normal inputs of a {shown.kind} task have none: its "
                    "weights would only fall; show patterns"
                ),
            )
        if not shown.offers("patterns"):
            return
        patterns, shares = matrix_of(shown, tables), probabilities_of(shown, tables)
        if patterns is None or shares is None:
            return
        yield from _rank_fault(patterns)
        yield from _step_faults(fields, patterns, shares, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return ``y (y - theta / set_point)``; the threshold has moved before."""
        theta = block.read(f"homeostat.{self.homeostat}.theta")
        out, set_point = block.scratch("bcm", len(post)), operand(self.set_point)

        def crossing() -> Array:
            np.divide(theta, set_point, out=out)
            np.subtract(post, out, out=out)
            return np.multiply(out, post, out=out)

        return crossing

    def flow(self, block: Assembly, name: str, task: str) -> Mapping[str, Advance]:
        """Return Runge-Kutta steps of weights and threshold together, averaged over the patterns."""
        weight, theta = block.update(f"projection.{name}.weight"), block.update(f"homeostat.{self.homeostat}.theta")
        window = operand(block.component("homeostat", self.homeostat).window)
        shown, patterns = block.component("task", task), block.signals[f"task.{task}.patterns"]
        rate, set_point, seen = operand(self.rate), operand(self.set_point), np.empty_like(patterns)
        level, y, f, shares = np.empty_like(theta), *(np.empty((len(weight), *patterns.shape[::2])) for _ in range(3))
        shares[...] = shown.shares(block)[:, None]  # spread out: each step multiplies by them eight times

        def drift(state: tuple[Array, ...]) -> tuple[Array, ...]:
            w, threshold = state
            einsum("jir,kir->jkr", w, seen, out=y)
            np.divide(threshold, set_point, out=level)
            np.subtract(y, level[:, None], out=f)
            np.multiply(y, f, out=f)
            np.multiply(f, shares, out=f)
            grown = einsum("jkr,kir->jir", f, seen)
            np.multiply(y, y, out=y)
            np.multiply(shares, y, out=y)
            slope = np.subtract(np.add.reduce(y, axis=1), threshold)
            return np.multiply(rate, grown, out=grown), np.divide(slope, window, out=slope)

        def step(span: float) -> None:
            np.multiply(patterns, shown.gain_in(block), out=seen)
            weight[...], theta[...] = runge_kutta(drift, (weight, theta), span)

        return {"stepped": on_grid(block, step)}


def _rank_fault(patterns: Array) -> Iterator[tuple[str, str]]:
    """Yield patterns that are linearly dependent, or nearly so."""
    sizes = np.linalg.svd(patterns, compute_uv=False)
    rank = int((sizes > DEPENDENT * sizes.max(initial=0.0)).sum())
    if rank < len(patterns):
        yield (
            "rule",
            (
                f"bcm picks one of linearly independent patterns, but these {len(patterns)} have rank {rank} (singular "
                f"values below {DEPENDENT:g} of the largest count as 0): no weights could answer one and be silent to "
                "the others"
            ),
        )


def _step_faults(fields: Fields, patterns: Array, shares: Array, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a trial that overshoots the threshold, and steps of the flow that weights or threshold cannot take."""
    rate, aim = fields["rate"], fields["set_point"]
    power, trials = (patterns**2).sum(axis=1), has_trials(tables)
    window = tables.field("homeostat", fields["homeostat"], "window")
    known = rate is not None and aim is not None
    if known and trials and (step := float((rate * (aim / shares) ** 2 * power).max())) >= LONGEST:
        yield (
            "rate",
            (
                f"rate * y^2 |x|^2 = {step:.3g} at y = set_point / p must be below {LONGEST:g}: a longer step "
                f"overshoots the threshold (here rate below {rate * LONGEST / step:.3g})"
            ),
        )
    for phase, span in flow_steps(tables, solved=False):
        if window is not None and span >= RUNGE_KUTTA * window:
            yield "homeostat", too_long(phase, span, RUNGE_KUTTA * window, f"a threshold of window {window:g} trials")
        elif known and span * (pace := float(rate * aim * power.max())) >= RUNGE_KUTTA:
            yield "rate", too_long(phase, span, RUNGE_KUTTA / pace, "weights that follow rate * set_point * |x|^2")
