"""Refitting: known constants come back from synthetic targets, and what is written reads back and is never overwritten."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import answer, process, workbench
from small_findings import BIB, HEAD, finding

import workbench as api

SCENARIO = """schema = 1
title = "One dose, once"
parameters = "numbers"
[use]
context = "tests"
not_for = "anything but tests"
[subjects]
count = 2
seed = 7
[drug.pill]
model = "one_compartment_oral"
absorption = "1.5 1/h"
clearance = { ref = "clearance" }
volume = { ref = "volume" }
[occupancy.site]
drug = "pill"
ec50 = { ref = "ec50" }
[phase.day]
clock = "event"
order = 1
length = "48 h"
[dose.pill]
drug = "pill"
amount = "10 mg"
every = "1000 h"
during = "day"
[outcome.early]
readout = "concentration"
drug = "pill"
window = "2 h into day"
[outcome.late]
readout = "concentration"
drug = "pill"
window = "24 h into day"
[outcome.occupancy]
readout = "occupancy"
occupancy = "site"
window = "2 h into day"
[arm.dosed]
[arm.ill]
condition = "ill"
"""

FITTED = 'status = "fitted"\nfitted_to = ["C1", "C2"]\n'
SET = f"""# A comment that must stay.
schema = 1
name = "numbers"
version = "3"
title = "Numbers of one dose"

[parameter.clearance]   # the first
value = "12 L/h"        # shipped, and wrong
range = ["5 L/h", "40 L/h"]
{FITTED}meaning = "clearance"

[parameter.volume]
value = "200 L"
range = ["50 L", "400 L"]
{FITTED}meaning = "volume"
note = "kept"

[parameter.ec50]
value = "5 ng/mL"
range = ["1 ng/mL", "9 ng/mL"]
{FITTED}meaning = "concentration of half occupancy; no target sees it"

[parameter.endless]
value = 1.0
{FITTED}meaning = "has no range"

[parameter.unused]
value = 1.0
range = [0.5, 2.0]
{FITTED}meaning = "nothing refers to it"

[parameter.tone]
value = 1.0
range = [0.5, 2.0]
{FITTED}meaning = "changed by a condition"

