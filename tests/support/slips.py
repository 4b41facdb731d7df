"""A scenario with one slip in it, checked by the real command; shared by the tests of what makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.commands import workbench


@dataclass(frozen=True)
class Told:
    """One fault as the command told it: line of the file, dotted key, what is wrong."""

    line: int
    key: str
    message: str


def faults(text: str, folder: Path) -> list[Told]:
    """Return all that the command told of a scenario, which it must refuse."""
    (folder / "slip.toml").write_text(text, encoding="utf-8")
    done = workbench("check", "slip.toml", cwd=folder)
    assert done.returncode == 2, done.stdout
    return [_read(line) for line in done.stderr.splitlines() if not line.startswith("hint")]


def _read(line: str) -> Told:
    place, key, message = line.removeprefix("error: ").split(": ", 2)
    return Told(int(place.split(":")[1]), key, message)


def refused_once(text: str, key: str, words: Sequence[str], folder: Path) -> None:
    """Check that one line is told, that it ends in `key`, lies in the table it names, and has all of the words."""
    (told,) = faults(text, folder)
    assert told.key.endswith(f".{key}") and all(word in told.message for word in words), told
    assert in_its_table(told, text), told


def in_its_table(told: Told, text: str) -> bool:
    """Whether the line told lies between the header of the table that the key names and the next one."""
    lines = text.splitlines()
    header = 1 + lines.index(f"[{told.key.rpartition('.')[0]}]")
    return header <= told.line and not any(line.startswith("[") for line in lines[header : told.line])
