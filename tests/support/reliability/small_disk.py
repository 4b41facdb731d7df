"""Disks that are really full: one of some megabytes in memory, and a folder on one with a quota.

Each is mounted where one child alone sees it: the child enters a mount namespace of its own, as root or in a user
namespace (Linux). Nothing outside changes, and it is all gone when the child ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import lzma
import os
import struct
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.reliability.disturbed import in_a_fork

NEW_MOUNTS, NEW_USERS = 0x00020000, 0x10000000
PRIVATE = 0x4000 | (1 << 18)
"""MS_REC and MS_PRIVATE."""
EMPTY = Path(__file__).with_name("empty.btrfs.xz")
"""A file system that keeps quotas without tools: ``truncate -s 32M X; mkfs.btrfs -M -m single -d single X; xz -9e X``."""
GET_FREE, SET_FILE, SET_STATUS, CLEARED_WHEN_UNMOUNTED = 0x4C82, 0x4C00, 0x4C04, 4
QUOTAS_ON, NEW_VOLUME, LIMIT, WHOSE = 0xC0109428, 0x5000940E, 0x8030942B, 0xD0009412
"""BTRFS_IOC_QUOTA_CTL, BTRFS_IOC_SUBVOL_CREATE, BTRFS_IOC_QGROUP_LIMIT, BTRFS_IOC_INO_LOOKUP."""
FIRST = 256
"""The number of the first folder of a volume."""


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
        _alone(os.getuid(), os.getgid())
        _mount("small", place, "tmpfs", f"size={size}")
        return work()

    return in_a_fork(place.parent, mounted)


def under_a_quota(place: Path, work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a child for which `place` is a disk that keeps quotas; errors as `on_small_disk`."""

    def mounted() -> Any:
        if os.getuid():
            raise NoSmallDisk("a loop device is mounted by root alone")
        _alone(0, 0)
        with _no_such_disk("no loop device"), _opened(Path("/dev/loop-control")) as control:
            device = Path(f"/dev/loop{fcntl.ioctl(control, GET_FREE)}")
            image = place.with_suffix(".image")
            image.write_bytes(lzma.decompress(EMPTY.read_bytes()))
            with _opened(device) as loop, _opened(image) as file:
                fcntl.ioctl(loop, SET_FILE, file)
                fcntl.ioctl(loop, SET_STATUS, struct.pack("52xI176x", CLEARED_WHEN_UNMOUNTED))
                _mount(str(device), place, "btrfs", "")
        with _no_such_disk("no quotas"), _opened(place, os.O_RDONLY) as root:
            fcntl.ioctl(root, QUOTAS_ON, struct.pack("QQ", 1, 0))
        return work()

    return in_a_fork(place.parent, mounted)


def quota_folder(folder: Path) -> None:
    """Make a folder whose files are counted together, on a disk that keeps quotas."""
    with _opened(folder.parent, os.O_RDONLY) as parent:
        fcntl.ioctl(parent, NEW_VOLUME, bytearray(struct.pack("q4088s", 0, folder.name.encode())))


def limit(folder: Path, most: int) -> None:
    """Allow such a folder so many bytes."""
    with _opened(folder, os.O_RDONLY) as own, _opened(folder.parent, os.O_RDONLY) as parent:
        os.sync()  # what is there already counts from here on
        volume = bytearray(struct.pack("QQ4080x", 0, FIRST))
        fcntl.ioctl(own, WHOSE, volume)
        fcntl.ioctl(parent, LIMIT, struct.pack("6Q", *struct.unpack_from("Q", volume), 1, most, 0, 0, 0))


@contextmanager
def _opened(path: Path, how: int = os.O_RDWR) -> Any:
    handle = os.open(path, how)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _no_such_disk(what: str) -> Any:
    try:
        yield
    except OSError as fault:
        raise NoSmallDisk(f"{what}: {fault}") from fault


def _checked(libc: ctypes.CDLL, code: int, what: str) -> None:
    if code:
        raise NoSmallDisk(f"{what}: {os.strerror(ctypes.get_errno())}")


def _alone(user: int, group: int) -> None:
    """Let this process see mounts of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if user or libc.unshare(NEW_MOUNTS):
        _checked(libc, libc.unshare(NEW_MOUNTS | NEW_USERS), "no namespace of one's own")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    _checked(libc, libc.mount(None, b"/", None, PRIVATE, None), "mounts cannot be kept apart")


def _mount(what: str, place: Path, kind: str, options: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    code = libc.mount(what.encode(), os.fsencode(place), kind.encode(), 0, options.encode())
    _checked(libc, code, f"no {kind} can be mounted")


def leave(place: Path, room: int) -> Path:
    """Fill the disk at `place` but for `room` bytes; return the file that does."""
    ballast = place / "ballast"
    there = os.statvfs(place)
    with ballast.open("wb") as file:
        file.write(b"x" * max(there.f_bavail * there.f_frsize - room, 0))
    return ballast