[condition.ill]
tone = 1.5
"""

CLEARANCE, VOLUME, ABSORPTION = 20.0, 120.0, 1.5


def concentration(time: float) -> float:
    """Return ng/mL after 10 mg by mouth: the closed form, with the constants to be found."""
    k = CLEARANCE / VOLUME
    shape = math.exp(-k * time) - math.exp(-ABSORPTION * time)
    return 10_000 * ABSORPTION / (VOLUME * (ABSORPTION - k)) * shape


def target(outcome: str, number: float) -> str:
    accept = f"accept = [{0.9 * number!r}, {1.1 * number!r}]"
    more = f"target = {number!r}\nerror = {0.02 * number!r}"
    return f'statistic = "mean"\noutcome = "{outcome}"\narms = ["dosed"]\n{accept}\n{more}'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for place in ("scenarios", "data/parameters", "data/findings"):
        (tmp_path / place).mkdir(parents=True)
    occupied = 'statistic = "mean"\noutcome = "occupancy"\narms = ["dosed"]\naccept = [0, "open"]'
    rows = [
        finding("C1", target("early", concentration(2.0))),
        finding("C2", target("late", concentration(24.0))),
        finding("C3", occupied),
    ]
    (tmp_path / "scenarios" / "small.toml").write_text(SCENARIO)
    (tmp_path / "data" / "parameters" / "numbers.toml").write_text(SET)
    (tmp_path / "data" / "references.bib").write_text(BIB)
    (tmp_path / "data" / "findings" / "small.toml").write_text(HEAD + "".join(rows))
    return tmp_path


COMMAND = ("calibrate", "scenarios/small.toml", "--budget", "400", "--json")


def test_known_constants_come_back_and_a_parameter_no_target_sees_is_said_to_be_open(root: Path) -> None:
    done = process(*COMMAND, cwd=root)
    said = answer(done)
    assert (done.returncode, said["schema"], said["ok"]) == (0, 1, True), done.stderr
    found = {p["name"]: p for p in said["parameters"]}
    assert found["clearance"]["refit"] == pytest.approx(CLEARANCE, rel=1e-3)
    assert found["volume"]["refit"] == pytest.approx(VOLUME, rel=1e-3)
    assert found["clearance"]["identified"] and found["volume"]["identified"]
    assert not found["ec50"]["identified"] and found["ec50"]["left"] == pytest.approx(1.0)
    assert len(said["eigenvalues"]) == 3 and said["eigenvalues"][-1] == pytest.approx(0.0, abs=1e-9)
    assert said["loss"]["before"] > 100 and said["loss"]["after"] < 1e-3
    assert said["candidates"] <= 400
    reasons = {one["name"]: one["why"] for one in said["frozen"]}
    assert reasons == {"endless": "it has no range", "unused": "no field of this scenario refers to it",
                       "tone": "condition ill has a value of its own"}  # fmt: skip
    shown = {row["finding"]: row for row in said["criteria"]}
    assert shown["C1"]["fitted"] and not shown["C1"]["inside_before"] and shown["C1"]["inside_after"]
    assert not shown["C3"]["fitted"], "a finding that no parameter names is shown, not fitted to"


def test_the_new_set_is_the_old_text_with_new_values_and_says_where_it_came_from(root: Path) -> None:
    old = (root / "data" / "parameters" / "numbers.toml").read_bytes()
    said = answer(workbench(*COMMAND, cwd=root))
    assert (root / "data" / "parameters" / "numbers.toml").read_bytes() == old
    new = (root / "data" / "parameters" / "numbers-refit.toml").read_text()
    assert new.startswith("# A comment that must stay.") and "   # the first" in new
    before, after = tomllib.loads(old.decode()), tomllib.loads(new)
    provenance = after.pop("provenance")
    assert (provenance["from"], provenance["scenario"], provenance["seed"]) == ("numbers 3", "small", 1)
    assert provenance["findings"] == "C1, C2" and len(provenance["scenario_sha256"]) == 64
    moved = {p["name"]: p for p in said["parameters"]}
    assert float(after["parameter"]["clearance"]["value"].split()[0]) == moved["clearance"]["refit"]
    for name in moved:
        before["parameter"][name].pop("value"), after["parameter"][name].pop("value")
    before.pop("name"), after.pop("name")
    assert before == after, "evidence, notes and every other number are kept"
    (root / "scenarios" / "small.toml").write_text(SCENARIO.replace('"numbers"', '"numbers-refit"'))
    rows = answer(workbench("findings", "scenarios/small.toml", "--workers", "1", "--json", cwd=root))["findings"]
    assert {row["id"]: (row["role"], row["verdict"]) for row in rows}["C1"] == ("fit", "met")


def test_the_same_seed_writes_the_same_file_and_a_refit_can_be_refitted(root: Path) -> None:
    workbench(*COMMAND, "--to", "a.toml", cwd=root)
    workbench(*COMMAND, "--to", "b.toml", cwd=root)
    first, second = ((root / name).read_text() for name in ("a.toml", "b.toml"))
    assert first.replace('name = "a"', 'name = "b"') == second
    (root / "data" / "parameters" / "a.toml").write_text(first)
    (root / "scenarios" / "small.toml").write_text(SCENARIO.replace('"numbers"', '"a"'))
    assert answer(workbench(*COMMAND, "--to", "c.toml", cwd=root))["ok"]
    assert (root / "c.toml").read_text().count("[provenance]") == 1


def test_nothing_is_overwritten_without_force(root: Path) -> None:
    there = root / "data" / "parameters" / "numbers-refit.toml"
    there.write_text("mine")
    refused = process(*COMMAND, cwd=root)
    assert (refused.returncode, there.read_text()) == (3, "mine")
    assert "nothing was computed" in answer(refused)["errors"][0]["message"]
    assert workbench(*COMMAND, "--force", cwd=root).returncode == 0
    assert there.read_text() != "mine"
    for wrong in ("data/parameters/numbers.toml", "no/folder/x.toml", "x.txt"):
        assert workbench(*COMMAND, "--force", "--to", wrong, cwd=root).returncode == 3


def test_only_the_named_parameter_moves(root: Path) -> None:
    said = answer(workbench(*COMMAND, "--parameter", "clearance", cwd=root))
    assert [p["name"] for p in said["parameters"]] == ["clearance"]
    assert {"name": "volume", "why": "not asked for"} in said["frozen"]
    wrong = workbench(*COMMAND, "--parameter", "clarence", "--force", cwd=root)
    assert wrong.returncode == 2 and "no parameter 'clarence'" in answer(wrong)["errors"][0]["message"]


def test_without_anything_to_refit_it_says_why(root: Path) -> None:
    numbers = root / "data" / "parameters" / "numbers.toml"
    numbers.write_text(SET.replace('["C1", "C2"]', '["C9"]'))
    done = workbench(*COMMAND, cwd=root)
    assert done.returncode == 2 and "nothing to refit" in answer(done)["errors"][0]["message"]
    recalled = (root / "data" / "findings" / "small.toml").read_text().replace('"page"', '"memory"')
    numbers.write_text(SET)
    (root / "data" / "findings" / "small.toml").write_text(recalled)
    assert workbench(*COMMAND, cwd=root).returncode == 2, "what is quoted from memory is no target"


def test_the_text_compares_both_sets_and_python_gives_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = workbench("calibrate", "scenarios/small.toml", "--budget", "400", cwd=root)
    assert "not moved: endless: it has no range" in done.stdout
    assert "do not identify it" in done.stdout and "missed with the refit: none" in done.stdout
    monkeypatch.chdir(root)
    found = api.calibrate("scenarios/small.toml", budget=400)
    assert np.allclose([p.value for p in found.parameters][:2], [CLEARANCE, VOLUME], rtol=1e-3)
