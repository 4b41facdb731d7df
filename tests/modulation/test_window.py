"""The two-stage window against an integration of drug and window together, at any step and on any clock."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import STRIATUM, only, replaced, solved
from support.therapies import OPENED

from workbench.modulation.window import TwoStage
from workbench.solver.run import solve

K10, K12, K21, VOLUME = 80.0 / 120.0, 1.1, 0.8, 120.0


def integrated(
    until: float, infusions: list[float], rise: float = 6.0, decay: float = 57.0, power: float = 2.0
) -> float:
    """Drug, both stages and saturation, piece by piece between the edges of the infusions of 35 mg in 40 min."""
    edges = sorted({0.0, until, *(t for t in infusions), *(t + 2.0 / 3.0 for t in infusions)})
    state = np.zeros(4)
    for start, stop in pairwise(edges):
        if start >= until:
            break
        middle = 0.5 * (start + stop)
        flow_in = sum(35.0 * 1.5 for t in infusions if t < middle < t + 2.0 / 3.0)

        def flow(t: float, x: np.ndarray, flow_in: float = flow_in) -> list[float]:
            concentration = 1000.0 * max(x[0], 0.0) / VOLUME
            drive = (concentration / (concentration + 150.0)) ** power / 0.5
            return [flow_in - (K10 + K12) * x[0] + K21 * x[1], K12 * x[0] - K21 * x[1],
                    drive - x[2] / rise, x[2] / rise - x[3] / decay]  # fmt: skip

        state = solve_ivp(flow, (start, min(stop, until)), state, method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    level = state[3] / float(TwoStage(opened_by="", reference=1.0, rise=rise, decay=decay).peak())
    return 1.5 * level / (0.5 + level)


@pytest.mark.parametrize("step", ["0.1 h", "0.5 h", "2 h", "14 h"])
def test_the_window_does_not_depend_on_the_step(step: str) -> None:
    text = replaced(OPENED, ('step = "0.5 h"', f'step = "{step}"'))
    assert solved(text).outcomes["window"][0] == pytest.approx(integrated(30.0, [0.0]), rel=2e-6)


@pytest.mark.parametrize(("rise", "decay", "power"), [(3.0, 100.0, 2.0), (10.0, 10.0, 1.0), (57.0, 6.0, 1.5)])
def test_any_rise_decay_and_power(rise: float, decay: float, power: float) -> None:
    shape = f'reference = "0.5 h"\nrise = "{rise} h"\ndecay = "{decay} h"\npower = {power}'
    found = solved(replaced(OPENED, ('reference = "0.5 h"', shape))).outcomes["window"][0]
    assert found == pytest.approx(integrated(30.0, [0.0], rise, decay, power), rel=1e-5)


@pytest.mark.parametrize("elimination", [30.0, 1000.0, 8e4])
def test_a_drug_that_is_gone_in_no_time_opens_it_as_the_integral_of_its_drive_says(elimination: float) -> None:
    """A bolus so large that it saturates: the time above the half block grows with the logarithm of the amount."""
    volume, amount, power = 1.2, 35.0, 2.0
    drug = f'model = "one_compartment_intravenous"\nclearance = "{elimination * volume} L/h"\nvolume = "1.2 L"\n'
    text = replaced(
        OPENED,
        (OPENED[OPENED.index('model = "two_comp') : OPENED.index("[occupancy.block]")], drug),
        ('amount = "35 mg"\nduration = "40 min"', f'amount = "{amount} mg"'),
    )
    start = 1000.0 * amount / volume / 150.0  # in half blocks; the integral of (c / (1 + c))^2 over c' = -k c
    drive = (np.log1p(start) - start / (1.0 + start)) / elimination / 0.5
    rise, decay = 6.0, 57.0
    after = rise**-1 * (np.exp(-30.0 / decay) - np.exp(-30.0 / rise)) / (1.0 / rise - 1.0 / decay)
    level = drive * after / float(TwoStage(opened_by="", reference=1.0, power=power).peak())
    found = solved(text).outcomes["window"][0]
    tolerance = (
        2e-3 if elimination < 100.0 else 1e-4 if elimination < 1e4 else 5e-5
    )  # a drive in no time, against one that lasts
    assert found == pytest.approx(1.5 * level / (0.5 + level), rel=tolerance)


def test_infusions_add_up_and_each_run_has_its_own_times() -> None:
    text = replaced(OPENED, ("count = 1\nduring", "count = 3\nduring"), ('"30 h into', '"130 h into'))
    text += '[study.first.sweep]\n"dose.infusion.first" = { values = ["0 h", "7.3 h", "20 h"] }\n'
    batch = only(text)
    found = solve(batch).outcomes["window"]
    starts = np.asarray(batch.values["dose.infusion.first"])
    for start, level in zip(starts, found, strict=True):
        assert level == pytest.approx(integrated(130.0, [start, start + 48.0, start + 96.0]), rel=2e-6)


@pytest.mark.parametrize(("rise", "decay"), [(6.0, 57.0), (57.0, 6.0), (10.0, 10.0), (10.0, 10.0 + 1e-7)])
def test_one_reference_dose_at_once_peaks_at_one(rise: float, decay: float) -> None:
    hours = np.linspace(0.0, 300.0, 300_001)
    rates = 1.0 / rise, 1.0 / decay
    if abs(rise - decay) < 1e-3:
        second = rates[0] * hours * np.exp(-rates[0] * hours)
    else:
        second = rates[0] * (np.exp(-rates[1] * hours) - np.exp(-rates[0] * hours)) / (rates[0] - rates[1])
    peak = TwoStage(opened_by="", reference=1.0, rise=rise, decay=decay).peak()
    assert second.max() == pytest.approx(float(peak), rel=1e-6)


def test_without_a_dose_it_stays_closed_exactly() -> None:
    assert (
        not solved(OPENED + '[arm.none]\nwithout = ["dose.infusion"]\n[study.s]\narms = ["none"]\n')
        .outcomes["window"]
        .any()
    )


def test_on_the_trial_clock_it_shows_the_mean_of_each_day() -> None:
    window = '[window.w]\nopened_by = "occupancy.m1"\nreference = "100 h"\n'
    link = '[link.w]\nsignal = "window.w"\nonto = "plasticity.cortex_d1.rate"\ngain = 0.5\n'
    level = '[outcome.level]\nreadout = "level"\nsignal = "window.w"\nwindow = "end of treatment"\n'
    rate = '[outcome.m1]\nreadout = "level"\nsignal = "occupancy.m1"\nwindow = "end of treatment"\n'
    found = solved(STRIATUM + window + link + level + rate + '[study.s]\narms = ["treated"]\n').outcomes
    # 8-hourly tablets for 20 days: the drive has settled, and so has the window
    drive = found["m1"] ** 2 / 100.0 * 57.0 / float(TwoStage(opened_by="", reference=1.0).peak())
    assert found["level"] == pytest.approx(1.5 * drive / (0.5 + drive), rel=0.05)
    assert np.all(found["level"] > 0.0)


@pytest.mark.parametrize("weight", [70.0, 95.0])
def test_a_drug_of_three_compartments_opens_it(weight: float) -> None:
    """Two infusions, drug, both stages and the window integrated together."""
    flows, volumes = (weight / 70.0) ** 0.75, weight / 70.0
    cl, v1, around = 79.0 * flows, 40.0 * volumes, [(120.0 * flows, 60.0 * volumes), (60.0 * flows, 152.0 * volumes)]
    head, _, rest = OPENED.partition("[drug.")
    name = rest.partition("]")[0]
    table = f'[drug.{name}]\nmodel = "multi_compartment_intravenous"\nclearance = "79 L/h"\nvolume = "40 L"\n'
    table += f'body_weight = "{weight} kg"\n'
    for place, (q, v) in {"shallow": (120, 60), "deep": (60, 152)}.items():
        table += f'[compartment.{place}]\ndrug = "{name}"\nflow = "{q} L/h"\nvolume = "{v} L"\n'
    text = head + table + rest[rest.index("\n[") + 1 :]
    text = replaced(text, ("count = 1\nduring", "count = 2\nduring"), ('"30 h into', '"80 h into'))
    edges, state = [0.0, 2.0 / 3.0, 48.0, 48.0 + 2.0 / 3.0, 80.0], np.zeros(5)
    for start, stop in pairwise(edges):
        flow_in = 52.5 if stop - start < 1.0 else 0.0

        def flow(t: float, x: np.ndarray, flow_in: float = flow_in) -> list[float]:
            level = 1000.0 * max(x[0], 0.0) / v1
            drive = (level / (level + 150.0)) ** 2 / 0.5
            back = [q * (x[0] / v1 - x[i] / v) for i, (q, v) in enumerate(around, 1)]
            return [flow_in - cl * x[0] / v1 - sum(back), *back, drive - x[3] / 6.0, x[3] / 6.0 - x[4] / 57.0]

        state = solve_ivp(flow, (start, stop), state, method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    level = state[4] / float(TwoStage(opened_by="", reference=1.0, rise=6.0, decay=57.0).peak())
    assert solved(text).outcomes["window"][0] == pytest.approx(1.5 * level / (0.5 + level), rel=2e-6)


def test_a_metabolite_opens_it_with_its_parents_doses() -> None:
    made = (
        '[drug.made]\nmodel = "metabolite"\nparent = "ketamine"\nformed = 0.8\nclearance = "38 L/h"\nvolume = "185 L"\n'
    )
    text = replaced(OPENED, ('[occupancy.block]\ndrug = "ketamine"', made + '[occupancy.block]\ndrug = "made"'))
    state = np.zeros(5)
    for start, stop in ((0.0, 2.0 / 3.0), (2.0 / 3.0, 30.0)):
        flow_in = 52.5 if start == 0.0 else 0.0

        def flow(t: float, x: np.ndarray, flow_in: float = flow_in) -> list[float]:
            level = 1000.0 * max(x[2], 0.0) / 185.0
            drive = (level / (level + 150.0)) ** 2 / 0.5
            return [flow_in - (K10 + K12) * x[0] + K21 * x[1], K12 * x[0] - K21 * x[1],
                    0.8 * K10 * x[0] - 38.0 / 185.0 * x[2], drive - x[3] / 6.0, x[3] / 6.0 - x[4] / 57.0]  # fmt: skip

        state = solve_ivp(flow, (start, stop), state, method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    level = state[4] / float(TwoStage(opened_by="", reference=1.0, rise=6.0, decay=57.0).peak())
    assert solved(text).outcomes["window"][0] == pytest.approx(1.5 * level / (0.5 + level), rel=2e-6)
