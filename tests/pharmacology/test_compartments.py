"""Any number of compartments, a spray and a metabolite against SciPy's integrator, which knows nothing of modes."""

from __future__ import annotations

import platform
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from support.circuits import HEAD, batches, only, replaced, solved
from support.drawn_systems import drawn_systems
from support.processors import here

from workbench.errors import ScenarioError
from workbench.pharmacology.compartments import MultiCompartmentIntravenous, Peripheral, decay_mode
from workbench.pharmacology.transfers import Propagator
from workbench.solver.run import solve

Array = NDArray[np.float64]
CLEARANCE, VOLUME = 79.0, 40.0
SHALLOW, DEEP, SLOW = (120.0, 60.0), (60.0, 152.0), (3.0, 400.0)


def flow(around: list[tuple[float, float]], *, oral: float = 0.0, nose: bool = False, weight: float = 70.0) -> Array:
    """Return the rates of nose, gut, central, the others, metabolite and area, by the equations of the sheet."""
    flows, volumes = (weight / 70.0) ** 0.75, weight / 70.0
    size = len(around) + 5
    found = np.zeros((size, size))
    central, made, area = 2, size - 2, size - 1
    v1 = VOLUME * volumes
    if nose:
        found[0, 0], found[central, 0], found[1, 0] = -3.0, 0.54 * 3.0, 0.46 * 3.0
        found[1, 1], found[central, 1] = -1.45, 0.186 * 1.45
    elif oral:
        found[1, 1], found[central, 1] = -oral, oral
    found[central, central] = -CLEARANCE * flows / v1
    for i, (q, v) in enumerate(around, 3):
        found[central, central] -= q * flows / v1
        found[i, central], found[central, i] = q * flows / v1, q * flows / (v * volumes)
        found[i, i] = -q * flows / (v * volumes)
    found[made, central] = 0.8 * 0.94 * CLEARANCE * flows / v1
    found[made, made] = -38.0 * flows / (185.0 * volumes)
    found[area, central] = 1000.0 / v1
    return found


def followed(matrix: Array, entry: int, doses: list[tuple[float, float, float]], until: float) -> tuple[Array, Array]:
    """Return times and states by DOP853, from edge to edge of doses (hour, mg, hours over which it flows in)."""
    edges = sorted({0.0, until, *(t for t, _, _ in doses), *(t + d for t, _, d in doses)})
    state, times, states = np.zeros(len(matrix)), [], []
    for start, stop in pairwise(edge for edge in edges if edge <= until):
        state = state.copy()
        state[entry] += sum(a for t, a, d in doses if d == 0.0 and t == start)
        inward = np.zeros(len(matrix))
        inward[entry] = sum(a / d for t, a, d in doses if d > 0.0 and t <= start < t + d)
        looked = np.linspace(start, stop, 400)
        found = solve_ivp(
            lambda t, y, b=inward: matrix @ y + b, (start, stop), state, "DOP853", looked, rtol=2.3e-14, atol=1e-13
        )
        state = found.y[:, -1]
        times.append(found.t)
        states.append(found.y)
    return np.concatenate(times), np.concatenate(states, axis=1)


def tables(model: str, around: list[tuple[float, float]], more: str = "") -> str:
    lines = [f'[drug.d]\nmodel = "{model}"\nclearance = "{CLEARANCE} L/h"\nvolume = "{VOLUME} L"\n{more}']
    for i, (q, v) in enumerate(around):
        lines.append(f'[compartment.c{i}]\ndrug = "d"\nflow = "{q!r} L/h"\nvolume = "{v!r} L"')
    lines.append('[drug.m]\nmodel = "metabolite"\nparent = "d"\nformed = 0.8\nmass_ratio = 0.94')
    lines.append('clearance = "38 L/h"\nvolume = "185 L"')
    return "\n".join(lines)


def text(drug: str, dose: str, until: float = 12.0) -> str:
    lines = [HEAD.replace("count = 6", "count = 1"), drug, f'[dose.one]\ndrug = "d"\nduring = "given"\n{dose}']
    lines.append(f'[phase.given]\nclock = "event"\nlength = "{until!r} h"')
    for name in ("d", "m"):
        for readout in ("peak_concentration", "time_of_peak", "concentration", "area_under_curve", "area_to_infinity"):
            lines.append(f'[outcome.{readout}_{name}]\nreadout = "{readout}"\ndrug = "{name}"\nwindow = "end of given"')
    return "\n".join([*lines, "[arm.one]\n"])


