"""Windows: stretches of time after a drug in which something is different, and how they open and close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power
from workbench.component.declaration import Component, number, signal
from workbench.component.moments import TOGETHER, any_nonzero, as_float, round_hours
from workbench.pharmacology.transfers import chained

if TYPE_CHECKING:
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables
    from workbench.pharmacology.exposure import DrugState, Exposure


POINTS, WEIGHTS = (0.5 * row[:, None] for row in np.polynomial.legendre.leggauss(5))
"""Gauss-Legendre on one panel: places about its middle and weights, as shares of its length."""
RUNG, TURNS = 0.125, 2.0
"""Hours after a dose event at which the first panel ends; each further one ends at twice the time. Where that is longer
than `TURNS` of the fastest time constant of the kinetics, the first is halved until it is not."""
FAINT = 1e-7
"""A drive (1/h, relative to the reference) below this is none: what is left of a dose after some 13 half-lives."""
SPAN = 48.0
"""Hours after which what was there is looked at anew; in between it fades by one closed form from one moment."""
VANISHED = 1e-200
"""Stages below this are set to 0: subnormal numbers would slow every later step."""


class Opening:
    """The two stages of one window, followed from step to step of any clock.

    They are kept in two parts: what was there at a moment, the anchor, which fades by a closed form; and what the drive
    has added since, which is 0 for who has no drug, so that no bit depends on whether a neighbour has any. A look
    leaves no trace, so that bits do not depend on what is read.
    """

    def __init__(self, block: Assembly, name: str, window: TwoStage, exposure: Exposure) -> None:
        self.name, self._window, self._exposure = name, window, exposure
        self.resolution = exposure.resolution
        self.level = block.moving(f"window.{name}")
        self._stages = block.empty(2)  # no signal: a look inside a step must not undo what was settled
        self._added: Array | None = None
        self._anchor: Value = 0.0
        self._occupancy = block.component("occupancy", window.opened_by.partition(".")[2])
        self._body: DrugState | None = None
        self._kept: dict[float, tuple[Value, Value, Value]] = {}
        self._made_with: list[Value] = []
        self._peak: Value = 1.0
        self._rests_until = -np.inf
        self._phase = ""
        self._at: Value = 0.0

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Go on to `stop` (hours of the phase), or only `look` there; return whether the window may move.

        What is shown is its level at `stop`, or its mean from `start`.
        """
        begin = self._exposure.phases[phase][0]
        first, last = round_hours(begin + start), round_hours(begin + stop)
        if phase != self._phase:
            if self._body is not None:
                self._settle(begin)
            self._phase, self._at, self._body = phase, begin, self._exposure.since(phase)
            self._rests_until = -np.inf
        if self._body is None or self._shut(self._body):
            moved = bool(self.level.any())
            self.level[...] = 0.0
            return moved
        if average:
            self._settle(first)
            self._mean(first, last)
            return True
        if not look:
            self._settle(last)
        self._show(self._second(last))
        return True

    def _shut(self, body: DrugState) -> bool:
        """Whether the window is closed in all runs and nothing comes."""
        return self._added is None and not any_nonzero(np.asarray(self._stages)) and body.quiet()

    def _settle(self, time: Value) -> None:
        """Go on to a moment, for good."""
        if self._body is None or not np.any(np.asarray(time) > self._at):
            return
        if not self._rests(self._body, self._at, time):
            added = np.zeros_like(self._stages) if self._added is None else self._added
            self._added = self._passed(self._body, added, self._at, time)
        elif self._added is not None:
            self._added = self._faded(self._added, time - self._at)
        self._at = time
        if np.any(np.asarray(time) >= self._anchor + SPAN):
            self._stages[...] = self._faded(self._stages, time - self._anchor)
            if self._added is not None:
                self._stages += self._added
            self._stages[self._stages < VANISHED] = 0.0
            self._added, self._anchor = None, time

    def _second(self, time: Value) -> Array:
        """Return the second stage at a moment not before that which is settled; nothing of it stays."""
        _, decay, passing = self._after(time - self._anchor)
        found: Array = self._stages[1] * decay
        found += self._stages[0] * passing
        if not np.any(np.asarray(time) > self._at):
            return found if self._added is None else found + self._added[1]
        if self._body is not None and not self._rests(self._body, self._at, time):
            added = np.zeros_like(self._stages) if self._added is None else self._added
            found += self._passed(self._body.copied(), added, self._at, time)[1]
        elif self._added is not None:
            found += self._faded(self._added, time - self._at)[1]
        return found

    def _faded(self, stages: Array, hours: Value) -> Array:
        after = self._after(hours)
        return np.stack([stages[0] * after[0], stages[1] * after[1] + stages[0] * after[2]])

    def _mean(self, first: Value, last: Value) -> None:
        """Show the mean from `first` to `last`, and stay there."""
        found: Any = 0.0
        for place, weight in zip(POINTS[:, 0].tolist(), WEIGHTS[:, 0].tolist(), strict=True):
            self._settle(as_float(np.asarray(first + (0.5 + place) * (last - first))))
            found = found + weight * self._saturated(self._second(self._at))
        self._settle(last)
        self.level[...] = found

    def _show(self, second: Array) -> None:
        self.level[...] = self._saturated(second)

    def _saturated(self, second: Array) -> Array:
        self._refresh()
        height = second / self._peak
        found: Array = (1.0 + self._window.half) * height / (self._window.half + height)
        return found

    def _passed(self, body: DrugState, stages: Array, first: Value, last: Value) -> Array:
        """Return both stages at `last`, from those at `first`; `body` goes on to the last dose event before it."""
        found, now = self._faded(stages, last - first), first
        while np.any(np.asarray(now) < last) and not self._rests(body, now, last):
            event = body.next_event()
            until = as_float(np.minimum(np.minimum(last, event), self._rung(body, now)))
            length = until - now
            at = now + (0.5 + POINTS) * length
            entering, after = self._drive(body, at) * (WEIGHTS * length), self._after(last - at)
            found[0] += np.add.reduce(entering * after[0], axis=0)
            found[1] += np.add.reduce(entering * after[2], axis=0)
            now = until
            due = np.asarray(event) <= np.asarray(now) + TOGETHER
            if np.any(due):
                body.move(as_float(np.where(due, event, body.at)))
                body.take()
        return found

    def _after(self, hours: Value) -> tuple[Value, Value, Value]:
        """Return what is left of each stage, and what came from the first into the second; lengths of steps recur."""
        if not isinstance(hours, float):
            return self._passage(np.maximum(hours, 0.0))
        self._refresh()
        if hours not in self._kept:
            self._kept[hours] = self._passage(hours)
        return self._kept[hours]

    def _refresh(self) -> None:
        """Forget what was kept if a link has moved rise or decay."""
        rise, decay = self._window.rise, self._window.decay
        plainly = isinstance(rise, float) and isinstance(decay, float)
        if plainly and self._made_with == [rise, decay]:
            return
        if plainly or not self._made_with or not all(map(np.array_equal, (rise, decay), self._made_with)):
            self._kept.clear()
            self._peak = self._window.peak()
            self._made_with = [rise, decay] if plainly else [np.array(rise), np.array(decay)]

    def _passage(self, hours: Value) -> tuple[Value, Value, Value]:
        rise, decay = 1.0 / self._window.rise, 1.0 / self._window.decay
        return chained(hours, rise), chained(hours, decay), chained(hours, rise, decay) * rise

    def _drive(self, body: DrugState, time: Value) -> Array:
        """Return the drive at moments up to the next dose event (1/h)."""
        known = self._exposure.lately
        if known is None or not np.array_equal(known[0], time):
            amounts = body.later(as_float(np.maximum(np.asarray(time - body.at), 0.0)), body.inputs())
            self._exposure.lately = known = np.asarray(time), np.asarray(body.acting(amounts))
        return self._strength(known[1])

    def _strength(self, concentration: Array) -> Array:
        """Return the drive of a concentration; below `FAINT` it is none."""
        share = self._occupancy.share(np.maximum(concentration, 0.0), self._occupancy.ec50)
        found = power(share, self._window.power) / self._window.reference
        strong: Array = np.where(found < FAINT, 0.0, found)
        return strong

    def _rung(self, body: DrugState, now: Value) -> Value:
        """Return the end of the panel in which `now` lies: panels double with the time since the last dose event."""
        age = np.maximum(np.asarray(now - body.at), 0.0)
        halved = np.maximum(np.ceil(np.log2(body.transfers.fastest * RUNG / TURNS)), 0.0)
        first = np.ldexp(RUNG, -np.asarray(halved).astype(int))
        above = np.floor(np.log2(np.maximum(age, first / 4.0) / first) + 1e-6) + 1.0
        end: Value = body.at + np.ldexp(first, np.maximum(above, 0.0).astype(int))
        return end

    def _rests(self, body: DrugState, now: Value, last: Value) -> bool:
        """Whether no run's drive can reach `FAINT` before `last`: nothing comes, and all that is left is too little."""
        if np.all(np.asarray(last) <= self._rests_until):
            return True
        if body.flowing() or np.any(np.asarray(body.next_event()) < last):
            return False
        amounts = body.later(as_float(np.maximum(np.asarray(now - body.at), 0.0)), {})
        held: Any = body.transfers.scale * body.transfers.drug.reaching(amounts)
        if body.transfers.delayed:
            held = np.maximum(held, amounts["effect"])
        if np.any(self._strength(held * body.transfers.drug.effect)):
            return False
        self._rests_until = float(np.min(body.next_event()))
        return True


