"""The tables in READMEs that are made from the files beside them: ``python docs/tables.py`` writes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench.cli.guide_text import MAKERS

ROOT = Path(__file__).resolve().parents[1]


def checksums() -> str:
    """Return a table of the SHA-256 of each data file."""
    data = ROOT / "data"
    files = sorted(file for file in data.rglob("*") if file.is_file() and "results" not in file.parts)
    rows = (
        f"| `{file.relative_to(data).as_posix()}` | `{hashlib.sha256(file.read_bytes()).hexdigest()}` |"
        for file in files
        if file.name != "README.md"
    )
    return "\n".join(["| file | SHA-256 |", "| --- | --- |", *rows])


MADE: Mapping[str, tuple[str, Callable[[], str]]] = {
    "scenarios/README.md": ("scenarios", MAKERS["scenarios"]),
    "data/README.md": ("checksums", checksums),
}


def written(page: str) -> str:
    """Return the text of a README with its table made again."""
    name, make = MADE[page]
    form = re.compile(
        rf"(?<=<!-- {name}: made by `python docs/tables.py` -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL
    )
    return form.sub(lambda _: f"{make()}\n", (ROOT / page).read_text(encoding="utf-8"))


def main() -> None:
    """Write both tables."""
    for page in MADE:
        text = written(page)
        (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
