"""Links onto the numbers of drugs act while the model runs: closed forms, an independent solver, and the order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import HEAD, batches, equal, joined, only, solved

from workbench.component.registry import registry
from workbench.errors import AssemblyError, ScenarioError
from workbench.execution.fitness import refuse_unfit
from workbench.pharmacology.magnus import NODES, applied, expansion, exponential
from workbench.scenario.load import parse_scenario
from workbench.solver.run import shape_of, solve

ONE = HEAD.replace("count = 6", "count = 1")
VICTIM = """
[drug.a]
model = "one_compartment_intravenous"
clearance = "{clearance} L/h"
volume = "{volume} L"
[dose.a]
drug = "a"
during = "obs"
amount = "{amount} mg"
count = 1
"""
INHIBITOR = """
[drug.b]
model = "one_compartment_intravenous"
clearance = "{clearance} L/h"
volume = "50 L"
[occupancy.enzyme]
drug = "b"
ec50 = "{half} ng/mL"
[dose.b]
drug = "b"
during = "obs"
amount = "{amount} mg"
count = 1
[link.inhibition]
signal = "occupancy.enzyme"
onto = "drug.a.clearance"
gain = {gain}
"""
EVENTS = '[phase.obs]\nclock = "event"\nlength = "48 h"\n'


def readings(times: list[float], drug: str = "a", site: str = "plasma") -> str:
    """Return outcomes c0, c1 ... of the concentration at moments."""
    return "".join(
        f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "{drug}"\nsite = "{site}"\nwindow = "{t} h into obs"\n'
        for i, t in enumerate(times)
    )


def concentrations(text: str, **options: object) -> np.ndarray:
    outcomes = solved(text, **options).outcomes
    return np.array([outcomes[name][0] for name in sorted(outcomes) if name[1:].isdigit()])


def case(gain: float, **options: object) -> float:
    """Return the victim's concentration 10 h after both doses."""
    text = ONE + VICTIM.format(clearance=5, volume=50, amount=6)
    text += INHIBITOR.format(clearance=0.01, half=20, amount=100, gain=gain) + EVENTS
    return float(concentrations(text + readings([10.0]), **options)[0])


def test_one_drug_slows_the_clearance_of_another() -> None:
    occupied = (lambda c: c / (c + 20.0))(2000.0 * np.exp(-2e-4 * np.linspace(0.0, 10.0, 2001)))
    area = np.trapezoid(1.0 - 0.5 * occupied, dx=10.0 / 2000.0)
    assert case(-0.5) == pytest.approx(120.0 * np.exp(-0.1 * area), rel=1e-9)
    assert case(-0.5) == pytest.approx(72.4239, abs=5e-5)


def test_gain_0_and_an_inhibitor_that_is_not_given_change_no_bit() -> None:
    alone = ONE + VICTIM.format(clearance=5, volume=50, amount=6) + EVENTS + readings([10.0])
    exact = float(concentrations(alone)[0])
    assert case(0.0) == exact == pytest.approx(44.1455, abs=5e-5)
    assert case(-0.5, settings={"dose.b.amount": "0 mg"}) == exact


def test_reversible_inhibition_meets_its_closed_form() -> None:
    """C = C0 ((1 + a) / (exp(lam t) + a))^(k / lam) for clearance / (1 + I / Ki), I / Ki = a exp(-lam t)."""
    text = ONE + VICTIM.format(clearance=12, volume=40, amount=100)
    text += INHIBITOR.format(clearance=5, half=500, amount=100, gain=-1.0) + EVENTS
    times = np.array([2.0, 6.0, 12.0, 24.0, 48.0])
    expected = 2500.0 * (5.0 / (np.exp(0.1 * times) + 4.0)) ** (0.3 / 0.1)
    assert concentrations(text + readings(times.tolist())) == pytest.approx(expected, rel=1e-8)


