"""A parameter behind a number of the protocol may be swept: each value makes its own program."""

from __future__ import annotations

from pathlib import Path

from support.sound_scenario import PARAMETERS, SOUND

from workbench.plan import plan
from workbench.scenario import load_scenario

PACE = """
[parameter.pace]
value = "5 trial/day"
range = ["1 trial/day", "50 trial/day"]
meaning = "effective trials a day"
"""
STUDY = """
[study.pace]
arms = ["plain"]
[study.pace.sweep]
"parameter.pace" = { values = ["2 trial/day", "10 trial/day"], zip = "pace" }
"phase.treatment.trials" = { values = [40, 200], zip = "pace" }
"""


def test_a_parameter_that_sets_the_pace_of_a_phase_may_be_swept(tmp_path: Path) -> None:
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "small.toml").write_text(PARAMETERS.replace("[condition.ill]", PACE + "[condition.ill]"))
    file = tmp_path / "paced.toml"
    paced = SOUND.replace("order = 2\ntrials = 50", 'order = 2\ntrials = 50\ntrials_per_day = { ref = "pace" }')
    file.write_text(paced + STUDY)
    planned = plan(load_scenario(file))
    phases = {
        tuple(t.field(name) for name in ("trials", "trials_per_day"))
        for structure in planned.structures()
        for t in structure.tables
        if (t.section, t.name) == ("phase", "treatment")
    }
    assert phases == {(40, 2.0), (200, 10.0)}
    assert planned.resolved("plain", "pace", 1)["phase.treatment.trials_per_day"].value == 10.0
