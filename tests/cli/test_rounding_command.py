"""`workbench rounding`: a model that grows apart is told from one that settles."""

from __future__ import annotations

from pathlib import Path

from support.commands import SMALL, answer, workbench

from workbench.scenario.shipped_files import scenarios_folder


def test_what_amplifies_is_named_and_the_rest_is_summed_up(tmp_path: Path) -> None:
    """What is left of an error that has shrunk to nothing has few digits, and so has its direction."""
    learned = scenarios_folder() / "rules" / "feedback_alignment.toml"
    said = workbench("rounding", learned, "--arm", "fixed", "--subjects", "2", cwd=tmp_path)
    assert said.returncode == 0
    header, first, *_, last = said.stdout.splitlines()
    assert header.split() == ["arm", "outcome", "moves", "by"] and first.split()[:2] == ["fixed", "angle_end"]
    assert float(first.split()[2]) > 1e-9 and last.startswith("All others move by at most ")


def test_where_nothing_amplifies_a_last_digit_moves_last_digits(tmp_path: Path) -> None:
    (tmp_path / "calm.toml").write_text(SMALL, encoding="utf-8")
    calm = workbench("rounding", "calm.toml", cwd=tmp_path)
    assert calm.returncode == 0 and calm.stdout.startswith("Nothing amplifies rounding")
    said = answer(workbench("rounding", "calm.toml", "--json", "--arm", "slow", "--subjects", "2", cwd=tmp_path))
    assert {row["arm"] for row in said["rows"]} == {"slow"} and not any(row["amplifies"] for row in said["rows"])
    assert all(0.0 < row["share"] < 1e-13 for row in said["rows"])
    assert [file.name for file in tmp_path.iterdir()] == ["calm.toml"], "nothing is stored"