INFUSION = 'amount = "35 mg"\nduration = "40 min"\nevery = "3 h"\ncount = 3\n'
INFUSED = [(3.0 * k, 35.0, 0.666666666666667) for k in range(3)]
BOLUS, PUSHED = 'amount = "35 mg"\nevery = "5 h"\n', [(5.0 * k, 35.0, 0.0) for k in range(3)]
NOSE = 'nasal_rate = "3 1/h"\nnasal_share = 0.54\nabsorption = "1.45 1/h"\noral_share = 0.186\n'
GUT = 'absorption = "2 1/h"\n'


@pytest.mark.parametrize(
    ("around", "model", "more", "dose", "doses", "entry"),
    [
        ([], "intravenous", "", INFUSION, INFUSED, 2),
        ([SHALLOW, DEEP], "intravenous", "", INFUSION, INFUSED, 2),
        ([SHALLOW, DEEP], "intravenous", 'body_weight = "95 kg"\n', BOLUS, PUSHED, 2),
        ([(60.0, 60.0), (60.0, 60.0), SLOW], "intravenous", "", BOLUS, PUSHED, 2),  # rates that meet
        ([SHALLOW, DEEP, SLOW, (0.1, 900.0)], "intravenous", "", INFUSION, INFUSED, 2),
        ([SHALLOW, (0.0, 10.0)], "oral", GUT, BOLUS, PUSHED, 1),
        ([SHALLOW, DEEP], "intranasal", NOSE, BOLUS, PUSHED, 0),
    ],
)
def test_parent_and_metabolite_follow_the_equations(
    around: list[tuple[float, float]],
    model: str,
    more: str,
    dose: str,
    doses: list[tuple[float, float, float]],
    entry: int,
) -> None:
    drug = tables(f"multi_compartment_{model}", around, more)
    weight = 95.0 if "95 kg" in more else 70.0
    found = solved(
        text(drug if weight == 70.0 else replaced(drug, ('"185 L"', '"185 L"\nbody_weight = "95 kg"')), dose)
    )
    matrix = flow(around, oral=2.0 if model == "oral" else 0.0, nose=model == "intranasal", weight=weight)
    times, states = followed(matrix, entry, doses, 12.0)
    used = np.flatnonzero(np.any(matrix[:-1, :-1] != 0.0, axis=1))
    still = np.zeros(len(matrix))
    still[used] = np.linalg.solve(-matrix[np.ix_(used, used)], states[used, -1])  # what is left, integrated for ever
    for name, row, volume in (("d", 2, VOLUME), ("m", len(matrix) - 2, 185.0)):
        curve = states[row] * 1000.0 / (volume * weight / 70.0)
        peak = float(found.outcomes[f"peak_concentration_{name}"][0])
        assert found.outcomes[f"concentration_{name}"][0] == pytest.approx(curve[-1], abs=1e-9 * peak)
        assert peak >= curve.max() - 1e-9 * peak
        near = int(curve.argmax())
        assert abs(times[near] - found.outcomes[f"time_of_peak_{name}"][0]) <= times[1:].max() / 400.0
        assert peak == pytest.approx(curve.max(), rel=1e-3)
        later = still[row] * 1000.0 / (volume * weight / 70.0)
        whole = found.outcomes[f"area_to_infinity_{name}"][0]
        assert whole - found.outcomes[f"area_under_curve_{name}"][0] == pytest.approx(later, abs=1e-9 * whole)
    area = found.outcomes["area_under_curve_d"][0]
    assert area == pytest.approx(states[-1, -1], rel=1e-9)


def drug(around: list[tuple[float, float]], clearance: float | Array = CLEARANCE) -> MultiCompartmentIntravenous:
    here = {f"c{i}": Peripheral(drug="d", flow=q, volume=v) for i, (q, v) in enumerate(around)}
    return MultiCompartmentIntravenous(clearance=clearance, volume=VOLUME, around=here)


