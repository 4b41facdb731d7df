"""SQLite's own steps, counted and made to fail: the library that Python has loaded, its real files beneath.

SQLite reaches the disk through a table of functions, its VFS. A copy of the default table is registered in which every
step that may fail is counted first; all others, and every step whose turn has not come, are the library's own. No
compiler is needed. What this does not reach: a fault inside a step (between two system calls of one write), faults of
memory maps (the store uses none for its pages), and a Python whose SQLite is linked in so that its functions have no
names outside.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, addressof, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path

OK = 0
FULL = 13
FAULTS = {
    "open": 14,  # SQLITE_CANTOPEN
    "write": 778,  # SQLITE_IOERR_WRITE
    "sync": 1034,  # SQLITE_IOERR_FSYNC
    "truncate": 1546,  # SQLITE_IOERR_TRUNCATE
    "read": 266,  # SQLITE_IOERR_READ
    "lock": 3850,  # SQLITE_IOERR_LOCK
    "unlock": 2058,  # SQLITE_IOERR_UNLOCK
    "delete": 2570,  # SQLITE_IOERR_DELETE
    "size": 1802,  # SQLITE_IOERR_FSTAT
    "shared": 5386,  # SQLITE_IOERR_SHMMAP
}
"""What SQLite is told when a step of each kind fails."""
METHODS = (
    *("xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock", "xUnlock", "xCheckReservedLock"),
    *("xFileControl", "xSectorSize", "xDeviceCharacteristics", "xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap"),
    *("xFetch", "xUnfetch"),
)
SIGNATURES = {
    "xRead": ("read", CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)),
    "xWrite": ("write", CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)),
    "xTruncate": ("truncate", CFUNCTYPE(c_int, c_void_p, c_int64)),
    "xSync": ("sync", CFUNCTYPE(c_int, c_void_p, c_int)),
    "xFileSize": ("size", CFUNCTYPE(c_int, c_void_p, c_void_p)),
    "xLock": ("lock", CFUNCTYPE(c_int, c_void_p, c_int)),
    "xUnlock": ("unlock", CFUNCTYPE(c_int, c_void_p, c_int)),
    "xShmMap": ("shared", CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)),
}
# Names stay addresses: SQLite keeps the parameters of a URI in the bytes behind them.
OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
ALLOCATE = CFUNCTYPE(c_void_p, c_int)
REALLOCATE = CFUNCTYPE(c_void_p, c_void_p, c_int)

Step = Callable[[str, str], bool]
"""Asked before each step with its kind and the file's name; answers whether it fails."""


class _Methods(Structure):
    _fields_ = (("iVersion", c_int), *((name, c_void_p) for name in METHODS))


class _Vfs(Structure):
    _fields_ = (
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        *(
            (name, c_void_p)
            for name in (
                *("xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError", "xDlSym", "xDlClose"),
                *("xRandomness", "xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64"),
                *("xSetSystemCall", "xGetSystemCall", "xNextSystemCall"),
            )
        ),
    )


class _Memory(Structure):
    _fields_ = tuple(
        (name, c_void_p)
        for name in ("xMalloc", "xFree", "xRealloc", "xSize", "xRoundup", "xInit", "xShutdown", "pAppData")
    )


def library() -> ctypes.CDLL | None:
    """Return the SQLite that Python's own module is linked with; None where its functions cannot be reached."""
    import _sqlite3

    sqlite3.connect(":memory:").close()
    places = [getattr(_sqlite3, "__file__", None)]
    maps = Path("/proc/self/maps")
    if maps.exists():
        named = {line.split(maxsplit=5)[-1].strip() for line in maps.read_text().splitlines() if "sqlite3" in line}
        places = sorted(named, key=lambda name: "libsqlite3" not in name)
    for place in places:
        try:
            found = ctypes.CDLL(place)
            find, version = found.sqlite3_vfs_find, found.sqlite3_libversion
        except (OSError, AttributeError):
            continue
        find.restype, version.restype = c_void_p, c_char_p
        if version().decode() == sqlite3.sqlite_version and find(None):
            return found
    return None


def _spelled(name: int) -> str:
    return os.path.basename(ctypes.string_at(name).decode())  # noqa: PTH119


