"""What happens on a machine elsewhere: it says what it computes with, and solves what it is given."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from workbench.execution.worker import Differs, Fault, OutOfMemory, answer
from workbench.store.provenance import NUMERIC, OFFERED, numeric_class, provenance

if TYPE_CHECKING:
    from workbench.solver.batch import Batch, BatchResult, Machine

PROCESS = uuid4().hex
"""Names this process: a worker that was started anew at the address of a dead one has another."""
VERSIONS = ("python", "numpy", "scipy")
MACHINE = tuple(name for name in NUMERIC if name not in VERSIONS)
"""What a machine is, apart from what is installed on it: there is a stated tolerance between two of them."""

_alone = Lock()


@dataclass(frozen=True)
class Greeting:
    """A worker's first word: its process, and what its results depend on."""

    process: str
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Stranger:
    """The answer of a process that was never greeted, to a batch for one that was at its address."""


def greet() -> Greeting:
    """Say who this is."""
    logging.getLogger("workbench").addHandler(logging.NullHandler())  # whoever asks has said it
    return Greeting(PROCESS, provenance())


def solve_here(batch: Batch, process: str) -> BatchResult | Fault | Differs | OutOfMemory | Stranger:
    """Solve a batch that is for `process`, one at a time and with one thread for its linear algebra."""
    from threadpoolctl import threadpool_limits

    if process != PROCESS:
        return Stranger()
    with _alone, threadpool_limits(1):
        return answer(batch)


def other_code(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Say in which versions and components a worker is another one; then its results are others."""
    return [*_other_versions(here, there), *_other_components(here, there)]


def _other_versions(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for name in ("workbench", *VERSIONS):
        if there.get(name) != here[name]:
            yield f"its {name} is {there.get(name, 'unknown')}, here {here[name]}"
    if there.get("workbench") == here["workbench"] and there.get("source_sha256") != here["source_sha256"]:
        yield f"its workbench {here['workbench']} has other code than the one here"


def _other_components(here: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for key, value in here.items():
        if key.startswith(OFFERED) and there.get(key) != value:
            name = key.removeprefix(OFFERED)
            yield f"its component {name} is another" if key in there else f"it lacks the component {name}"


def other_machine(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """Say in what a worker's machine is another one; then its results may have other last digits."""
    said = []
    for name in MACHINE:
        a, b = numeric_class(name, here[name]), numeric_class(name, there.get(name, "unknown"))
        if not (_same_kernels(a, b) if name == "blas" else a == b):
            said.append(f"its {name} is {b}, here {a}")
    return said


def _same_kernels(one: str, other: str) -> bool:
    # SciPy brings a library of its own, which is listed once something has used it.
    first, second = set(one.split(", ")), set(other.split(", "))
    return first <= second or second <= first


def machine_of(there: Mapping[str, str]) -> Machine:
    """Return what a worker's machine is, as it is stored beside what it computed."""
    return tuple((name, there.get(name, "unknown")) for name in MACHINE)
