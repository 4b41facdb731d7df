"""Sources of known moments, and mixtures that are whitened and still mixed."""

from __future__ import annotations

import numpy as np
import pytest
from support.shown_inputs import shown

from workbench.tasks.mixture import KURTOSIS


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
