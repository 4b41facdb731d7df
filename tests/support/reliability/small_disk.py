"""A disk that is really full: a file system of some megabytes in memory, mounted where one child alone sees it.

The child enters a mount namespace of its own, as root or in a user namespace (Linux); nothing outside changes, and it
is all gone when the child ends.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.reliability.disturbed import in_a_fork

NEW_MOUNTS, NEW_USERS = 0x00020000, 0x10000000
PRIVATE = 0x4000 | (1 << 18)
"""MS_REC and MS_PRIVATE."""


class NoSmallDisk(Exception):
    """Why none can be mounted here."""


def on_small_disk(place: Path, size: int, work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a child that has `size` bytes of disk at `place`.

    Raises
    ------
    NoSmallDisk
        If this system lets nobody mount one.
    """

    def mounted() -> Any:
        _mount(place, size)
        return work()

    return in_a_fork(place.parent, mounted)


def _mount(place: Path, size: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def did(code: int, what: str) -> None:
        if code:
            raise NoSmallDisk(f"{what}: {os.strerror(ctypes.get_errno())}")

    user, group = os.getuid(), os.getgid()
    if user or libc.unshare(NEW_MOUNTS):
        did(libc.unshare(NEW_MOUNTS | NEW_USERS), "no namespace of one's own")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    did(libc.mount(None, b"/", None, PRIVATE, None), "mounts cannot be kept apart")
    did(libc.mount(b"small", os.fsencode(place), b"tmpfs", 0, f"size={size}".encode()), "nothing can be mounted")


def leave(place: Path, room: int) -> Path:
    """Fill the disk at `place` but for `room` bytes; return the file that does."""
    ballast = place / "ballast"
    there = os.statvfs(place)
    with ballast.open("wb") as file:
        file.write(b"x" * max(there.f_bavail * there.f_frsize - room, 0))
    return ballast
