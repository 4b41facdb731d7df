"""Inhibitory plasticity toward a target rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.tables import Fields, Tables
from workbench.plasticity.driven import Driven
from workbench.plasticity.shown import has_trials, input_power, largest_pattern
from workbench.plasticity.stabilisers import EQUATION

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly

OVERSHOOT = 2.0
"""Smallest rate |x|^2 at which the error y - target, which a trial multiplies by 1 - rate |x|^2, no longer shrinks."""
FED = "f changes sign at the target, and below it this decay would feed growth"
SET = "its fixed point is a rate, which a fixed length or sum of the weights would make unreachable"


@dataclass(frozen=True, kw_only=True)
class RateError(Driven):
    """Inhibitory synapses grow while the unit is above its target rate, and shrink below it.

    Each channel is balanced by itself: ``y_k = target`` for every pattern shown, if its weights can reach it.
    """

    name: ClassVar[str] = "rate_error"
    equation: ClassVar[str] = f"dW_ji = rate * f_j x_i,  f_j = y_j - target\n{EQUATION}"
    sources: ClassVar[tuple[str, ...]] = ("Vogels2011",)
    unsuited: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "oja": FED, "sanger": FED, "subspace": FED,
            "sum_subtractive": SET, "sum_divisive": SET, "l2": SET, "deflation": SET,
            "scaling": "it already controls the rate, and stronger inhibition lowers the rate that scaling relies on",
        }
    )  # fmt: skip

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse excitatory synapses, on which the rule diverges, and a step beyond stability."""
        yield from super().check(fields, tables)
        projection = tables["projection"][fields["projection"]]
        if projection.get("sign") != "inhibitory":
            yield (
                "rule",
                (
                    f"rate_error balances through inhibition, but {fields['projection']} is excitatory: "
                    "there it would grow without end above the target"
                ),
            )

        yield from _step_fault(fields, projection, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return ``y - target``."""
        out, target = block.scratch("error", len(post)), self.target
        return lambda: np.subtract(post, target, out=out)


def _step_fault(fields: Fields, projection: Mapping[str, Any], tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a rate at which the rate swings about its target ever more widely; soft bounds shorten the step."""
    pre, rate = projection.get("pre"), fields["rate"]
    largest = largest_pattern(pre, tables)
    power = input_power(pre, tables) if largest is None else largest
    if fields["stabiliser"] != "none" or not has_trials(tables) or not rate or not power:
        return
    if rate * power >= OVERSHOOT:
        whose = "in the mean" if largest is None else "of the largest pattern"
        yield (
            "rate",
            (
                f"is beyond stability: rate * |x|^2 = {rate * power:.3g} {whose}, and a trial multiplies y - target by "
                f"1 less that: from {OVERSHOOT / power:.4g} on it swings ever more widely, from "
                f"{OVERSHOOT / power / 2.0:.4g} on it overshoots"
            ),
        )