EVERYTHING = """
[drug.b]
model = "one_compartment_oral"
absorption = "1.5 1/h"
clearance = "5 L/h"
volume = "50 L"
[occupancy.enzyme]
drug = "b"
ec50 = "500 ng/mL"
[dose.b]
drug = "b"
during = "obs"
amount = "100 mg"
first = "2 h"
count = 1
[drug.a]
model = "multi_compartment_oral"
absorption = "0.8 1/h"
clearance = "12 L/h"
volume = "40 L"
bioavailability = 0.5
equilibration = "1 h"
effect = 0.7
[compartment.deep]
drug = "a"
flow = "12 L/h"
volume = "120 L"
[drug.made]
model = "metabolite"
parent = "a"
formed = 0.6
clearance = "3 L/h"
volume = "30 L"
[dose.a]
drug = "a"
during = "obs"
amount = "100 mg"
every = "12 h"
count = 2
"""
GAINS = {
    "drug.a.clearance": -0.8,
    "drug.a.volume": 0.5,
    "drug.a.absorption": 2.0,
    "drug.a.bioavailability": 0.4,
    "drug.a.effect": -0.5,
    "drug.a.equilibration": 1.0,
    "drug.a.body_weight": 0.1,
    "compartment.deep.flow": 0.7,
    "compartment.deep.volume": -0.3,
    "drug.made.formed": 0.5,
    "drug.made.clearance": -0.5,
}


def truth(gains: dict[str, float], length: float) -> tuple[Callable[[float], dict[str, float]], list[float]]:
    """Return what is read at moments, and the areas in plasma of drug and metabolite at the end, by DOP853."""

    def occupied(t: float) -> float:
        s = t - 2.0
        c = 0.0 if s < 0.0 else 2000.0 * 1.5 / 1.4 * (np.exp(-0.1 * s) - np.exp(-1.5 * s))
        return c / (c + 500.0)

    def now(t: float) -> dict[str, float]:
        base = {"clearance": 12.0, "volume": 40.0, "absorption": 0.8, "bioavailability": 0.5, "effect": 0.7,
                "equilibration": 1.0, "body_weight": 70.0}  # fmt: skip
        base = {f"drug.a.{name}": value for name, value in base.items()} | {"compartment.deep.flow": 12.0}
        base |= {"compartment.deep.volume": 120.0, "drug.made.formed": 0.6, "drug.made.clearance": 3.0}
        return {path: value * (1.0 + gains.get(path, 0.0) * occupied(t)) for path, value in base.items()}

    def slopes(t: float, y: np.ndarray) -> list[float]:
        n, (gut, central, deep, made, site, _, _) = now(t), y
        heavier = n["drug.a.body_weight"] / 70.0
        volume, clearance = n["drug.a.volume"] * heavier, n["drug.a.clearance"] * heavier**0.75
        flow, room = n["compartment.deep.flow"] * heavier**0.75, n["compartment.deep.volume"] * heavier
        lost, there, back = clearance / volume * central, flow / volume * central, flow / room * deep
        plasma, taken = 1000.0 * central / volume, n["drug.a.absorption"] * gut
        formed, follow = n["drug.made.formed"] * lost, np.log(2.0) / n["drug.a.equilibration"]
        cleared = n["drug.made.clearance"] / 30.0 * made
        left = [-taken, taken - lost - there + back, there - back, formed - cleared]
        return [*left, follow * (plasma - site), plasma, 1000.0 * made / 30.0]

    y, parts = np.zeros(7), []
    for begin, end, dosed in ((0.0, 2.0, True), (2.0, 12.0, False), (12.0, length, True)):
        y = y + np.array([100.0 * now(begin)["drug.a.bioavailability"] if dosed else 0.0, *[0.0] * 6])
        part = solve_ivp(slopes, (begin, end), y, method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True)
        parts.append((begin, part.sol))
        y = part.y[:, -1]

    def at(t: float) -> dict[str, float]:
        found = next(solution for begin, solution in reversed(parts) if t >= begin)(t)
        n = now(t)
        volume = n["drug.a.volume"] * n["drug.a.body_weight"] / 70.0
        return {"plasma": 1000.0 * found[1] / volume, "effect": n["drug.a.effect"] * found[4], "made": found[3] / 0.03}

    return at, [float(y[5]), float(y[6])]


