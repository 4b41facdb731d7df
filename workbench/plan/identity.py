"""What makes two runs the same run: the structure, every number that acts, the seed and the subject."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from workbench.solver.batch import Structure


def run_keys(
    structure: Structure, values: Mapping[str, float | NDArray[np.float64]], seed: int, subjects: NDArray[np.int64]
) -> tuple[bytes, ...]:
    """Return the 32-byte key of each run.

    A key is the SHA-256 of the structure's identity, the numbers in the order of their sorted paths (little-endian
    doubles, negative zero as zero), the seed (16 bytes) and the subject (8 bytes). The structure's identity fixes
    which paths there are, so their names need not be hashed again.
    """
    table = np.empty((len(subjects), len(values)), dtype="<f8")
    for i, path in enumerate(sorted(values)):
        table[:, i] = values[path]
    table += 0.0
    start = hashlib.sha256(structure.identity)
    content, width = table.tobytes(), table.shape[1] * 8
    keys = []
    for row, subject in enumerate(subjects.tolist()):
        digest = start.copy()
        digest.update(content[row * width : (row + 1) * width])
        digest.update(seed.to_bytes(16, "little") + subject.to_bytes(8, "little"))
        keys.append(digest.digest())
    return tuple(keys)
