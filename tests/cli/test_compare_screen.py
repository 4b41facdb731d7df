"""What ``compare`` prints first: the declared comparisons in one screen, in the words of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.aimed import aimed
from support.commands import answer, workbench
from support.fabricated import TEXT, ArmRow, StudyRow, fabricate, patients, studies

from workbench import terms
from workbench.analysis.selection import select
from workbench.report.overview import equal_outcomes

JOINT = '\n[interaction.joint]\ntitle = "Two made-up halves"\narms = ["ill_30", "ill_15", "ill_6", "ill"]\n'
LONG = "ill_with_a_name_of_more_than_forty_letters_in_it"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `aimed.db`: a benefit, a cost, an interaction, and plausible parameters."""
    place = tmp_path_factory.mktemp("screen")
    aimed(place / "aimed.db", design=True, extra=JOINT, subjects=12)
    return place


def block(lines: list[str], start: str) -> list[str]:
    """Return the lines from the one that begins with `start` to the next that is not indented."""
    at = next(place for place, line in enumerate(lines) if line.startswith(start))
    size = next((n for n, line in enumerate(lines[at + 1 :], 1) if not line.startswith("  ")), len(lines))
    return lines[at : at + size]


def numbers(line: str) -> list[float]:
    return [float(text) for text in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", line)]


def test_benefit_interaction_and_costs_come_first_with_their_numbers(folder: Path) -> None:
    lines = workbench("compare", "aimed.db", cwd=folder).stdout.splitlines()
    benefit, joint, cost = (block(lines, start) for start in ("benefit: ", "interaction joint: ", "cost healthy: "))
    assert lines.index(benefit[0]) < lines.index(joint[0]) < lines.index(cost[0]) < lines.index("every arm in overflow")
    assert "Spilling into the wrong place (overflow" in benefit[0]

    rows = answer(workbench("compare", "aimed.db", "--json", cwd=folder))
    found = {(row["arm"], row["baseline"]): row for row in rows["rows"]}
    for lines_of, pair in ((benefit, ("ill_30", "ill")), (cost, ("healthy_30", "healthy"))):
        one = found[pair]
        line = next(line for line in lines_of if line.strip().startswith(f"{pair[0]} - {pair[1]}"))
        wanted = [one[name] for name in ("difference", "low", "high", "p10", "p90")]
        assert numbers(line) == pytest.approx(wanted, abs=6e-4)
    terms_of = {row["arms"]: row["difference"] for row in rows["interactions"] if row["study"] == "arms"}
    for label, arms in (("ill_15 - ill", "ill_15 - ill"), ("interaction", "(ill_30 - ill_15) - (ill_6 - ill)")):
        line = next(line for line in joint[1:] if line.strip().startswith(label))
        assert numbers(line)[0] == pytest.approx(terms_of[arms], abs=6e-4)
    assert benefit[-1].startswith(f"  {terms.PLAUSIBLE}, 30 sets: ")


def test_an_interaction_that_the_benefit_is_about_comes_before_the_pair_of_arms(tmp_path: Path) -> None:
    about = '\n[report.benefit]\noutcome = "overflow"\ninteraction = "joint"\n' + JOINT
    arms = patients()
    fabricate(tmp_path / "a.db", arms, studies(arms), 12, text=TEXT + about)
    lines = workbench("compare", "a.db", cwd=tmp_path).stdout.splitlines()
    joint, pair = block(lines, "benefit, interaction joint: "), block(lines, "benefit: ")
    assert lines.index(joint[0]) < lines.index(pair[0])
    assert [line.split("  ")[1] for line in joint[1:]] == ["ill_15 - ill", "ill_6 - ill", "interaction"]


def test_a_screen_has_the_same_words_at_every_width_and_fits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        lines = workbench("compare", "aimed.db", cwd=folder).stdout.splitlines()
        assert max(map(len, lines)) <= width
        said[width] = sorted(" ".join(lines).split())
    assert said[80] == said[120]
    assert len(lines) <= 45


def test_the_columns_are_named_by_the_terms_of_the_pages(folder: Path) -> None:
    text = workbench("compare", "aimed.db", cwd=folder).stdout
    for term in (terms.DIFFERENCE, terms.CALCULATION_ERROR, terms.HEDGES_G):
        assert term in text
    assert set(terms.IN_A_LINE) <= set(terms.MEANINGS) | {terms.spread("subjects")}


def test_arms_without_any_difference_share_a_line_and_all_has_every_table(tmp_path: Path) -> None:
    rows = (
        ArmRow("base", lambda i: 1.0 + 0.1 * i),
        ArmRow("same", lambda i: 1.0 + 0.1 * i, baseline="base"),
        ArmRow(LONG, lambda i: 2.0 + 0.3 * i, baseline="base"),
    )
    fabricate(tmp_path / "a.db", rows, (StudyRow("arms", tuple(row.name for row in rows)),), 12)
    first = workbench("compare", "a.db", cwd=tmp_path).stdout
    assert "no difference in any subject: same" in first and "main comparison: " in first
    lines = first.splitlines()
    assert max(map(len, lines)) <= 80 and f"  {LONG}" in lines, "a long name has a line of its own"
    every = workbench("compare", "a.db", "--all", cwd=tmp_path).stdout
    assert every.startswith(first) and "overflow" in every[len(first) :]


def test_outcomes_that_no_arm_changes_are_counted_not_shown(tmp_path: Path) -> None:
    def arms(shift: float) -> tuple[ArmRow, ...]:
        return ArmRow("one", lambda i: 1.0 + 0.1 * i), ArmRow("two", lambda i: 1.0 + 0.1 * i + shift, baseline="one")

    for shift, equal in ((0.0, ("overflow",)), (1e-15, ("overflow",)), (1e-6, ())):
        db = tmp_path / f"{shift}.db"
        fabricate(db, arms(shift), (StudyRow("arms", ("one", "two")),), 4)
        assert equal_outcomes(select(db), "arms") == equal
    text = workbench("compare", "0.0.db", "--all", cwd=tmp_path).stdout
    assert "1 outcome is the same in all arms and not shown: overflow" in text
