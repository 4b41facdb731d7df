"""What a result depends on besides the scenario: versions, machine class, and the code itself."""

from __future__ import annotations

import hashlib
import platform
import sqlite3
import subprocess
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.component.registry import registry
from workbench.errors import WorkbenchError
from workbench.solver.batch import ENGINE_REVISION
from workbench.store.read import open_results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.component.declaration import Component
    from workbench.component.registry import Registry
    from workbench.store.read import Results


PACKAGE = Path(__file__).resolve().parents[1]
OFFERED = "offered."
"""What the names of components of other packages begin with, among what is stored beside an invocation."""
UNPACKAGED = "unpackaged "
"""The same, for classes that were handed over and are in no package."""
UNIDENTIFIED = "never reused "
"""The same, for components that refer to something that cannot be identified; the value says to what."""
LIBRARIES = ("numpy", "scipy", "pandas", "sqlalchemy", "orjson")


@cache
def provenance() -> dict[str, str]:
    """Return what is stored beside every invocation, by name.

    `simd` is the class of vector instructions that NumPy uses here, `blas` the kernel of its linear algebra: results
    are the same bits on one class and kernel.
    """
    found = {
        "workbench": _version("workbench"),
        "source_sha256": source_sha256(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "simd": simd_class(),
        "blas": blas_kernel(),
    }
    found.update({name: _version(name) for name in LIBRARIES})
    found.update(offered())
    commit = git_commit()
    return {**found, "git_commit": commit} if commit else found


@cache
def versions() -> dict[str, str]:
    """Return the versions that every entry of the audit names; `engine` is the revision of the solver."""
    libraries = {name: _version(name) for name in ("numpy", "scipy", "pandas", "sqlalchemy")}
    return {
        "workbench": _version("workbench"),
        "engine": str(ENGINE_REVISION),
        "python": platform.python_version(),
        **libraries,
        "sqlite": sqlite3.sqlite_version,
    }


def offered() -> dict[str, str]:
    """Return every component that another installed package offers: package, version, hash of its source."""
    return {
        f"{OFFERED}{c.section}.{c.name}": f"{c.offered_by}, source sha256 {c.source_sha256()}"
        for c in registry()
        if c.offered_by
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def simd_class() -> str:
    """Return the CPU features that NumPy's loops were dispatched on, widest last, or "unknown".

    NumPy keeps this table private; it reflects ``NPY_DISABLE_CPU_FEATURES``, which the public one does not.
    """
    try:
        core = import_module("numpy._core._multiarray_umath")
        features, known = core.__cpu_features__, (*core.__cpu_baseline__, *core.__cpu_dispatch__)
    except (ImportError, AttributeError):
        return "unknown"
    used = [name for name in known if features.get(name)]
    return " ".join(used) or "none"


def blas_kernel() -> str:
    """Return which libraries of linear algebra are loaded and for which processor their kernels are, or "unknown"."""
    import numpy.linalg  # noqa: F401 - loads the library that is asked for

    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
    told = (f"{one['internal_api']} {one['version']} {one.get('architecture') or ''}".strip() for one in found)
    return ", ".join(sorted(set(told))) or "unknown"


@cache
def source_sha256() -> str:
    """Return the hash over the package's Python files, names and bytes."""
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(PACKAGE).as_posix()} {content}\n".encode())
    return total.hexdigest()


def git_commit() -> str:
    """Return the commit of the checkout that the package stands in, marked if files differ; "" outside one."""
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return ""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", str(PACKAGE))
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit} with local changes" if changed else commit


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=5)
    return done.stdout.strip()


NOTEBOOK = "a class that was handed over and is in no package"

Key = tuple[str, str]


def origins(results: Results, sweep: int | None = None) -> dict[Key, str]:
    """Return section and name of each component that was not the workbench's own, and its package as last stored."""
    return {key: value.partition(", ")[0] if ", " in value else NOTEBOOK for key, value in _kept(results, sweep)}


def remembering(known: Registry, results: Results, sweep: int | None = None) -> Registry:
    """Return a registry that can say of what is not installed whose it was."""
    kept = origins(results, sweep).items()
    return known.remembering({key: f"is of {package}, which is not installed" for key, package in kept})


def remembered(known: Registry, db: Path) -> Registry | None:
    """Return the same from a database that may be there; None where nothing can be learnt from it."""
    try:
        return remembering(known, open_results(db)) if db.is_file() else None
    except (OSError, WorkbenchError):  # what is wrong with the database is told by whoever needs it
        return None


def changed(results: Results, sweep: int, used: Iterable[type[Component]]) -> list[str]:
    """Say of each component that is not ours why its runs are no longer the stored ones, where that is so."""
    kept, said = dict(_kept(results, sweep)), []
    others = {c for c in used if c.offered_by or not c.packaged}
    for component in sorted(others, key=lambda c: (c.section, c.name)):
        name, was, now = f"{component.section} {component.name!r}", kept.get((component.section, component.name)), ""
        found = component.identity()
        if found.unknown:
            said.append(f"{name} refers to {'; '.join(found.unknown)}, which cannot be identified")
        elif was is not None and was.rpartition(" ")[2] != found.sha256:
            if component.offered_by:
                now = f" ({was.partition(', ')[0]} then, {component.offered_by} now)"
            said.append(f"{name} has another source than when the runs were stored{now}")
    return said


def _kept(results: Results, sweep: int | None) -> list[tuple[Key, str]]:
    """Return what is stored of each component that was not ours: its hash, behind the package's name if it had one."""
    found: list[tuple[Key, str]] = []
    rows = results.provenance(sweep)
    for key, value in zip(rows["key"].astype(str), rows["value"].astype(str), strict=True):
        for start in (OFFERED, UNPACKAGED):
            if key.startswith(start):
                section, _, name = key.removeprefix(start).partition(".")
                found.append(((section, name), value))
    return found