@settings(max_examples=40, deadline=None)
@given(
    around=st.lists(st.tuples(st.floats(0.01, 500.0), st.floats(1.0, 1000.0)), min_size=1, max_size=5),
    twin=st.sampled_from([0.0, 1e-15, 1e-9, 1e-3]),
    hours=st.sampled_from([0.0, 1e-6, 0.01, 0.7, 10.0, 200.0]),
)
def test_transfers_are_the_matrix_exponential(around: list[tuple[float, float]], twin: float, hours: float) -> None:
    around = [*around, (around[0][0] * (1.0 + twin), around[0][1])]
    found = drug(around)
    places = found.compartments
    matrix = np.zeros((len(places), len(places)))
    for (to, at), rate in found.exchange().items():
        matrix[places.index(to), places.index(at)] = rate
    whole = expm(matrix * hours)
    shares = Propagator(found).over(hours)
    for i, to in enumerate(places):
        for j, at in enumerate(places):
            # a rate has the last digits of the fastest one, and an exponent those of rate times hours
            assert shares[to, at] == pytest.approx(whole[i, j], abs=1e-14 + 1e-15 * np.abs(matrix).max() * hours)
    if hours == 0.0:
        assert all(share == float(to == at) for (to, at), share in shares.items())


def test_a_flow_of_nothing_is_no_compartment_to_the_last_bit() -> None:
    one = solved(text(tables("multi_compartment_intravenous", [SHALLOW, DEEP]), INFUSION)).outcomes
    for around in ([SHALLOW, (0.0, 77.0), DEEP], [(0.0, 1.0), SHALLOW, DEEP], [SHALLOW, DEEP, (0.0, 5.0)]):
        other = solved(text(tables("multi_compartment_intravenous", around), INFUSION)).outcomes
        assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_a_run_keeps_its_bits_whatever_its_neighbours_are_made_of() -> None:
    """Runs with one, two and three compartments in one block, alone, and in other company."""
    scenario = text(tables("multi_compartment_intravenous", [SHALLOW, DEEP]), INFUSION)
    scenario += '[study.all.sweep]\n"compartment.c1.flow" = { values = ["0 L/h", "1 L/h", "60 L/h"] }\n'
    scenario += '"compartment.c0.flow" = { values = ["0 L/h", "120 L/h"] }\n'
    scenario += '"drug.d.clearance" = { values = ["20 L/h", "79 L/h"] }\n'
    batch = only(scenario)
    whole = solve(batch)
    for index in (np.array([5]), np.array([11, 0, 7]), np.arange(1, 12)):
        part = solve(batch.take(index))
        for name, values in part.outcomes.items():
            assert values.tobytes() == whole.outcomes[name][index].tobytes()


def test_parent_and_metabolite_meet_the_same_occasion() -> None:
    """What a changed clearance of the parent removes in a phase is what the metabolite is made of."""
    varies = tables("multi_compartment_intravenous", [SHALLOW], "clearance_occasion_cv = 0.4\n")
    found = solved(text(varies, 'amount = "35 mg"\ncount = 1\n', 400.0)).outcomes
    cleared = found["area_to_infinity_d"][0]
    assert abs(cleared / (35_000.0 / CLEARANCE) - 1.0) > 0.02
    assert found["area_to_infinity_m"][0] == pytest.approx(35_000.0 * 0.8 * 0.94 / 38.0, rel=1e-6)


