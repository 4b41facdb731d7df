"""Dose tables mean what NONMEM means by them, and what is written down means what was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.circuits import HEAD, only, replaced, solved
from support.nonmem_rules import System, amounts_at, people

from workbench.component.registry import registry
from workbench.errors import UsageError
from workbench.inspection.dose_records import dose_records
from workbench.scenario.dosing import written
from workbench.scenario.load import parse_scenario
from workbench.solver.run import solve

TIMES = (0.0, 0.7, 3.1, 6.0, 9.4, 14.2, 20.0, 27.3, 36.0, 47.9)
BODIES = {
    "oral": """
[drug.d]
model = "one_compartment_oral"
clearance = "3 L/h"
volume = "24 L"
absorption = "0.9 1/h"
bioavailability = {share}
lag = "{lag} h"
""",
    "oral_two": """
[drug.d]
model = "two_compartment_oral"
clearance = "3 L/h"
volume = "24 L"
absorption = "0.9 1/h"
k12 = "0.3 1/h"
k21 = "0.2 1/h"
bioavailability = {share}
lag = "{lag} h"
""",
    "vein": """
[drug.d]
model = "multi_compartment_intravenous"
clearance = "3 L/h"
volume = "24 L"
[compartment.deep]
drug = "d"
flow = "2 L/h"
volume = "40 L"
""",
    "nose": """
[drug.d]
model = "multi_compartment_intranasal"
clearance = "3 L/h"
volume = "24 L"
nasal_rate = "2.5 1/h"
nasal_share = 0.4
absorption = "0.9 1/h"
oral_share = 0.5
lag = "{lag} h"
[compartment.deep]
drug = "d"
flow = "2 L/h"
volume = "40 L"
""",
}
OBSERVED = '[phase.obs]\nclock = "event"\nlength = "48 h"\n' + "".join(
    f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "d"\nwindow = "{time} h into obs"\n'
    for i, time in enumerate(TIMES)
)
ONE = replaced(HEAD, ("count = 6", "count = 1"))


def system(body: str, share: float, lag: float) -> System:
    """Return the same drug as rates between numbered compartments."""
    k, ka = 3.0 / 24.0, 0.9
    if body == "oral":
        return System(np.array([[-ka, 0.0], [ka, -k]]), [share, 1.0], [lag, 0.0])
    if body == "oral_two":
        matrix = [[-ka, 0.0, 0.0], [ka, -k - 0.3, 0.2], [0.0, 0.3, -0.2]]
        return System(np.array(matrix), [share, 1.0, 1.0], [lag, 0.0, 0.0])
    out, back = 2.0 / 24.0, 2.0 / 40.0
    vein = np.array([[-k - out, back], [out, -back]])
    if body == "vein":
        return System(vein, [1.0, 1.0], [0.0, 0.0])
    matrix = np.zeros((4, 4))
    matrix[2:, 2:] = vein
    matrix[:, 0] = [-2.5, 0.6 * 2.5, 0.4 * 2.5, 0.0]
    matrix[:3, 1] = [0.0, -ka, 0.5 * ka]
    return System(matrix, [1.0] * 4, [lag, 0.0, 0.0, 0.0])


def told(body: str, share: float, lag: float, text: str) -> Any:
    """Return the concentrations (ng/mL) that NONMEM's rules make of a table."""
    (records,) = people(text).values()
    central = {"oral": 1, "oral_two": 1, "vein": 0, "nose": 2}[body]
    return 1000.0 / 24.0 * amounts_at(system(body, share, lag), records, TIMES)[:, central]


def found(text: str) -> Any:
    """Return the concentrations that the engine gives."""
    outcomes = solved(text).outcomes
    return np.array([outcomes[f"c{i}"][0] for i in range(len(TIMES))])


def agree(mine: Any, theirs: Any) -> None:
    assert np.max(np.abs(mine - theirs)) <= 1e-9 * max(np.max(np.abs(theirs)), 1e-3)


@st.composite
def tables(draw: Any, places: int) -> str:
    """Return a table of one person as NONMEM's users write it."""
    lines, time = ["ID,TIME,AMT,RATE,II,ADDL,SS,EVID,CMT"], 0.0
    for place in range(draw(st.integers(1, 4))):
        time += draw(st.sampled_from([0.0, 2.0, 5.5, 12.0] if place else [0.0, 1.5]))
        kind = draw(st.sampled_from([1, 1, 1, 1, 3, 4] if place else [1, 1, 4]))
        cmt = draw(st.integers(0, places))
        amount, rate = draw(st.sampled_from([40.0, 100.0])), draw(st.sampled_from([0, 0, 8.0, 50.0]))
        every, further, ss = (
            draw(st.sampled_from([5.0, 8.0])),
            draw(st.integers(0, 3)),
            draw(st.sampled_from([0, 0, 1, 2])),
        )
        if kind == 3:
            lines.append(f"1,{time},0,0,0,0,0,3,{cmt}")
        elif draw(st.integers(0, 7)) == 0:
            lines.append(f"1,{time},0,12,0,0,{draw(st.sampled_from([1, 2]))},{kind},{cmt or places}")
        else:
            lines.append(f"1,{time},{amount},{rate},{every if further or ss else 0},{further},{ss},{kind},{cmt}")
    return "\n".join([*lines, f"1,{time},60,0,0,0,0,1,0"]) + "\n"


