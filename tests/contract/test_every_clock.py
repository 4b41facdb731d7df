"""One contract for every clock, and for every run of the learning rules: alone it is what it is in a sweep."""

from __future__ import annotations

import pytest
from shipped_runs import SCENARIOS, Shipped

import workbench
from workbench.registry import registry
from workbench.solver.run import DRIVERS
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
    """The first and the last run of the database, bit for bit; the last twice: nothing is left behind by the first."""
    db = shipped.db(scenario)
    with open_results(db) as results:
        last = int(results.sql("select max(id) as last from run").iloc[0]["last"])
    for run in (1, last, last):
        again = workbench.replay(db, run, record="declared")
        assert again.stored and again.equal
