"""Steps outside SQLite, counted and made to fail: files that Python itself opens, writes, settles, renames, removes.

The functions of `os` are replaced in this process, and files that Python writes through its own buffers are opened with
a counting layer beneath. Only what lies below one folder counts: what a library loads for itself is left alone.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Step = Callable[[str, str], int]
"""Asked before each step with its kind and the file's name; answers with the number of the error, 0 to go on."""
BY_NAME = {
    "mkdir": "folder", "rename": "rename", "replace": "rename", "unlink": "remove", "remove": "remove",
    "chmod": "mode", "truncate": "truncate", "rmdir": "remove",
}  # fmt: skip
BY_HANDLE = {"write": "write", "fsync": "sync", "ftruncate": "truncate", "fchmod": "mode"}


class CountedSystem:
    """From now on, and until this process ends, every step on a file below `folder` asks `step` first."""

    def __init__(self, folder: Path, step: Step, half: bool = False) -> None:
        self._folder, self._step, self._half = os.path.realpath(folder), step, half
        self._real = {name: getattr(os, name) for name in (*BY_NAME, *BY_HANDLE, "open")}
        self._io_open = io.open
        for name, kind in BY_NAME.items():
            setattr(os, name, self._by_name(self._real[name], kind))
        for name, kind in BY_HANDLE.items():
            setattr(os, name, self._by_handle(self._real[name], kind))
        os.open = self._opened  # type: ignore[assignment]
        os.fdopen = self._stream  # type: ignore[assignment]
        io.open = self._stream  # type: ignore[assignment]

    def _ours(self, path: Any) -> bool:
        if isinstance(path, int):
            try:
                path = Path(f"/proc/self/fd/{path}").readlink()
            except OSError:
                return False
        return os.path.join(os.path.realpath(os.fspath(path)), "").startswith(os.path.join(self._folder, ""))  # noqa: PTH118

    def _ask(self, kind: str, path: Any) -> None:
        if number := self._step(kind, str(path)):
            raise OSError(number, os.strerror(number), None if isinstance(path, int) else str(path))

    def _by_name(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def call(path: Any, *given: Any, **named: Any) -> Any:
            if self._ours(path):
                self._ask(kind, path)
            return real(path, *given, **named)

        return call

    def _by_handle(self, real: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def call(handle: int, *given: Any) -> Any:
            if self._ours(handle):
                if kind == "write" and self._half and (number := self._step(kind, "")):
                    real(handle, bytes(given[0])[: len(given[0]) // 2])
                    raise OSError(number, os.strerror(number))
                self._ask(kind, handle)
            return real(handle, *given)

        return call

    def _opened(self, path: Any, flags: int, *given: Any, **named: Any) -> int:
        if self._ours(path):
            self._ask("open", path)
        return int(self._real["open"](path, flags, *given, **named))

    def _stream(self, file: Any, mode: str = "r", buffering: int = -1, *given: Any, **named: Any) -> Any:
        if not self._ours(file):
            return self._io_open(file, mode, buffering, *given, **named)
        if not isinstance(file, int):
            self._ask("open", file)
        if not set(mode) & set("wax+"):
            return self._io_open(file, mode, buffering, *given, **named)
        raw = _CountedFile(file, mode.replace("b", "").replace("t", ""), named.pop("closefd", True))
        raw.owner = self
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *given, **named)

    def write(self, write: Callable[[Any], int | None], data: Any) -> int | None:
        """Write a buffer's bytes, where it is not their turn to fail."""
        if number := self._step("write", ""):
            if self._half:
                write(bytes(data)[: len(data) // 2])
            raise OSError(number, os.strerror(number))
        return write(data)


class _CountedFile(io.FileIO):
    owner: CountedSystem

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        return self.owner.write(super().write, data)


FULL, BROKEN, CLOSED = errno.ENOSPC, errno.EIO, errno.EROFS