class CountedFiles:
    """From now on, and until this process ends, every step of SQLite on a file asks `step` first.

    Parameters
    ----------
    half : bool
        A write that fails has written its first half before.
    code : int, optional
        What a failing write says; a fault of input and output if None.
    kinds : set of str
        Which steps ask; all if empty.
    """

    def __init__(
        self, step: Step, half: bool = False, code: int | None = None, kinds: frozenset[str] = frozenset()
    ) -> None:
        found = library()
        assert found is not None
        self._step, self._half, self._kinds = step, half, kinds
        self._codes = FAULTS if code is None else {**FAULTS, "write": code}
        self._default = found.sqlite3_vfs_find(None)
        self._own = _Vfs.from_buffer_copy(_Vfs.from_address(self._default))
        self._own.zName = b"counted"
        self._tables: dict[int, _Methods] = {}
        self._names: dict[int, str] = {}
        self._kept: list[object] = []
        self._open, self._delete = OPEN(self._own.xOpen), DELETE(self._own.xDelete)
        self._own.xOpen = self._pointer(OPEN(self._opened))
        self._own.xDelete = self._pointer(DELETE(self._deleted))
        assert found.sqlite3_vfs_register(c_void_p(addressof(self._own)), 1) == OK

    def _pointer(self, function: object) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, c_void_p).value  # type: ignore[arg-type]

    def _opened(self, _vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        told = _spelled(name) if name else "temporary"
        if self._step("open", told):
            ctypes.cast(file, POINTER(c_void_p))[0] = None
            return FAULTS["open"]
        code = int(self._open(self._default, name, file, flags, out))
        methods = ctypes.cast(file, POINTER(c_void_p))
        if code == OK and methods[0]:
            self._names[file] = told
            methods[0] = addressof(self._table(methods[0]))
        return code

    def _deleted(self, _vfs: int, name: int, folder: int) -> int:
        return (
            FAULTS["delete"] if self._step("delete", _spelled(name)) else int(self._delete(self._default, name, folder))
        )

    def _table(self, address: int) -> _Methods:
        if address not in self._tables:
            own = _Methods.from_buffer_copy(_Methods.from_address(address))
            for method, (kind, signature) in SIGNATURES.items():
                # Python must not be called from where SQLite clears up after an error that Python is about to raise.
                if (not self._kinds or kind in self._kinds) and (original := getattr(own, method)):
                    setattr(own, method, self._pointer(signature(self._counted(kind, signature(original)))))
            self._tables[address] = own
        return self._tables[address]

    def _counted(self, kind: str, original: Callable[..., int]) -> Callable[..., int]:
        def call(file: int, *given: int) -> int:
            if not self._step(kind, self._names.get(file, "")):
                return original(file, *given)
            if kind == "write" and self._half and given[1] > 1:
                original(file, given[0], given[1] // 2, given[2])
            return self._codes[kind]

        return call


class CountedMemory:
    """From now on, and until this process ends, every allocation of SQLite asks `step` first; no database is open."""

    GET, SET = 5, 4

    def __init__(self, step: Step) -> None:
        found = library()
        assert found is not None
        assert found.sqlite3_shutdown() == OK
        own = _Memory()
        assert found.sqlite3_config(c_int(self.GET), ctypes.byref(own)) == OK
        allocate, reallocate = ALLOCATE(own.xMalloc), REALLOCATE(own.xRealloc)
        self._started = False

        def malloc(size: int) -> int | None:
            return None if self._started and step("allocation", "") else allocate(size)

        def realloc(old: int, size: int) -> int | None:
            return None if self._started and step("allocation", "") else reallocate(old, size)

        self._kept = (own, allocate, reallocate, ALLOCATE(malloc), REALLOCATE(realloc))
        own.xMalloc = ctypes.cast(self._kept[3], c_void_p)
        own.xRealloc = ctypes.cast(self._kept[4], c_void_p)
        assert found.sqlite3_config(c_int(self.SET), ctypes.byref(own)) == OK
        assert found.sqlite3_initialize() == OK
        self._started = True


class PowerCut(CountedFiles):
    """Remembers what was written since each file was last synced; `cut` undoes it and ends the process.

    The disk as it is in the worst case after a power cut: nothing of what nobody waited for has arrived. New names and
    removed files count as arrived.
    """

    def __init__(self, step: Step) -> None:
        self._undo: dict[str, list[tuple[int, bytes, int]]] = {}
        self._at: dict[int, str] = {}
        super().__init__(step)

    def _opened(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        code = super()._opened(vfs, name, file, flags, out)
        if name and code == OK:
            self._at[file] = ctypes.string_at(name).decode()
        return code

    def _deleted(self, vfs: int, name: int, folder: int) -> int:
        self._undo.pop(ctypes.string_at(name).decode(), None)
        return super()._deleted(vfs, name, folder)

    def _counted(self, kind: str, original: Callable[..., int]) -> Callable[..., int]:
        counted = super()._counted(kind, original)

        def call(file: int, *given: int) -> int:
            place = self._at.get(file)
            code = counted(file, *given) if kind == "sync" else OK
            if place is not None and kind in ("write", "truncate"):
                size = os.stat(place).st_size  # noqa: PTH116 - the real one; a file object would drop SQLite's locks
                start = given[2] if kind == "write" else given[0]
                self._undo.setdefault(place, []).append((start, self._read(file, start, size, kind, given), size))
            elif place is not None and kind == "sync" and code == OK:
                self._undo.pop(place, None)
            return code if kind == "sync" else counted(file, *given)

        return call

    def _read(self, file: int, start: int, size: int, kind: str, given: tuple[int, ...]) -> bytes:
        amount = max(min(given[1] if kind == "write" else size, size - start), 0)
        if not amount:
            return b""
        held = ctypes.create_string_buffer(amount)
        table = _Methods.from_address(ctypes.cast(file, POINTER(c_void_p))[0])
        read = self._plain_read(table)
        assert read(file, ctypes.cast(held, c_void_p), amount, start) == OK
        return held.raw

    def _plain_read(self, own: _Methods) -> Callable[..., int]:
        original = next(a for a, t in self._tables.items() if addressof(t) == addressof(own))
        return SIGNATURES["xRead"][1](_Methods.from_address(original).xRead)

    def cut(self) -> None:
        """Undo what was not synced, the latest first, and end this process."""
        for place, changes in self._undo.items():
            if not os.path.exists(place):  # noqa: PTH110
                continue
            handle = os.open(place, os.O_RDWR)
            for start, data, size in reversed(changes):
                os.pwrite(handle, data, start)
                os.ftruncate(handle, size)
            os.close(handle)
        os.kill(os.getpid(), signal.SIGKILL)
