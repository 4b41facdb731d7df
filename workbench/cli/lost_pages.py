"""A page of a mapped file that the disk has no room for: the kernel ends whoever touches it, and nothing raises.

SQLite keeps the index of its write-ahead log in a file that every connection maps, and makes room for it beforehand. A
file system that never writes in place (btrfs, ZFS) may refuse it all the same once a quota or the disk is full.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from workbench.cli.faults import print_error
from workbench.errors import StorageError

INDEX = re.compile(r"\S+ .w\S* .* (/.+)-shm$", re.MULTILINE)
"""A line of a process's maps that names the index of a log."""
_kept: list[object] = []


def listen(as_json: Callable[[], bool] = lambda: False) -> None:
    """From now on such a page ends the command with one line and exit code 3 (Linux; elsewhere the system ends it)."""
    if sys.platform != "linux":
        return
    import ctypes

    def leave(number: int) -> None:
        found = INDEX.search(Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape"))
        if found is None:  # some other file: what touches it once more ends as the system has it
            libc.signal(number, None)
            return
        message = f"{found[1]}: no room is left for the index of its log (the disk or a quota is full);"
        message += " every chunk stored so far is kept; free some space and give the same command again"
        # Nothing is tidied up: we stand in the middle of SQLite. The next command finds what a kill leaves.
        os._exit(print_error(StorageError(message), as_json()))

    # Python's own handlers run between two of its steps, and the step that faults would be taken again without end.
    libc = ctypes.CDLL(None)
    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(leave)
    _kept.append(handler)
    libc.signal(signal.SIGBUS, handler)
