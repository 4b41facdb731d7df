"""Which runs need not be computed: those that failed, and those that hold everything that is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from workbench.store.measures import measure_of
from workbench.store.whole import reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.registry import Registry
    from workbench.plan import BatchPlan
    from workbench.solver.batch import Declared

C = TypeVar("C", bound="BatchPlan")
Ask = Callable[[str, tuple[Any, ...]], Iterable[Sequence[Any]]]
KEYS_AT_ONCE = 1000
NEVER_SEEN = -1
"""Id of a measure that the database does not know: no run holds it."""


def complete_runs(
    ask: Ask, keys: Sequence[bytes], needed: Mapping[str, Sequence[int]]
) -> dict[bytes, tuple[int, bool]]:
    """Return id and "has failed" of the complete runs among `keys`.

    Parameters
    ----------
    ask
        Puts one question with its values to the database.
    needed : mapping "outcome" | "course" -> ids
        The measures that a run must hold; a failed run needs none.
    """
    held = " + ".join(
        f"(SELECT count(*) FROM {kind} AS x WHERE x.run = run.id AND x.measure IN ({', '.join(map(str, ids))}))"
        for kind, ids in needed.items()
    )
    # Counted in SQL: reading the measures of every run back would take longer than computing small runs again.
    asked = f"{held or 0} = {sum(len(ids) for ids in needed.values())}"
    complete: dict[bytes, tuple[int, bool]] = {}
    # SQLite limits the number of parameters of one statement.
    for start in range(0, len(keys), KEYS_AT_ONCE):
        asked_keys = tuple(keys[start : start + KEYS_AT_ONCE])
        slots = ", ".join("?" * len(asked_keys))
        question = (
            f"SELECT key, id, status = 'failed' FROM run WHERE key IN ({slots}) AND (status = 'failed' OR {asked})"
        )
        complete.update((row[0], (row[1], bool(row[2]))) for row in ask(question, asked_keys))
    return complete


def complete_rows(path: str | Path, batch_plans: Iterable[C], registry: Registry) -> Iterator[tuple[C, int]]:
    """Yield each chunk with the number of its rows that are in the database already; writes nothing."""
    for batch_plan, complete, _ in found_rows(path, batch_plans, registry):
        yield batch_plan, int(complete.sum())


def found_rows(
    path: str | Path, batch_plans: Iterable[C], registry: Registry
) -> Iterator[tuple[C, NDArray[np.bool_], bool]]:
    """Yield each chunk, which of its rows need not be computed, and whether one that must be is there in part.

    Such a run is stored and lacks an outcome or a course. Writes nothing.
    """
    with reading(Path(path)) as connection:
        known = {bytes(sha): number for number, sha in connection.execute("SELECT id, sha256 FROM measure")}
        numbers: dict[Declared, int] = {}
        for batch_plan in batch_plans:
            needed: dict[str, list[int]] = {"outcome": [], "course": []}
            for declared in batch_plan.batch.structure.recordings:
                if declared not in numbers:
                    numbers[declared] = known.get(measure_of(declared, registry).sha256, NEVER_SEEN)
                needed[declared.section].append(numbers[declared])
            complete = complete_runs(connection.execute, batch_plan.batch.keys, needed)
            mask = np.array([key in complete for key in batch_plan.batch.keys], dtype=np.bool_)
            left = [key for key in batch_plan.batch.keys if key not in complete]
            yield batch_plan, mask, bool(complete_runs(connection.execute, left, {}))
