"""The chain from dose to overflow: its half-effect doses are those of the closed form, under each of three kinetics."""

from __future__ import annotations

import numpy as np
import pytest
from support.shipped_runs import Shipped

from workbench.analysis.dose_response import DoseChain, Link, chain, chain_studies, half_effects
from workbench.analysis.selection import select

NAME = "dystonia_dose"
CLEARANCE = {"kinetics_a": 16.0, "kinetics_b": 40.0, "kinetics_c": 94.0}


@pytest.fixture(scope="module")
def found(shipped: Shipped) -> DoseChain:
    selection = select(shipped.db(NAME))
    assert chain_studies(selection) == ["chain"]
    return chain(selection, "chain")


def closed_form(clearance: float) -> float:
    """Return the dose (mg/day) at which a typical adult's M1 activation in DYT1 falls to the gate's threshold."""
    tone, threshold, ec50 = 1.5 * (1.0 + 0.2 * 0.8), 0.30, 18.3
    concentration = ec50 * (tone * (1.0 - threshold) / threshold - 1.0)  # Gaddum, solved for the antagonist
    return concentration * clearance * 24.0 / 1000.0


@pytest.mark.parametrize("arm", CLEARANCE)
def test_permission_is_half_open_at_the_dose_of_the_closed_form(found: DoseChain, arm: str) -> None:
    rows = half_effects(found).set_index(["arm", "outcome"])
    half = rows.loc[(arm, "permission")]
    assert half.p50 == pytest.approx(closed_form(CLEARANCE[arm]), rel=0.08)  # 40 subjects, doses 1.3 to 2 fold apart
    assert half.p10 < half.p50 < half.p90 and 0 < half.never < half.n  # some cannot respond


def test_doses_of_the_three_kinetics_scale_with_clearance(found: DoseChain) -> None:
    """Each subject is the same under all three, so the ratio holds subject by subject up to interpolation."""
    half = {link.arm: link.half for link in found.links if link.outcome == "permission"}
    for arm, factor in (("kinetics_b", 40.0 / 16.0), ("kinetics_c", 94.0 / 16.0)):
        ratio = half[arm] / half["kinetics_a"]
        assert np.nanmedian(ratio) == pytest.approx(factor, rel=0.03)


def test_every_link_rises_with_the_dose_and_its_band_has_width(found: DoseChain) -> None:
    for link in found.links:
        if link.outcome in ("concentration", "occupancy_m1", "occupancy_m4", "permission"):
            assert (np.diff(link.values, axis=1) >= 0.0).all()
            assert (np.ptp(link.values[:, 1:], axis=0) > 0.0).all()


def test_a_non_responder_keeps_occupancy_without_permission(found: DoseChain) -> None:
    by = {link.outcome: link.values for link in found.links if link.arm == "kinetics_a"}
    without = np.isclose(by["permission"][:, -1], by["permission"][:, 0])
    assert 5 < without.sum() < 25
    assert by["occupancy_m1"][without, -1].min() > 0.8


@pytest.mark.parametrize(
    ("values", "readout", "half"),
    [
        ([0.0, 0.2, 0.6, 1.0], "level", 1.75),
        ([0.5, 0.4, 0.2, 0.3], "overflow_index", 1.25),  # half of the largest change, which is at 2
        ([0.0, 0.1, 0.2, 0.3], "level", np.nan),
        ([0.3, 0.3, 0.3, 0.3], "overflow_index", np.nan),
    ],
)
def test_half_of_an_effect(values: list[float], readout: str, half: float) -> None:
    link = Link("arm", "outcome", np.arange(4.0), np.array([values]), readout)
    assert link.half[0] == pytest.approx(half, nan_ok=True)
