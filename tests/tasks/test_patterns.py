"""Patterns by their probabilities or in turn, and a gain that changes with its phase."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import only, replaced
from support.shown_inputs import CIRCUIT, shown

from workbench.component.registry import registry
from workbench.solver.block import Block

PATTERNS = 'values = [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0]\nkind = "patterns"\ninputs = "x"\n'


def test_patterns_come_as_often_as_their_probabilities_say() -> None:
    table, _ = shown(PATTERNS + "probabilities = [0.5, 0.3, 0.2]\n", 6400)
    shares = [(table[:, k] == k + 1).mean() for k in range(3)]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.012)
    assert np.all((table != 0).sum(axis=1) == 1), "one pattern at a time, whole"
    assert len({table[:, :, s].tobytes() for s in range(4)}) == 4, "each subject has its own order"


def test_patterns_in_turn_follow_each_other_across_pieces() -> None:
    table, _ = shown(PATTERNS + 'presentation = "in_turn"\n', 150)
    assert np.array_equal(table[:, :3].argmax(axis=1)[:, 0], np.arange(150) % 3)


def test_a_gain_changes_with_its_phase() -> None:
    task = PATTERNS + 'gain = 2.0\nchanges_in = "learning"\ngain_after = 5.0\npresentation = "in_turn"\n'
    assert shown(task, 3)[0][0, 0, 0] == 5.0
    early = replaced(CIRCUIT, ("[phase.learning]", "[phase.before]\n[phase.learning]\norder = 2"))
    batch = only(early + "[task.t]\n" + task, subjects=1)
    block = Block(batch.take(np.zeros(8, dtype=np.int64)), registry())
    block.build_all()
    block.phase = "before"
    assert block.component("task", "t").gain_in(block) == 2.0
