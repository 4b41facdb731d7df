"""What empties a drug empties all that is made of it, on every clock and over phases; readouts see it as it is."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import HEAD, only, replaced, solved
from support.nonmem_rules import System, amounts_at, people

from workbench.solver.run import solve

ONE = replaced(HEAD, ("count = 6", "count = 1"))
K, KA, LAG, SHARE = 3.0 / 24.0, 0.9, 1.5, 0.6
DRUG = f"""
[drug.d]
model = "one_compartment_oral"
clearance = "3 L/h"
volume = "24 L"
absorption = "0.9 1/h"
bioavailability = {SHARE}
lag = "{LAG} h"
resolution = 1
"""
TABLE = """TIME,AMT,RATE,II,ADDL,SS,EVID,CMT
0,100,20,8,9,2,1,1
13,60,10,0,0,0,1,2
17,0,0,0,0,0,3,0
18,0,9,0,0,2,1,2
20,80,0,6,3,1,1,1
31,50,0,0,0,0,4,2
33,40,0,0,0,0,1,1
"""
DOSE = f'[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\ntable = """\n{TABLE}"""\n'
PHASE = '[phase.obs]\nclock = "event"\nlength = "48 h"\n'
BODY = System(np.array([[-KA, 0.0], [KA, -K]]), [SHARE, 1.0], [LAG, 0.0])
EVENTS = (0.0, 1.5, 4.5, 9.5, 12.5, 13.0, 17.0, 18.0, 20.0, 21.5, 27.5, 31.0, 34.5, 48.0)
"""Moments at which anything begins, ends or is emptied, or may be: between them the curve is smooth."""


def level(times: Any) -> Any:
    """Return ng/mL by NONMEM's rules."""
    (records,) = people(TABLE).values()
    return 1000.0 / 24.0 * amounts_at(BODY, records, times)[:, 1]


def stretches() -> tuple[Any, Any]:
    """Return moments and values on every smooth stretch, its end seen from the left."""
    points, weights = np.polynomial.legendre.leggauss(8)
    edges = sorted({*EVENTS, *np.arange(0.0, 49.0, 2.0)})
    at = np.concatenate([a + (b - a) * (points + 1.0) / 2.0 for a, b in pairwise(edges)])
    areas = np.concatenate([(b - a) / 2.0 * weights for a, b in pairwise(edges)])
    return at, areas


def read(name: str, readout: str, more: str = "") -> str:
    return f'[outcome.{name}]\nreadout = "{readout}"\ndrug = "d"\nwindow = "end of obs"\n{more}'


def test_areas_peaks_and_times_see_a_drug_that_is_emptied() -> None:
    text = ONE + DRUG + PHASE + DOSE + read("area", "area_under_curve") + read("mean", "average_concentration")
    text += read("peak", "peak_concentration") + read("when", "time_of_peak") + read("low", "trough_concentration")
    text += read("above", "time_above", 'threshold = "1000 ng/mL"\n') + read("rest", "area_to_infinity")
    found = {name: value[0] for name, value in solved(text).outcomes.items()}
    at, areas = stretches()
    values = level(at)
    assert found["area"] == pytest.approx(np.sum(areas * values), rel=1e-9)
    assert found["mean"] == pytest.approx(found["area"] / 48.0, rel=1e-12)
    fine = np.sort(np.concatenate([np.linspace(0.0, 48.0, 241)[:-1], np.array(EVENTS[:-1])]))
    curve = level(fine)
    assert found["peak"] == pytest.approx(np.max(curve), rel=2e-3) and found["peak"] >= np.max(curve) * (1 - 1e-12)
    assert found["when"] == pytest.approx(fine[np.argmax(curve)], abs=0.21)
    assert found["low"] == pytest.approx(0.0, abs=1e-9)
    high = np.diff(fine, append=48.0)[curve > 1000.0]
    assert found["above"] == pytest.approx(np.sum(high), abs=1.0)
    (records,) = people(TABLE).values()
    left = np.sum(amounts_at(BODY, records, [48.0])[0])
    assert found["rest"] == pytest.approx(found["area"] + 1000.0 * left / 3.0, rel=1e-9)


