"""A run's bits do not depend on its neighbours, the width of its block, the order of runs or what else is recorded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.circuits import EVENT_PAIRING, HEAD, STRIATUM, SYNAPSE, equal, joined, only, replaced, solved
from support.slices import MIXED

from workbench.solver.batch import Batch
from workbench.solver.run import solve

GAUSSIAN = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
size = 2
[projection.w]
pre = "x"
post = "y"
weight = 0.0
spread = 0.3
[plasticity.w]
rule = "hebb"
stabiliser = "oja"
[task.inputs]
kind = "gaussian"
inputs = "x"
[phase.learning]
trials = 100
[outcome.norm]
readout = "weight_norm"
projection = "w"
[arm.oja]
[study.rate.sweep]
"plasticity.w.rate" = [0.001, 0.002, 0.004]
"""
).replace('"plasticity.w.rate" = [0.001, 0.002, 0.004]', '"plasticity.w.rate" = { values = [0.001, 0.002, 0.004] }')
EVENTS = (
    HEAD
    + SYNAPSE
    + """
[plasticity.w]
drive = "hebb"
third_factor = "dopamine"
ltp_trace = "ltp"
ltd_trace = "ltd"
"""
    + EVENT_PAIRING
    + """every = "10 s"
count = 3
[event.reward]
kind = "reinforcement"
phase = "pairing"
at = "3 s"
every = "10 s"
count = 3
[outcome.weight]
readout = "weight_mean"
projection = "w"
window = "end of pairing"
[arm.burst]
[study.delay.sweep]
"event.reward.at" = { values = ["1 s", "2.5 s", "3 s", "4 s", "9 s"] }
"""
)
TICKS = (
    replaced(MIXED, ("count = 1", "count = 4"), ('decay = "2 s"', 'kind = "delayed"\ndecay = "2 s"'))
    + """
[subjects.trait.pace]
on = "plasticity.w.pace"
distribution = "lognormal"
median = 1.0
cv = 0.2
[study.magnesium.sweep]
"bath.blocked.magnesium" = { values = ["0 mM", "1.3 mM"] }
"eligibility.minus.decay" = { values = ["2 s", "3 s"] }
"plasticity.w.depotentiation" = { values = [0.0, 0.005] }
"""
)
CIRCUITS = {"striatum": STRIATUM, "gaussian": GAUSSIAN, "events": EVENTS, "ticks": TICKS}


@pytest.fixture(scope="module", params=sorted(CIRCUITS))
def whole(request: pytest.FixtureRequest) -> tuple[Batch, object]:
    batch = only(CIRCUITS[request.param])
    return batch, solve(batch)


def test_a_run_alone_equals_the_run_in_company(whole: tuple) -> None:
    batch, together = whole
    alone = [solve(batch.take(np.array([i]))) for i in range(min(len(batch), 6))]
    few = solve(batch.take(np.arange(len(alone))))
    assert equal(joined(alone), few)
    assert all(few.outcomes[k].tobytes() == together.outcomes[k][: len(alone)].tobytes() for k in few.outcomes)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_cut_and_any_order_give_the_same_bits(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(CIRCUITS)))
    batch = only(CIRCUITS[name])
    order = np.array(data.draw(st.permutations(range(len(batch)))))
    width = data.draw(st.integers(2, len(batch)))
    parts = [solve(batch.take(order[i : i + width])) for i in range(0, len(batch), width)]
    assert equal(joined(parts), solve(batch))


def test_a_parameter_that_varies_gives_the_bits_of_one_that_does_not() -> None:
    """Noise and overlap are handled per subject while they are shared, and per run as soon as they are swept."""
    shared = solved(STRIATUM)
    sweep = """
[study.arms]
[study.more]
[study.more.sweep]
"population.muscle.noise" = { values = [0.12, 0.2] }
"projection.cortex_muscle.overlap" = { values = [0.25, 0.5] }
"plasticity.cortex_d1.rate" = { values = [0.08, 0.1] }
"""
    from support.circuits import batches

    swept = joined([solve(b) for b in batches(STRIATUM + sweep)])
    place = {key: i for i, key in enumerate(swept.keys)}
    index = np.array([place[key] for key in shared.keys])
    for name, values in shared.outcomes.items():
        assert swept.outcomes[name][index].tobytes() == values.tobytes()


def test_further_outcomes_do_not_change_those_already_there() -> None:
    more = (
        STRIATUM + '[outcome.first]\nreadout = "selectivity"\ntask = "reach"\nwindow = "first 70 trials of practice"\n'
    )
    plain, extended = solved(STRIATUM), solved(more)
    assert plain.keys == extended.keys
    assert all(plain.outcomes[k].tobytes() == extended.outcomes[k].tobytes() for k in plain.outcomes)


def test_a_longer_phase_leaves_the_draws_of_its_neighbour_alone() -> None:
    """Practice gets longer; the first trials of both phases still see the same noise and cues."""
    window = ("last 50 trials of treatment", "first 50 trials of practice")
    short, long = (
        solved(replaced(STRIATUM, window)),
        solved(replaced(STRIATUM, window, ("trials = 150", "trials = 300"))),
    )
    assert short.outcomes["overflow"].tobytes() == long.outcomes["overflow"].tobytes()


def test_a_lesion_does_not_shift_the_draws_of_others() -> None:
    """Without its weight the lesioned pathway adds nothing; the muscles still see the same noise."""
    silent = replaced(
        STRIATUM, ('post = "muscle"\n[projection.d2_muscle]', 'post = "muscle"\nweight = 0.0\n[projection.d2_muscle]')
    )
    first = ("last 50 trials of treatment", "first 1 trials of practice")
    removed = STRIATUM + '[arm.lesion]\nextends = "healthy"\nwithout = ["dose.thp", "projection.d1_muscle"]\n'
    from support.circuits import batches

    zeroed = solved(replaced(silent, first))
    cut = joined([solve(b) for b in batches(replaced(removed, first), arms=["lesion"])])
    assert cut.outcomes["overflow"].tolist() == zeroed.outcomes["overflow"][::3].tolist()


def test_a_diverging_neighbour_leaves_the_others_bit_equal() -> None:
    """Faults row I11 inside a block: the run that overflows is masked and named."""
    text = replaced(STRIATUM, ("last 50 trials of treatment", "end of treatment"))
    batch = only(text)
    gain = np.full(len(batch), 1.0)
    gain[3] = 1e300
    broken = Batch(
        batch.structure,
        batch.seed,
        batch.subjects,
        {
            **batch.values,
            "population.muscle.baseline": np.where(gain > 1, np.inf, 0.3),
            "plasticity.cortex_d1.ltp_gain": gain,
        },
        batch.keys,
    )
    sound, result = solve(batch), solve(broken)
    assert set(result.failures) == {3}
    assert "no longer finite" in result.failures[3].reason and "of practice" in result.failures[3].time
    others = [i for i in range(len(batch)) if i != 3]
    for name, values in sound.outcomes.items():
        assert result.outcomes[name][others].tobytes() == values[others].tobytes()
        assert np.isnan(result.outcomes[name][3])