def test_every_number_moves_as_an_independent_solver_says() -> None:
    """One arm for each number, and one for all of them."""
    times = [1.0, 3.0, 7.0, 13.0, 20.0]
    text = ONE + EVERYTHING + EVENTS.replace("48", "24")
    arms = {f"arm_{i}": {path: gain} for i, (path, gain) in enumerate(GAINS.items())} | {"everything": GAINS}
    for i, path in enumerate(GAINS):
        text += f'[link.link_{i}]\nsignal = "occupancy.enzyme"\nonto = "{path}"\n'
    for name, gains in arms.items():
        settings = (f'"link.link_{[*GAINS].index(path)}.gain" = {gain}\n' for path, gain in gains.items())
        text += f"[arm.{name}]\n[arm.{name}.set]\n" + "".join(settings)
    for i, (drug, site) in enumerate((("a", "plasma"), ("a", "effect"), ("made", "plasma"))):
        text += readings(times, drug, site).replace("outcome.c", f"outcome.{'pem'[i]}")
    for i, drug in enumerate(("a", "made")):
        text += f'[outcome.area_{i}]\nreadout = "area_under_curve"\ndrug = "{drug}"\nwindow = "end of obs"\n'
    outcomes = solved(text).outcomes
    for run, (name, gains) in enumerate(arms.items()):
        at, areas = truth(gains, 24.0)
        for i, time in enumerate(times):
            expected, read = at(time), (outcomes[f"{site}{i}"][run] for site in "pem")
            for site, value in zip(("plasma", "effect", "made"), read, strict=True):
                assert value == pytest.approx(expected[site], rel=1e-7, abs=1e-9), (name, site, time)
        assert [outcomes[f"area_{i}"][run] for i in (0, 1)] == pytest.approx(areas, rel=1e-8), name


def test_peak_trough_and_time_above_a_level_of_a_moved_curve() -> None:
    text = ONE + EVERYTHING + EVENTS.replace("48", "24") + readings([1.0], "made")
    text += '[link.link]\nsignal = "occupancy.enzyme"\nonto = "drug.a.clearance"\ngain = -0.8\n'
    for name in ("peak_concentration", "time_of_peak", "trough_concentration", "time_above"):
        more = 'threshold = "300 ng/mL"\n' if name == "time_above" else ""
        text += f'[outcome.{name}]\nreadout = "{name}"\ndrug = "a"\nsince = "1 h"\nwindow = "24 h into obs"\n{more}'
    found = {name: value[0] for name, value in solved(text).outcomes.items()}
    grid = np.linspace(1.0, 24.0 - 1e-9, 23001)
    at, _ = truth({"drug.a.clearance": -0.8}, 24.0)
    curve = np.array([at(t)["plasma"] for t in grid])
    assert found["peak_concentration"] == pytest.approx(curve.max(), rel=1e-6)
    assert found["time_of_peak"] + 1.0 == pytest.approx(grid[curve.argmax()], abs=2e-3)
    assert found["trough_concentration"] == pytest.approx(curve.min(), rel=1e-6)
    assert found["time_above"] == pytest.approx(23.0 * np.mean(curve > 300.0), abs=5e-3)


def test_the_step_is_of_order_6_and_its_estimate_of_order_5() -> None:
    """Two compartments that exchange at rates that move; error against steps a hundred times shorter."""

    def generator(t: np.ndarray) -> np.ndarray:
        out, back, lost = 0.4 + 0.3 * np.sin(t), 0.2 + 0.1 * np.cos(2.0 * t), 0.5 / (1.0 + t)
        return np.moveaxis(np.array([[-(out + lost), back], [out, -back]]), (0, 1), (-2, -1))

    def end(steps: int) -> tuple[np.ndarray, float]:
        rows, length, told = np.array([[1.0, 0.0]]), 4.0 / steps, 0.0
        for i in range(steps):
            times = (i + NODES[:, None]) * length
            exponent, beyond = expansion(generator(times), np.array([length]))
            told = max(told, float(np.abs(applied(beyond, rows)).max()))
            rows = applied(exponential(exponent), rows)
        return rows[0], told

    best, _ = end(400)
    errors, estimates = zip(*[(np.abs(found - best).max(), told) for found, told in map(end, (8, 16, 32))], strict=True)
    assert np.log2(errors[0] / errors[1]) > 5.5 and np.log2(errors[1] / errors[2]) > 5.8
    assert np.log2(estimates[1] / estimates[2]) == pytest.approx(5.0, abs=0.1)
    assert all(told > error for told, error in zip(estimates, errors, strict=True))


def test_the_exponential_keeps_what_stands_still() -> None:
    matrix = np.array([[[-3.0, 0.5], [3.0, -0.5]], [[-1e3, 0.0], [1e3, 0.0]]])
    found = exponential(matrix)
    assert found.sum(axis=1) == pytest.approx(1.0, rel=1e-13)
    assert found[0, 0, 0] == pytest.approx(1.0 / 7.0 + 6.0 / 7.0 * np.exp(-3.5), rel=1e-14)
    assert exponential(matrix[:1]).tobytes() == found[:1].tobytes()


PEOPLE = """
[subjects.trait.half]
on = "occupancy.enzyme.ec50"
distribution = "lognormal"
median = 1.0
cv = 0.8
"""


