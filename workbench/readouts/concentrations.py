"""What a pharmacokineticist reads off a concentration curve: peak, trough, area, time above a level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import number, option, reference
from workbench.errors import AssemblyError
from workbench.pharmacology.exposure import Exposure
from workbench.pharmacology.motion import MovingExposure
from workbench.pharmacology.moving_profile import moving_profile
from workbench.pharmacology.profile import Profile, profile
from workbench.protocol.schedule import phase_hours, trial_hours
from workbench.protocol.span import parse_span
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


SITES = ("plasma", "effect")


@dataclass(frozen=True, kw_only=True)
class OfStretch(Readout):
    """Base: a stretch of one phase, from `since` to the end of the window; doses at its end are not in it."""

    at_moments: ClassVar[bool] = False

    since: float = number(0.0, "h", "time in the phase from which it counts", low=0.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a time course, a reading without a single phase, and a stretch that ends before it begins."""
        if fields["section"] == "course":
            yield "readout", "is one number for a stretch of time; a time course needs a concentration or a level"
            return
        yield from super().check(fields, tables)
        words = fields.get("window")
        phase = tables["phase"].get(parse_span(words).phase) if words else None
        if phase is None:
            yield "window", "needs a phase, such as 'end of PHASE' or '24 h into PHASE'"
            return
        until, since = _until(str(words), phase), fields.get("since") or 0.0
        if until is not None and not since < until:
            yield "since", f"{since:g} h is not before the end of the window, {until:g} h into the phase"

    def stretch(self, block: Assembly) -> tuple[str, float, float]:
        """Return the phase, and beginning and end of the stretch in hours of it."""
        name = parse_span(str(self.window)).phase
        phase = block.component("phase", name)
        declared = {field: getattr(phase, field) for field in type(phase).parameters()}
        until = _until(str(self.window), declared)
        return name, self.since + (_start(str(self.window), declared) or 0.0), float(until or 0.0)


@dataclass(frozen=True, kw_only=True)
class OfCurve(OfStretch):
    """Base: a stretch of a concentration curve."""

    follows: ClassVar[bool] = True
    """Whether it is found where links move the drug's numbers too."""

    drug: str = reference("drug", "the drug")
    site: str = option("plasma", SITES, "where the concentration is: in plasma, or where it acts")

    def reading(self, block: Assembly) -> Reading:
        """Look at the whole stretch when its end has come."""
        exposure: Any = block.exposing[self.drug]
        if exposure.moves and not self.follows:
            reason = f"links move numbers of drug.{self.drug} while the model runs: its later curve has no closed form"
            raise AssemblyError("", f"{self.name} cannot be read: {reason}")
        name, since, until = self.stretch(block)
        if (level := getattr(self, "threshold", None)) is not None:
            exposure.levels[name, since, until, self.site] = level
        return Reading((), lambda sums, trials: self.value(exposure, name, since, until))

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the outcome of a stretch of a phase, in hours of it."""
        raise NotImplementedError

    def found(self, exposure: Exposure, phase: str, since: float, until: float, *, turns: bool) -> Profile:
        """Return the profile of the stretch; readouts of one stretch share it."""
        level = getattr(self, "threshold", None)
        if level is None and turns:  # the peak and the time above a level are found in one look
            level = exposure.levels.get((phase, since, until, self.site))

        def look() -> Profile:
            # A level is one of what acts; a subject who does not respond never reaches it.
            asked = None if level is None else level / np.asarray(self.acting(exposure), dtype=np.float64)
            if isinstance(exposure, MovingExposure):
                return moving_profile(exposure, phase, since, until, self.site, asked, turns=turns)
            return profile(exposure, phase, since, until, self.site, asked, turns=turns)

        found: Profile = exposure.remembered((since, until, self.site, level, turns), look)
        return found

    def acting(self, exposure: Exposure) -> Any:
        """Return the share that counts: at the effect site, what a subject responds to."""
        return exposure.drug.effect if self.site == "effect" and not exposure.moves else 1.0


def _until(words: str, phase: Mapping[str, Any]) -> float | None:
    """Return the end of a window in hours of its phase, None where a number is not known or the window does not fit."""
    span = parse_span(words)
    if span.hours is not None:
        return span.hours
    if "trials" not in phase:
        return phase_hours(phase)
    trials, per_day = phase.get("trials"), phase.get("trials_per_day")
    if not trials or not per_day:
        return None
    try:
        return float(trial_hours(span.bounds(trials, per_day)[1], per_day))
    except ValueError:
        return None  # which is reported at the window itself


def _start(words: str, phase: Mapping[str, Any]) -> float | None:
    """Return the beginning of a window of trials in hours of its phase; a window in hours begins with the phase."""
    span = parse_span(words)
    if span.hours is not None or "trials" not in phase or words.strip().startswith("end of"):
        return 0.0
    per_day = phase["trials_per_day"]
    return float(trial_hours(span.bounds(phase["trials"], per_day)[0], per_day))


@dataclass(frozen=True, kw_only=True)
class PeakConcentration(OfCurve):
    """Highest concentration, Cmax; exact, also between two recorded moments."""

    name: ClassVar[str] = "peak_concentration"
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "highest concentration"
    equation: ClassVar[str] = "Cmax = max C(t)"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the peak."""
        peak: Array = self.found(exposure, phase, since, until, turns=True).peak * self.acting(exposure)
        return peak


