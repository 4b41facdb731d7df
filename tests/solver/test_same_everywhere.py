"""What another rounding moves: last digits, but for what amplifies them."""

from __future__ import annotations

import json
import platform
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support.circuits import HEAD, only
from support.drawn_systems import drawn_flows
from support.processors import here

from workbench.execution.amplification import WHEN, nudge_numbers
from workbench.solver.batch import BatchResult
from workbench.solver.run import solve
from workbench.tasks.gaussian import Ring

MIXTURE = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
size = 4
[projection.w]
pre = "x"
post = "y"
weight = 0.0
spread = 1.0
[plasticity.w]
rule = "cubic"
form = "threshold"
rate = 0.0001
[task.voices]
kind = "mixture"
inputs = "x"
[phase.learning]
clock = "flow"
trials = 100000
step = 50
[outcome.amari]
readout = "amari_index"
projection = "w"
task = "voices"
window = "end of learning"
[arm.one]
"""
)
RING = (
    HEAD
    + """
[population.x]
kind = "source"
size = 6
[population.y]
size = 1
[projection.w]
pre = "x"
post = "y"
weight = 0.5
[plasticity.w]
rule = "hebb"
rate = 0.001
[task.ring]
kind = "ring"
inputs = "x"
width = 1.0
bump = 0.0
[phase.learning]
trials = 50
[outcome.norm]
readout = "weight_norm"
projection = "w"
[arm.one]
"""
)


def apart(one: BatchResult, two: BatchResult) -> float:
    """Return the largest difference of any outcome."""
    return max(float(np.max(np.abs(values - two.outcomes[name]))) for name, values in one.outcomes.items())


def turned(vectors: NDArray[np.float64], first: int, angle: float) -> NDArray[np.float64]:
    """Return the eigenvectors with two of one eigenvalue turned about each other, and the sign of another changed."""
    found, (one, two) = vectors.copy(), vectors[first : first + 2]
    found[first] = np.cos(angle) * one + np.sin(angle) * two
    found[first + 1] = np.cos(angle) * two - np.sin(angle) * one
    found[0] = -found[0]
    return found


def test_inputs_on_a_ring_do_not_hang_on_which_eigenvectors_were_found() -> None:
    steps = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    covariance = np.exp(-(np.minimum(steps, 6 - steps).astype(float) ** 2)) + 0.2
    values, rows = np.linalg.eigh(covariance)
    vectors, sizes = rows.T[::-1, :, None], values[::-1, None]
    assert np.isclose(sizes[1, 0], sizes[2, 0]), "two of one eigenvalue"
    ring = Ring(inputs="x")
    root = ring.root(vectors, sizes)[..., 0]
    assert np.allclose(root.T @ root, covariance, rtol=0.0, atol=1e-14)
    assert np.allclose(ring.root(turned(vectors, 1, 1.0), sizes)[..., 0], root, rtol=0.0, atol=1e-14)
    assert apart(solve(only(RING)), solve(nudge_numbers(only(RING), 1))) < 1e-13


def test_a_source_that_no_unit_hears_is_no_quotient_of_rounding_errors() -> None:
    """Light tails are left alone by all units: what they still hear of them has decayed to rounding errors."""
    batch = only(MIXTURE)
    whole = solve(batch)
    assert np.all(whole.outcomes["amari"] >= 3.0 / 24.0), "one source of four unheard is a share of 3 in 2 m (m - 1)"
    assert max(apart(whole, solve(nudge_numbers(batch, seed))) for seed in (1, 2)) < 1e-9


def test_nudging_moves_every_number_but_moments_and_zeros_by_a_unit_in_the_last_place() -> None:
    batch = only(MIXTURE)
    one, two = nudge_numbers(batch, 1), nudge_numbers(batch, 2)
    for path, value in batch.values.items():
        moved = np.abs(np.asarray(one.values[path]) - value) / np.spacing(np.abs(value))
        still = path.partition(".")[0] in WHEN or value == 0.0
        assert np.all(moved == 0.0) if still else np.all((moved == 1.0) | (moved == 0.5)), path
    assert one.values == nudge_numbers(batch, 1).values and one.values != two.values


FLOWS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from support.circuits import only
from support.drawn_systems import drawn_flows
from workbench.solver.run import solve
found = [solve(only(text)).outcomes for text, *_ in drawn_flows(21, 18)]
print(json.dumps([[float(one["norm"][0]), float(one["power"][0])] for one in found]))
"""


def grown(patterns: NDArray[np.float64], start: NDArray[np.float64], time: Fraction) -> tuple[Fraction, Fraction]:
    """Return |u|^2 and u C u of ``u = exp(time C) start`` by its series in fractions, which round nothing."""
    rows = [[Fraction(x) for x in row] for row in patterns.tolist()]
    places = range(len(start))
    c = [[sum((row[i] * row[j] for row in rows), Fraction(0)) / len(rows) for j in places] for i in places]

    def through(v: list[Fraction]) -> list[Fraction]:
        return [sum((c[i][j] * v[j] for j in places), Fraction(0)) for i in places]

    term = [Fraction(x) for x in start.tolist()]
    whole = list(term)
    for k in range(1, 60):
        term = [time / k * x for x in through(term)]
        whole = [a + b for a, b in zip(whole, term, strict=True)]
    return sum((x * x for x in whole), Fraction(0)), sum(
        (x * y for x, y in zip(whole, through(whole), strict=True)), Fraction(0)
    )


def test_flows_over_drawn_spectra_have_all_their_digits_on_every_processor() -> None:
    """Also where patterns leave directions out, and where every direction is an eigenvector."""
    right = []
    for _, start, patterns, stabiliser in drawn_flows(21, 18):
        square, power = grown(patterns, start, Fraction(3))  # rate 0.01, 300 trials
        held = 1 - Fraction(float(start @ start)) + square if stabiliser == "oja" else Fraction(1)
        right.append([float(square / held) ** 0.5, float(power / held)])
    played = here()
    if not played:
        pytest.skip(f"no other processor can be played on a {platform.machine()}")
    for one in (played[0], *played[-2:]):
        found = json.loads(one.run(FLOWS, str(Path(__file__).parents[1])))
        assert np.allclose(found, right, rtol=1e-14, atol=0.0), one.name
