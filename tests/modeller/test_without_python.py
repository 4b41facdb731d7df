"""What a modeller changes without Python: a line or a table of the shipped scenario, run by the real command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from support.commands import answer, process, workbench

import workbench as api
from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.plan.sources import Resolved
from workbench.scenario.load import load_scenario, parse_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder

SHIPPED = (scenarios_folder() / "dystonia.toml").read_text(encoding="utf-8")
ARMS, STUDIES = "# --- arms", "# --- studies"
CORTEX = '[population.cortex]\ntitle = "Cortical cue assemblies"\nkind = "source"\nsize = '
CONTEXT = '[population.context]\ntitle = "What all cues share"\nkind = "source"\n'
"""Only the study of which the text is relieved reads it."""
D2 = "[plasticity.cortex_d2]\n"
SHORT = (
    ("trials = 4000", "trials = 60"),
    ("trials 200-800", "trials 20-40"),
    ("last 400 trials", "last 20 trials"),
    ("every = 200", "every = 20"),
)
Run = Callable[..., pd.DataFrame]


def edited(*swaps: tuple[str, str]) -> str:
    """Return the shipped text, its first study only, with each swap made; each must be possible."""
    text = SHIPPED[: SHIPPED.index("[study.balance_by_tone]")].replace(CONTEXT, "")
    for old, new in swaps:
        assert old in text, f"the shipped scenario has no {old!r}"
        text = text.replace(old, new)
    return text


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a text with short phases and two subjects, and returns each arm's mean outcomes."""
    assert workbench("init", ".", cwd=tmp_path).returncode == 0

    def sweep(text: str, *arguments: str, subjects: int = 2) -> pd.DataFrame:
        for old, new in SHORT:
            text = text.replace(old, new)
        (tmp_path / "scenarios" / "mine.toml").write_text(text, encoding="utf-8")
        selection = ("--subjects", str(subjects), "--workers", "0", "--json", *arguments)
        done = workbench("sweep", "scenarios/mine.toml", *selection, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said = answer(done)
        assert said["failed"] == said["missing"] == 0
        results = api.open_results(tmp_path / said["db"])
        wide = results.outcomes_wide(said["sweep"], "arms")
        return wide.groupby("arm", observed=True).mean(numeric_only=True)

    return sweep


def test_six_muscles_by_one_line(run: Run, tmp_path: Path) -> None:
    four, six = run(edited()), run(edited((CORTEX + "4", CORTEX + "6")))
    assert (four["overflow_practice"] != six["overflow_practice"]).all()
    settings = api.open_results(tmp_path / "data" / "results" / "mine.db").settings(sweep=2)
    assert set(settings.query("path == 'population.cortex.size'")["number"]) == {6.0}


def test_a_sliding_threshold_that_no_rule_reads_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"homeostat\.muscle: acts on nothing: no rule reads its threshold"):
        parse_scenario(edited(('homeostat = "muscle"\n', "")).encode(), "mine.toml", scenarios_folder())


def test_the_sliding_threshold_is_switched_off_by_a_line(run: Run) -> None:
    on, off = run(edited()), run(edited(('strength = { ref = "homeostat_strength" }', "strength = 0.0")))
    # What the shipped arm without it does anyway, every arm does now.
    assert off.loc["dyt1", "overflow_withdrawal"] == pytest.approx(on.loc["dyt1_no_homeostasis", "overflow_withdrawal"])
    assert off.loc["dyt1", "overflow_withdrawal"] != on.loc["dyt1", "overflow_withdrawal"]


def test_one_arm_is_without_the_sliding_threshold_by_a_line(run: Run) -> None:
    arm = '[arm.free]\nextends = "dyt1"\nwithout = ["homeostat.muscle"]\n\n'
    frame = run(edited((STUDIES, arm + STUDIES)))
    expected = frame.loc["dyt1_no_homeostasis", "overflow_withdrawal"]
    assert frame.loc["free", "overflow_withdrawal"] == pytest.approx(expected)


@pytest.mark.parametrize("rule", ["hebb"])
def test_one_arm_has_another_rule_in_the_d2_pathway_by_a_line(run: Run, rule: str) -> None:
    arm = f'[arm.other]\nextends = "dyt1"\n\n[arm.other.set]\n"plasticity.cortex_d2.rule" = "{rule}"\n\n'
    frame = run(edited((STUDIES, arm + STUDIES)))
    assert frame.loc["other", "overflow_withdrawal"] != frame.loc["dyt1", "overflow_withdrawal"]
    everywhere = run(edited(), "--set", f"plasticity.cortex_d2.rule={rule}", "--arm", "dyt1")
    assert everywhere.loc["dyt1", "overflow_withdrawal"] == frame.loc["other", "overflow_withdrawal"]


def test_in_the_file_a_swapped_rule_names_every_line_that_belongs_to_the_old_one(run: Run, tmp_path: Path) -> None:
    text = edited((D2, D2 + 'rule = "hebb"\n'))
    (tmp_path / "scenarios" / "mine.toml").write_text(text, encoding="utf-8")
    done = workbench("check", "scenarios/mine.toml", cwd=tmp_path)
    assert done.returncode == 2
    faults = re.findall(r"mine\.toml:(\d+):1: plasticity\.cortex_d2\.(\w+): (.*)", done.stderr)
    assert {"drive", "third_factor", "homeostat"} < {field for _, field, _ in faults}
    assert all("rate, postsynaptic, stabiliser" in message for _, _, message in faults)
    lines = text.splitlines()
    assert all(lines[int(line) - 1].startswith(field) for line, field, _ in faults)
    kept = [line for number, line in enumerate(lines, 1) if str(number) not in {at for at, _, _ in faults}]
    alone = run("\n".join(kept), "--arm", "dyt1")
    swapped = run(edited(), "--arm", "dyt1", "--set", "plasticity.cortex_d2.rule=hebb")
    assert alone.loc["dyt1", "overflow_withdrawal"] == swapped.loc["dyt1", "overflow_withdrawal"]


