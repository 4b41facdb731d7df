"""Whether the audit is the chain that was written, and the rows that its entries name are as they were written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from workbench.store.audit import NO_AUDIT, NUMBERED, Entry, chain_faults, content_of, entries, has_audit, uncovered
from workbench.store.canonical import numbers_in
from workbench.store.damage import Check, Finding, readable


def audit(driver: sqlite3.Connection) -> tuple[Check, set[int]]:
    """Look at every entry of the audit.

    Returns
    -------
    (Check, set)
        What was found, and the runs of the entries whose rows are not as they were.
    """
    check, suspects = Check("audit"), set[int]()

    def look() -> Iterator[Finding]:
        if not has_audit(driver):
            check.notes.append(f"{NO_AUDIT}: values that were changed are found only where they are computed again")
            yield from _gaps(driver)
            return
        (number,) = driver.execute("SELECT count(*) FROM audit").fetchone()
        check.looked = f"{number:,} entries, each chained to the one before, and the rows that they name"
        for finding, entry in broken_entries(driver):
            if entry is not None:
                suspects.update(_runs(entry))
            yield finding

    return readable(check, look), suspects


def broken_entries(
    driver: sqlite3.Connection, after: int = 0, contents: bool = True
) -> Iterator[tuple[Finding, Entry | None]]:
    """Yield what is wrong with the audit, with the entry where its rows are not as they were.

    Where the file keeps no audit, the numbers of its rows are asked instead.

    Parameters
    ----------
    after : int
        The rows of entries up to this one are not read again.
    contents : bool
        Whether the rows of the others are.
    """
    if not has_audit(driver):
        yield from ((finding, None) for finding in _gaps(driver))
        return
    torn = set()
    for number, words in chain_faults(driver):
        torn.add(number)
        yield Finding("audit", f"entry {number} of the audit", words), None
    for entry in entries(driver):
        if entry.id in torn or entry.id <= after or not contents:
            continue
        found = content_of(driver, entry)
        if found != entry.content:
            message = "rows that it wrote are not as they were then"
            values = entry.content.hex(), found.hex()
            yield Finding("audit", f"entry {entry.id} of the audit ({_words(entry)})", message, *values), entry
    if not torn:
        for table, (counted, there) in uncovered(driver).items():
            message = f"it holds {there:,} rows where the audit accounts for {counted:,}"
            yield Finding(table, f"table {table}", message, there, counted), None


def _gaps(driver: sqlite3.Connection) -> Iterator[Finding]:
    """Compare how many rows there are with their largest number: none is ever taken away."""
    for table in NUMBERED:
        count, largest = driver.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()
        if count != largest:
            message = f"it holds {count:,} rows that are numbered up to {largest:,}"
            yield Finding(table, f"table {table}", message, count, largest)


def _words(entry: Entry) -> str:
    facts = entry.facts
    named = [f"{key} {facts[key]}" for key in ("sweep", "study", "calibration") if key in facts]
    rows = sum(facts.get("counts", {}).values())
    return ", ".join([str(facts.get("kind", "?")), *named, f"{rows:,} row{'s' if rows != 1 else ''}"])


def _runs(entry: Entry) -> Iterator[int]:
    """Yield the runs that an entry names."""
    rows = entry.facts.get("rows", {})
    yield from numbers_in(rows.get("run", []))
    yield from numbers_in(rows.get("failure", []))
    for table in ("outcome", "course"):
        for runs, _ in rows.get(table, []):
            yield from numbers_in(runs)
