"""What a command leaves in its folder, and what it shows on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from support.commands import command, environment


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_terminal(folder: Path, *arguments: str, code: int = 0, **changes: str) -> str:
    """Return what a terminal sees of one command, which ends with exit `code`."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(**changes), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert running.wait() == code, seen
    return seen.decode()
