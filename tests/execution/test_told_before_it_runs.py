"""What a file is told before it runs: too few subjects to show how they differ, and arms that nothing compares."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import SMALL, workbench

ARMS = '\n[arm.{0}]\nextends = "slow"\n[arm.{0}.set]\n"plasticity.input_output.rate" = 0.003\n'


def notes(tmp_path: Path, text: str, *arguments: str) -> list[str]:
    (tmp_path / "small.toml").write_text(text)
    command = ("sweep", "small.toml", "--dry-run", *arguments) if arguments else ("check", "small.toml")
    done = workbench(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("note: ")]


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 subject is"), (2, "2 subjects are"), (4, "4 subjects are"), (5, "")]
)
def test_few_subjects_that_differ_are_told_at_their_line(tmp_path: Path, count: int, told: str) -> None:
    found = notes(tmp_path, SMALL.replace("count = 6", f"count = {count}"))
    line = SMALL[: SMALL.index("count = 6")].count("\n") + 1
    said = f"note: small.toml:{line}:1: subjects.count: {told} too few to show how subjects differ (at least 5; "
    assert [text.startswith(said) for text in found] == [True] * bool(told)


def test_few_subjects_asked_for_on_the_command_line_are_told_without_a_line(tmp_path: Path) -> None:
    (found,) = notes(tmp_path, SMALL.replace("count = 6", "count = 60"), "--subjects", "2")
    assert found.startswith("note: small.toml: --subjects: 2 subjects are too few")


def test_an_arm_that_nothing_compares_is_told_unless_no_arm_says_what_it_is_compared_with(tmp_path: Path) -> None:
    text = SMALL.replace("count = 6", "count = 60")
    alone, last = ARMS.format("alone"), ARMS.format("last")
    assert notes(tmp_path, text + alone) != []
    unsaid = text.replace('compare_with = "slow"\n', "")
    assert notes(tmp_path, unsaid + alone) == [], "then all are compared with the first"
    assert notes(tmp_path, text) == []
    (found,) = notes(tmp_path, text + alone)
    line = (text + alone).splitlines().index("[arm.alone]") + 1
    assert (
        found.startswith(f"note: small.toml:{line}:") and ': arm.alone: has no baseline (compare_with = "...")' in found
    )
    assert (
        notes(tmp_path, text + alone + last.replace('extends = "slow"', 'extends = "slow"\ncompare_with = "alone"'))
        == []
    )
    joint = '\n[interaction.two]\narms = ["fast", "slow", "alone", "last"]\n'
    assert notes(tmp_path, text + alone + last + joint) == []