def population(clock: str) -> str:
    text = (
        HEAD.replace("count = 6", "count = 5") + PEOPLE + EVERYTHING.replace("12 h", "4 h") + f"[phase.obs]\n{clock}\n"
    )
    for i, path in enumerate(("drug.a.clearance", "drug.a.bioavailability", "compartment.deep.flow")):
        text += f'[link.link_{i}]\nsignal = "occupancy.enzyme"\nonto = "{path}"\ngain = {GAINS[path]}\n'
    text += '[arm.usual]\n[arm.apart]\n[arm.apart.set]\n"link.link_0.gain" = 0.0\n"dose.b.amount" = "0 mg"\n'
    window = "end of obs" if "trial" in clock else "5 h into obs"
    return text + f'[outcome.c]\nreadout = "concentration"\ndrug = "made"\nwindow = "{window}"\n'


@pytest.mark.parametrize("clock", ['clock = "event"\nlength = "6 h"', 'clock = "tick"\nlength = "6 h"\nstep = "2 h"',
                                   'clock = "trial"\ntrials = 6\ntrials_per_day = "24 trial/day"'])  # fmt: skip
def test_runs_have_the_same_bits_alone_and_in_any_block(clock: str) -> None:
    text = population(clock)
    whole = solve(only(text))
    assert equal(whole, joined([solve(batch) for batch in batches(text, width=4)]))
    by_arm = whole.outcomes["c"].reshape(5, 2)
    assert np.ptp(by_arm[:, 0]) > 0.0 and np.ptp(by_arm[:, 1]) == 0.0


@pytest.mark.parametrize("gain", [0.0, -0.8])
def test_a_reading_inside_a_step_changes_no_bit_of_what_follows(gain: float) -> None:
    """A dose at 2 h lies between the middle of a step of 6 h and a reading at 5 h; the window it opens is read later."""
    text = ONE + EVERYTHING + '[phase.obs]\nclock = "tick"\nlength = "24 h"\nstep = "6 h"\n'
    text = text.replace('first = "2 h"', 'first = "4 h"')
    text += f'[link.link]\nsignal = "occupancy.enzyme"\nonto = "drug.a.clearance"\ngain = {gain}\n'
    text += '[link.tone]\nsignal = "drug.b"\nonto = "modulator.ach.tone"\ngain = 1.0\n'
    text += '[modulator.ach]\nsource = "cholinergic"\n[outcome.level]\nreadout = "level"\nsignal = "modulator.ach"\n'
    text += '[outcome.end]\nreadout = "concentration"\ndrug = "made"\n'
    inside = '[outcome.inside]\nreadout = "concentration"\ndrug = "made"\nwindow = "5 h into obs"\n'
    plain, looked = solved(text).outcomes, solved(text + inside).outcomes
    assert all(plain[name].tobytes() == looked[name].tobytes() for name in ("level", "end"))


def test_two_phases_are_one_stretch_of_time() -> None:
    text = ONE + EVERYTHING + '[link.link]\nsignal = "occupancy.enzyme"\nonto = "drug.a.clearance"\ngain = -0.8\n'
    whole = text + EVENTS.replace("48", "24") + readings([20.0], "made")
    second = readings([11.0], "made").replace("into obs", "into late")
    parts = text.replace('every = "12 h"\ncount = 2', "count = 1") + EVENTS.replace("48", "9") + second
    parts += '[phase.late]\nclock = "event"\nlength = "15 h"\norder = 2\n'
    parts = parts.replace('length = "9 h"', 'length = "9 h"\norder = 1')
    parts += '[dose.later]\ndrug = "a"\nduring = "late"\namount = "100 mg"\nfirst = "3 h"\ncount = 1\n'
    assert concentrations(parts) == pytest.approx(concentrations(whole), rel=1e-9)


def test_a_mean_over_an_interval_is_its_area_over_its_length() -> None:
    clock = 'clock = "trial"\ntrials = 1\ntrials_per_day = "4 trial/day"'
    mean = solved(population(clock)).outcomes["c"]
    area = solved(population('clock = "event"\nlength = "6 h"').replace(
        'readout = "concentration"\ndrug = "made"\nwindow = "5 h into obs"',
        'readout = "area_under_curve"\ndrug = "made"\nwindow = "end of obs"',
    )).outcomes["c"]  # fmt: skip
    assert mean == pytest.approx(area / 6.0, rel=1e-9)


