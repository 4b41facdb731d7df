"""Links move a number by the formula they declare, whatever the order of arms in a block."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import STRIATUM, replaced, solved

LINKS = """
[link.more]
form = "{form}"
signal = "receptor.m1"
onto = "modulator.ach.tone"
gain = 0.5
"""


def level(signal: str, extra: str = "") -> np.ndarray:
    """Return a driven signal at the end, in the arms healthy, ill and treated (6 subjects each)."""
    text = replaced(
        STRIATUM,
        ("[course.overflow]", f'[outcome.level]\nreadout = "level"\nsignal = "{signal}"\n[course.overflow]'),
    )
    return solved(text + extra).outcomes["level"].reshape(6, 3)


def test_level_reads_what_the_receptor_formula_gives() -> None:
    tone = np.array([1.0 * (1.0 - 0.8), 1.5 * (1.0 + 0.2 * 0.8)])
    assert level("receptor.m1")[:, :2] == pytest.approx(np.tile(tone / (tone + 1.0), (6, 1)))
    assert level("modulator.ach")[:, :2] == pytest.approx(np.tile(tone, (6, 1)))


def test_an_untreated_arm_has_the_same_level_and_a_treated_one_less() -> None:
    found = level("receptor.m1")
    assert (found[:, 2] < found[:, 1]).all()
    assert np.ptp(found[:, :2], axis=0).max() == 0.0
    assert np.ptp(found[:, 2]) > 0.0  # clearance differs between subjects


@pytest.mark.parametrize(
    ("form", "moved"), [("linear", lambda x, s: x * (1 + 0.2 * s)), ("shift", lambda x, s: x + 0.2 * s)]
)
def test_a_link_moves_the_number_as_it_declares(form: str, moved: object) -> None:
    extra = LINKS.format(form=form).replace("receptor.m1", "occupancy.m1").replace("0.5", "0.2")
    occupancy, tone = level("occupancy.m1"), level("modulator.ach", extra)
    plain = level("modulator.ach")
    assert tone == pytest.approx(moved(plain / [0.2, 1.16, 1.16], occupancy) * [0.2, 1.16, 1.16])  # type: ignore[operator]


def test_a_link_in_a_circle_is_refused() -> None:
    with pytest.raises(Exception, match="depends on itself"):
        level("modulator.ach", LINKS.format(form="shift"))
