"""A sweep is never continued with another text: the changed scenario is a sweep of its own, and what changed is named."""

from __future__ import annotations

from pathlib import Path

from support.commands import SMALL, answer, workbench

from workbench.store import digest, open_results

SWEEP = ("sweep", "small.toml", "--db", "small.db", "--workers", "1", "--study", "arms")


def test_D08_a_changed_scenario_is_another_sweep_and_the_difference_is_named(tmp_path: Path) -> None:
    scenario = tmp_path / "small.toml"
    scenario.write_text(SMALL)
    assert workbench(*SWEEP, cwd=tmp_path).returncode == 0
    first, text = digest(tmp_path / "small.db", 1), open_results(tmp_path / "small.db").scenario_text(1)
    scenario.write_text(SMALL.replace("rate = 0.002", "rate = 0.003"))
    done = workbench(*SWEEP, cwd=tmp_path)
    assert done.returncode == 0 and "plasticity.input_output.rate 0.002 -> 0.003" in " ".join(done.stderr.split())
    scenario.write_text(SMALL.replace("Small and quick", "Another title"))
    assert workbench(*SWEEP, cwd=tmp_path).returncode == 0
    scenario.write_text(SMALL)
    assert workbench(*SWEEP, cwd=tmp_path).returncode == 0  # goes on with the first, which has its text
    listed = answer(workbench("runs", "small.db", "--json", cwd=tmp_path))["rows"]
    assert [row["sweep"] for row in listed] == [1, 2, 3] and len({row["scenario_sha256"] for row in listed}) == 3
    assert [row["missing"] for row in listed] == [0, 0, 0]
    assert digest(tmp_path / "small.db", 1) == first
    assert open_results(tmp_path / "small.db").scenario_text(1) == text == SMALL.encode()
    told = [row["wrote"] for row in answer(workbench("runs", "small.db", "--history", "--json", cwd=tmp_path))["rows"]]
    assert [words.rpartition("sweep ")[2][:1] for words in told] == ["1", "2", "3", "1"]
    assert told[2].endswith("0 runs computed, 0 of them failed, 12 reused") and told[3].endswith("nothing new")
