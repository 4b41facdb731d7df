"""Doses, occasions and curves against an integrator of the same equations that knows nothing of the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.optimize import brentq
from support.circuits import HEAD, batches, joined, replaced, solved

from workbench.pharmacology.transfers import chained
from workbench.solver.batch import BatchResult
from workbench.solver.run import solve

Array = NDArray[np.float64]
SAME = 1e-9
"""Relative to the peak."""


# --- the function that all kinetics are made of --------------------------------------------------------------------


def exactly(length: float, rates: list[float]) -> float:
    """Return the chain by its sum of exponentials with 300 digits; equal rates are moved apart by 1e-30."""
    with localcontext() as context:
        context.prec = 300
        apart = [Decimal(rate) + i * Decimal("1e-30") for i, rate in enumerate(rates)]
        total = Decimal(0)
        for i, rate in enumerate(apart):
            product = Decimal(1)
            for j, other in enumerate(apart):
                product *= 1 if i == j else other - rate
            total += (-rate * Decimal(length)).exp() / product
        return float(total)


@settings(max_examples=60, deadline=None)
@example(start=1.0, distances=[0.0] * 5, collecting=2, length=1.0)
@example(start=4.0, distances=[1e-6, 0.0, 0.0, 0.1], collecting=2, length=1.0)
@given(
    start=st.floats(1e-4, 50.0),
    distances=st.lists(st.sampled_from([0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 0.1, 3.0, 100.0]), max_size=5),
    collecting=st.integers(0, 2),
    length=st.floats(1e-3, 300.0),
)
def test_a_chain_keeps_its_digits_where_rates_meet(
    start: float, distances: list[float], collecting: int, length: float
) -> None:
    rates = [start, *(start * (1.0 + d) for d in distances), *[0.0] * collecting]
    expected = exactly(length, rates)
    # exp(-x) has the relative error of x, and x that of rate times length
    assert chained(length, *rates) == pytest.approx(expected, rel=2e-13 * (1.0 + min(rates) * length), abs=1e-250)


# --- an integrator: compartments, effect site and area, one dose event after the other -----------------------------


@dataclass
class Person:
    """One drug in one subject: rates per hour, volume in L, amounts in mg."""

    clearance: float = 16.0
    volume: float = 502.0
    absorption: float | None = 2.07
    k12: float = 0.0328
    k21: float = 0.0867
    half_time: float = 0.0
    doses: list[tuple[float, float, float]] = field(default_factory=list)
    """(hour at which it reaches its compartment, mg, hours over which it flows in)"""
    changes: list[tuple[float, float]] = field(default_factory=list)
    """(hour, clearance from then on)"""

    def flow(self, rate: float, clearance: float) -> Array:
        """Return the matrix of gut, central, peripheral, effect site, two areas and a constant 1."""
        ka, ke0 = self.absorption or 0.0, np.log(2.0) / self.half_time if self.half_time else 0.0
        found = np.zeros((7, 7))
        found[0, [0, 6]] = -ka, rate if self.absorption else 0.0
        found[1, [0, 1, 2, 6]] = ka, -clearance / self.volume - self.k12, self.k21, 0.0 if self.absorption else rate
        found[2, [1, 2]] = self.k12, -self.k21
        found[3, [1, 3]] = ke0 * 1000.0 / self.volume, -ke0
        found[4, 1] = 1000.0 / self.volume
        found[5, 3] = 1.0
        return found

    def follow(self, hours: float) -> list[tuple[float, float, Array, Array]]:
        """Return stretches (start, stop, matrix, state at the start) up to `hours`."""
        edges = {0.0, hours, *(t for t, _ in self.changes)}
        edges |= {t for t, _, _ in self.doses} | {t + d for t, _, d in self.doses}
        times = sorted(t for t in edges if 0.0 <= t <= hours)
        state, found = np.array([0.0] * 6 + [1.0]), []
        for start, stop in pairwise(times):
            state = state.copy()
            state[0 if self.absorption else 1] += sum(a for t, a, d in self.doses if t == start and d == 0.0)
            rate = sum(a / d for t, a, d in self.doses if d > 0.0 and t <= start < t + d)
            clearance = next((c for t, c in reversed(self.changes) if t <= start), self.clearance)
            matrix = self.flow(rate, clearance)
            found.append((start, stop, matrix, state))
            state = expm(matrix * (stop - start)) @ state
        return found


@dataclass
class Curve:
    """What the integrator says of plasma or the effect site between two hours."""

    peak: float
    peak_at: float
    trough: float
    area: float
    above: float
    end: float


def curve_of(person: Person, since: float, until: float, site: str = "plasma", level: float = np.inf) -> Curve:
    out = np.zeros(7)
    out[1 if site == "plasma" else 3] = 1000.0 / person.volume if site == "plasma" else 1.0
    row = 4 if site == "plasma" else 5
    values: list[tuple[float, float]] = []
    area = above = end = 0.0
    for start, stop, matrix, state in person.follow(until):
        first, last = max(start, since) - start, stop - start
        if last <= first:
            continue

        def value(t: float, of: Array = out, matrix: Array = matrix, state: Array = state) -> float:
            return float(of @ expm(matrix * t) @ state)

        def slope(t: float, matrix: Array = matrix, state: Array = state) -> float:
            return value(t, out @ matrix, matrix, state)

        area += float((expm(matrix * last) @ state - expm(matrix * first) @ state)[row])
        grid = np.unique([*np.linspace(first, last, 20), *(first + (last - first) * np.geomspace(1e-4, 1.0, 30))])
        slopes = expm(matrix * grid[:, None, None]) @ state @ (out @ matrix)
        turning = np.flatnonzero(slopes[:-1] * slopes[1:] < 0.0)
        nodes = [first, *(brentq(slope, grid[i], grid[i + 1], xtol=1e-12, rtol=1e-13) for i in turning), last]
        values += [(t + start, value(t)) for t in nodes]
        for a, b in pairwise(nodes):
            high = [value(a) > level, value(b) > level]
            if all(high):
                above += b - a
            elif any(high):
                at = brentq(lambda t: value(t) - level, a, b, xtol=1e-12, rtol=1e-13)
                above += at - a if high[0] else b - at
        end = value(last)
    peak = max(v for _, v in values)
    peak_at = next(t for t, v in values if v >= peak * (1.0 - 1e-12))
    return Curve(peak, peak_at - since, min(v for _, v in values), area, above, end)


# --- scenarios -----------------------------------------------------------------------------------------------------

ALL = ("peak_concentration", "time_of_peak", "trough_concentration", "area_under_curve", "average_concentration")


def text(drug: str, doses: str, phases: dict[str, float], read: str, *, since: float = 0.0, more: str = "") -> str:
    """Return a scenario with one drug, timed phases, and every readout of one of them."""
    lines = [HEAD.replace("count = 6", "count = 1"), f"[drug.d]\n{drug}", doses]
    for i, (name, length) in enumerate(phases.items()):
        lines.append(f'[phase.{name}]\nclock = "event"\norder = {i + 1}\nlength = "{length!r} h"')
    for site in ("plasma", "effect"):
        for readout in (*ALL, "time_above", "area_to_infinity", "concentration"):
            level = 'threshold = "7.5 ng/mL"\n' if readout == "time_above" else ""
            begin = "" if readout == "concentration" else f'since = "{since!r} h"\n'
            lines.append(
                f'[outcome.{readout}_{site}]\nreadout = "{readout}"\ndrug = "d"\nsite = "{site}"\n'
                f'{begin}{level}window = "end of {read}"'
            )
    return "\n".join([*lines, more, "[arm.one]\n"])


def agrees(result: BatchResult, person: Person, since: float, until: float, run: int = 0) -> None:
    known = curve_of(person, since, until, "plasma", 7.5)
    for site in ("plasma", "effect"):
        if site == "effect" and person.half_time:
            known = curve_of(person, since, until, "effect", 7.5)
        found = {name.removesuffix(f"_{site}"): values[run] for name, values in result.outcomes.items()}
        near = SAME * known.peak
        assert found["peak_concentration"] == pytest.approx(known.peak, abs=near)
        assert found["trough_concentration"] == pytest.approx(known.trough, abs=near)
        assert found["concentration"] == pytest.approx(known.end, abs=near)
        assert found["area_under_curve"] == pytest.approx(known.area, abs=near * (until - since))
        assert found["average_concentration"] == pytest.approx(known.area / (until - since), abs=near)
        assert found["time_of_peak"] == pytest.approx(known.peak_at, abs=1e-6 * (until - since))
        assert found["time_above"] == pytest.approx(known.above, abs=1e-6)


TWO = 'model = "two_compartment_oral"\n'
ONE = 'model = "one_compartment_oral"\n'
VEIN = 'model = "two_compartment_intravenous"\nclearance = "16 L/h"\nvolume = "502 L"\nk12 = "0.0328 1/h"\nk21 = "0.0867 1/h"\n'
DOSE = '[dose.one]\ndrug = "d"\namount = "10 mg"\nevery = "8 h"\nduring = "given"\n'


def test_one_dose_has_its_peak_area_and_time_above() -> None:
    found = solved(text(TWO, DOSE + "count = 1\n", {"given": 48.0}, "given"))
    agrees(found, Person(doses=[(0.0, 10.0, 0.0)]), 0.0, 48.0)
    assert found.outcomes["area_to_infinity_plasma"][0] == pytest.approx(10_000.0 / 16.0, rel=1e-12)


def test_the_peak_of_one_compartment_is_where_the_closed_form_has_it() -> None:
    drug = ONE + 'absorption = "1.2 1/h"\nclearance = "40 L/h"\n'
    found = solved(text(drug, DOSE + "count = 1\n", {"given": 48.0}, "given")).outcomes
    ka, ke = 1.2, 40.0 / 502.0
    at = np.log(ka / ke) / (ka - ke)
    peak = 10_000.0 * ka / (502.0 * (ka - ke)) * (np.exp(-ke * at) - np.exp(-ka * at))
    assert found["time_of_peak_plasma"][0] == pytest.approx(at, rel=1e-9)
    assert found["peak_concentration_plasma"][0] == pytest.approx(peak, rel=1e-12)
    assert found["area_under_curve_plasma"][0] == pytest.approx(
        10_000.0 * ka / (502.0 * (ka - ke)) * (-np.expm1(-48 * ke) / ke + np.expm1(-48 * ka) / ka), rel=1e-12
    )


def test_infusions_that_last_longer_than_their_interval_overlap() -> None:
    doses = DOSE + 'duration = "12 h"\ncount = 4\n'
    found = solved(text(VEIN, doses, {"given": 60.0}, "given"))
    given = [(8.0 * k, 10.0, 12.0) for k in range(4)]
    agrees(found, Person(absorption=None, doses=given), 0.0, 60.0)
    assert found.outcomes["area_to_infinity_plasma"][0] == pytest.approx(40_000.0 / 16.0, rel=1e-12)


def test_a_bolus_comes_before_an_observation_at_its_moment() -> None:
    more = '[outcome.at]\nreadout = "concentration"\ndrug = "d"\nwindow = "8 h into given"\n'
    found = solved(text(VEIN, DOSE, {"given": 24.0}, "given", more=more)).outcomes
    person = Person(absorption=None, doses=[(0.0, 10.0, 0.0)])
    assert found["at"][0] == pytest.approx(curve_of(person, 0.0, 8.0).end + 10_000.0 / 502.0, rel=1e-9)
    agrees(solved(text(VEIN, DOSE, {"given": 24.0}, "given")), replaced_doses(person, 3), 0.0, 24.0)


def replaced_doses(person: Person, count: int) -> Person:
    person.doses = [(8.0 * k, 10.0, 0.0) for k in range(count)]
    return person


@pytest.mark.parametrize(
    ("lag", "duration"), [(0.0, 0.0), (0.7, 0.0), (7.0, 0.0), (19.5, 0.0), (0.7, 3.0), (8.5, 20.0)]
)
def test_a_phase_begins_at_its_steady_state_with_its_lag(lag: float, duration: float) -> None:
    """As after 80 h of the same doses; of what went before, less than exp(-32) is left."""
    drug = ONE + f'lag = "{lag!r} h"\nclearance = "200.8 L/h"\n'
    doses = DOSE + 'steady_state = true\nfirst = "1 h"\ncount = 2\n'
    doses += f'duration = "{duration!r} h"\n' if duration else ""
    found = solved(text(drug, doses, {"given": 40.0}, "given", since=0.5))
    given = [(81.0 + lag + 8.0 * k, 10.0, duration) for k in range(-10 - int(lag / 8.0), 2)]
    agrees(found, Person(200.8, k12=0.0, doses=[d for d in given if d[0] >= 0.0]), 80.5, 120.0)


def test_titration_goes_on_across_a_missed_dose() -> None:
    doses = (
        DOSE
        + 'missed = [2, 5, 6]\nfirst = "2 h"\n[dose.one.titration]\nstart = "6 mg/day"\nstep = "6 mg/day"\neach = "1 day"\n'
    )
    found = solved(text(TWO, doses, {"given": 120.0}, "given", since=30.0))
    given = [(2.0 + 8.0 * k, min(10.0, 2.0 + 2.0 * (8 * k // 24)), 0.0) for k in range(15) if k + 1 not in (2, 5, 6)]
    agrees(found, Person(doses=given), 30.0, 120.0)


def test_what_lags_over_the_end_of_a_phase_is_absorbed_in_the_next() -> None:
    drug = TWO + 'lag = "3 h"\nbioavailability = 0.5\n'
    doses = DOSE + 'duration = "2 h"\nfirst = "6 h"\n'
    found = solved(text(drug, doses, {"given": 23.0, "after": 30.0}, "after"))
    person = Person(doses=[(9.0, 5.0, 2.0), (17.0, 5.0, 2.0), (25.0, 5.0, 2.0)])
    agrees(found, person, 23.0, 53.0)


@pytest.mark.parametrize("apart", [0.0, 1e-9, 1e-4])
def test_rates_that_meet_lose_no_digits(apart: float) -> None:
    """Absorption, elimination and effect site at one rate: ``c = x exp(-x)``, and its filter ``x^2 / 2 exp(-x)``."""
    rate = 0.25
    drug = ONE + (
        f'clearance = "{rate * 502.0!r} L/h"\nabsorption = "{rate * (1.0 + apart)!r} 1/h"\n'
        f'equilibration = "{float(np.log(2.0)) / (rate * (1.0 - apart))!r} h"\n'
    )
    found = solved(text(drug, DOSE + "count = 1\n", {"given": 48.0}, "given")).outcomes
    unit, near = 10_000.0 / 502.0, max(1e-12, 2.0 * apart)
    assert found["peak_concentration_plasma"][0] == pytest.approx(unit / np.e, rel=near)
    assert found["time_of_peak_plasma"][0] == pytest.approx(1.0 / rate, rel=max(1e-9, apart))
    assert found["peak_concentration_effect"][0] == pytest.approx(unit * 2.0 / np.e**2, rel=near)
    assert found["time_of_peak_effect"][0] == pytest.approx(2.0 / rate, rel=max(1e-9, apart))
    if apart == 1e-4:
        person = Person(rate * 502.0, 502.0, rate * (1 + apart), 0.0, 0.1, np.log(2) / (rate * (1 - apart)))
        person.doses = [(0.0, 10.0, 0.0)]
        agrees(solved(text(drug, DOSE + "count = 1\n", {"given": 48.0}, "given")), person, 0.0, 48.0)


def test_the_reference_itself_follows_its_equations() -> None:
    """The matrix exponentials of this file against a tight integrator, over infusions, a lag and a change of rates."""
    person = Person(half_time=6.0, doses=[(0.5 + 8.0 * k, 10.0, 12.0 * (k % 2)) for k in range(4)])
    person.changes = [(17.0, 30.0)]
    stretches = person.follow(40.0)
    for start, stop, matrix, state in stretches:
        tight = solve_ivp(lambda t, y, m=matrix: m @ y, (start, stop), state, method="DOP853", rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(expm(matrix * (stop - start)) @ state, tight.y[:, -1], rtol=1e-9, atol=1e-11)
    drug = TWO + 'equilibration = "6 h"\nlag = "0.5 h"\n'
    doses = DOSE.replace('"8 h"', '"16 h"') + "count = 2\n"
    doses += doses.replace("dose.one", "dose.two") + 'first = "8 h"\nduration = "12 h"\n'
    person.changes = []
    agrees(solved(text(drug, doses, {"given": 40.0}, "given")), person, 0.0, 40.0)


def test_the_effect_site_follows_and_smooths() -> None:
    drug = TWO + 'equilibration = "6 h"\n'
    found = solved(text(drug, DOSE, {"given": 72.0, "after": 24.0}, "given", since=48.0))
    agrees(found, Person(half_time=6.0, doses=[(8.0 * k, 10.0, 0.0) for k in range(9)]), 48.0, 72.0)
    assert found.outcomes["peak_concentration_effect"][0] < found.outcomes["peak_concentration_plasma"][0]


def test_none_is_given_once_the_drug_is_stopped() -> None:
    found = solved(text(TWO, DOSE + 'until = "32 h"\n', {"given": 72.0}, "given"))
    agrees(found, Person(doses=[(8.0 * k, 10.0, 0.0) for k in range(4)]), 0.0, 72.0)


def test_several_tables_make_one_divided_dose() -> None:
    second = DOSE.replace("dose.one", "dose.two").replace('"10 mg"', '"4 mg"').replace('"8 h"', '"24 h"')
    doses = DOSE.replace('"8 h"', '"24 h"') + second + 'first = "6 h"\nduration = "1 h"\n'
    found = solved(text(TWO, doses, {"given": 72.0}, "given"))
    given = [(24.0 * k, 10.0, 0.0) for k in range(3)] + [(24.0 * k + 6.0, 4.0, 1.0) for k in range(3)]
    agrees(found, Person(doses=given), 0.0, 72.0)


# --- occasions -----------------------------------------------------------------------------------------------------

OCCASIONS = text(
    TWO
    + 'clearance_occasion_cv = 0.4\nbioavailability = 0.6\nbioavailability_occasion_cv = 0.3\nequilibration = "2 h"\nlag = "0.5 h"\n',
    DOSE + DOSE.replace("dose.one", "dose.two").replace('"given"', '"again"'),
    {"given": 31.0, "again": 40.0},
    "again",
)


def occasion(subject: int, phase: str) -> tuple[float, float]:
    """Return the factor of clearance and the share that is absorbed, from the named stream: its odds vary."""
    from workbench.solver.streams import generator

    scores = generator(7, subject, f"occasion:drug.d:{phase}").standard_normal(2)
    spreads = np.sqrt(np.log1p(np.square([0.4, 0.3 / 0.4])))
    clearance, odds = np.exp(spreads * scores) * [1.0, 0.6 / 0.4]
    return float(clearance), float(odds / (1.0 + odds))


def test_clearance_changes_from_occasion_to_occasion_and_the_drug_stays_where_it_is() -> None:
    found = solved(OCCASIONS.replace("count = 1\n", "count = 3\n"))
    for subject in range(3):
        (first, share), (second, later) = (occasion(subject, phase) for phase in ("given", "again"))
        person = Person(16.0 * first, half_time=2.0, changes=[(31.0, 16.0 * second)])
        person.doses = [(0.5 + 8.0 * k, 10.0 * share, 0.0) for k in range(4)]
        person.doses += [(31.5 + 8.0 * k, 10.0 * later, 0.0) for k in range(5)]
        agrees(found, person, 31.0, 71.0, subject)


def test_an_occasion_is_the_same_in_every_arm_and_has_the_spread_it_names() -> None:
    more = '[arm.two]\n[arm.two.set]\n"dose.one.amount" = "20 mg"\n"dose.two.amount" = "20 mg"\n'
    found = solved(OCCASIONS.replace("count = 1\n", "count = 60\n") + more)
    half, whole = found.outcomes["area_under_curve_plasma"].reshape(60, 2).T
    np.testing.assert_allclose(whole, 2.0 * half, rtol=1e-12)
    factors = np.array([occasion(subject, "given") for subject in range(3000)])
    assert factors[:, 0].std() / factors[:, 0].mean() == pytest.approx(0.4, rel=0.08)
    assert np.median(factors, axis=0) == pytest.approx([1.0, 0.6], rel=0.04)
    assert factors[:, 1].std() / 0.6 == pytest.approx(0.3, rel=0.2) and factors[:, 1].max() < 1.0


# --- bits ----------------------------------------------------------------------------------------------------------

MANY = """
[study.arms]
[study.intervals]
[study.intervals.sweep]
"dose.one.every" = { values = ["8 h", "5.5 h", "12 h"], zip = "each" }
"dose.one.duration" = { values = ["0 h", "7 h", "2 h"], zip = "each" }
"drug.d.equilibration" = { values = ["2 h", "0 h", "1 h"], zip = "each" }
"drug.d.lag" = { values = ["0.5 h", "3 h", "0 h"], zip = "each" }
[study.titration]
[study.titration.sweep]
"dose.one.titration.step" = { values = ["0 mg/day", "5 mg/day"] }
"dose.one.titration.each" = { values = ["3 day", "0.7 day"] }
"""


def test_intervals_that_differ_between_runs_are_followed_exactly() -> None:
    found = [solve(batch) for batch in batches(OCCASIONS + MANY, studies=["intervals"])]
    (result,) = found
    batch = batches(OCCASIONS + MANY, studies=["intervals"])[0]
    (first, share), (second, later) = (occasion(0, phase) for phase in ("given", "again"))
    for run in range(len(batch)):
        numbers = {path: np.broadcast_to(value, len(batch))[run] for path, value in batch.values.items()}
        every, lag, duration = (numbers[f] for f in ("dose.one.every", "drug.d.lag", "dose.one.duration"))
        person = Person(16.0 * first, half_time=numbers["drug.d.equilibration"], changes=[(31.0, 16.0 * second)])
        person.doses = [(lag + every * k, 10.0 * share, duration) for k in range(int(np.ceil(31.0 / every)))]
        person.doses += [(31.0 + lag + 8.0 * k, 10.0 * later, 0.0) for k in range(5)]
        agrees(result, person, 31.0, 71.0, run)


TRIALS = """
[phase.given]
order = 1
trials = 60
[phase.again]
order = 2
trials = 60
[outcome.mean]
readout = "concentration"
drug = "d"
site = "effect"
window = "end of again"
[outcome.peak]
readout = "peak_concentration"
drug = "d"
window = "last 5 trials of again"
[outcome.peak_at]
readout = "time_of_peak"
drug = "d"
window = "last 5 trials of again"
"""


def on_trials(scenario: str) -> str:
    """Return the same on the trial clock, with a circuit that learns."""
    from support.circuits import STRIATUM

    circuit = STRIATUM[STRIATUM.index("[population.cortex]") : STRIATUM.index("[phase.practice]")]
    circuit = circuit[: circuit.index("[drug.thp]")] + circuit[circuit.index("[task.reach]") :]
    circuit = circuit.replace('antagonists = "m1"\n', "")
    head, _, rest = scenario.partition("[phase.given]")
    return head + circuit + TRIALS + rest[rest.index("[arm.one]") :]


@pytest.mark.parametrize("trials", [False, True])
def test_a_run_keeps_its_bits_whatever_its_neighbours_take(trials: bool) -> None:
    scenario = (on_trials(OCCASIONS) if trials else OCCASIONS).replace("count = 1\n", "count = 2\n", 1) + MANY
    together = joined([solve(batch) for batch in batches(scenario)])
    place = {key: i for i, key in enumerate(together.keys)}
    for batch in batches(scenario, width=3):
        few = solve(batch)
        for name, values in few.outcomes.items():
            for key, value in zip(few.keys, values, strict=True):
                assert value == together.outcomes[name][place[key]], name


def test_what_is_read_in_between_does_not_change_a_bit() -> None:
    more = '[course.plasma]\nreadout = "concentration"\ndrug = "d"\ninterval = "0.3 h"\n'
    plain, watched = solved(OCCASIONS), solved(OCCASIONS.replace("[arm.one]", more + "[arm.one]"))
    assert all(plain.outcomes[name].tobytes() == watched.outcomes[name].tobytes() for name in plain.outcomes)


def test_the_trial_clock_sees_the_mean_of_the_same_curve() -> None:
    """12 days of five trials each; the last day by event against the last day by trial."""
    timed = (
        OCCASIONS.replace('"31.0 h"', '"288 h"')
        .replace('"40.0 h"', '"288 h"')
        .replace('since = "0.0 h"', 'since = "264 h"')
    )
    for change in (('every = "8 h"', 'every = "7 h"'), ("amount", 'duration = "3 h"\nmissed = [3]\namount')):
        by_event = {name: values[0] for name, values in solved(replaced(timed, change)).outcomes.items()}
        by_trial = {name: values[0] for name, values in solved(on_trials(replaced(timed, change))).outcomes.items()}
        assert by_trial["mean"] == pytest.approx(by_event["average_concentration_effect"], rel=1e-12)
        assert by_trial["peak"] == pytest.approx(by_event["peak_concentration_plasma"], rel=1e-12)
        assert by_trial["peak_at"] == pytest.approx(by_event["time_of_peak_plasma"], rel=1e-9)


# --- people --------------------------------------------------------------------------------------------------------

PEOPLE = """
[subjects.trait.size]
distribution = "lognormal"
median = 1.0
cv = 0.2
[subjects.trait.size.effects]
"drug.d.body_weight" = { reference = 1.0, exponent = 1.0 }
"dose.one.body_weight" = { reference = 1.0, exponent = 1.0 }
[subjects.trait.age]
distribution = "truncated_normal"
mean = 40.0
sd = 15.0
low = 18.0
[subjects.trait.age.effects]
"drug.d.clearance" = { reference = 40.0, exponent = -0.5 }
[subjects.trait.own]
on = "drug.d.clearance"
distribution = "lognormal"
median = 1.0
cv = 0.3
[subjects.trait.slow]
on = "drug.d.clearance"
distribution = "choice"
values = [1.0, 0.25]
weights = [0.9, 0.1]
[subjects.trait.responder]
on = "drug.d.effect"
distribution = "bernoulli"
p = 0.7
[subjects.correlation]
"size.age" = 0.5
"size.own" = -0.3
[arm.child]
[arm.child.set]
"drug.d.volume_exponent" = 0.8
"dose.one.amount" = "0 mg"
"dose.one.amount_per_weight" = "0.2 mg/kg"
[arm.without]
without = ["dose.one"]
"""


def test_people_differ_by_size_age_draws_and_mixtures_and_the_area_follows() -> None:
    scenario = text(ONE, DOSE, {"given": 24.0}, "given").replace("count = 1\n", "count = 100\n", 1) + PEOPLE
    batch = batches(scenario, studies=None)[0]
    result = solve(batch)
    amounts, weighed = (
        np.broadcast_to(batch.values[f"dose.one.{n}"], len(batch)) for n in ("amount", "amount_per_weight")
    )
    kilograms = np.asarray(batch.values["drug.d.body_weight"])
    dose = amounts + weighed * np.asarray(batch.values["dose.one.body_weight"])
    cleared = np.asarray(batch.values["drug.d.clearance"]) * (kilograms / 70.0) ** 0.75
    found = result.outcomes["area_to_infinity_plasma"]
    np.testing.assert_allclose(found, 3.0 * 1000.0 * dose / cleared, rtol=1e-11)
    nothing = (amounts == 0.0) & (weighed == 0.0)
    assert nothing.sum() == 100 and not np.any(found[nothing])
    acting = np.asarray(batch.values["drug.d.effect"])
    np.testing.assert_array_equal(result.outcomes["time_above_effect"][acting == 0.0], 0.0)
    assert np.mean(acting) == pytest.approx(0.7, abs=0.15)
