"""``workbench assay``: any scenario's synapse in the shipped slice protocol, by the real command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from support.circuits import STRIATUM
from support.commands import answer, process, workbench
from support.slices import SLICE

from workbench.inspection.assays import assay
from workbench.plasticity.eligibility import Delayed
from workbench.scenario.shipped_files import scenarios_folder


def rows(*arguments: str | Path) -> dict[tuple[str, str], dict[str, Any]]:
    said = answer(workbench("assay", *arguments, "--json", cwd=scenarios_folder()))
    assert said["ok"] and said["unit"] == "% of control"
    return {(row["synapse"], row["arm"]): row for row in said["rows"]}


def test_the_behaving_circuits_synapse_shows_the_slice_phenotype_with_its_own_numbers(tmp_path: Path) -> None:
    """No slice constant is in that scenario: loss of depression and of depotentiation and the excess come from gates."""
    done = process("assay", scenarios_folder() / "dystonia.toml", "--arm", "healthy", "--arm", "dyt1", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == "" and list(tmp_path.iterdir()) == []
    lines = done.stdout.splitlines()
    assert lines[0] == "plasticity.cortex_d1: response in % of control"
    assert lines[1].split() == ["arm", "with", "Mg", "without", "Mg", "then", "low", "LTP/LTD"]
    healthy, ill = (np.array(line.split()[1:], dtype=float) for line in lines[2:4])
    assert healthy[0] < 75 < 95 < ill[0] < 105, "depression is lost"
    assert 125 < healthy[1] < ill[1] - 8, "potentiation is larger"
    assert healthy[2] < 112 and ill[2] > 0.9 * ill[1], "depotentiation is lost"
    assert healthy[3] == pytest.approx((healthy[1] - 100) / (100 - healthy[0]), abs=0.01)
    assert "plasticity.cortex_d2" in done.stdout and "Doses are not given" in done.stdout


def test_the_response_follows_from_the_scenarios_own_gates_bounds_and_marks() -> None:
    healthy = rows("dystonia.toml", "--synapse", "plasticity.cortex_d1", "--arm", "healthy")["cortex_d1", "healthy"]
    m1 = 0.2 / (0.2 + 1.0)
    gates = m1**2 / (m1**2 + 0.08**2), 1.0 / (1.0 + (m1 / 0.3) ** 5)
    areas = [9.0 * quad(lambda d, t=tau: float(Delayed(decay=t).response(d)), 0.3, 60.0)[0] for tau in (1.0, 2.0)]
    kept = [float(np.exp(-0.08 * gate * area)) for gate, area in zip(gates, areas, strict=True)]
    assert healthy["ltp"] == pytest.approx(100 * (1.0 - 0.5 * kept[0]) / 0.5, rel=1e-6)
    assert healthy["ltd"] == pytest.approx(100 * kept[1], rel=1e-6)
    away = (healthy["ltp"] - 100) * np.exp(-0.004 * gates[1] * 600.0)
    assert healthy["low"] == pytest.approx(100 + away, rel=1e-6)


def test_a_slice_put_through_the_assay_gives_its_own_outcomes() -> None:
    found = rows("dystonia_slice.toml", "--arm", "wt_ltd", "--arm", "dyt1_pirenzepine_ltp")
    healthy, treated = found["cortex_spn", "wt_ltd"], found["cortex_spn", "dyt1_pirenzepine_ltp"]
    assert [healthy[key] for key in ("ltd", "ltp", "low")] == pytest.approx([60.0, 149.0, 102.4], abs=1.0)
    assert [treated[key] for key in ("ltd", "ltp", "low")] == pytest.approx([60.9, 166.3, 103.7], abs=1.0)


def test_doses_and_task_are_left_out_but_arms_keep_what_they_say_of_the_synapse(tmp_path: Path) -> None:
    file = tmp_path / "striatum.toml"
    file.write_text(STRIATUM + '[arm.lesion]\nextends = "ill"\nwithout = ["projection.cortex_d2"]\n', encoding="utf-8")
    found = {(one.synapse, one.arm): one for one in assay(file)}
    assert {arm for synapse, arm in found if synapse == "cortex_d2"} == {"healthy", "ill", "treated"}
    ill, treated = found["cortex_d1", "ill"], found["cortex_d1", "treated"]
    assert (ill.ltd, ill.ltp, ill.low) == (treated.ltd, treated.ltp, treated.low)
    assert ill.ltp > found["cortex_d1", "healthy"].ltp


def test_what_does_not_fall_has_no_balance(tmp_path: Path) -> None:
    file = tmp_path / "rising.toml"
    file.write_text(SLICE.replace("ltd_gain = 0.05", "ltd_gain = 0.0"), encoding="utf-8")
    assert answer(workbench("assay", file, "--json", cwd=tmp_path))["rows"][0]["balance"] is None
    assert "no LTD" in workbench("assay", file, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rules/oja.toml"], "rules/oja.toml:98:1: plasticity.input_output: cannot be assayed: hebb compares"),
        (["rules/hebb.toml"], "cannot be assayed: hebb compares activities"),
        (["trihexyphenidyl.toml"], "nothing learns in this scenario"),
        (["dystonia.toml", "--synapse", "cortex_d3"], "no synapse plasticity.cortex_d3 in this scenario (there are: plasticity.cortex_d1"),
        (["dystonia.toml", "--arm", "helthy"], "no arm 'helthy' in this scenario"),
    ],
)  # fmt: skip
def test_what_cannot_be_assayed_is_refused_in_words(arguments: list[str], words: str) -> None:
    done = workbench("assay", *arguments, cwd=scenarios_folder())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert words in line
