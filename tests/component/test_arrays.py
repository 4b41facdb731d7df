"""Powers: the same bits for one exponent as for many equal ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.component import arrays
from workbench.component.arrays import clip, einsum, operand, power

BASES = np.random.default_rng(1).random(257) * 3.0


@pytest.mark.parametrize("exponent", [-1.0, 0.0, 0.5, 1.0, 1.7, 2.0, 3.0])
def test_one_exponent_gives_the_bits_of_an_array_of_it(exponent: float) -> None:
    together = power(BASES, np.full(len(BASES), exponent))
    assert power(BASES, exponent).tobytes() == together.tobytes()
    assert np.array([power(float(base), exponent) for base in BASES]).tobytes() == together.tobytes()


@given(st.floats(0.01, 100.0), st.floats(-3.0, 3.0))
def test_it_is_the_power(base: float, exponent: float) -> None:
    assert power(base, exponent) == pytest.approx(base**exponent, rel=1e-14)


def test_it_may_work_in_place_and_broadcasts_over_leading_axes() -> None:
    values = BASES[:256].reshape(4, 64).copy()
    expected = power(values, 0.5)
    assert power(values, np.full(64, 0.5), out=values) is values
    assert values.tobytes() == expected.tobytes()


def test_an_operand_changes_no_bit_and_an_array_stays_itself() -> None:
    assert operand(0.1).shape == ()
    assert np.multiply(BASES, operand(0.1)).tobytes() == np.multiply(BASES, 0.1).tobytes()
    assert operand(BASES) is BASES


@pytest.mark.parametrize("runs", [8, 30, 257])
def test_the_short_ways_give_the_bits_of_the_public_ones(runs: int) -> None:
    weights = np.random.default_rng(2).normal(size=(2, 3, runs))
    weights[0, 0, :3] = np.nan, -0.0, np.inf
    short = np.empty_like(weights)
    clip(weights, operand(0.0), operand(1.0), out=short)
    assert short.tobytes() == weights.clip(0.0, 1.0).tobytes()
    sums = np.empty((2, runs))
    einsum("jir,ir->jr", weights, weights[1], out=sums)
    assert sums.tobytes() == np.einsum("jir,ir->jr", weights, weights[1]).tobytes()


def test_a_numpy_that_hides_the_short_ways_is_served_by_the_public_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(arrays, "import_module", gone)
    assert arrays._compiled("clip", np.clip) is np.clip
