"""The works that a page names, with their DOIs, and whom their numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.report.page_tables import Table
from workbench.scenario.bibliography import FILE, bibliography_file, read_bibliography

if TYPE_CHECKING:
    from workbench.report.ground import Ground

    Works = Mapping[str, Mapping[str, str]]

KINDS = {"human": "people", "animal": "animals or slices", "theory": "theory"}
UNSAID = "the bibliography does not say"


def works(database: Path) -> Works:
    """Return the bibliography that lies nearest to the database or the working folder, else the shipped one."""
    near = (folder / FILE for folder in database.absolute().parents[:3])
    beside = next((file for file in near if file.is_file()), None)
    return read_bibliography(beside or bibliography_file(Path.cwd()))


def whom(known: Works, sources: Iterable[str]) -> str:
    """Return whom numbers from these works come from; "" where no work is named."""
    keys = [key for key in sources if key]
    said = dict.fromkeys(KINDS.get(known.get(key, {}).get("keywords", ""), UNSAID) for key in keys)
    return " and ".join(said)


def split(source: object) -> list[str]:
    """Return the keys in a source field: one, or several between commas."""
    return [part.strip() for part in source.split(",") if part.strip()] if isinstance(source, str) else []


def references(ground: Ground, known: Works, used: Iterable[str]) -> Table:
    """Return every work that the page uses, by key."""
    rows = tuple((key, *_entry(known.get(key))) for key in sorted(set(used), key=str.lower))
    table = Table("Works used, and no others", ("Key", "Work", "DOI"), rows)
    return table.of("references", ground.queries.settings())


def _entry(work: Mapping[str, str] | None) -> tuple[str, str]:
    if work is None:
        return "not in the bibliography beside this database", ""
    where = " ".join(
        part for part in (work.get("journal") or work.get("publisher", ""), work.get("volume", "")) if part
    )
    parts = (work.get("author", ""), work.get("year", ""), work.get("title", ""), where, work.get("pages", ""))
    text = ". ".join(part for part in (p.replace("--", "-") for p in parts) if part)
    return text, work.get("doi") or work.get("note", "no DOI")
