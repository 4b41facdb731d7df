"""Programs that are timed beside this one compute the same numbers; one that is not installed is named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks.peers.peer import Missing, Peer, clocked, compare
from benchmarks.peers.table import TOPICS


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.module.__name__.rpartition(".")[2])
def test_every_program_that_is_here_computes_the_same(topic: object) -> None:
    module = topic.module  # type: ignore[attr-defined]
    question = module.ask(*topic.short)  # type: ignore[attr-defined]
    told = compare(module.peers(question), module.answer(question), rounds=1)
    assert not told[0].missing
    assert told[0].difference < 1e-12, "ours"


def test_a_program_that_computes_something_else_is_not_timed() -> None:
    right = Peer("right", lambda: clocked(lambda: np.ones(3)), 3)
    wrong = Peer("wrong", lambda: clocked(lambda: np.array([1.0, 1.0 + 1e-8, 1.0])), 3)
    with pytest.raises(AssertionError, match=r"wrong differs from the reference by 1.0e-08"):
        compare([right, wrong], np.ones(3))


def test_a_program_that_is_not_here_is_left_out_by_name() -> None:
    def absent() -> object:
        raise Missing("nothing of that name")

    right = Peer("right", lambda: clocked(lambda: np.ones(3)), 3)
    told = compare([Peer("absent", absent, 3), right], np.ones(3))  # type: ignore[arg-type]
    assert [(t.name, t.missing) for t in told] == [("right", ""), ("absent", "nothing of that name")]
    assert math.isnan(told[1].rate)
