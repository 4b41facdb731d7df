"""What a drug, or any signal that it drives, does in the end: at once, behind an effect site, or by turnover.

Four forms of turnover are those of indirect response: a quantity that is made and lost all the time, and a drug that
inhibits or stimulates the one or the other (Jusko). What it does therefore comes late, and outlasts the drug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.arrays import power
from workbench.component.declaration import Component, number, reference, signal
from workbench.errors import AssemblyError
from workbench.pharmacology.follower import Follower
from workbench.pharmacology.motion import at_levels, behind, movers

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

HALVES = {"ec50": "the concentration in plasma (ng/mL)", "half": "the level of the signal, in its unit,"}
SHORTEST_DELAY = 0.01
"""Hours; steps would have to be shorter still."""
SITELESS = "an effect site that appears while the model runs has no initial state"


@dataclass(frozen=True, kw_only=True)
class Responding(Component):
    """Base: what drives a response, and the effect site in between."""

    section: ClassVar[str] = "response"
    drives: ClassVar[bool] = True
    sources: ClassVar[tuple[str, ...]] = ("Sharma1998",)
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = (("drug", "signal"),)

    drug: str | None = reference("drug", "the drug that it responds to", None, needed=True)
    signal: str | None = signal("any other driven signal that it responds to: occupancy.NAME, gate.NAME", None)
    delay: Value = number(
        0.0, "h", "half-time in which an effect site follows what drives it; 0 is at once", low=0.0, high=1e5,
        still=SITELESS,
    )  # fmt: skip

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse an effect site that is too fast to be solved."""
        if fields["delay"] and fields["delay"] < SHORTEST_DELAY:
            yield "delay", f"{fields['delay']:g} h is practically at once: write 0, or at least {SHORTEST_DELAY:g} h"

    def driver(self, block: Assembly) -> Value:
        """Return what it responds to, before any effect site."""
        return block.driven(f"drug.{self.drug}" if self.drug is not None else str(self.signal))

    def build(self, block: Assembly, name: str) -> None:
        """Offer the response as a driven signal."""
        driver = self.driver(block)
        if not np.any(np.asarray(self.delay) > 0.0):
            self.offer(block, name, driver)
            return
        sources, moves = _sources(block, name, block.leaves(driver)), np.asarray(self.delay) > 0.0
        if not sources:  # what never moves has reached the effect site long ago
            self.offer(block, name, driver)
            return
        # Runs without a delay divide by 1 to avoid a warning; their result is not used.
        rate = np.log(2.0) / np.where(moves, self.delay, 1.0)
        site = Follower(
            block, f"response.{name}.site", sources, lambda levels: (rate * block.evaluated(driver, levels), rate)
        )
        block.exposures.append(site)
        self.offer(block, name, block.derived(lambda at_once, late: np.where(moves, late, at_once), driver, site.level))

    def offer(self, block: Assembly, name: str, driver: Value) -> None:
        """Offer the response to what drives it, effect site included."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class LinearResponse(Responding):
    """Rises or falls in proportion to what drives it.

    On the trial clock it is that of the mean over a dosing interval.
    """

    name: ClassVar[str] = "linear"
    equation: ClassVar[str] = "R = baseline + slope s,  ds/dt = ln 2 / delay (driver - s)"

    baseline: Value = number(0.0, "1", "response without any drive", low=-1e12, high=1e12)
    slope: Value = number(MISSING, "1", "change for each unit of what drives it (ng/mL of a drug)",
                          low=-1e12, high=1e12)  # fmt: skip

    @staticmethod
    def level(driver: Value, baseline: Value, slope: Value) -> Value:
        """Return the response."""
        return baseline + slope * driver

    def offer(self, block: Assembly, name: str, driver: Value) -> None:
        """Offer the response as a driven signal."""
        block.provide(f"response.{name}", block.derived(self.level, driver, self.baseline, self.slope))


@dataclass(frozen=True, kw_only=True)
class Saturating(Responding):
    """Base: a response by a curve that saturates; half of its most is at `ec50` of a drug, or at `half` of a signal."""

    ec50: Value | None = number(
        None, "ng/mL", "concentration of the drug at half the most that it does", low=1e-9, high=1e9
    )
    half: Value | None = number(
        None, "1", "level of the signal at half the most that it does, in its unit", low=1e-9, high=1e9
    )
    exponent: Value = number(1.0, "1", "steepness h of the curve", low=0.1, high=50.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a curve whose half is missing or in another unit, and one by plasma of a drug in the bath."""
        yield from super().check(fields, tables)
        takes, other = ("ec50", "half") if fields["drug"] is not None else ("half", "ec50")
        if fields.get(other) is not None:
            what = "drug" if takes == "ec50" else "signal"
            yield other, f"is not read of a {what}, which has {takes}: {HALVES[takes]}"
        elif fields["drug"] is not None and tables["drug"][fields["drug"]].offers("bath"):
            drug = fields["drug"]
            yield "drug", f'{drug} is in the bath (nM), not in plasma: use signal = "drug.{drug}", with half'

    @property
    def middle(self) -> Value:
        """What drives half the most."""
        found = self.ec50 if self.drug is not None else self.half
        assert found is not None
        return found

    def build(self, block: Assembly, name: str) -> None:
        """Offer the response, or say that its half is missing: a number that a sweep sets is known only here."""
        takes, other = ("ec50", "half") if self.drug is not None else ("half", "ec50")
        if getattr(self, takes) is None:
            raise AssemblyError(
                f"response.{name}", f"{takes} is missing: {HALVES[takes]} at half the most that it does"
            )
        if getattr(self, other) is not None:
            raise AssemblyError(f"response.{name}.{other}", f"is not read: this response has {takes}")
        super().build(block, name)


