"""Which package each component of a database's runs came from, for those that are no longer installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.store.read import open_results

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.component.declaration import Component
    from workbench.component.registry import Registry
    from workbench.store.read import Results

from workbench.store.provenance import OFFERED, UNPACKAGED

NOTEBOOK = "a class that was passed in and belongs to no package"


Key = tuple[str, str]


def origins(results: Results, sweep: int | None = None) -> dict[Key, str]:
    """Return section and name of each component that was not the workbench's own, and its package as last stored."""
    return {key: value.partition(", ")[0] if ", " in value else NOTEBOOK for key, value in _kept(results, sweep)}


def remembering(known: Registry, results: Results, sweep: int | None = None) -> Registry:
    """Return a registry that can say of what is not installed whose it was."""
    kept = origins(results, sweep).items()
    return known.remembering({key: f"belongs to {package}, which is not installed" for key, package in kept})


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
            said.append(f"{name} has changed since the runs were stored{now}")
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
