"""What a page says and draws of doses is what the engine gives: the same hours, the same number of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.circuits import HEAD, replaced

from workbench import open_results
from workbench.analysis.protocol import arm_settings, regimens
from workbench.analysis.selection import select
from workbench.analysis.timeline import timeline
from workbench.execution.runner import run_sweep
from workbench.inspection.dose_records import dose_records
from workbench.report.words import _prescribed
from workbench.scenario import load_scenario

REGIMENS = {
    "to_the_end": 'amount = "2 mg"\nevery = "24 h"\n',
    "more_than_fit": 'amount = "2 mg"\nevery = "24 h"\ncount = 30\n',
    "until": 'amount = "2 mg"\nevery = "12 h"\nuntil = "100 h"\n',
    "missed": 'amount = "2 mg"\nevery = "24 h"\nmissed = [2, 5]\nfirst = "3 h"\n',
    "one_fits": 'amount = "2 mg"\nevery = "24 h"\nfirst = "230 h"\n',
    "settled": 'amount = "2 mg"\nevery = "24 h"\nduration = "2 h"\nsteady_state = true\n',
    "record": 'regimen = "nonmem"\namt = "2 mg"\nrate = "1 mg/h"\nii = "48 h"\naddl = 9\ntime = "5 h"\n',
    "records": (
        'regimen = "table"\ntable = """\nTIME,AMT,RATE,II,ADDL,SS,EVID\n'
        '0,5,.,24,9,.,1\n60,.,.,.,.,.,3\n80,7,2,12,1,1,1\n300,9,.,.,.,.,1\n"""\n'
    ),
}
SAID = {
    "to_the_end": ["2 mg a day (2 mg every 24 h)"],
    "more_than_fit": ["2 mg, 10 doses, one every 24 h"],
    "one_fits": ["2 mg once"],
    "record": ["2 mg, 5 doses, one every 48 h"],
    "records": ["5 mg, 3 doses, one every 24 h", "7 mg, 2 doses, one every 12 h"],
}


def test_a_page_says_and_draws_the_doses_that_are_given(tmp_path: Path) -> None:
    """Ends of phases, missed doses, records, resets: the hours of the engine's own dose records, one for one."""
    doses = "".join(f'[dose.{n}]\ndrug = "d"\nduring = "care"\n{text}' for n, text in REGIMENS.items())
    without = {n: json.dumps([f"dose.{o}" for o in REGIMENS if o != n]) for n in REGIMENS}
    arms = "".join(f"[arm.{n}]\nwithout = {others}\n" for n, others in without.items())
    text = replaced(HEAD, ("count = 6", "count = 1")) + (
        '[drug.d]\nmodel = "one_compartment_oral"\nclearance = "3 L/h"\nvolume = "24 L"\nabsorption = "0.9 1/h"\n'
        'bioavailability = 0.5\n[phase.care]\nclock = "tick"\nlength = "10 day"\nstep = "12 h"\n'
        '[outcome.c]\nreadout = "concentration"\ndrug = "d"\nwindow = "end of care"\n'
    )
    file, db = tmp_path / "t.toml", tmp_path / "t.db"
    file.write_text(text + doses + arms)
    run_sweep(file, db=db, workers=1)
    scenario = load_scenario(file)
    with open_results(db) as results:
        selection = select(results)
        for name in REGIMENS:
            settings = arm_settings(selection, name)
            records = [r for r in dose_records(scenario, name) if r.amt > 0.0]
            given = sorted(r.time + k * r.ii for r in records for k in range(int(r.addl) + 1))
            drawn = timeline(selection, name)
            assert drawn is not None
            assert [hour * 24.0 for lane in drawn.lanes for hour in lane.at] == pytest.approx(given), name
            found = regimens(settings)
            if name in SAID:
                assert [_prescribed(regimen) for regimen in found] == SAID[name]
        details = {name: [r.details for r in regimens(arm_settings(selection, name))] for name in REGIMENS}
    assert details["missed"] == [("the first after 3 h", "without doses 2, 5")]
    assert details["record"] == [("the first after 5 h", "at 1 mg/h")]
    assert "the drug emptied at 60 h" in details["records"][0]
    assert "the drug emptied before it" in details["records"][1]
