"""Activity that arrives later than it was sent: what a projection with a delay carries from step to step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.component.declaration import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables

LONGEST = 10_000
"""Trials; every one of them keeps an activity of every run."""


def delay_field() -> Any:
    """Declare after how many trials a projection passes activity on."""
    return count(
        0,
        "trials after which activity arrives; 0 is within the trial. A loop of projections needs one above 0",
        low=0,
        high=LONGEST,
        added=True,
    )


def arriving(block: Assembly, name: str) -> Array:
    """Return what arrives on projection `name` in this trial, ``(pre, runs)``; the read is recorded.

    Without a delay that is the activity of this very trial, for which the reader has to wait.
    """
    projection = block.component("projection", name)
    if getattr(projection, "delay", 0):
        kept: Array = block.previous(f"projection.{name}.arriving")
        return kept
    found: Array = block.read(f"population.{projection.pre}.activity")
    return found


def reserve_arriving(block: Assembly, name: str, pre: str, delay: int) -> None:
    """Reserve what arrives; before the first activity has come through, nothing does."""
    if delay:
        block.state(f"projection.{name}.arriving", block.size(pre))


def carry(block: Assembly, name: str, pre: str, delay: int) -> None:
    """Register the end of a trial: keep the activity, and have ready what arrives in the next trial."""
    if not delay:
        return
    arriving: Array = block.previous(f"projection.{name}.arriving")
    activity = block.read(f"population.{pre}.activity")
    under_way = block.empty(delay, *activity.shape[:-1])
    slot = 0

    def pass_on(t: int) -> None:
        nonlocal slot
        np.copyto(under_way[slot], activity)
        slot = (slot + 1) % delay  # the oldest: sent `delay` trials before the one that comes
        np.copyto(arriving, under_way[slot])

    block.step("readout", pass_on, clock="trial")


def delay_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why activity cannot arrive later: there are no trials to count, or a cue is read by its number."""
    if not fields["delay"]:
        return
    if others := tables.phases_off("trial"):
        clock = tables["phase"][others[0]].component.clock
        yield "delay", f"counts trials, but phase {others[0]} runs on the {clock} clock"
    if tables.shown(fields["pre"], "one unit") is not None:
        yield "delay", f"{fields['pre']} shows cues, which are read at once: put the delay on a projection behind it"
