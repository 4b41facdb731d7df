"""What the workbench depends on: `python tests/support/dependencies.py` lists licences and looks for known advisories.

Every distribution that an installation of the workbench brings along, the test tools among them, is named with its
version, its licence as its own metadata say, and who asks for it. A licence that is not on the list below, or none, is a
fault. Known advisories come from `pip-audit` (`pip install pip-audit`), which asks a service on the network; what it could
not look up counts as not checked. Exit codes: 0 nothing found, 3 something could not be checked, 5 a fault.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT, EXTRAS = "workbench", ("dev",)
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-CMU", "MPL-2.0",
    "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
}  # fmt: skip
"""SPDX names of licences that ask for no more than to be named, or that bind changes to their own files alone."""
EXCEPTIONS = {"GCC-exception-3.1": "GPL-3.0-or-later", "LLVM-exception": "Apache-2.0"}
"""Exceptions that free what is linked, and the licence that each of them opens."""
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD": "BSD-3-Clause", "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip

TOOLS = {
    "codespell": "a program that is run over the texts; nothing of it is imported or handed on",
    "docutils": "public domain but for an editor's mode, which nothing here uses",
}
"""What only builds or checks this repository, is never part of an installation, and so may be under another licence."""


@dataclass(frozen=True)
class Part:
    """One distribution that is needed."""

    name: str
    version: str
    licence: str
    needed_by: str

    @property
    def allowed(self) -> bool:
        """Whether every licence that it is under is on the list, or it is a tool that nothing is built upon."""
        return self.name in TOOLS or permissive(self.licence)


def permissive(licence: str) -> bool:
    """Return whether each part of an SPDX expression is on the list; one of several to choose from is enough."""
    parts = re.split(r"\s+AND\s+", licence.replace("(", " ").replace(")", " ").strip())
    return bool(licence) and all(any(map(_one, re.split(r"\s+OR\s+", part))) for part in parts)


def _one(licence: str) -> bool:
    base, _, exception = (word.strip() for word in licence.partition(" WITH "))
    return EXCEPTIONS.get(exception) == base if exception else base in PERMISSIVE


def licence_of(found: Distribution) -> str:
    """Return the SPDX expression of a distribution's metadata, older forms translated; "" where it says none."""
    metadata = found.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [c.rpartition(" :: ")[2] for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    known = [CLASSIFIERS.get(name, name) for name in named if name != "OSI Approved"]
    free = str(metadata.get("License") or "").strip()
    return " AND ".join(known) or (CLASSIFIERS.get(free, free) if len(free.splitlines()) == 1 else "")


def needed(project: str = PROJECT, extras: Sequence[str] = EXTRAS) -> list[Part]:
    """Return everything that an installation brings, by name; what is asked for and not installed is left out."""
    found: dict[str, Part] = {}
    asked = [(requirement, project) for requirement in _requirements(distribution(project), extras)]
    while asked:
        requirement, by = asked.pop()
        name = canonicalize_name(requirement.name)
        if name in found:
            continue
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = Part(name, one.version, licence_of(one), by)
        asked += [(further, name) for further in _requirements(one, requirement.extras)]
    return [found[name] for name in sorted(found)]


def _requirements(one: Distribution, extras: Sequence[str] | set[str]) -> Iterator[Requirement]:
    for text in one.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def advisories(parts: Sequence[Part], answer: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Return (known advisories, what was not checked) of what `pip-audit --format json` answered."""
    listed = {canonicalize_name(one["name"]): one for one in answer["dependencies"]}  # type: ignore[attr-defined]
    known, unchecked = [], []
    for part in parts:
        one = listed.get(canonicalize_name(part.name), {"skip_reason": "not among what pip-audit looked at"})
        if reason := one.get("skip_reason"):
            unchecked.append(f"{part.name} {part.version}: {reason}")
        for flaw in one.get("vulns", ()):
            mended = ", ".join(flaw["fix_versions"]) or "no version yet"
            known.append(f"{part.name} {part.version}: {flaw['id']} (mended in {mended})")
    return known, unchecked


def _audited() -> Mapping[str, object] | None:
    command = [sys.executable, "-m", "pip_audit", "--local", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: Mapping[str, object] = json.loads(done.stdout)
    except json.JSONDecodeError:
        return None
    return found


def put(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    """Print both lists and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--offline", action="store_true", help="licences alone; ask no service for advisories")
    offline = parser.parse_args().offline
    parts = needed()
    for part in parts:
        mark = "" if part.allowed else "   <- not on the list"
        put(f"{part.name:24} {part.version:14} {part.licence or 'none said':40} by {part.needed_by}{mark}")
    wrong = [part for part in parts if not part.allowed]
    put(f"{len(parts)} distributions, {len(wrong)} with a licence that is not on the list")
    if offline:
        return 5 if wrong else 0
    answer = _audited()
    if answer is None:
        put("advisories: not checked (pip-audit is not installed, or its service did not answer)")
        return 5 if wrong else 3
    known, unchecked = advisories(parts, answer)
    put("\n".join([*known, *(f"not checked: {line}" for line in unchecked)]) or "nothing known")
    put(f"{len(known)} known advisories; {len(unchecked)} of {len(parts)} distributions could not be looked up")
    return 5 if wrong or known else 3 if unchecked else 0


if __name__ == "__main__":
    sys.exit(main())
