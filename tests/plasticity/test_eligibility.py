"""Marks against quadrature: their areas, their modes, and where they are largest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from workbench.plasticity.eligibility import DoubleExponential, Exponential, Nmda, modes_of, summed

MARKS = [DoubleExponential(), DoubleExponential(rise=0.1, decay=3.0), Nmda(), Nmda(share_2a=0.9)]


@pytest.mark.parametrize("mark", MARKS)
def test_the_area_of_a_mark_is_its_integral_whole_and_from_later_on(mark: DoubleExponential | Nmda) -> None:
    def height(t: float) -> float:
        return float(mark.response(t))

    assert float(mark.total()) == pytest.approx(quad(height, 0.0, 150.0, limit=400)[0], rel=1e-9)
    for since in (0.0, 0.4, 2.0):
        twice = quad(lambda t, a=since: (t - a) * height(t), since, 150.0, limit=400)[0]
        assert float(mark.remaining(since)) == pytest.approx(twice, rel=1e-7)


def test_modes_add_up_to_the_response() -> None:
    late = np.linspace(-1.0, 5.0, 61)
    for mark in (*MARKS, Exponential(decay=0.7, reference=0.2)):
        assert summed(modes_of(mark), late) == pytest.approx(mark.response(late), rel=1e-14, abs=1e-300)


def test_a_rise_and_a_fall_are_largest_where_they_say() -> None:
    mark = DoubleExponential(rise=0.3, decay=1.0)
    late = np.linspace(0.0, 3.0, 300_001)
    assert late[np.argmax(mark.response(late))] == pytest.approx(float(mark.peak()), abs=2e-5)
    assert float(mark.response(mark.peak())) == pytest.approx(1.0, rel=1e-14)
