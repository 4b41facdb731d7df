"""One step of learning from one number, by its equation."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import less, one_step, only, replaced, shipped_rule

from workbench.solver.streams import generator


@pytest.mark.parametrize("of", ["node", "weight"])
def test_a_jitter_changes_weights_by_what_the_error_says_of_it(of: str) -> None:
    """One step by the equation as written: the difference of two squared errors, at a jitter where it keeps digits."""
    text = replaced(
        shipped_rule("sample_efficiency"),
        ("trials = 60", "trials = 1"),
        ("count = 5000", "count = 8"),
        ("size = 1e-4", "size = 0.1"),
    )
    text = less(text, "outcome", "course", "arm", "study")
    text += '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'
    before, after = one_step(text)
    batch = only(text)
    x, target = after["population.input.activity"][:, 0], after["task.map.target"][:, 0]
    weight = before[f"projection.{of}.weight"]
    shape = (4, 6) if of == "weight" else (4,)
    rate = {"node": 1 / 48, "weight": 1 / 208}[of]
    for r, subject in enumerate(batch.subjects.tolist()):
        jitter = generator(batch.seed, subject, f"jitter:projection.{of}", "learning").standard_normal(shape)
        y = weight[r] @ x[r]
        tried = (weight[r] + 0.1 * jitter) @ x[r] if of == "weight" else y + 0.1 * jitter
        said = 0.5 * (np.sum((target[r] - tried) ** 2) - np.sum((target[r] - y) ** 2))
        direction = jitter if of == "weight" else np.outer(jitter, x[r])
        expected = weight[r] - rate * said / 0.1 * direction
        assert after[f"projection.{of}.weight"][r] == pytest.approx(expected, rel=1e-9, abs=1e-12)
