"""Hebb's rule: what is active together grows together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import workbench.plasticity.linear_flow as linear_flow
from workbench.plasticity.driven import Driven
from workbench.plasticity.mean_field import MeanField
from workbench.plasticity.shown import Tables
from workbench.plasticity.stabilisers import EQUATION
from workbench.plasticity.step_faults import flow_faults

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly
    from workbench.plasticity.stepping import Advance


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
    mean_field: ClassVar[MeanField | None] = MeanField(stabilisers=linear_flow.STEPPED, exact=linear_flow.EXACT)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse steps of the flow clock beyond stability, too."""
        yield from super().check(fields, tables)
        yield from flow_faults(fields, fields.get("stabiliser", "none"), linear_flow.EXACT, tables)

    def factor(self, block: Assembly, name: str, post: Array) -> Callable[[], Array]:
        """Return y itself."""
        return lambda: post

    def flow(self, block: Assembly, name: str, task: str) -> Mapping[str, Advance]:
        """Return steps of the averaged rule, and its exact solution where there is one."""
        ways = {"stepped": linear_flow.stepped(self, block, name, task)}
        if self.stabiliser in linear_flow.EXACT:
            ways["exact"] = linear_flow.exact(self, block, name, task)
        return ways
