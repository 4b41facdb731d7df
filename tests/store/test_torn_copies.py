"""Copies whose pages are of two moments: told as torn, or whole after all; never taken for a changed scenario."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.store_fakes import FakePlan, plan, solve, sweep_into

from workbench.errors import StorageError
from workbench.store import digest, open_writer
from workbench.store.audit import uncovered
from workbench.store.whole import ask_again

ASKED, SIZE = plan(subjects=60), 40


def moments(folder: Path, asked: FakePlan) -> list[bytes]:
    """Return a database as it is after each chunk of a sweep, and at the end."""
    db, found = folder / "whole.db", []
    for chunk in asked.chunks(SIZE):
        with open_writer(db) as writer:
            writer.begin(asked, command="fake")
            writer.store(chunk, writer.missing(chunk), solve(chunk))
        found.append(db.read_bytes())
    with open_writer(db) as writer:
        sweep_into(writer, asked)
    return [*found, db.read_bytes()]


def test_d03_pages_of_two_moments_are_told_as_torn_and_never_as_another_scenario(tmp_path: Path) -> None:
    seen = moments(tmp_path, ASKED)
    right, db, page, told = digest(tmp_path / "whole.db"), tmp_path / "copy.db", 4096, []
    for early, late in ((seen[1], seen[3]), (seen[2], seen[-1])):
        for share in (2, 5, 8, 12, 16, 19):
            cut = len(early) // page * share // 20 * page
            for torn in (late[:cut] + early[cut:] + late[len(early) :], early[:cut] + late[cut:]):
                db.write_bytes(torn)
                try:
                    with open_writer(db) as writer:
                        sweep_into(writer, ASKED, size=SIZE)
                except StorageError as fault:
                    told.append(str(fault))
                    assert "torn" in told[-1] or "damaged" in told[-1]
                    if "torn" in told[-1]:
                        assert db.read_bytes() == torn
                else:
                    assert digest(db) == right
    assert sum("torn" in words for words in told) > 6


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("DELETE FROM outcome WHERE run = 3", r"outcome of run 3: it is missing"),
        ("DELETE FROM audit WHERE id > 4", r"table \w+: it holds \d+ rows where the audit accounts for"),
        ("UPDATE audit SET entry = '{}' WHERE id = 3", r"entry 3 was changed after it was written"),
    ],
)
def test_what_was_changed_by_hand_is_not_written_to(tmp_path: Path, harm: str, words: str) -> None:
    db = tmp_path / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, ASKED, size=SIZE)
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute(harm)
    before = db.read_bytes()
    with pytest.raises(StorageError, match=f"a torn copy, or changed by hand: .*{words}"):
        open_writer(db)
    assert db.read_bytes() == before


def test_a_changed_value_is_found_whatever_was_seen_of_the_file_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = tmp_path / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, ASKED, size=SIZE)
    ask_again(db)
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("UPDATE outcome SET value = value + 1 WHERE run = 3 AND measure = 1")
    monkeypatch.setattr("workbench.store.whole.CHECKED_BYTES", 0)  # as if it were too large to look at in passing
    open_writer(db).close()
    with pytest.raises(
        StorageError, match=r"entry \d+ of the audit \(.*\): rows that it wrote were changed afterwards"
    ):
        ask_again(db)


def test_a_writer_that_goes_on_walks_the_audit_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, walked = tmp_path / "results.db", list[int]()
    with open_writer(db) as writer:
        sweep_into(writer, ASKED, size=SIZE)

    def walk(*given: Any) -> Any:
        walked.append(1)
        return uncovered(*given)

    monkeypatch.setattr("workbench.store.file_checks.uncovered", walk)
    open_writer(db).close()
    assert len(walked) == 1
