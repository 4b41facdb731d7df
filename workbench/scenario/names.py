"""What may be a name: of a table, an arm, a scenario file, an output."""

from __future__ import annotations

import re

from workbench.errors import shorten

RULE = "letters, digits, '_' and '-', at most 64, starting with a letter or digit"
PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
FILE_RULE = "letters, digits, '.', '_' and '-', at most 64, starting with a letter or digit"
FILE_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

# Windows opens these as devices, with or without an ending, in every folder.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}


def name_fault(name: str, *, file: bool = False) -> str:
    """Return why `name` cannot be used, or "" if it can.

    Names inside a scenario have no dots, because dots join them to paths; names of files may have some.
    """
    pattern, rule = (FILE_PATTERN, FILE_RULE) if file else (PATTERN, RULE)
    if re.fullmatch(pattern, name) is None:
        return f"'{shorten(name)}' cannot be a name ({rule})"
    if name.partition(".")[0].lower() in DEVICES:
        return f"'{shorten(name)}' is the name of a device on some systems and cannot be a name"
    return ""