def share(driver: Value, middle: Value, exponent: Value) -> Value:
    """Return ``s^h / (s^h + middle^h)``, with all its digits where it is small; nothing, and what is below, does 0."""
    # As a quotient of the two: s^h and middle^h by themselves overflow or vanish at a steep exponent.
    return 1.0 / (1.0 + power(np.divide(middle, np.maximum(driver, 0.0)), exponent))


@dataclass(frozen=True, kw_only=True)
class HillResponse(Saturating):
    """Rises or falls along a Hill curve.

    On the trial clock it is that of the mean over a dosing interval.
    """

    name: ClassVar[str] = "hill"
    equation: ClassVar[str] = (
        "R = baseline + maximum s^h / (s^h + half^h),  ds/dt = ln 2 / delay (driver - s),  half = ec50 of a drug"
    )

    baseline: Value = number(0.0, "1", "response without any drive", low=-1e12, high=1e12)
    maximum: Value = number(1.0, "1", "the largest change; below 0 the response falls", low=-1e12, high=1e12)

    @staticmethod
    def level(driver: Value, middle: Value, exponent: Value, baseline: Value, maximum: Value) -> Value:
        """Return the response."""
        return baseline + maximum * share(driver, middle, exponent)

    def offer(self, block: Assembly, name: str, driver: Value) -> None:
        """Offer the response as a driven signal."""
        numbers = self.middle, self.exponent, self.baseline, self.maximum
        block.provide(f"response.{name}", block.derived(self.level, driver, *numbers))


@dataclass(frozen=True, kw_only=True)
class Turnover(Saturating):
    """Base: what is made at ``baseline * loss`` and lost at `loss`; a form says which of the two is changed, and how.

    It stands at its steady state as the protocol begins. `baseline` is that where nothing drives it.
    """

    rises: ClassVar[bool]
    """Whether what drives it stimulates; else it inhibits."""
    of_loss: ClassVar[bool]
    """Whether it acts on the loss; else on production."""

    baseline: Value = number(1.0, "1", "response without any drive", low=1e-12, high=1e12)
    loss: Value = number(
        MISSING, "1/h", "rate constant of its loss; what is lost faster is at once", low=1e-6, high=60.0
    )

    @staticmethod
    def unscaled(maximum: Value, driver: Value, middle: Value, exponent: Value, *, rises: bool) -> Value:
        """Return the factor of what is changed."""
        part = maximum * share(driver, middle, exponent)
        return 1.0 + part if rises else 1.0 - part

    def rates(self, driver: Value) -> tuple[Value, Value]:
        """Return production and the rate constant of loss (1/h), where the driver has a level."""
        factor = self.unscaled(self.maximum, driver, self.middle, self.exponent, rises=self.rises)  # type: ignore[attr-defined]
        production = self.baseline * self.loss
        return (production, self.loss * factor) if self.of_loss else (production * factor, self.loss)

    def offer(self, block: Assembly, name: str, driver: Value) -> None:
        """Offer the response as a driven signal that follows what drives it."""
        sources = _sources(block, name, block.leaves(driver) | movers(block, self))
        if not sources:
            block.provide(f"response.{name}", block.derived(self.settled(), driver, *self.own().values()))
            return
        strayed = block.strayed.setdefault(f"response.{name}", {})

        def tried(levels: Mapping[str, Value], noted: dict[str, Any] | None = None) -> tuple[Value, Value]:
            now: Turnover = at_levels(block, self, levels, noted)
            return now.rates(block.evaluated(driver, levels))

        def rates(levels: Mapping[str, Value]) -> tuple[Value, Value]:
            return tried(levels, strayed)

        block.exposures.append(follower := Follower(block, f"response.{name}", sources, rates, tried))
        block.provide(f"response.{name}", follower.level)

    def own(self) -> dict[str, Value]:
        """Return its numbers, those of the driver apart."""
        names = ("maximum", "ec50" if self.drug is not None else "half", "exponent", "baseline", "loss")
        return {name: getattr(self, name) for name in names}

    def settled(self) -> Callable[..., Value]:
        """Return its steady state as a function of the driver and its own numbers."""

        def level(driver: Value, maximum: Value, middle: Value, exponent: Value, baseline: Value, loss: Value) -> Value:
            factor = self.unscaled(maximum, driver, middle, exponent, rises=self.rises)
            return baseline / factor if self.of_loss else baseline * factor

        return level


