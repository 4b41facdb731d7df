"""What a sweep must have put into its file before its first run, made again from its plan, beside what is there."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.store.audit import Written, driver_of
from workbench.store.connection import in_memory
from workbench.store.damage import Ask, Damage
from workbench.store.measures import IdCache
from workbench.store.register import register

if TYPE_CHECKING:
    from workbench.plan import Plan


LAST_DIGITS = 1e-12
"""How far a number that was drawn or derived may lie from the same on another processor, as a share of it."""


@dataclass(frozen=True)
class Part:
    """One kind of row.

    Attributes
    ----------
    keys : int
        How many of the first columns name the row within its sweep.
    words : frozenset of str
        Columns that another version of the workbench may put in other words.
    late : bool
        Whether the rows come with the first runs that need them, so that some may not be there yet.
    """

    table: str
    sql: str
    keys: int
    words: frozenset[str] = frozenset()
    late: bool = False


PARTS = (
    Part(
        "scenario",
        """SELECT x.name AS name, x.title AS title, lower(hex(x.sha256)) AS sha256, x.parameter_set AS parameter_set,
        x.parameter_version AS parameter_version, lower(hex(x.parameter_sha256)) AS parameter_sha256
        FROM sweep JOIN scenario AS x ON x.id = sweep.scenario WHERE sweep.id = ?""",
        0,
    ),
    Part(
        "sweep",
        """SELECT lower(hex(identity)) AS identity, seed AS seed, subjects AS subjects, expected AS expected,
        settings AS settings FROM sweep WHERE id = ?""",
        0,
    ),
    Part("study", "SELECT ordinal, name AS name, title AS title FROM study WHERE sweep = ?", 1),
    Part(
        "arm",
        """SELECT x.ordinal, x.name AS name, x.title AS title, x.words AS words, x.condition AS condition,
        b.name AS baseline FROM arm AS x LEFT JOIN arm AS b ON b.id = x.baseline WHERE x.sweep = ?""",
        1,
        frozenset({"words"}),
    ),
    Part(
        "setting",
        """SELECT arm.name, x.path, x.number AS number, x.text AS text, x.unit AS unit, x.status AS status,
        x.source AS source, x.origin AS origin, x.parameter AS parameter, x.traits AS traits, x.low AS low,
        x.high AS high FROM arm JOIN setting AS x ON x.arm = arm.id WHERE arm.sweep = ?""",
        2,
        frozenset({"unit", "status", "source", "origin", "low", "high"}),
    ),
    Part(
        "point_value",
        """SELECT study.name, point.ordinal, axis.path, v.number AS number, v.text AS text, axis.unit AS unit,
        axis.meaning AS meaning
        FROM study JOIN point ON point.study = study.id JOIN point_value AS v ON v.point = point.id
        JOIN axis ON axis.id = v.axis WHERE study.sweep = ?""",
        3,
        frozenset({"unit", "meaning"}),
    ),
    Part(
        "whole_axis",
        """SELECT DISTINCT axis.path, axis.unit, axis.meaning FROM study JOIN point ON point.study = study.id
        JOIN point_value AS v ON v.point = point.id JOIN axis ON axis.id = v.axis
        JOIN whole_axis ON whole_axis.axis = axis.id WHERE study.sweep = ?""",
        3,
        late=True,
    ),
    Part(
        "trait", "SELECT name, path AS path, distribution AS distribution, unit AS unit FROM trait WHERE sweep = ?", 1
    ),
    Part(
        "trait_value",
        """SELECT trait.name, v.subject, v.value AS value FROM trait JOIN trait_value AS v ON v.trait = trait.id
        WHERE trait.sweep = ?""",
        2,
    ),
    Part(
        "sweep_measure",
        """SELECT study.name, m.kind, m.name, lower(hex(m.sha256)) AS sha256, m.readout AS readout, m.unit AS unit,
        m.meaning AS meaning, m.better AS better, m.specification AS specification, r.title AS title
        FROM study JOIN sweep_measure AS r ON r.study = study.id JOIN measure AS m ON m.id = r.measure
        WHERE study.sweep = ?""",
        3,
        frozenset({"unit", "meaning", "better"}),
        late=True,
    ),
    Part(
        "structure",
        """SELECT DISTINCT lower(hex(x.sha256)), x.specification AS specification FROM structure AS x
        WHERE x.id IN (SELECT run.structure FROM sweep_run AS s JOIN run ON run.id = s.run WHERE s.sweep = ?)""",
        1,
        late=True,
    ),
)


def unlike_plan(ask: Ask, sweep: int, plan: Plan, reworded: bool, apart: bool) -> Iterator[Damage]:
    """Yield every row of a sweep that is not what its plan gives.

    Parameters
    ----------
    reworded : bool
        Whether another version of the workbench stored the sweep: its words may be others, its settings fewer.
    apart : bool
        Whether it was stored with other libraries or on another processor: drawn numbers have other last digits.
    """
    with in_memory() as connection:
        with connection.begin():
            driver = driver_of(connection)
            written = Written(driver)
            made, _ = register(connection, plan, "", written)
            ids = IdCache(made, plan.scenario)
            for number, study in enumerate(plan.studies, 1):
                for group in study.groups:
                    ids.measures(connection, number, group.structure, written)
                    ids.structure(connection, group.structure)
        for part in PARTS:
            sql = ALL_STRUCTURES if part.table == "structure" else part.sql
            here = _rows(driver.execute(sql, () if part.table == "structure" else (made,)), part)
            if ask("SELECT 1 FROM sqlite_schema WHERE name = ?", (part.table,)).fetchone():  # or it came later
                yield from _unlike(part, _rows(ask(part.sql, (sweep,)), part), here, reworded, apart)


ALL_STRUCTURES = "SELECT lower(hex(sha256)), specification AS specification FROM structure"


def _rows(cursor: sqlite3.Cursor, part: Part) -> dict[tuple[Any, ...], dict[str, Any]]:
    names = [column[0] for column in cursor.description][part.keys :]
    return {tuple(row[: part.keys]): dict(zip(names, row[part.keys :], strict=True)) for row in cursor}


def _unlike(
    part: Part,
    stored: Mapping[tuple[Any, ...], Mapping[str, Any]],
    made: Mapping[tuple[Any, ...], Mapping[str, Any]],
    reworded: bool,
    apart: bool,
) -> Iterator[Damage]:
    for key in sorted(stored.keys() | made.keys(), key=_sortable):
        named = f"{part.table} {', '.join(map(str, key))}".strip()
        if key not in stored:
            if not part.late and not (reworded and part.table == "setting"):  # fields that components have gained
                yield Damage(part.table, named, "it is missing")
            continue
        if key not in made:
            yield Damage(part.table, named, "its scenario has none of this name")
            continue
        for name, value in stored[key].items():
            other = made[key][name]
            if not _same(value, other, apart) and not (reworded and name in part.words):
                yield Damage(part.table, named, f"its {name} differs from what its scenario gives", value, other)


def _same(stored: Any, made: Any, apart: bool) -> bool:
    if isinstance(stored, float) and isinstance(made, float):
        return stored.hex() == made.hex() or (apart and math.isclose(stored, made, rel_tol=LAST_DIGITS))
    return bool(stored == made)


def _sortable(key: Sequence[Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((type(part).__name__, part) for part in key)
