"""One digest for one content, however it came into the file."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fabricated import accounted
from support.store_fakes import FakePlan, plan, solve, sweep_into

from workbench.store import digest, open_writer
from workbench.store.result_digest import digest_of_values

ASKED = plan(subjects=3, balances=(0.5, 1.0, 2.0))
BAD = frozenset([ASKED.key("ill", ASKED.studies[0].points[1], 2)])


def digest_of(asked: FakePlan = ASKED, failing: frozenset[bytes] = BAD) -> str:
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "results.db"
        with open_writer(db) as writer:
            sweep_into(writer, asked, failing=failing)
        return digest(db)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    order=st.permutations(range(18)),
    size=st.integers(1, 18),
    breaks=st.sets(st.integers(0, 17), max_size=3),
    part=st.booleans(),
)
def test_order_chunks_and_interruptions_do_not_show(order: list[int], size: int, breaks: set[int], part: bool) -> None:
    study = ASKED.studies[0]
    places = [(a, p, s) for s in range(3) for a in range(2) for p in range(3)]
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "results.db"
        writer = open_writer(db)
        writer.begin(ASKED)
        for number, start in enumerate(range(0, 18, size)):
            chunk = ASKED.chunk(study, [places[i] for i in order[start : start + size]])
            rows = writer.missing(chunk)
            pieces = np.array_split(rows, 2) if part else [rows]
            for piece in pieces:
                writer.store(chunk, piece, solve(chunk, piece, failing=BAD))
            if number in breaks:
                writer.close()
                writer = open_writer(db)
                writer.begin(ASKED)
        writer.close()
        assert digest(db) == EXPECTED


EXPECTED = digest_of()


def test_the_order_of_sweeps_does_not_show(tmp_path: Path) -> None:
    first, second = plan(seed=1), plan(seed=2)
    for name, order in (("a", (first, second)), ("b", (second, first))):
        with open_writer(tmp_path / f"{name}.db") as writer:
            for asked in order:
                sweep_into(writer, asked)
    assert digest(tmp_path / "a.db") == digest(tmp_path / "b.db")
    assert digest(tmp_path / "a.db", sweep=1) == digest(tmp_path / "b.db", sweep=2)
    assert digest(tmp_path / "a.db", sweep=1) != digest(tmp_path / "a.db", sweep=2)


def test_one_bit_of_any_value_shows(tmp_path: Path) -> None:
    db = tmp_path / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, ASKED, failing=BAD)
    seen = {digest(db)}
    changes = (
        (
            "UPDATE outcome SET value = ? WHERE run = 1 AND measure = (SELECT max(measure) FROM outcome)",
            np.nextafter(0.5, 1),
        ),
        ("UPDATE outcome SET value = ? WHERE run = 1 AND measure = (SELECT max(measure) FROM outcome)", 0.5),
        ("UPDATE course SET points = ? WHERE run = 2", "[0.1, 0.2, 0.30000000000000004]"),
        ("UPDATE failure SET reason = ?", "another"),
        ("UPDATE point_value SET number = ? WHERE point = 2", 0.75),
        ("UPDATE scenario SET sha256 = ?", bytes(32)),
    )
    for sql, value in changes:
        with closing(sqlite3.connect(db)) as connection, connection:
            connection.execute(sql, (value,))
        seen.add(digest(accounted(db)))
    assert len(seen) == len(changes) + 1


def test_a_missing_run_shows() -> None:
    assert digest_of(plan(subjects=2), frozenset()) != digest_of(plan(subjects=3), frozenset())


def test_a_failure_shows() -> None:
    assert digest_of(failing=frozenset()) != EXPECTED


def test_the_text_that_asked_does_not_show_in_the_digest_of_values(tmp_path: Path) -> None:
    db = tmp_path / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, ASKED, failing=BAD)
    whole, values = digest(db), digest_of_values(db)
    for sql, value in (("UPDATE scenario SET sha256 = ?", bytes(32)), ("UPDATE sweep SET identity = ?", bytes(32))):
        with closing(sqlite3.connect(db)) as connection, connection:
            connection.execute(sql, (value,))
        assert digest(accounted(db)) != whole
        assert digest_of_values(db) == values
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE outcome SET value = ? WHERE run = 1", (0.5,))
    assert digest_of_values(accounted(db)) != values
