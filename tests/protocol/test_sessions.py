"""What must not differ, what must be ordered, and what a run may not notice of its neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.circuits import batches, equal, joined, replaced
from support.therapies import THERAPY

from workbench.component.registry import registry
from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.solver.run import solve

NO_DRUG = [("gain = 0.23", "gain = 0.0"), ("gain = 3.5", "gain = 0.0"), ("gain = 1.23", "gain = 0.0"),
           ("gain = -1.0", "gain = 0.0")]  # fmt: skip


def by_arm(text: str, width: int = 4096) -> dict[str, dict[str, np.ndarray]]:
    """Return the outcomes of every arm, subjects in order."""
    found: dict[str, dict[str, np.ndarray]] = {}
    planned = plan(parse_scenario(text.encode(), "test.toml", Path(), registry()))
    for chunk in planned.chunks(lambda structure: width):
        result = solve(chunk.batch)
        assert not result.failures
        names = np.asarray(chunk.arms)
        for arm in dict.fromkeys(names.tolist()):
            mine = {name: value[names == arm] for name, value in result.outcomes.items()}
            before = found.get(arm)
            found[arm] = mine if before is None else {k: np.concatenate([before[k], v]) for k, v in mine.items()}
    return found


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, np.ndarray]]:
    return by_arm(THERAPY)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray], *but: str) -> bool:
    return all(one[name].tobytes() == other[name].tobytes() for name in one if name not in but)


def arm(found: dict, name: str) -> dict[str, np.ndarray]:
    """Return an arm by name; chunks number the arms in the order of the file."""
    order = ["ketamine", "placebo", "ketamine_alone", "therapy", "sham", "stressor"]
    return found[name] if name in found else found[order.index(name)]


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


def test_who_goes_on_is_decided_at_the_visit() -> None:
    entry = 'first = "8 day"\nonly_if = "{}"\ndecided_at = "gate"\ncompared_with = "baseline"'
    gate = '[assessment.gate]\nphase = "care"\nscale = "madrs"\nfirst = "7 day"\n'
    gate += '[outcome.gate]\nreadout = "response"\nassessment = "gate"\ncompared_with = "baseline"\n'
    texts = {who: replaced(THERAPY, ("count = 2", "count = 40"), ('first = "24 h after dose.infusion"', entry.format(who))) + gate
             for who in ("responder", "non_responder")}  # fmt: skip
    for who, text in texts.items():
        found = by_arm(text)
        moved = arm(found, "ketamine")["expected"] != arm(found, "ketamine_alone")["expected"]
        answered = arm(found, "ketamine")["gate"] == 1.0
        assert 5 < answered.sum() < 35
        assert np.array_equal(moved, answered if who == "responder" else ~answered)


def test_what_a_response_is_for_who_goes_on_is_the_file_s_to_say() -> None:
    """Another share sends other people on, those whom the readout of that share names; the default is the same run."""
    entry = 'first = "8 day"\nonly_if = "responder"\ndecided_at = "gate"\ncompared_with = "baseline"'
    gate = '[assessment.gate]\nphase = "care"\nscale = "madrs"\nfirst = "7 day"\n'
    gate += '[outcome.gate]\nreadout = "response"\nassessment = "gate"\ncompared_with = "baseline"\nshare = 0.3\n'
    text = replaced(THERAPY, ("count = 2", "count = 40"), ('first = "24 h after dose.infusion"', entry)) + gate
    own = replaced(text, (entry, f"{entry}\nshare = 0.3"))
    found = by_arm(own)
    moved = arm(found, "ketamine")["expected"] != arm(found, "ketamine_alone")["expected"]
    assert np.array_equal(moved, arm(found, "ketamine")["gate"] == 1.0)
    said = replaced(text, (entry, f"{entry}\nshare = 0.5"))
    keys = [{key for batch in batches(one) for key in batch.keys} for one in (text, said, own)]
    assert keys[0] == keys[1] != keys[2]


def test_a_relapse_needs_its_confirmation() -> None:
    visits = '[assessment.weekly]\nphase = "care"\nscale = "madrs"\nfirst = "1 day"\nevery = "1 day"\ncount = 13\n'
    once, twice = (
        f'[outcome.{name}]\nreadout = "relapse_time"\nassessment = "weekly"\ncompared_with = "baseline"\nconsecutive = {n}\n'
        f'[outcome.{name}_seen]\nreadout = "relapsed"\nassessment = "weekly"\ncompared_with = "baseline"\nconsecutive = {n}\n'
        for name, n in (("once", 1), ("twice", 2))
    )
    found = arm(by_arm(replaced(THERAPY, ("count = 2", "count = 60")) + visits + once + twice), "ketamine_alone")
    assert np.all(found["once"] <= found["twice"]) and found["once"].mean() < found["twice"].mean() - 1.0
    assert np.all(found["twice_seen"] <= found["once_seen"])
    assert np.all(found["twice"][found["twice_seen"] == 0.0] == 13.0)
