"""Structures that arms, sweeps or the command line make are checked like the file's own."""

from __future__ import annotations

import pytest
from support.circuits import STRIATUM, batches

from workbench.errors import ScenarioError


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"population.cortex.size": "6"}, "task.reach.answers", "cortex and muscle differ in size, got 6 and 4"),
        ({"phase.treatment.trials": "20"}, "outcome.overflow.window", "phase treatment has 20 trials"),
        ({"projection.surround.post": "d1"}, "projection.surround.post", "must be 'muscle'"),
    ],
)
def test_S08_a_changed_structure_that_does_not_fit_is_refused_before_anything_runs(
    settings: dict[str, str], key: str, words: str
) -> None:
    with pytest.raises(ScenarioError, match=words) as caught:
        batches(STRIATUM, settings=settings)
    assert key in {problem.key for problem in caught.value.problems}
    assert any("in arm healthy" in problem.message for problem in caught.value.problems)


def test_a_swept_size_that_does_not_fit_is_refused() -> None:
    sweep = '[study.sizes]\n[study.sizes.sweep]\n"population.muscle.size" = { values = [4, 6] }\n'
    with pytest.raises(ScenarioError, match="muscle differ in size, got 4 and 6"):
        batches(STRIATUM + sweep)


def test_a_population_like_another_follows_its_size() -> None:
    """Six muscles are one changed line."""
    text = STRIATUM.replace(
        '[population.cortex]\nkind = "source"\nsize = 4', '[population.cortex]\nkind = "source"\nsize = 6'
    )
    for name in ("d1", "d2", "muscle"):
        text = text.replace(f"[population.{name}]\nsize = 4", f'[population.{name}]\nlike = "cortex"')
    (batch,) = batches(text)
    sizes = {t.name: dict(t.fields) for t in batch.structure.tables if t.section == "population"}
    assert sizes["cortex"]["size"] == 6 and sizes["muscle"]["like"] == "cortex"


def test_populations_that_are_like_each_other_in_a_circle_are_refused() -> None:
    text = STRIATUM.replace("[population.d1]\nsize = 4", '[population.d1]\nlike = "d2"')
    text = text.replace("[population.d2]\nsize = 4", '[population.d2]\nlike = "d1"')
    with pytest.raises(ScenarioError, match="circle"):
        batches(text)
