"""Lists of other projects' names in the format that intersphinx reads, made from lines that people read."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path


def written(name: str, lines: str) -> str:
    """Return a file with the names of project `name`; each of `lines` is ``NAME ROLE PAGE``."""
    head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    entries = (line.split() for line in lines.splitlines() if line.strip() and not line.startswith("#"))
    body = "".join(f"{what} py:{role} 1 {page}#$ -\n" for what, role, page in entries)
    file = Path(tempfile.mkdtemp(prefix="inventory-")) / f"{name}.inv"
    file.write_bytes(head.encode() + zlib.compress(body.encode()))
    return str(file)