QUICK = settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("body", "places"), [("oral", 2), ("oral_two", 3), ("vein", 2), ("nose", 4)])
@QUICK
@given(data=st.data())
def test_a_table_is_what_nonmem_makes_of_it(body: str, places: int, data: Any) -> None:
    """Bolus and infusion, SS 1 and 2, EVID 1, 3, 4, ADDL, RATE with F, lags longer than II, every compartment."""
    table = data.draw(tables(places))
    share = data.draw(st.sampled_from([1.0, 0.4])) if body.startswith("oral") else 1.0
    lag = data.draw(st.sampled_from([0.0, 1.25, 6.5])) if body != "vein" else 0.0
    if lag and any(line.split(",")[2] == "0" and line.split(",")[7] != "3" and line.split(",")[8] == "1"
                   for line in table.splitlines()[1:]):  # fmt: skip
        lag = 0.0  # an endless infusion with a lag is refused
    dose = f'[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\ntable = """\n{table}"""\n'
    agree(found(ONE + BODIES[body].format(share=share, lag=lag) + OBSERVED + dose), told(body, share, lag, table))


@st.composite
def regimens(draw: Any) -> str:
    """Return up to three dose tables in plain words, in records, and as a table, in any mixture."""
    text = ""
    for i in range(draw(st.integers(1, 3))):
        words = draw(st.sampled_from(["plain", "plain", "plain", "nonmem", "table"]))
        text += f'[dose.x{i}]\ndrug = "d"\nduring = "obs"\n'
        every = draw(st.sampled_from([6, 8, 12]))
        if words == "plain":
            text += f'amount = "{draw(st.sampled_from([30, 75]))} mg"\nevery = "{every} h"\n'
            settled = draw(st.integers(0, 2)) == 0
            text += "steady_state = true\n" if settled else f'first = "{draw(st.sampled_from([0, 2.5]))} h"\n'
            text += f'duration = "{draw(st.sampled_from([2, 14]))} h"\n' if draw(st.booleans()) else ""
            text += draw(st.sampled_from(["", "", "count = 1\n", "count = 3\n", 'until = "20 h"\n']))
            if not settled:
                text += draw(st.sampled_from(["", "missed = [1]\n"]))
                rising = '[dose.x{}.titration]\nstart = "20 mg/day"\nstep = "20 mg/day"\neach = "1 day"\n'
                text += draw(st.sampled_from(["", rising.format(i)]))
        elif words == "nonmem":
            text += f'regimen = "nonmem"\namt = "50 mg"\nii = "{every} h"\naddl = {draw(st.integers(0, 2))}\n'
            text += f'ss = {draw(st.integers(0, 2))}\ntime = "{draw(st.sampled_from([0, 4, 8]))} h"\n'
            text += 'rate = "20 mg/h"\n' if draw(st.booleans()) else ""
            text += f"cmt = {draw(st.integers(0, 2))}\nevid = {draw(st.sampled_from([1, 1, 4]))}\n"
        else:
            rows = draw(
                st.sampled_from(["0,60,4.5,1,0,0\n", "0,60,0,1,0,0\n6,0,0,3,0,0\n16,30,2,1,6,2\n", "8,60,3,4,12,1\n"])
            )
            text += f'regimen = "table"\ntable = """\nTIME,AMT,TINF,EVID,II,ADDL\n{rows}"""\n'
    return text


@QUICK
@given(text=regimens(), share=st.sampled_from([1.0, 0.4]), lag=st.sampled_from([0.0, 1.25, 9.0]))
def test_what_is_written_is_what_is_given(text: str, share: float, lag: float) -> None:
    """To whoever reads the table by NONMEM's rules, and to ours: the concentrations are those of the scenario."""
    head = ONE + BODIES["oral"].format(share=share, lag=lag) + OBSERVED
    scenario = parse_scenario((head + text).encode(), "t.toml", Path(), registry())
    try:
        table = written(dose_records(scenario, "default"))
    except UsageError as error:
        assert "steady state" in str(error) or "gives no dose" in str(error)
        return
    mine = found(head + text)
    agree(mine, told("oral", share, lag, table))
    again = f'[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\ntable = """\n{table}"""\n'
    agree(mine, found(head + again))


def test_a_run_is_the_same_alone_and_beside_any_other() -> None:
    """Resets, steady states and compartments of others in the block change no bit."""
    rows = {
        1: "1,0,100,0,8,3,1,1,1\n1,6,50,10,0,0,0,4,2\n",
        2: "2,0,100,20,8,5,2,1,1\n",
        3: "3,2,40,0,0,0,0,1,2\n3,9,0,0,0,0,0,3,0\n3,9,60,5,6,4,1,1,1\n",
        4: "4,0,0,12,0,0,1,1,2\n",
        5: "5,1,30,0,6,2,0,1,0\n",
        6: "6,0,.,.,.,.,.,0,2\n",
    }
    head = BODIES["oral"].format(share=0.4, lag=1.25) + OBSERVED
    dose = (
        '[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\ntable = """\nID,TIME,AMT,RATE,II,ADDL,SS,EVID,CMT\n'
    )
    together = only(f'{HEAD}{head}{dose}{"".join(rows.values())}"""\n')
    found = solve(together).outcomes
    for i in range(6):
        alone = solve(together.take(np.array([i]))).outcomes
        assert all(alone[name][0].tobytes() == found[name][i].tobytes() for name in found)
        records = people("ID,TIME,AMT,RATE,II,ADDL,SS,EVID,CMT\n" + rows[i + 1])[float(i + 1)]
        theirs = 1000.0 / 24.0 * amounts_at(system("oral", 0.4, 1.25), records, TIMES)[:, 1]
        agree(np.array([found[f"c{k}"][i] for k in range(len(TIMES))]), theirs)
