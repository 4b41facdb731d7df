"""What tasks show: patterns by their probabilities or in turn, sources of known moments, covariances that are there."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import HEAD, only, replaced

from workbench.component.registry import registry
from workbench.solver.block import Block
from workbench.tasks.mixture import KURTOSIS

CIRCUIT = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
[projection.w]
pre = "x"
post = "y"
weight = 0.1
[plasticity.w]
rule = "hebb"
rate = 0.0
[phase.learning]
trials = 10
[outcome.norm]
readout = "weight_norm"
projection = "w"
"""
)
PATTERNS = 'values = [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0]\nkind = "patterns"\ninputs = "x"\n'


def shown(task: str, trials: int, subjects: int = 4) -> tuple[np.ndarray, Block]:
    """Return what a task shows, (trial, input, subject), and the block that shows it."""
    batch = only(CIRCUIT + "[task.t]\n" + task, subjects=subjects)
    block = Block(batch.take(np.repeat(np.arange(subjects), 2)), registry())
    block.build_all()
    for draws in block.draws:
        draws.begin("learning")
    pieces = []
    for begin in range(0, trials, block.piece):
        block.phase, block.trial = "learning", begin
        block.begin_piece(min(block.piece, trials - begin))
        pieces.append(block.pattern("x", 4)[: trials - begin].copy())
    return np.concatenate(pieces), block


def test_patterns_come_as_often_as_their_probabilities_say() -> None:
    table, _ = shown(PATTERNS + "probabilities = [0.5, 0.3, 0.2]\n", 6400)
    shares = [(table[:, k] == k + 1).mean() for k in range(3)]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.012)
    assert np.all((table != 0).sum(axis=1) == 1), "one pattern at a time, whole"
    assert len({table[:, :, s].tobytes() for s in range(4)}) == 4, "each subject has its own order"


def test_patterns_in_turn_follow_each_other_across_pieces() -> None:
    table, _ = shown(PATTERNS + 'presentation = "in_turn"\n', 150)
    assert np.array_equal(table[:, :3].argmax(axis=1)[:, 0], np.arange(150) % 3)


@pytest.mark.parametrize(("kind", "place"), [("laplace", 0), ("uniform", 0), ("exponential", 0)])
def test_sources_have_mean_0_variance_1_and_their_kurtosis(kind: str, place: int) -> None:
    counts = "".join(f"{name} = {4 if name == kind else 0}\n" for name in KURTOSIS)
    table, block = shown(f'kind = "mixture"\ninputs = "x"\nwhitened = false\n{counts}', 12_800)
    mixing = block.signals["task.t.mixing"][:, :, ::2]
    sources = np.einsum("kis,tis->tks", np.moveaxis(np.linalg.inv(np.moveaxis(mixing, 2, 0)), 0, 2), table).ravel()
    assert sources.mean() == pytest.approx(0.0, abs=0.02)
    assert sources.var() == pytest.approx(1.0, abs=0.03)
    assert (sources**4).mean() - 3.0 == pytest.approx(KURTOSIS[kind], abs=0.1 * (3 + KURTOSIS[kind]))


def test_whitened_mixtures_are_uncorrelated_and_still_mixed() -> None:
    table, block = shown('kind = "mixture"\ninputs = "x"\n', 12_800)
    for subject in range(4):
        assert np.cov(table[:, :, subject].T) == pytest.approx(np.eye(4), abs=0.06)
    mixing = block.signals["task.t.mixing"]
    assert np.allclose(np.einsum("ikr,jkr->ijr", mixing, mixing), np.eye(4)[:, :, None], atol=1e-12)
    assert np.abs(mixing).max() < 0.999


def test_inputs_on_a_ring_have_the_covariance_that_they_say() -> None:
    table, block = shown('kind = "ring"\ninputs = "x"\nwidth = 1.0\n', 12_800)
    vectors, values = (block.signals[f"task.t.{what}"][..., 0] for what in ("eigenvectors", "eigenvalues"))
    distance = np.array([[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]])
    gain = np.array([1.3, 1.0, 1.0, 1.0])
    expected = (np.exp(-(distance**2.0)) + 0.2) * np.outer(gain, gain)
    assert np.allclose((vectors.T * values) @ vectors, expected, atol=1e-12)
    assert np.cov(table[:, :, 1].T) == pytest.approx(expected, abs=0.08)


def test_a_gain_changes_with_its_phase() -> None:
    task = PATTERNS + 'gain = 2.0\nchanges_in = "learning"\ngain_after = 5.0\npresentation = "in_turn"\n'
    assert shown(task, 3)[0][0, 0, 0] == 5.0
    early = replaced(CIRCUIT, ("[phase.learning]", "[phase.before]\n[phase.learning]\norder = 2"))
    batch = only(early + "[task.t]\n" + task, subjects=1)
    block = Block(batch.take(np.zeros(8, dtype=np.int64)), registry())
    block.build_all()
    block.phase = "before"
    assert block.component("task", "t").gain_in(block) == 2.0