def test_the_trial_clock_shows_the_mean_of_every_interval() -> None:
    """Emptied in the middle of an hour, set to a steady state, dosed into two compartments."""
    late = TABLE.replace("\n17,", "\n17.25,")
    phase = '[phase.obs]\nclock = "trial"\ntrials = 48\ntrials_per_day = "24 trial/day"\n'
    hours = (1, 6, 14, 18, 19, 21, 28, 32, 35, 48)
    text = (
        ONE
        + DRUG
        + phase
        + DOSE.replace(TABLE, late)
        + "".join(
            f'[outcome.c{hour}]\nreadout = "concentration"\ndrug = "d"\nwindow = "first {hour} trials of obs"\n'
            for hour in hours
        )
    )
    mine = solved(text).outcomes
    event = (
        ONE
        + DRUG
        + PHASE
        + DOSE.replace(TABLE, late)
        + "".join(
            f'[outcome.c{hour}]\nreadout = "average_concentration"\ndrug = "d"\nsince = "{hour - 1} h"\nwindow = "{hour} h into obs"\n'
            for hour in hours
        )
    )
    theirs = solved(event).outcomes
    for hour in hours:
        assert mine[f"c{hour}"][0] == pytest.approx(theirs[f"c{hour}"][0], rel=1e-9, abs=1e-9), hour


@pytest.mark.parametrize(
    "clock", ['clock = "tick"\nstep = "30 min"\nlength = "48 h"\n', 'clock = "event"\nlength = "48 h"\n']
)
def test_levels_are_those_of_the_rules_on_clocks_of_hours(clock: str) -> None:
    times = (0.5, 2.0, 13.0, 16.5, 17.0, 17.5, 18.0, 22.0, 31.0, 33.5, 47.5)
    text = ONE + DRUG + f"[phase.obs]\n{clock}" + DOSE
    for i, time in enumerate(times):
        text += f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "d"\nwindow = "{time} h into obs"\n'
    found, right = solved(text).outcomes, level(times)
    mine = np.array([found[f"c{i}"][0] for i in range(len(times))])
    assert np.max(np.abs(mine - right)) < 1e-9 * np.max(right)


def test_a_metabolite_and_an_effect_site_are_emptied_with_their_drug() -> None:
    formed, own, follow = 0.4, 5.0 / 30.0, np.log(2.0) / 0.7
    more = (
        'equilibration = "0.7 h"\n[drug.m]\nmodel = "metabolite"\nparent = "d"\nformed = 0.4\n'
        'clearance = "5 L/h"\nvolume = "30 L"\n'
    )
    times = (0.5, 6.0, 13.2, 16.9, 17.0, 17.5, 18.0, 20.0, 24.0, 30.9, 31.0, 36.0)
    text = ONE + DRUG + more + PHASE + DOSE
    for i, time in enumerate(times):
        for name, which in (("m", 'drug = "m"'), ("e", 'drug = "d"\nsite = "effect"')):
            text += f'[outcome.{name}{i}]\nreadout = "concentration"\n{which}\nwindow = "{time} h into obs"\n'
    matrix = np.zeros((4, 4))
    matrix[:2, :2] = BODY.matrix
    matrix[2, 1:3] = formed * K, -own
    matrix[3, 1], matrix[3, 3] = follow * 1000.0 / 24.0, -follow
    (records,) = people(TABLE).values()
    right = amounts_at(System(matrix, [SHARE, 1.0, 1.0, 1.0], [LAG, 0.0, 0.0, 0.0]), records, times)
    found = solved(text).outcomes
    for name, row, scale in (("m", 2, 1000.0 / 30.0), ("e", 3, 1.0)):
        mine, theirs = np.array([found[f"{name}{i}"][0] for i in range(len(times))]), scale * right[:, row]
        assert np.max(np.abs(mine - theirs)) < 1e-9 * np.max(theirs)