def test_an_arm_with_less_acetylcholine_is_five_lines(run: Run) -> None:
    arm = (
        '[arm.depleted]\ntitle = "DYT1, half the acetylcholine"\nextends = "dyt1"\ncompare_with = "dyt1"\n'
        '[arm.depleted.set]\n"modulator.acetylcholine.tone" = { value = 0.75, status = "assumed" }\n\n'
    )
    frame = run(edited((STUDIES, arm + STUDIES)))["overflow_withdrawal"]
    assert frame["dyt1_ach_depletion"] < frame["depleted"] < frame["dyt1"]


@cache
def treated() -> tuple[Scenario, Mapping[str, Resolved]]:
    """Return the shipped scenario and every value of its treated arm."""
    scenario = load_scenario(scenarios_folder() / "dystonia.toml")
    return scenario, plan(scenario).resolved("dyt1_thp30")


def numbers(*, fixed: bool) -> Iterator[tuple[str, str, float]]:
    """Yield path, unit and value in the treated arm of every number, and of every parameter that one refers to.

    `fixed` includes those that shape the protocol: an arm may set them, but they are the same at all points.
    """
    scenario, resolved = treated()
    parameters = set()
    for path, found in resolved.items():
        section, name, field = path.split(".", 2)
        declared = scenario.tables[section][name].component.parameters().get(field)
        if declared is None or found.value is None or declared.kind != "number" or (declared.fixed and not fixed):
            continue
        yield path, declared.unit, float(found.value)
        parameters |= {found.parameter} - {""}
    for name in sorted(parameters):
        value = scenario.parameters.values[name]
        yield f"parameter.{name}", value.unit, value.number


NEUTRAL = (
    # A mark is 1 at its reference, and here the reference is the task's own delay: only another delay shows its shape.
    *("eligibility.", "parameter.kernel_", "parameter.tau_", "parameter.reward_delay"),
    # The task shows one cue at 1; what all cues share is read in the study of shared rows alone.
    *("population.cortex.value", "population.context.value"),
    # How fast a synapse changes under stimulation; the circuit runs on trials.
    *("plasticity.cortex_d1.pace", "plasticity.cortex_d2.pace"),
    # The circuit's channels do not compete for a sum of weights.
    *("plasticity.cortex_d1.total", "plasticity.cortex_d2.total"),
    # Doses are given in mg to the end of the phase, to people of the weight that clearance is for.
    *("dose.thp.until", "dose.thp.titration_maximum", "dose.thp.body_weight"),
    *("drug.trihexyphenidyl.clearance_exponent", "drug.trihexyphenidyl.volume_exponent"),
)
"""What the shipped circuit does not depend on near its own value."""


def test_every_number_can_be_swept_as_a_factor_and_moves_something(tmp_path: Path) -> None:
    factors = tuple(numbers(fixed=False))
    assert workbench("init", ".", cwd=tmp_path).returncode == 0
    text = SHIPPED[: SHIPPED.index(STUDIES)]
    for number, (path, _, _) in enumerate(factors):
        text += f'[study.s{number}]\nsubjects = 1\nrecord = false\narms = ["dyt1_thp30"]\n[study.s{number}.sweep]\n'
        text += f'"{path}" = {{ values = [0.95, 1.0], relative = true }}\n'
    text += '[study.context]\nsubjects = 1\nrecord = false\narms = ["dyt1_thp30"]\n[study.context.sweep]\n'
    text += '"projection.cortex_d1.pre" = { values = ["cortex", "context"] }\n'
    for old, new in (*SHORT, ('each = "3 day"', 'each = "0.5 day"')):  # full dose within the short phase
        text = text.replace(old, new)
    (tmp_path / "scenarios" / "mine.toml").write_text(text, encoding="utf-8")
    dry = workbench("sweep", "scenarios/mine.toml", "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    done = process("sweep", "scenarios/mine.toml", "--workers", "1", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    wide = api.open_results(tmp_path / answer(done)["db"]).outcomes_wide()
    outcomes = [name for name in wide if str(name).startswith(("overflow", "success", "concentration", "occupancy"))]
    moved = wide.groupby("study", observed=True)[outcomes].nunique().gt(1).any(axis=1)
    still = {path for number, (path, _, value) in enumerate(factors) if value and not moved[f"s{number}"]}
    assert {path for path in still if not path.startswith(NEUTRAL)} == set()


def test_every_number_can_be_set_on_the_command_line() -> None:
    scenario, before = treated()
    for path, unit, value in numbers(fixed=True):
        text = f"{0.99 * value!r}" if unit == "1" else f"{0.99 * value!r} {unit}"
        made = plan(scenario, arms=("dyt1_thp30",), settings={path: text}, studies=("arms",)).resolved("dyt1_thp30")
        fields = [at for at, found in before.items() if path in (at, f"parameter.{found.parameter}")]
        assert fields, path
        assert {made[field].origin for field in fields} == {"command line"}, path
