"""One contract for every clock, and for every run of the learning rules: alone it is what it is in a sweep."""

from __future__ import annotations

import numpy as np
import pytest
from support.cases import every_case
from support.shipped_runs import QUICK_ARM, SCENARIOS, Shipped, shipped_scenario

import workbench
from workbench.component.registry import registry
from workbench.plan import plan
from workbench.solver.block import Block
from workbench.solver.run import DRIVERS, rehearse
from workbench.store.read import open_results

SAYS = ("exact", "order", "closed form", "number of trials")
"""What a clock's own text says of its accuracy: exact, of a stated order, or a map that has no step to refine."""


def test_every_clock_has_a_phase_and_a_driver() -> None:
    assert set(DRIVERS) == set(registry().names("phase"))


@pytest.mark.parametrize("clock", sorted(DRIVERS))
def test_a_clock_states_how_exact_it_is(clock: str) -> None:
    text = " ".join(str(registry().get("phase", clock).__doc__).split())
    assert any(word in text for word in SAYS)


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name.startswith("rules/")])
def test_a_run_alone_is_what_it_was_in_its_sweep(scenario: str, shipped: Shipped) -> None:
    """A last run of the database, bit for bit, whatever was solved in this process before it."""
    db, arm = shipped.db(scenario), QUICK_ARM.get(scenario)
    with open_results(db) as results:
        last = int(results.sql("SELECT max(run) AS last FROM runs WHERE arm = coalesce(?, arm)", (arm,))["last"][0])
    again = workbench.replay(db, last, record="declared")
    assert again.stored and again.equal


@every_case("scenario", SCENARIOS)
def test_a_block_that_is_built_again_starts_where_the_first_one_did(scenario: str) -> None:
    """Every signal to the bit, after a run has been on its way: no component keeps anything outside its block."""
    planned = plan(shipped_scenario(scenario))
    batch = planned.widest(lambda structure: 8).batch

    def started() -> dict[str, np.ndarray]:
        block = Block(batch, registry())
        with np.errstate(all="ignore"):
            block.build_all()
        return {name: np.array(signal) for name, signal in block.signals.items()}

    first = started()
    rehearse(batch, 0.02)
    again = started()
    assert first.keys() == again.keys()
    assert not [name for name, signal in first.items() if signal.tobytes() != again[name].tobytes()]
