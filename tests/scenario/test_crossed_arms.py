"""Two treatments crossed in a scenario file: four arms, each known, each once."""

from __future__ import annotations

import pytest

from workbench.scenario import to_text

ARMS = """
[arm.neither]
extends = "plain"
[interaction.drug_and_condition]
title = "Does the drug do more in the ill?"
arms = {arms}
"""
SOUND = '["treated", "low", "plain", "neither"]'


def test_an_interaction_is_read_and_written_back(load):
    scenario = load(more=ARMS.format(arms=SOUND))
    (found,) = scenario.interactions.values()
    assert (found.name, found.title) == ("drug_and_condition", "Does the drug do more in the ill?")
    assert found.arms == ("treated", "low", "plain", "neither")
    assert f"[interaction.drug_and_condition]\ntitle = {found.title!r}".replace("'", '"') in to_text(scenario)


def test_without_any_there_is_none(load):
    assert load().interactions == {}


@pytest.mark.parametrize(
    ("arms", "key", "words", "hint"),
    [
        ('["treated", "low", "plain", "nether"]', "arms[3]", 'no arm "nether" (defined: plain, treated', "neither"),
        ('["treated", "low", "treated", "plain"]', "arms[2]", 'arm "treated" is listed twice', ""),
        ('["treated", "low", "plain"]', "arms", "an interaction needs four arms (both, the first alone", ""),
        ('"treated"', "arms", "expected a list in brackets", ""),
    ],
)
def test_a_mistake_is_told_at_its_place(problem, arms, key, words, hint):
    found = problem(more=ARMS.format(arms=arms))
    assert found.key == f"interaction.drug_and_condition.{key}"
    assert found.message.startswith(words) or words in found.message
    assert hint in found.hint
    assert found.line > 80 and found.column > 1


def test_what_is_missing_and_what_is_unknown_is_told(problems):
    found = {p.key: p.message for p in problems(more='[interaction.x]\narm = ["plain"]\n')}
    assert found["interaction.x.arms"].startswith("is missing (four arms")
    assert found["interaction.x.arm"].startswith("unknown key (known: title, arms)")
    assert (
        "expected tables [interaction.NAME]" in problems('title = "Does', 'interaction = 3\ntitle = "Does')[0].message
    )
