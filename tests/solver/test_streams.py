"""Generators made together are those that are made one by one."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.solver.streams import MANY, generator, generators


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32, 2**40 + 5, 2**63 - 1])
@pytest.mark.parametrize("names", [("noise:population.muscle", "practice"), ("mixing:task.party", "")])
def test_a_subject_draws_the_same_whoever_is_seeded_with_it(seed: int, names: tuple[str, str]) -> None:
    subjects = np.concatenate([[0, 1, 9_999_999], np.random.default_rng(3).integers(0, 10**7, MANY)])
    for subject, together in zip(subjects.tolist(), generators(seed, subjects, *names), strict=True):
        alone = generator(seed, subject, *names)
        assert together.random(3).tolist() == alone.random(3).tolist()
        assert together.standard_normal() == alone.standard_normal()


def test_few_subjects_are_seeded_one_by_one() -> None:
    few = np.arange(MANY - 1)
    assert [g.random() for g in generators(1, few, "a")] == [generator(1, s, "a").random() for s in few.tolist()]
