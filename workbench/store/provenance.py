"""What a result depends on apart from the scenario: versions, machine class, and the code itself."""

from __future__ import annotations

import hashlib
import platform
import sqlite3
import subprocess
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workbench.component.registry import registry
from workbench.solver.batch import ENGINE_REVISION

PACKAGE = Path(__file__).resolve().parents[1]
OFFERED = "offered."
"""What the names of components of other packages begin with, among what is stored beside an invocation."""
UNPACKAGED = "unpackaged "
"""The same, for classes that were handed over and are in no package."""
UNIDENTIFIED = "never reused "
"""The same, for components that refer to something that cannot be identified; the value says to what."""
LIBRARIES = ("numpy", "scipy", "pandas", "sqlalchemy", "orjson")
NUMERIC = ("numpy", "scipy", "python", "simd", "blas", "libc", "platform")
"""What the bits of a result depend on in addition to our own code."""


@cache
def provenance() -> dict[str, str]:
    """Return what is stored beside every invocation, by name.

    `simd` is the class of vector instructions that NumPy uses here, `blas` the kernel of its linear algebra, `libc` the
    library whose exponentials and logarithms NumPy calls: results are the same bits where all three are.
    """
    found = {
        "workbench": _version("workbench"),
        "source_sha256": source_sha256(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "simd": simd_class(),
        "blas": blas_kernel(),
        "libc": c_library(),
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
    kernels = (f"{one['internal_api']} {one['version']} {one.get('architecture') or ''}".strip() for one in found)
    return ", ".join(sorted(set(kernels))) or "unknown"


def c_library() -> str:
    """Return the C library and its version, or "unknown"."""
    name, number = platform.libc_ver()
    return f"{name} {number}".strip() or "unknown"


def numeric_class(name: str, value: str) -> str:
    """Return as much of one of the `NUMERIC` entries as the bits of a result depend on."""
    # Of the platform, the release of the kernel changes with every update and computes nothing.
    words = value.split()
    return f"{words[0]} {words[-1]}" if name == "platform" and words else value


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
