"""A stretch of real time during which stimulation lasts, on the tick clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.component.declaration import count, number
from workbench.protocol.phases import Ordered
from workbench.quantities import SECONDS_PER_HOUR

MOST_STEPS = 10_000_000
"""Steps of one phase: more is a slip of the pen, and hours of computing."""


@dataclass(frozen=True, kw_only=True)
class TickPhase(Ordered):
    """A length of real time in equal steps: a slice under stimulation, or weeks of life with sessions and visits.

    Between two edges of stimuli stimulation is constant. Each such stretch is cut into equal steps, none longer than
    `step`: marks advance by closed form, the weight by an exponential update with the exact means of both sides, exact
    while one side acts alone and of second order otherwise. Over a step drugs, and what they drive, hold the level
    of its middle. What is recorded inside a step changes nothing.
    """

    section: ClassVar[str] = "phase"
    name: ClassVar[str] = "tick"
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "W(t + dt) = W_inf + (W - W_inf) exp(-B dt);  W_inf = A / B\n"
        "A = P w_max + D w_min + g rest,  B = P + D + g, each the mean over the step (soft bounds)"
    )

    order: int = count(1, "place in the protocol", high=10_000)
    length: float = number(1.0, "h", "how long the phase lasts", low=1e-9, high=1e6, status="protocol", fixed=True)
    step: float = number(1.0, "s", "longest step", low=1e-6, high=1e6, fixed=True)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse two phases in one place, and a step so short that the phase would never end."""
        yield from super().check(fields, tables)
        if fields["length"] * SECONDS_PER_HOUR > MOST_STEPS * fields["step"]:
            yield "step", f"cuts the phase into more than {MOST_STEPS:,} steps"
