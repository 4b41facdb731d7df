"""What drives a circuit from outside is computed anew only where it has moved, and then in the order of its making."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from support.circuits import STRIATUM, equal, only

from workbench.component.registry import registry
from workbench.solver import clocks
from workbench.solver.block import Block
from workbench.solver.drive import Drive
from workbench.solver.run import solve


@pytest.fixture
def block() -> Iterator[Block]:
    """A block with a drug level, an occupancy made of it, a gate made of that, and a gain that takes part in neither."""
    found = Block(only(STRIATUM, arms=["treated"]), registry())
    found.build_all()
    yield found


def taken(block: Block) -> tuple[Drive, list[str]]:
    """Return the drive of a block, and a list in which each of its steps notes its name when it is taken."""
    names: list[str] = []
    steps = []
    for step in (s for s in block.steps("trial") if s.stage == "drive"):

        def noted(t: int, function: object = step.function, name: str = step.owner) -> None:
            names.append(name)
            function(t)  # type: ignore[operator]

        steps.append(replace(step, function=noted))
    return Drive(block, steps), names


def test_nothing_is_computed_where_nothing_has_moved(block: Block) -> None:
    drive, names = taken(block)
    drive.begin()
    assert names
    names.clear()
    drive.follow()
    assert names == []


def test_all_that_a_level_reaches_follows_it(block: Block) -> None:
    drive, names = taken(block)
    drive.begin()
    whole = list(names)
    names.clear()
    block.signals["drug.thp"][0] = 40.0
    drive.follow()
    assert names == whole
    after = {name: block.signals[name].copy() for name in block.formulas}
    drive.begin()
    assert all(np.array_equal(block.signals[name], values) for name, values in after.items())


def test_what_stands_still_stops_what_is_made_of_it(block: Block) -> None:
    """A trace of a drug moves its occupancy in the last places, and no gate behind a receptor that is as good as free."""
    drive, names = taken(block)
    block.signals["drug.thp"][...] = 1e-30
    drive.begin()
    whole = len(names)
    names.clear()
    block.signals["drug.thp"][...] = 2e-30
    drive.follow()
    assert 0 < len(names) < whole


def test_a_step_that_is_no_formula_is_always_taken(block: Block) -> None:
    seen: list[int] = []
    block.add_step("drive", "component.of_others", seen.append)
    drive, _ = taken(block)
    drive.begin()
    drive.follow()
    assert seen == [0, 0]


def test_a_run_is_what_it_is_where_every_step_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = only(STRIATUM)
    sparing = solve(batch)
    monkeypatch.setattr(clocks.Drive, "follow", Drive.begin)
    assert equal(solve(batch), sparing)