@pytest.mark.parametrize(
    ("swap", "key", "said"),
    [
        (
            ('drug = "d"\nflow', 'drug = "m"\nflow'),
            "compartment.c0.drug",
            "needs a drug that takes any number of [compartment.NAME]",
        ),
        (('parent = "d"', 'parent = "m"'), "drug.m.parent", "cannot be formed from itself"),
        (('drug = "d"\nduring', 'drug = "m"\nduring'), "drug.m.model", "takes no dose of its own"),
        (('flow = "120.0 L/h"', 'flow = "-1 L/h"'), "compartment.c0.flow", "out of range"),
    ],
)
def test_what_makes_no_sense_is_one_line(swap: tuple[str, str], key: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        batches(replaced(text(tables("multi_compartment_intravenous", [SHALLOW]), INFUSION), swap))
    (problem,) = caught.value.problems
    assert problem.key == key and said in problem.message and problem.line > 0


@pytest.mark.parametrize(
    ("clearance", "volume", "around"),
    [(79.0, 40.0, [SHALLOW, DEEP]), (1e-4, 1e-3, [(1e5, 1e6), (3.0, 100.0)]), (79.0, 40.0, [(1e-5, 1e5), DEEP])],
)
def test_the_slowest_rate_has_all_its_digits(
    clearance: float, volume: float, around: list[tuple[float, float]]
) -> None:
    """It decides the tail, and the fastest one may be 18 powers of ten above it; found by halving in 60 digits."""
    here = {f"c{i}": Peripheral(drug="d", flow=q, volume=v) for i, (q, v) in enumerate(around)}
    rates = MultiCompartmentIntravenous(clearance=clearance, volume=volume, around=here).rates()
    with localcontext() as context:
        context.prec = 60
        pairs = [(Decimal(q) / Decimal(volume), Decimal(q) / Decimal(v)) for q, v in around]
        low, high = Decimal(0), min(back for _, back in pairs)
        for _ in range(180):
            middle = (low + high) / 2
            removed = middle * (1 + sum(out / (back - middle) for out, back in pairs))
            low, high = (low, middle) if removed > Decimal(clearance) / Decimal(volume) else (middle, high)
        assert float(min(Decimal(float(r)) for r in rates.values()) / low - 1) == pytest.approx(0.0, abs=4e-16)


def test_the_trial_clock_sees_the_mean_of_a_metabolite() -> None:
    drug = tables("multi_compartment_intranasal", [SHALLOW, DEEP], NOSE)
    base = text(drug, 'amount = "35 mg"\nevery = "12 h"\n', 96.0)
    area = solved(base).outcomes["area_under_curve_m"][0]
    before = solved(replaced(base, ('length = "96.0 h"', 'length = "72.0 h"'))).outcomes["area_under_curve_m"][0]
    trials = base[: base.index("[outcome.")].replace(
        'clock = "event"\nlength = "96.0 h"', 'trials = 4\ntrials_per_day = "1 trial/day"'
    )
    read = '[outcome.mean]\nreadout = "concentration"\ndrug = "m"\nwindow = "end of given"\n'
    assert solved(trials + read).outcomes["mean"][0] == pytest.approx((area - before) / 24.0, rel=1e-9)


def rates_to_sixty_digits(leaving: float, outs: Array, backs: Array) -> list[Decimal]:
    """Return every rate of decay of one run, the slowest first, by halving; equal rates back have theirs between."""
    with localcontext() as context:
        context.prec = 60
        gone, pairs = (
            Decimal(leaving),
            [(Decimal(float(o)), Decimal(float(b))) for o, b in zip(outs, backs, strict=True)],
        )
        edges = [Decimal(0), *sorted(back for _, back in pairs)]
        edges.append(edges[-1] + 2 * (gone + sum(out for out, _ in pairs)))
        found = []
        for low, high in pairwise(edges):
            for _ in range(200 if low < high else 0):
                middle = (low + high) / 2
                removed = middle * (1 + sum(out / (back - middle) for out, back in pairs))
                low, high = (low, middle) if removed > gone else (middle, high)
            found.append(low)
        return found


def test_every_rate_has_all_its_digits_whatever_the_compartments() -> None:
    for leaving, outs, backs in drawn_systems(11, 120):
        order = np.argsort(backs, axis=0, kind="stable")
        sorted_outs, sorted_backs = np.take_along_axis(outs, order, 0), np.take_along_axis(backs, order, 0)
        for mode, right in enumerate(rates_to_sixty_digits(leaving[0], outs[:, 0], backs[:, 0])):
            rate, apart = decay_mode(mode, leaving, sorted_outs, sorted_backs)
            assert float(abs(Decimal(float(rate[0])) / right - 1)) <= np.finfo(float).eps
            assert np.all((apart > 0.0) == (np.arange(len(backs)) >= mode)[:, None]), "between its neighbours"


MODES = """
import sys, hashlib
sys.path.insert(0, sys.argv[1])
from support.drawn_systems import drawn_systems
from workbench.pharmacology.compartments import _modes
print(hashlib.sha256(b"".join(a.tobytes() for s in drawn_systems(12, 60) for a in _modes(*s))).hexdigest())
"""


def test_rates_and_shares_are_the_same_bits_on_every_processor() -> None:
    said = {one.name: one.run(MODES, str(Path(__file__).parents[1])) for one in here()}
    if not said:
        pytest.skip(f"no other processor can be played on a {platform.machine()}")
    assert len(said) >= 2 and len(set(said.values())) == 1, said
