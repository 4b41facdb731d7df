"""Blocks of a sweep: as few as give every worker as many as the others, and none wider than its structure allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.circuits import STRIATUM

from workbench.execution.runner import Request, prepare
from workbench.solver.run import width_for


def asked(folder: Path, subjects: int, workers: int) -> Request:
    """Return the request for three arms of so many subjects."""
    file = folder / "striatum.toml"
    file.write_text(STRIATUM, encoding="utf-8")
    return prepare(file, folder / "none.db", subjects=subjects, workers=workers)


@pytest.mark.parametrize(
    ("subjects", "workers", "expected"),
    [
        (1000, 1, [3000]),
        (1000, 2, [1500, 1500]),
        (1001, 2, [1503, 1500]),
        (1000, 4, [1002, 1002, 996]),  # narrower ones would cost more than a worker that waits
        (100, 2, [300]),
    ],
)
def test_workers_get_equal_blocks_of_whole_subjects(
    tmp_path: Path, subjects: int, workers: int, expected: list[int]
) -> None:
    assert [len(chunk.batch) for chunk in asked(tmp_path, subjects, workers).chunks()] == expected


def test_no_block_is_wider_than_its_bytes_allow(tmp_path: Path) -> None:
    request = asked(tmp_path, 12_000, 2)
    ((structure, runs, blocks),) = request.counts()
    assert runs == 36_000
    assert blocks % 2 == 0
    assert runs / blocks <= width_for(structure)
    assert runs / (blocks - 2) > width_for(structure)
