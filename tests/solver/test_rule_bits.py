"""The rules beneath: a run's bits do not depend on its neighbours or on the width of its block."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import equal, joined, only, replaced, shipped_rule

from workbench.solver.run import solve

SHORT = {
    "three_factor_bandit": ("drawn", [("trials = 2000", "trials = 130"), ("count = 100", "count = 5")]),
    "password": ("gated", [("trials = 1600", "trials = 160"), ("count = 100", "count = 5")]),
    "td_chain": ("several_steps", [("trials = 4500", "trials = 130"), ("count = 400", "count = 5")]),
    "two_sided_balance": ("healthy_drawn", [("trials = 9000", "trials = 130"), ("last 8000", "last 80"), ("count = 2", "count = 5")]),
    "credit_gate": ("gated", [("count = 2", "count = 5")]),
    "feedback_alignment": ("fixed", [("trials = 3000", "trials = 70"), ("last 100", "last 20"), *((f"first {n} trials", "first 9 trials") for n in (500, 1000, 2000))]),
}  # fmt: skip
RATES = '[study.rates]\narms = ["{arm}"]\n[study.rates.sweep]\n"{path}" = {{ from = 0.001, to = 0.01, steps = 5 }}\n'
PATHS = {
    "three_factor_bandit": "plasticity.context_action.rate",
    "password": "plasticity.step_action.rate",
    "td_chain": "plasticity.place_value.rate",
    "two_sided_balance": "plasticity.cortex_striatum.ltp_gain",
    "credit_gate": "plasticity.step_unit.rate",
    "feedback_alignment": "plasticity.lower.rate",
}


@pytest.mark.parametrize("name", SHORT)
def test_alone_in_company_and_in_another_order(name: str) -> None:
    arm, swaps = SHORT[name]
    text = shipped_rule(name)
    text = replaced(text, *swaps).partition("[study.arms]")[0]
    batch = only(text + RATES.format(arm=arm, path=PATHS[name]))
    whole = solve(batch)
    some = [0, 7, len(batch) - 1]
    alone = joined([solve(batch.take(np.array([i]))) for i in some])
    assert equal(alone, solve(batch.take(np.array(some))))
    for outcome, values in alone.outcomes.items():
        assert values.tobytes() == whole.outcomes[outcome][some].tobytes(), outcome
    back = solve(batch.take(np.arange(len(batch))[::-1]))
    assert equal(back, whole)