@dataclass(frozen=True, kw_only=True)
class ProductionInhibited(Turnover):
    """Falls late, as a drug inhibits what is made: indirect response I."""

    name: ClassVar[str] = "turnover_production_inhibited"
    equation: ClassVar[str] = (
        "dR/dt = baseline loss (1 - maximum s^h / (s^h + half^h)) - loss R,  "
        "ds/dt = ln 2 / delay (driver - s),  half = ec50 of a drug"
    )
    rises: ClassVar[bool] = False
    of_loss: ClassVar[bool] = False

    maximum: Value = number(1.0, "1", "most of production that is inhibited; 1 is all of it", low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class LossInhibited(Turnover):
    """Rises late, as a drug inhibits what is lost: indirect response II."""

    name: ClassVar[str] = "turnover_loss_inhibited"
    equation: ClassVar[str] = (
        "dR/dt = baseline loss - loss (1 - maximum s^h / (s^h + half^h)) R,  "
        "ds/dt = ln 2 / delay (driver - s),  half = ec50 of a drug"
    )
    rises: ClassVar[bool] = False
    of_loss: ClassVar[bool] = True

    maximum: Value = number(1.0, "1", "most of the loss that is inhibited; 1 is all of it", low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class ProductionStimulated(Turnover):
    """Rises late, as a drug stimulates what is made: indirect response III."""

    name: ClassVar[str] = "turnover_production_stimulated"
    equation: ClassVar[str] = (
        "dR/dt = baseline loss (1 + maximum s^h / (s^h + half^h)) - loss R,  "
        "ds/dt = ln 2 / delay (driver - s),  half = ec50 of a drug"
    )
    rises: ClassVar[bool] = True
    of_loss: ClassVar[bool] = False

    maximum: Value = number(MISSING, "1", "most that is added to production; 1 doubles it", low=0.0, high=1e6)


@dataclass(frozen=True, kw_only=True)
class LossStimulated(Turnover):
    """Falls late, as a drug stimulates what is lost: indirect response IV."""

    name: ClassVar[str] = "turnover_loss_stimulated"
    equation: ClassVar[str] = (
        "dR/dt = baseline loss - loss (1 + maximum s^h / (s^h + half^h)) R,  "
        "ds/dt = ln 2 / delay (driver - s),  half = ec50 of a drug"
    )
    rises: ClassVar[bool] = True
    of_loss: ClassVar[bool] = True

    maximum: Value = number(MISSING, "1", "most that is added to the loss; 1 doubles it", low=0.0, high=1e6)


def _sources(block: Assembly, name: str, signals: frozenset[str]) -> dict[str, Any]:
    """Return what makes the signals, or say which cannot be followed from moment to moment.

    Raises
    ------
    AssemblyError
        Of a window, and of a steady state, whose response would have to have come to its own before the protocol.
    """
    found = {moving: behind(block, moving) for moving in sorted(signals)}
    for moving, source in found.items():
        if source is None:
            reason = f"{moving} is a window, and a response follows drugs, occupancies, receptors and responses only"
            raise AssemblyError(f"response.{name}", reason)
        for dose, regimen in getattr(source, "regimens", ()):
            if regimen.steady_state:
                reason = (
                    f"sets in as a steady state, and response.{name} would begin beside its own: "
                    "give the doses of the days before in a phase of their own"
                )
                raise AssemblyError(f"dose.{dose}", reason)
    return found
