"""Sessions and their controls: what must not differ, what must be ordered, and what a run may not notice of its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import batches, equal, joined, replaced
from support.therapies import THERAPY, arm, by_arm

from workbench.solver.run import solve

NO_DRUG = [("gain = 0.23", "gain = 0.0"), ("gain = 3.5", "gain = 0.0"), ("gain = 1.23", "gain = 0.0"),
           ("gain = -1.0", "gain = 0.0")]  # fmt: skip


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, np.ndarray]]:
    return by_arm(THERAPY)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], *but: str) -> bool:
    return all(one[name].tobytes() == other[name].tobytes() for name in one if name not in but)


def test_sham_sessions_equal_the_drug_alone_exactly(shown: dict) -> None:
    assert same(arm(shown, "sham"), arm(shown, "ketamine_alone"))


def test_a_drug_without_effects_equals_placebo_bit_for_bit() -> None:
    found = by_arm(replaced(THERAPY, *NO_DRUG))
    assert same(arm(found, "ketamine_alone"), arm(found, "placebo"), "window")
    assert same(arm(found, "ketamine"), arm(found, "therapy"), "window")
    assert not np.array_equal(arm(found, "ketamine")["window"], arm(found, "therapy")["window"])


def test_unblinding_moves_only_who_got_the_drug(shown: dict) -> None:
    told = by_arm(replaced(THERAPY, ('active = "infusion"', 'active = "infusion"\nunblinding = 0.5')))
    assert same(arm(told, "placebo"), arm(shown, "placebo")) and same(arm(told, "therapy"), arm(shown, "therapy"))
    fall = arm(shown, "ketamine_alone")["expected"] - arm(told, "ketamine_alone")["expected"]
    past = 14.0 * 24.0
    assert fall == pytest.approx(0.5 * (5.2 + 3.8 * np.exp(-past / 769.0)) * (1 - np.exp(-past / 3.0)), rel=1e-9)


def test_the_neutral_cue_learns_only_where_it_is_a_target(shown: dict) -> None:
    assert same({"neutral": arm(shown, "ketamine")["neutral"]}, {"neutral": arm(shown, "ketamine_alone")["neutral"]})
    off = by_arm(replaced(THERAPY, ("targets = [1]", "targets = [3]")))
    assert np.all(arm(off, "ketamine")["neutral"] < arm(shown, "ketamine")["neutral"] - 0.1)


def test_the_same_mechanism_serves_the_harmful_content(shown: dict) -> None:
    plain, harmed, helped = (arm(shown, name)["expected"] for name in ("ketamine_alone", "stressor", "ketamine"))
    assert np.all(harmed > plain + 1.0) and np.all(helped < plain - 3.0)


def test_delays_by_run_in_one_block_keep_the_bits_of_each_run() -> None:
    sweep = '[study.delay]\narms = ["ketamine", "therapy"]\n[study.delay.sweep]\n'
    sweep += '"session.training.first" = { values = ["4 h", "25.3 h", "120 h"] }\n"dose.infusion.first" = { values = ["0 h", "7.3 h"] }\n'
    (batch,) = batches(THERAPY + sweep)
    together = solve(batch)
    alone = [solve(batch.take(np.array([i]))) for i in range(len(batch))]
    assert equal(joined(alone), together)
    turned = solve(batch.take(np.arange(len(batch))[::-1]))
    assert equal(turned, together)
    assert len(set(together.outcomes["expected"].tolist())) > 12


def test_what_else_is_recorded_changes_no_bit(shown: dict) -> None:
    more = '[course.c]\nreadout = "expected_score"\nscale = "madrs"\ninterval = "7.7 h"\n'
    more += '[assessment.daily]\nphase = "care"\nscale = "madrs"\nfirst = "3.3 h"\nevery = "24 h"\ncount = 13\n'
    more += '[outcome.daily]\nreadout = "symptom_score"\nassessment = "daily"\ntake = "mean"\n'
    found = by_arm(THERAPY + more)
    for name in ("ketamine", "placebo", "stressor"):
        assert same(arm(shown, name), arm(found, name))
