"""Every fault that robustness is promised for has a test under its number."""

from __future__ import annotations

import re

from support.commands import ROOT

PROMISED = {
    "S": 18,  # scenario files
    "C": 4,  # the command line
    "I": 12,  # interruption, processes, resources
    "D": 9,  # databases
    "R": 4,  # reports and exports
}
"""How many faults of each kind are numbered."""
FUNCTION = re.compile(r"^\s*def test_(\w+)", re.MULTILINE)
NUMBER = re.compile(r"(?:^|_)([scidr]\d\d)(?=_|$)", re.IGNORECASE)


def test_every_numbered_fault_has_a_test_of_its_number() -> None:
    names = [name for file in (ROOT / "tests").rglob("*.py") for name in FUNCTION.findall(file.read_text("utf-8"))]
    tested = {number.upper() for name in names for number in NUMBER.findall(name)}
    promised = {f"{kind}{number:02d}" for kind, count in PROMISED.items() for number in range(1, count + 1)}
    assert len(promised) == 47
    assert promised - tested == set()