EQUAL = 1e-6
"""Relative difference of rise and decay below which the peak is that of equal ones."""


@dataclass(frozen=True, kw_only=True)
class TwoStage(Component):
    """A window that a drug's occupancy opens: it rises after the drug has gone, stays a while and closes.

    Links carry it onto any number of any circuit, a learning rate or a threshold. It moves no weight by itself
    (metaplasticity). `reference` is the drive of the dose that opens it to 1; a larger dose opens it wider, up to
    1 + `half`. On the trial clock it shows its mean over a dosing interval.
    """

    section: ClassVar[str] = "window"
    name: ClassVar[str] = "two_stage"
    drives: ClassVar[bool] = True
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "dM1/dt = opened_by^power / reference - M1 / rise,  dM/dt = M1 / rise - M / decay\n"
        "window = (1 + half) m / (half + m),  m = M / (peak of M after one reference dose given at once)"
    )
    sources: ClassVar[tuple[str, ...]] = ("AbrahamBear1996",)

    opened_by: str = signal("the occupancy that opens it")
    rise: Value = number(6.0, "h", "time constant of its rise", low=1e-3, high=1e5)
    decay: Value = number(57.0, "h", "time constant of its decay", low=1e-3, high=1e5)
    power: Value = number(2.0, "1", "exponent of the occupancy", low=0.1, high=10.0)
    reference: Value = number(MISSING, "h", "integral of occupancy^power over the dose that opens it to 1",
                              low=1e-9, high=1e9)  # fmt: skip
    half: Value = number(
        0.5, "1", "level, relative to the reference, at which saturation has taken half", low=1e-3, high=1e6
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse what no dose drives: a signal that is no occupancy, a drug in the bath, a drug that is never given."""
        section, _, name = fields["opened_by"].partition(".")
        if section != "occupancy":
            yield "opened_by", f"a window is opened by an occupancy, and {fields['opened_by']} is none"
            return
        drug = tables["occupancy"][name]["drug"]
        if tables["drug"][drug].offers("bath"):
            yield "opened_by", f"{drug} is in the bath, where its concentration never falls: the window would not close"
            return
        given, above = drug, [drug]
        while (parent := tables["drug"][given].get("parent")) and parent not in above:  # it comes with those doses
            given = parent
            above.append(given)
        if not any(dose["drug"] == given for dose in tables["dose"].values()):
            yield "opened_by", f"the window never opens: no dose gives {given}"

    def peak(self) -> Value:
        """Return the peak of the second stage after a unit entered the first."""
        rise, decay = np.asarray(self.rise), np.asarray(self.decay)
        ratio = decay / rise
        apart = np.where(np.abs(ratio - 1.0) > EQUAL, ratio - 1.0, 1.0)
        exponent = np.where(np.abs(ratio - 1.0) > EQUAL, np.log(ratio) / apart, 1.0)
        return np.exp(-exponent)

    def after_reference(self, hours: Value) -> Value:
        """Return the level `hours` after one reference dose given at once, by closed form."""
        rise, decay = 1.0 / self.rise, 1.0 / self.decay
        height = chained(hours, rise, decay) * rise / self.peak()
        return (1.0 + self.half) * height / (self.half + height)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the window as a driven signal that follows the drug."""
        block.driven(self.opened_by)
        drug = block.component("occupancy", self.opened_by.partition(".")[2]).drug
        exposure: Any = next(
            e for e in block.exposures if getattr(e, "declared", None) is block.component("drug", drug)
        )
        block.exposures.append(Opening(block, name, self, exposure))
