"""Files in and out: the one place that opens what a user names, and that replaces what a user keeps.

A path may name anything: a pipe that never answers, an endless device, a link to someone else's file. Reading
takes regular files only and never waits; writing leaves a whole file or none, and replaces regular files only.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shlex
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.errors import CONTROLS, StorageError, escaped

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def kind_of(mode: int) -> str:
    """Return what a file that is not regular is, in words; "" for a regular one."""
    return next((words for is_kind, words in KINDS if is_kind(mode)), "")


def plain_path(path: Path) -> str:
    """Return a path in a form that is not taken for an option, a URL or a special name of SQLite."""
    text = str(path)
    return os.path.join(".", text) if text.startswith(("-", "file:", ":")) else text  # noqa: PTH118 - Path drops the "."


def quote_argument(path: Path) -> str:
    """Return a path as one word of a shell's line."""
    return _word(plain_path(path))


def command_line(words: Iterable[str]) -> str:
    """Return words as one line that a shell reads back as the same words."""
    return " ".join(map(_word, words))


def _word(text: str) -> str:
    # A quoted end of a line is still the end of a line, and a quoted escape still acts on the terminal.
    if not CONTROLS.search(text):
        return shlex.quote(text)
    return "$'" + escaped(text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+(e[+-]?\d+)?", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def guard_cell(cell: str) -> str:
    """Return the text of a cell of a CSV file so that no spreadsheet takes it for a formula; numbers stay numbers."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file, links followed, and return its descriptor.

    A pipe would wait for a writer and a device may act on being opened, so the kind of file is checked before opening
    and again afterwards.

    Raises
    ------
    OSError
        If it cannot be opened or is no regular file; `strerror` says why in words.
    """
    if kind := kind_of(path.stat().st_mode):
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    # Non-blocking, so that opening a pipe that took the file's place cannot hang.
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    # Asked again of the open file: between the two calls another process may have put a pipe in its place.
    if kind := kind_of(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))
    return handle


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file, and never more than `most` of them.

    Raises
    ------
    OSError
        If it cannot be opened, is no regular file, or is longer; `strerror` says why in words.
    """
    with os.fdopen(open_regular(path), "rb") as stream:
        # One byte more than allowed tells a file that is too long from one that just fits, without trusting its
        # reported size: some files have none.
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes, the largest that is read", str(path))
    return data


def refuse_loop(path: Path) -> None:
    """Raise where links form a loop: a file written there would replace a link.

    Raises
    ------
    StorageError
        If they do.
    """
    try:
        path.stat()
    except OSError as fault:
        if fault.errno == errno.ELOOP:
            raise StorageError(f"{path}: its links form a loop; nothing was written; name a file") from None


def refuse_irregular(target: Path, kept: str = "nothing was written") -> None:
    """Raise where a result must not go: onto what is there and no regular file.

    Raises
    ------
    StorageError
        If `target`, links followed, is a folder, a pipe, a device or a socket, or the links never end.
    """
    refuse_loop(target)
    try:
        kind = kind_of(target.stat().st_mode)
    except OSError:
        return
    if kind == "a folder":
        raise StorageError(f"{target}: is a directory; {kept}; name a file")
    if kind:
        raise StorageError(f"{target}: is {kind}, not a file; {kept}; name a file")


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise where a result must not be written: onto no regular file, or onto one that is there (without `force`).

    Raises
    ------
    StorageError
        Naming what is there.
    """
    refuse_irregular(target)
    if target.exists() and not force:
        raise StorageError(f"{target}: already exists and was left unchanged; --force replaces it")


BESIDE = ("", "-wal", "-shm", "-journal", ".lock")
"""What stands beside a database while it is written, by the end of its name."""


def refuse_replacing(target: Path, needed: Iterable[Path], kept: str = "nothing was written") -> None:
    """Raise where a result would take the place of a file that the same command reads or writes, ``--force`` or not.

    Raises
    ------
    StorageError
        Naming the file; links to it and names that differ from its own by case alone are the file itself.
    """

    def place(path: Path, end: str = "") -> str:
        return os.path.realpath(path).casefold() + end

    for one in needed:
        same = target.exists() and one.exists() and target.samefile(one)
        if same or place(target) in {place(one, end) for end in BESIDE}:
            raise StorageError(
                f"{target}: would take the place of {one}, which this command uses; {kept}; name another"
            )


def make_folder(folder: Path, choose: str) -> None:
    """Make a default folder for results, which the user did not name.

    Raises
    ------
    StorageError
        If it cannot be made, saying which option, `choose`, names another place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise StorageError(f"{folder} cannot be made ({fault.strerror}); choose {choose}") from fault


def refuse_unwritable(target: Path, kept: str = "nothing was written") -> None:
    """Raise where a result could not be written, before it is computed.

    Raises
    ------
    StorageError
        If the folder does not exist or cannot be written.
    """
    folder = Path(os.path.realpath(target)).parent
    if not folder.is_dir():
        raise StorageError(f"{target}: the folder {target.parent} does not exist; {kept}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{target}: the folder {target.parent} cannot be written; {kept}")


def write_whole(target: Path, content: str | bytes) -> None:
    """Write beside the target and rename, so that there is a whole file or none; a link keeps leading to it.

    A draft left beside the target by a killed process is removed by the next process that writes it.

    Raises
    ------
    StorageError
        If it cannot be written, or something other than a regular file is there.
    """
    refuse_irregular(target)
    data = content.encode("utf-8", errors="replace") if isinstance(content, str) else content
    # Renaming onto a link would replace the link; the file that it leads to is replaced instead.
    real = Path(os.path.realpath(target))
    mine = _drafts_of(real)
    draft = real.with_name(f"{mine}{os.getpid()}-{os.urandom(4).hex()}.draft")
    try:
        _remove_drafts(real.parent, mine)
        # Exclusive, so that a file or link that someone else laid here is never written through.
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # Before the rename: some file systems write the new name to disk before the data, and a power cut then
            # leaves an empty file.
            os.fsync(file.fileno())
        draft.replace(real)
    except OSError as fault:
        raise StorageError(f"{target}: cannot be written ({fault.strerror}); nothing was written") from fault
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    sync_folder(real.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder to the disk where the system can: otherwise a power cut may undo a rename."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _drafts_of(real: Path) -> str:
    """Return the prefix of this machine's drafts of a file; short, however long the file's name is."""
    # The machine's name is part of it: on a shared disk a process number of another machine says nothing about
    # processes here.
    return f".{hashlib.sha256(f'{platform.node()}/{real.name}'.encode(errors='replace')).hexdigest()[:12]}-"


def _remove_drafts(folder: Path, beginning: str) -> None:
    """Remove the drafts of processes of this machine that have ended."""
    drafts = re.compile(rf"{re.escape(beginning)}(\d{{1,9}})-[0-9a-f]{{8}}\.draft")
    for entry in os.scandir(folder):
        found = drafts.fullmatch(entry.name)
        if found and not _is_running(int(found[1])) and entry.is_file(follow_symlinks=False):
            Path(entry.path).unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where asking would end it
        return True
    try:
        # Signal 0 only asks. A process of another user gives EPERM, which also means that it runs.
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
