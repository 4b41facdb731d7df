"""Powers: the same bits for one exponent as for many equal ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.component.arrays import power

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
