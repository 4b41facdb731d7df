"""What a command may take at most: time from its start on, and memory of it and its workers together."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from workbench.errors import UsageError

SYSTEM = Path("/proc")
LOOK = 0.5
"""Seconds between two looks at memory: one takes some milliseconds."""


@dataclass
class Limits:
    """Looked at between blocks; what is being computed is finished and stored.

    Attributes
    ----------
    seconds : float
        From the making of this object on.
    memory : float
        Bytes that the processes of the command hold, shared ones counted in each.
    """

    seconds: float = math.inf
    memory: float = math.inf
    started: float = field(default_factory=monotonic)
    _looked: float = field(default=-math.inf, init=False)

    def reached(self) -> str:
        """Return in words which limit is reached, "" while none is."""
        now = monotonic()
        if now - self.started >= self.seconds:
            return f"the time allowed ({self.seconds:g} s) is over"
        if math.isfinite(self.memory) and now - self._looked >= LOOK:
            self._looked = now
            if (held := held_memory()) > self.memory:
                return f"{_in_megabytes(held)} of memory are held, and {_in_megabytes(self.memory)} are allowed"
        return ""

    def refuse_too_small(self) -> None:
        """Refuse a memory that the command holds already, before it computes anything.

        Raises
        ------
        UsageError
            If so, or if the system does not say how much memory a process holds.
        """
        if math.isinf(self.memory):
            return
        held = held_memory()
        if not held:
            raise UsageError("--max-memory: this system does not say how much memory a process holds")
        if held >= self.memory:
            allowed = _in_megabytes(self.memory)
            raise UsageError(
                f"--max-memory: {allowed} are allowed, and {_in_megabytes(held)} are held before any run is computed"
            )


def held_memory() -> int:
    """Return the bytes that this process and those that it started hold in memory; 0 where the system does not say."""
    pages, waiting = 0, [os.getpid()]
    while waiting:
        process = SYSTEM / str(waiting.pop())
        try:
            pages += int((process / "statm").read_text().split()[1])
            waiting += [
                int(n) for task in (process / "task").iterdir() for n in (task / "children").read_text().split()
            ]
        except (OSError, IndexError, ValueError):  # it has ended meanwhile
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _in_megabytes(number: float) -> str:
    return f"{number / 1e6:,.0f} MB"