@dataclass(frozen=True, kw_only=True)
class TimeOfPeak(OfCurve):
    """Time of the highest concentration, tmax, from the beginning of the stretch; the first of equal peaks."""

    name: ClassVar[str] = "time_of_peak"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "time of the highest concentration"
    equation: ClassVar[str] = "tmax = argmax C(t)"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the time of the peak."""
        return self.found(exposure, phase, since, until, turns=True).peak_at


@dataclass(frozen=True, kw_only=True)
class TroughConcentration(OfCurve):
    """Lowest concentration; before a dose that comes at the end of the stretch."""

    name: ClassVar[str] = "trough_concentration"
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "lowest concentration"
    equation: ClassVar[str] = "Cmin = min C(t)"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the trough."""
        trough: Array = self.found(exposure, phase, since, until, turns=True).trough * self.acting(exposure)
        return trough


@dataclass(frozen=True, kw_only=True)
class AreaUnderCurve(OfCurve):
    """Area under the concentration, AUC, of the stretch."""

    name: ClassVar[str] = "area_under_curve"
    unit: ClassVar[str] = "ng h/mL"
    meaning: ClassVar[str] = "area under the concentration"
    equation: ClassVar[str] = "AUC = integral of C dt"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the area."""
        area: Array = self.found(exposure, phase, since, until, turns=False).area * self.acting(exposure)
        return area


@dataclass(frozen=True, kw_only=True)
class AreaToInfinity(OfCurve):
    """Area under the concentration from the beginning of the stretch to infinity, if nothing more is given."""

    name: ClassVar[str] = "area_to_infinity"
    unit: ClassVar[str] = "ng h/mL"
    meaning: ClassVar[str] = "area under the concentration, extrapolated"
    follows: ClassVar[bool] = False
    equation: ClassVar[str] = "AUCinf = AUC of the stretch + (what is in the body at its end) / clearance"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the area and what is still to come."""
        found = self.found(exposure, phase, since, until, turns=False)
        area: Array = (found.area + found.left) * self.acting(exposure)
        return area


@dataclass(frozen=True, kw_only=True)
class AverageConcentration(OfCurve):
    """Mean concentration over the stretch."""

    name: ClassVar[str] = "average_concentration"
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "mean concentration"
    equation: ClassVar[str] = "Cav = AUC / length of the stretch"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the mean."""
        area = self.found(exposure, phase, since, until, turns=False).area
        mean: Array = area / (until - since) * self.acting(exposure)
        return mean


@dataclass(frozen=True, kw_only=True)
class TimeAbove(OfCurve):
    """Hours of the stretch in which the concentration is above a level."""

    name: ClassVar[str] = "time_above"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "time above a concentration"
    equation: ClassVar[str] = "T = length of {t: C(t) > threshold}"

    threshold: float = number(MISSING, "ng/mL", "the level", low=0.0)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the time."""
        return self.found(exposure, phase, since, until, turns=True).above


@dataclass(frozen=True, kw_only=True)
class TerminalHalfLife(OfCurve):
    """Half-life of the slowest process, absorption included: what the curve falls with in the end."""

    name: ClassVar[str] = "terminal_half_life"
    unit: ClassVar[str] = "h"
    meaning: ClassVar[str] = "half-life at the end of the curve"
    follows: ClassVar[bool] = False
    equation: ClassVar[str] = "ln 2 / smallest rate"
    sources: ClassVar[tuple[str, ...]] = ("Rowland2011",)

    def value(self, exposure: Exposure, phase: str, since: float, until: float) -> Array:
        """Return the half-life."""
        rates: Callable[..., Any] = exposure.since(phase).transfers.drug.rates
        slowest = np.minimum.reduce(np.broadcast_arrays(*rates().values()))
        return np.broadcast_to(np.log(2.0) / slowest, exposure.concentration.shape)


@dataclass(frozen=True, kw_only=True)
class Concentration(Readout):
    """Concentration at a moment, after the doses of that moment (on the trial clock: mean over the dosing interval).

    At the effect site it follows plasma with the drug's `equilibration`, less what a subject does not respond to.
    """

    name: ClassVar[str] = "concentration"
    offers: ClassVar[frozenset[str]] = frozenset({"linear in dose"})
    revision: ClassVar[int] = 2
    unit: ClassVar[str] = "ng/mL"
    meaning: ClassVar[str] = "concentration"
    equation: ClassVar[str] = "C in plasma; effect * C at the effect site"

    drug: str = reference("drug", "the drug")
    site: str = option("plasma", SITES, "where the concentration is: in plasma, or where it acts")

    def reading(self, block: Assembly) -> Reading:
        """Copy the concentration."""
        acting = np.asarray(block.driven(f"drug.{self.drug}"))
        found = acting if self.site == "effect" else block.signal(f"drug.{self.drug}.plasma")
        return Reading((), lambda sums, trials: found.copy())


@dataclass(frozen=True, kw_only=True)
class Occupancy(Readout):
    """Receptor occupancy by one drug at a moment, in the absence of all else that binds at the site.

    On the trial clock it is that of the mean concentration over the dosing interval.
    """

    name: ClassVar[str] = "occupancy"
    offers: ClassVar[frozenset[str]] = frozenset({"bath", "occupied share"})
    meaning: ClassVar[str] = "share of receptors that the drug occupies, in the absence of others"
    equation: ClassVar[str] = "Occ = C / (C + half), half = ec50 or ki"

    occupancy: str = reference("occupancy", "the occupancy to read")

    def reading(self, block: Assembly) -> Reading:
        """Copy the occupancy."""
        share = np.asarray(block.driven(f"occupancy.{self.occupancy}"))
        return Reading((), lambda sums, trials: share.copy())