def test_a_chain_of_three_drugs_and_a_receptor_between() -> None:
    """c slows b by its concentration, b slows a by a receptor that it blocks; an independent solver agrees."""
    text = ONE + VICTIM.format(clearance=5, volume=50, amount=100)
    text += VICTIM.replace(".a]", ".b]").replace('"a"', '"b"').format(clearance=20, volume=50, amount=50)
    text += VICTIM.replace(".a]", ".c]").replace('"a"', '"c"').format(clearance=5, volume=50, amount=50)
    text += (
        '[occupancy.b]\ndrug = "b"\nec50 = "100 ng/mL"\n[modulator.ach]\nsource = "cholinergic"\nd2_efficacy = 0.0\n'
    )
    text += '[receptor.m1]\nligand = "ach"\nantagonists = "b"\n'
    text += '[link.first]\nform = "shift"\nsignal = "drug.c"\nonto = "drug.b.clearance"\ngain = -0.01\n'
    text += '[link.second]\nsignal = "receptor.m1"\nonto = "drug.a.clearance"\ngain = 1.5\n' + EVENTS

    def slopes(t: float, y: np.ndarray) -> list[float]:
        b, a = y
        active = 1.0 / (2.0 + 20.0 * b / 100.0)
        return [-(20.0 - 0.01 * 1000.0 * np.exp(-0.1 * t)) / 50.0 * b, -(5.0 * (1.0 + 1.5 * active)) / 50.0 * a]

    times = [1.0, 6.0, 24.0]
    expected = solve_ivp(slopes, (0.0, 24.0), [50.0, 100.0], method="DOP853", rtol=1e-12, atol=1e-13, t_eval=times)
    assert concentrations(text + readings(times)) == pytest.approx(expected.y[1] * 20.0, rel=1e-8)


def fault(text: str) -> str:
    """Return what a file is refused with once it is put together."""
    from pathlib import Path

    from workbench.plan import plan

    with pytest.raises(ScenarioError) as caught:
        refuse_unfit(plan(parse_scenario(text.encode(), "test.toml", Path(), registry())))
    return "; ".join(f"{problem.line} {problem.key}: {problem.message}" for problem in caught.value.problems)


def test_drugs_that_move_each_other_are_refused_with_the_loop() -> None:
    text = ONE + VICTIM.format(clearance=5, volume=50, amount=6) + EVENTS
    text += INHIBITOR.format(clearance=1, half=20, amount=100, gain=-0.5)
    text += '[occupancy.back]\ndrug = "a"\n[link.back]\nsignal = "occupancy.back"\nonto = "drug.b.clearance"\n'
    message = fault(text + readings([1.0]))
    for name in ("drug.a", "link.back", "drug.b", "link.inhibition", "depends on itself"):
        assert name in message


STEADY = ('drug = "a"\nduring', 'drug = "a"\nsteady_state = true\nduring')


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.replace(*STEADY), ["dose.a", "no steady state"]),
        (lambda t: t + '[outcome.half]\nreadout = "terminal_half_life"\ndrug = "a"\nwindow = "end of obs"\n',
         ["outcome.half", "links move numbers of drug.a"]),
        (lambda t: t + '[outcome.rest]\nreadout = "area_to_infinity"\ndrug = "a"\nwindow = "end of obs"\n',
         ["outcome.rest", "links move numbers of drug.a"]),
        (lambda t: t.replace("drug.a.clearance", "dose.a.amount"), ["link.inhibition.onto", "planned"]),
        (lambda t: t.replace("drug.a.clearance", "drug.a.molar_mass"), ["link.inhibition.onto", "as the file is read"]),
        (lambda t: t.replace("drug.a.clearance", "phase.obs.length"), ["link.inhibition.onto", "the same in all runs"]),
    ],
)  # fmt: skip
def test_what_cannot_move_is_refused_at_its_line(change: Callable[[str], str], words: list[str]) -> None:
    text = ONE + VICTIM.format(clearance=5, volume=50, amount=6) + EVENTS
    text += INHIBITOR.format(clearance=1, half=20, amount=100, gain=-0.5)
    message = fault(change(text + readings([1.0])))
    assert all(word in message for word in words), message


def test_a_number_that_is_read_once_is_no_target() -> None:
    """The weight from which learning starts; the step rule has read it before anything moves."""
    from support.circuits import STRIATUM

    text = STRIATUM + '[link.start]\nsignal = "occupancy.m1"\nonto = "projection.cortex_d1.weight"\ngain = 0.0\n'
    with pytest.raises(AssemblyError, match="read once"):
        shape_of(only(text, arms=["treated"]).structure)