def test_a_reset_in_a_later_phase_reaches_what_was_given_before() -> None:
    """Flowing, waiting for its lag, or absorbed: it is gone; what another table gives later comes as prescribed."""
    text = (
        ONE
        + DRUG
        + (
            '[phase.first]\nclock = "event"\norder = 1\nlength = "10 h"\n[phase.obs]\norder = 2\nclock = "event"\nlength = "20 h"\n'
            '[dose.pill]\ndrug = "d"\nduring = "first"\namount = "70 mg"\nevery = "3 h"\nduration = "4 h"\n'
            '[dose.daily]\ndrug = "d"\nduring = "obs"\namount = "30 mg"\nevery = "2.5 h"\n'
            '[dose.x]\nregimen = "nonmem"\ndrug = "d"\nduring = "obs"\nevid = 3\ntime = "0.5 h"\n'
            '[dose.z]\nregimen = "nonmem"\ndrug = "d"\nduring = "obs"\nevid = 4\ntime = "5 h"\namt = "20 mg"\n'
        )
    )
    times = (0.0, 0.4, 0.5, 1.0, 2.4, 4.2, 4.9, 5.0, 6.4, 6.6, 12.0, 19.0)
    text += "".join(
        f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "d"\nwindow = "{time} h into obs"\n'
        for i, time in enumerate(times)
    )
    rate = SHARE * 70.0 / 4.0
    rows = "TIME,AMT,RATE,II,ADDL,SS,EVID,CMT\n" + f"0,70,{rate},3,3,0,1,1\n10,30,0,0,0,0,1,1\n10.5,0,0,0,0,0,3,0\n"
    rows += "12.5,30,0,0,0,0,1,1\n15,20,0,0,0,0,4,1\n15,30,0,2.5,5,0,1,1\n"
    (records,) = people(rows).values()
    right = 1000.0 / 24.0 * amounts_at(BODY, records, [10.0 + time for time in times])[:, 1]
    found = solved(text).outcomes
    mine = np.array([found[f"c{i}"][0] for i in range(len(times))])
    assert np.max(np.abs(mine - right)) < 1e-9 * np.max(right)


def test_an_endless_infusion_with_a_lag_is_refused() -> None:
    with pytest.raises(Exception, match=r"an endless infusion .* which has a lag"):
        solve(
            only(
                ONE
                + DRUG
                + PHASE
                + DOSE.replace(",0,9,0,0,2,1,2\n", ",0,9,0,0,2,1,1\n")
                + read("c", "area_under_curve")
            )
        )


def test_a_drug_whose_clearance_another_moves_is_emptied_as_well() -> None:
    """Records into two compartments, a reset and a reset with a dose, while a link slows the drug; piece by piece."""
    table = "TIME,AMT,EVID,CMT\n0,40,1,2\n3,60,1,1\n9,.,3,.\n10,50,1,1\n16,30,4,2\n"
    text = ONE + DRUG.replace(f'lag = "{LAG} h"\n', "") + PHASE + DOSE.replace(TABLE, table)
    text += '[drug.b]\nmodel = "one_compartment_intravenous"\nclearance = "5 L/h"\nvolume = "50 L"\n'
    text += '[dose.b]\ndrug = "b"\nduring = "obs"\namount = "100 mg"\nevery = "14 h"\ncount = 2\n'
    text += '[occupancy.enzyme]\ndrug = "b"\nec50 = "500 ng/mL"\n'
    text += '[link.slow]\nsignal = "occupancy.enzyme"\nonto = "drug.d.clearance"\ngain = -0.8\n'
    times = (1.0, 5.0, 8.9, 9.0, 9.5, 12.0, 15.9, 16.0, 20.0, 40.0)
    for i, time in enumerate(times):
        text += f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "d"\nwindow = "{time} h into obs"\n'

    def slopes(time: float, rows: Any) -> list[float]:
        other = 2000.0 * (np.exp(-0.1 * time) + (np.exp(-0.1 * (time - 14.0)) if time >= 14.0 else 0.0))
        slowed = K * (1.0 - 0.8 * other / (other + 500.0))
        return [-KA * rows[0], KA * rows[0] - slowed * rows[1]]

    events = {
        0.0: (0.0, 40.0, 1.0),
        3.0: (SHARE * 60.0, 0.0, 1.0),
        9.0: (0.0, 0.0, 0.0),
        10.0: (SHARE * 50.0, 0.0, 1.0),
    }
    events |= {14.0: (0.0, 0.0, 1.0), 16.0: (0.0, 30.0, 0.0)}
    rows, now, right = np.zeros(2), 0.0, []
    for time in sorted({*events, *times}):
        if time > now:
            rows, now = solve_ivp(slopes, (now, time), rows, "DOP853", rtol=1e-12, atol=1e-14).y[:, -1], time
        if time in events:
            gut, central, kept = events[time]
            rows = kept * rows + np.array([gut, central])
        if time in times:
            right.append(1000.0 / 24.0 * rows[1])
    found = solved(text).outcomes
    mine = np.array([found[f"c{i}"][0] for i in range(len(times))])
    assert np.max(np.abs(mine - np.array(right))) < 1e-8 * np.max(right)
