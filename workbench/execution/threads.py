"""One linear-algebra thread a process: blocks are the parallelism, and more threads could change bits."""

from __future__ import annotations

import os

LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SINGLE_THREAD = dict.fromkeys(LIBRARIES, "1")


def use_one_thread() -> None:
    """Limit NumPy's libraries to one thread; works only before NumPy is first imported."""
    # Workers already use every core; threads of a linear algebra library on top would only compete, and may change
    # the order of sums.
    os.environ.update(SINGLE_THREAD)


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
