"""Responses: indirect ones against independent solutions and closed forms, effect sites, chains, clocks and bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp
from support.circuits import HEAD

from workbench import simulate
from workbench.errors import AssemblyError, ScenarioError
from workbench.pharmacology.magnus import (
    NODES,
    applied,
    expansion,
    exponential,
    flow_applied,
    flow_change,
    flow_expansion,
)
from workbench.scenario.load import parse_scenario

Array = NDArray[np.float64]
ONE = HEAD.replace("count = 6", "count = 1")
VEIN = """
[drug.d]
model = "one_compartment_intravenous"
clearance = "{clearance} L/h"
volume = "{volume} L"
[dose.x]
drug = "d"
during = "obs"
amount = "{amount} mg"
count = 1
"""
OBS = '[phase.obs]\nclock = "event"\nlength = "{hours} h"\n'
FORMS = {
    "i": ("turnover_production_inhibited", 0.9),
    "ii": ("turnover_loss_inhibited", 0.9),
    "iii": ("turnover_production_stimulated", 2.0),
    "iv": ("turnover_loss_stimulated", 2.0),
}


def response(name: str, form: str, **numbers: object) -> str:
    lines = [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in numbers.items()]
    return "\n".join([f"[response.{name}]", f'form = "{form}"', *lines]) + "\n"


def read(name: str, signal: str, at: str, readout: str = "level", **more: str) -> str:
    given = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[outcome.{name}]\nreadout = "{readout}"\nsignal = "{signal}"\nwindow = "{at}"\n{given}'


def solved(text: str, **options: object) -> dict[str, np.ndarray]:
    found = simulate(parse_scenario(text.encode(), "responses.toml", Path()), **options)  # type: ignore[arg-type]
    assert not any(found["failure"])
    return {name: np.asarray(found[name]) for name in found if name not in ("arm", "failure")}


def truth(
    slope: Callable[[float, np.ndarray], Sequence[float]], start: Sequence[float], times: Sequence[float]
) -> Array:
    """Return the solution at times, ``(times, quantities)``."""
    found: Array = solve_ivp(slope, (0.0, times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-13).y.T
    return found


def hill(level: float, half: float, exponent: float = 1.0) -> float:
    return level**exponent / (level**exponent + half**exponent) if level > 0.0 else 0.0


def test_an_indirect_response_comes_late() -> None:
    """Production inhibited by C^1.2 / (C^1.2 + 25^1.2), C = 8000 / 60 exp(-2 t / 3), loss 0.6: by an independent solver."""
    form = {"drug": "d", "ec50": "25 ng/mL", "exponent": 1.2, "loss": "0.6 1/h"}
    text = ONE + VEIN.format(clearance=40, volume=60, amount=8) + OBS.format(hours=24)
    text += response("effect", "turnover_production_inhibited", **form)
    for at in (4, 12):
        text += read(f"r{at}", "response.effect", f"{at} h into obs")
    for name, readout in (("lowest", "lowest_level"), ("when", "time_of_lowest_level"), ("area", "area_of_change")):
        text += read(name, "response.effect", "end of obs", readout)
    found = solved(text)

    def inhibited(t: float) -> float:
        return hill(8000.0 / 60.0 * np.exp(-40.0 / 60.0 * t), 25.0, 1.2)

    at = truth(lambda t, y: [0.6 * (1.0 - inhibited(t)) - 0.6 * y[0]], [1.0], [2.4, 4.0, 12.0, 24.0])[:, 0]
    assert [found["lowest"][0], found["r4"][0], found["r12"][0]] == pytest.approx([0.4780, 0.5861, 0.9910], abs=5e-5)
    assert found["when"][0] == pytest.approx(2.40, abs=5e-3)
    assert [found["r4"][0], found["r12"][0]] == pytest.approx(at[1:3], rel=1e-8)
    assert found["lowest"][0] <= at[0] and found["lowest"][0] == pytest.approx(
        1.0 - inhibited(found["when"][0]), rel=1e-7
    )
    area = -quad(inhibited, 0.0, 24.0, epsabs=1e-12)[0] - (at[3] - 1.0) / 0.6
    assert found["area"][0] == pytest.approx(area, rel=1e-8)


def test_the_four_forms_follow_an_independent_solver_and_their_closed_forms() -> None:
    times, text = (1, 3, 6, 12, 24), ONE + VEIN.format(clearance=6, volume=20, amount=100) + OBS.format(hours=200)
    for name, (form, most) in FORMS.items():
        text += response(name, form, drug="d", ec50="500 ng/mL", baseline=20.0, loss="0.5 1/h", maximum=most)
        text += "".join(read(f"{name}_{t}", f"response.{name}", f"{t} h into obs") for t in times)
        text += read(f"{name}_area", f"response.{name}", "end of obs", "area_of_change")
    extremes = (("i", "lowest"), ("iii", "highest"))
    for name, way in extremes:
        text += read(f"{name}_when", f"response.{name}", "end of obs", f"time_of_{way}_level")
    found = solved(text)
    for name, (_, most) in FORMS.items():
        sign, loses = 1.0 if name in ("iii", "iv") else -1.0, name in ("ii", "iv")

        def slope(t: float, y: np.ndarray, sign: float = sign, most: float = most, loses: bool = loses) -> list[float]:
            factor = 1.0 + sign * most * hill(5000.0 * np.exp(-0.3 * t), 500.0)
            return [10.0 - 0.5 * factor * y[0] if loses else 10.0 * factor - 0.5 * y[0]]

        expected = truth(slope, [20.0], times)[:, 0]
        assert [found[f"{name}_{t}"][0] for t in times] == pytest.approx(expected, rel=1e-8), name
    # the area between curve and baseline: R0 times the integral of what is inhibited or stimulated
    assert found["i_area"][0] == pytest.approx(-20.0 * 0.9 / 0.3 * np.log1p(10.0), rel=1e-8)
    assert found["iii_area"][0] == pytest.approx(20.0 * 2.0 / 0.3 * np.log1p(10.0), rel=1e-8)
    assert found["i_when"][0] == pytest.approx(found["iii_when"][0], abs=1e-5), "both are linear in the drug's part"
    # at its extreme, a response stands where a constant concentration would hold it
    lowest = truth(lambda t, y: [10.0 * (1.0 - 0.9 * hill(5000.0 * np.exp(-0.3 * t), 500.0)) - 0.5 * y[0]], [20.0],
                   [float(found["i_when"][0])])  # fmt: skip
    part = hill(5000.0 * np.exp(-0.3 * found["i_when"][0]), 500.0)
    assert lowest[0, 0] == pytest.approx(20.0 * (1.0 - 0.9 * part), rel=1e-8)


def test_a_constant_concentration_holds_each_form_at_its_level() -> None:
    text = ONE + VEIN.format(clearance=10, volume=20, amount=5000) + 'duration = "200 h"\n' + OBS.format(hours=200)
    part = 2500.0 / (2500.0 + 500.0)
    levels = {
        "i": 1.0 - 0.9 * part,
        "ii": 1.0 / (1.0 - 0.9 * part),
        "iii": 1.0 + 2.0 * part,
        "iv": 1.0 / (1.0 + 2.0 * part),
    }
    for name, (form, most) in FORMS.items():
        text += response(name, form, drug="d", ec50="500 ng/mL", loss="0.5 1/h", maximum=most, delay="2 h")
        text += read(name, f"response.{name}", "199 h into obs")
    text += response("line", "linear", drug="d", slope=0.002, delay="2 h") + read(
        "line", "response.line", "199 h into obs"
    )
    found = solved(text)
    assert {name: found[name][0] for name in levels} == pytest.approx(levels, rel=1e-8)
    assert found["line"][0] == pytest.approx(5.0, rel=1e-8)


def test_doses_infusions_effect_sites_and_chains_follow_an_independent_solver() -> None:
    """A tablet at 0 and 7 h and an infusion from 3 to 5 h; a response behind a site, and one that follows it."""
    text = ONE + OBS.format(hours=30) + (
        '[drug.d]\nmodel = "one_compartment_oral"\nclearance = "8 L/h"\nvolume = "20 L"\nabsorption = "2 1/h"\n'
        '[dose.mouth]\ndrug = "d"\nduring = "obs"\namount = "30 mg"\nevery = "7 h"\ncount = 2\n'
        '[drug.e]\nmodel = "one_compartment_intravenous"\nclearance = "10 L/h"\nvolume = "25 L"\n'
        '[dose.vein]\ndrug = "e"\nduring = "obs"\namount = "40 mg"\nduration = "2 h"\nfirst = "3 h"\ncount = 1\n'
        '[link.slower]\nsignal = "drug.e"\nonto = "response.first.loss"\ngain = 0.001\n'
    )  # fmt: skip
    text += response("first", "turnover_loss_stimulated", drug="d", ec50="400 ng/mL", exponent=2.0, maximum=1.5,
                     loss="0.4 1/h", delay="1.5 h")  # fmt: skip
    text += response("second", "turnover_production_inhibited", signal="response.first", half=0.7, exponent=3.0,
                     loss="0.2 1/h", baseline=4.0)  # fmt: skip
    times = (2, 6, 9, 20)
    for name in ("first", "second"):
        text += "".join(read(f"{name}_{t}", f"response.{name}", f"{t} h into obs") for t in times)
    found = solved(text)
    rest = 4.0 * (1.0 - hill(1.0, 0.7, 3.0))

    def slope(t: float, y: np.ndarray) -> list[float]:
        gut, blood, other, site, first, second = y
        flow = 20.0 if 3.0 <= t < 5.0 else 0.0
        loss = 0.4 * (1.0 + 0.001 * 40.0 * other)
        return [
            -2.0 * gut,
            2.0 * gut - 0.4 * blood,
            flow - 0.4 * other,
            np.log(2.0) / 1.5 * (50.0 * blood - site),
            loss - loss * (1.0 + 1.5 * hill(site, 400.0, 2.0)) * first,
            0.2 * 4.0 * (1.0 - hill(first, 0.7, 3.0)) - 0.2 * second,
        ]

    state, at, expected = np.array([30.0, 0.0, 0.0, 0.0, 1.0, rest]), 0.0, {}
    for edge in (2.0, 3.0, 5.0, 6.0, 7.0, 9.0, 20.0):
        middle = 0.5 * (at + edge)
        way = solve_ivp(lambda t, y, m=middle: slope(m if not 3.0 <= m < 5.0 else 4.0, y), (at, edge), state, "DOP853",
                        rtol=1e-12, atol=1e-13)  # fmt: skip
        state, at = way.y[:, -1].copy(), edge
        expected[edge] = state.copy()
        state[0] += 30.0 if edge == 7.0 else 0.0
    for place, name in ((4, "first"), (5, "second")):
        got = [found[f"{name}_{t}"][0] for t in times]
        assert got == pytest.approx([expected[float(t)][place] for t in times], rel=2e-8), name


def test_a_response_may_move_the_clearance_of_another_drug() -> None:
    """Induction: more enzyme is made while d is there, and e leaves the faster."""
    text = ONE + VEIN.format(clearance=6, volume=20, amount=100) + OBS.format(hours=24) + (
        '[drug.e]\nmodel = "one_compartment_intravenous"\nclearance = "10 L/h"\nvolume = "50 L"\n'
        '[dose.e]\ndrug = "e"\nduring = "obs"\namount = "40 mg"\ncount = 1\n'
        '[link.induces]\nsignal = "response.enzyme"\nonto = "drug.e.clearance"\ngain = 1.0\n'
    )  # fmt: skip
    text += response(
        "enzyme", "turnover_production_stimulated", drug="d", ec50="500 ng/mL", maximum=4.0, loss="0.2 1/h"
    )
    text += '[outcome.e]\nreadout = "concentration"\ndrug = "e"\nwindow = "8 h into obs"\n'

    def slope(t: float, y: np.ndarray) -> list[float]:
        made = 0.2 * (1.0 + 4.0 * hill(5000.0 * np.exp(-0.3 * t), 500.0))
        return [made - 0.2 * y[0], -0.2 * (1.0 + y[0]) * y[1]]

    assert solved(text)["e"][0] == pytest.approx(truth(slope, [1.0, 800.0], [8.0])[0, 1], rel=1e-7)


def test_the_step_is_of_order_6_and_that_of_the_matrices() -> None:
    """One quantity at rates that move, and its area; error against steps a hundred times shorter."""

    def rates(t: np.ndarray) -> np.ndarray:
        return np.stack([0.6 + 0.5 * np.sin(t), 1.0 / (1.0 + t), np.ones_like(t), np.zeros_like(t)], axis=-2)

    def end(steps: int) -> np.ndarray:
        rows, length = np.array([[0.3], [0.0]]), np.array([4.0 / steps])
        for i in range(steps):
            exponent, _ = flow_expansion(rates((i + NODES[:, None]) * length), length)
            rows = flow_applied(exponent, rows)
        return rows[:, 0]

    best = end(400)
    errors = [np.abs(end(steps) - best).max() for steps in (8, 16, 32)]
    assert np.log2(errors[0] / errors[1]) > 5.5 and np.log2(errors[1] / errors[2]) > 5.7
    numbers = rates(NODES[:, None] * 2.0)
    loss, inflow, gain, more = np.moveaxis(numbers, 1, 0)
    nothing = np.zeros_like(loss)
    matrices = np.stack([-loss, nothing, inflow, gain, nothing, more, *3 * [nothing]], axis=-1).reshape(3, 1, 3, 3)
    exponent, beyond = expansion(matrices, np.array([2.0]))
    mine, mine_beyond = flow_expansion(numbers, np.array([2.0]))
    start = np.array([[0.3], [0.7]])
    whole = np.array([[0.3, 0.7, 1.0]])
    assert flow_applied(mine, start)[:, 0] == pytest.approx(applied(exponential(exponent), whole)[0, :2], rel=1e-13)
    assert flow_change(mine_beyond, start)[:, 0] == pytest.approx(applied(beyond, whole)[0, :2], abs=1e-14)


PEOPLE = '[subjects.trait.half]\non = "response.r.ec50"\ndistribution = "lognormal"\nmedian = 1.0\ncv = 0.8\n'
R = response("r", "turnover_loss_inhibited", drug="d", ec50="500 ng/mL", loss="0.3 1/h", delay="1 h")


def test_bits_hang_neither_on_neighbours_nor_on_what_is_read_nor_on_a_link_of_gain_0() -> None:
    text = HEAD.replace("count = 6", "count = 5") + PEOPLE + VEIN.format(clearance=6, volume=20, amount=100) + R
    text += OBS.format(hours=20) + read("at", "response.r", "11 h into obs") + read("end", "response.r", "end of obs")
    whole = solved(text)
    alone = solved(text.replace("count = 5", "count = 2"))
    assert all(alone[name].tobytes() == whole[name][:2].tobytes() for name in ("at", "end"))
    more = read("low", "response.r", "end of obs", "lowest_level")
    looked = solved(text + more + '[course.c]\nreadout = "level"\nsignal = "response.r"\ninterval = "1 h"\n')
    idle = (
        '[drug.idle]\nmodel = "one_compartment_intravenous"\nclearance = "3 L/h"\nvolume = "9 L"\n'
        '[dose.idle]\ndrug = "idle"\nduring = "obs"\namount = "7 mg"\nevery = "5 h"\nfirst = "1 h"\ncount = 3\n'
        '[link.idle]\nsignal = "drug.idle"\nonto = "response.r.loss"\ngain = 0.0\n'
    )  # fmt: skip
    for other in (looked, solved(text + idle)):
        assert all(other[name].tobytes() == whole[name].tobytes() for name in ("at", "end"))


def test_who_is_given_nothing_stays_at_the_baseline_to_the_last_bit() -> None:
    text = ONE + VEIN.format(clearance=6, volume=20, amount=100) + R.replace("loss =", "baseline = 0.3\nloss =")
    text += OBS.format(hours=20) + read("end", "response.r", "end of obs")
    text += read("area", "response.r", "end of obs", "area_of_change")
    arms = '[arm.given]\n[arm.none]\n[arm.none.set]\n"dose.x.amount" = "0 mg"\n'
    found = solved(text + arms)
    assert found["end"][1] == 0.3 and found["area"][1] == 0.0 and found["end"][0] != 0.3


def test_every_clock_shows_the_same_response() -> None:
    def at(clock: str, window: str, readout: str = "level", **more: str) -> float:
        text = ONE + VEIN.format(clearance=6, volume=20, amount=100) + R
        return float(
            solved(text + f"[phase.obs]\n{clock}\n" + read("r", "response.r", window, readout, **more))["r"][0]
        )

    event, tick = 'clock = "event"\nlength = "48 h"', 'clock = "tick"\nlength = "48 h"\nstep = "30 min"'
    assert at(tick, "13 h into obs") == pytest.approx(at(event, "13 h into obs"), rel=1e-12)
    area = at(event, "end of obs", "area_of_change", since="24 h")
    trial = at('trials = 20\ntrials_per_day = "10 trial/day"', "end of obs")
    assert trial - 1.0 == pytest.approx(area / 24.0, rel=1e-8), "the mean of the second day"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('drug = "d"\nec50', "ec50", r"response\.r\.(drug|ec50): (is missing: give drug or signal|is not read)"),
        (
            'drug = "d"\nec50',
            'drug = "d"\nsignal = "drug.d"\nec50',
            r"response\.r\.signal: does not go with drug: give one of them",
        ),
        ('ec50 = "500 ng/mL"\n', "", r"response\.r.*ec50 is missing"),
        ('ec50 = "500 ng/mL"', 'ec50 = "500 ng/mL"\nhalf = 2.0', r"response\.r\.half: is not read of a drug"),
        ("count = 1\n", 'count = 1\nevery = "6 h"\nsteady_state = true\n', r"dose\.x.*sets in as a steady state"),
        ("[arm.a]\n", '[arm.a]\nwithout = ["drug.d", "dose.x"]\n', r"response\.r needs drug\.d"),
    ],
)
def test_what_cannot_be_a_response_is_refused(old: str, new: str, told: str) -> None:
    text = HEAD.replace("count = 6", "count = 2") + VEIN.format(clearance=6, volume=20, amount=100) + R + "[arm.a]\n"
    text += OBS.format(hours=20) + read("end", "response.r", "end of obs")
    assert old in text
    with pytest.raises((ScenarioError, AssemblyError), match=told):
        solved(text.replace(old, new) if old != "count = 1\n" else text.replace(old, new, 1))


def test_a_response_cannot_move_itself() -> None:
    text = ONE + VEIN.format(clearance=6, volume=20, amount=100) + R + OBS.format(hours=20)
    text += '[link.l]\nsignal = "response.r"\nonto = "response.r.loss"\ngain = 1.0\n'
    with pytest.raises(ScenarioError, match="depends on itself"):
        solved(text + read("end", "response.r", "end of obs"))
