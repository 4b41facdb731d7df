"""A writer killed at any moment, and readers at its side."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.store_fakes import plan, solve, sweep_into

from workbench.store import digest, open_results, open_writer, query

SUBJECTS, CHUNK = 120, 16

WRITE = """
import sys
sys.path[:0] = {path!r}
from support.store_fakes import plan, solve
from workbench.store import open_writer
asked = plan(subjects={subjects})
with open_writer({db!r}) as writer:
    writer.begin(asked)
    for chunk in asked.chunks({chunk}):
        rows = writer.missing(chunk)
        writer.store(chunk, rows, solve(chunk, rows))
        print(len(rows), flush=True)
    writer.finish()
"""


def writing(db: Path) -> subprocess.Popen[str]:
    script = WRITE.format(path=sys.path, db=str(db), subjects=SUBJECTS, chunk=CHUNK)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    db = tmp_path_factory.mktemp("undisturbed") / "results.db"
    with open_writer(db) as writer:
        sweep_into(writer, plan(subjects=SUBJECTS), size=64)
    return digest(db)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("acknowledged", [1, 12])
def test_i01_a_killed_writer_loses_no_acknowledged_chunk_and_its_sweep_goes_on(
    tmp_path: Path, undisturbed: str, acknowledged: int
) -> None:
    db = tmp_path / "results.db"
    with writing(db) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    stored = len(open_results(db).outcomes_wide())
    assert stored % CHUNK == 0
    assert stored >= sum(map(int, filter(str.strip, said)))
    with open_writer(db, lock_timeout=0) as writer:
        sweep_into(writer, plan(subjects=SUBJECTS), size=50)
        assert writer.tally.reused == stored
    assert digest(db) == undisturbed
    assert query(db, "PRAGMA integrity_check").iloc[0, 0] == "ok"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("milliseconds", [300, 600])
def test_i01_a_writer_killed_while_it_starts_leaves_nothing_that_blocks_the_next(
    tmp_path: Path, milliseconds: int
) -> None:
    db = tmp_path / "results.db"
    with writing(db) as process:
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGKILL)
    with open_writer(db, lock_timeout=0) as writer:
        sweep_into(writer, plan(subjects=2))
    assert len(open_results(db).runs()) >= 8


@pytest.mark.parametrize("harm", ["cut", "flip"])
def test_d04_a_harmed_log_opens_to_whole_chunks_and_the_sweep_goes_on(
    tmp_path: Path, undisturbed: str, harm: str
) -> None:
    db, wal = tmp_path / "results.db", tmp_path / "results.db-wal"
    with writing(db) as process:
        assert process.stdout is not None
        for _ in range(12):
            process.stdout.readline()
        process.kill()
    content = bytearray(wal.read_bytes())
    if harm == "cut":
        del content[len(content) * 2 // 3 :]
    else:
        content[len(content) * 2 // 3] ^= 0xFF
    wal.write_bytes(content)
    (tmp_path / "results.db-shm").unlink(missing_ok=True)
    assert len(open_results(db).runs()) % CHUNK == 0
    with open_writer(db) as writer:
        sweep_into(writer, plan(subjects=SUBJECTS), size=64)
    assert digest(db) == undisturbed


def poll(db: str, stop: str, outbox: multiprocessing.SimpleQueue[str]) -> None:
    """Read again and again until the file `stop` appears; report the first reading, and what was wrong at the end."""
    seen, wrong = -1, ""
    while not wrong and not Path(stop).exists():
        with open_results(db) as results:
            runs, values = len(results.runs()), len(results.outcomes())
        if seen < 0:
            outbox.put("reading")
        if runs % CHUNK or values != 2 * runs or runs < seen:
            wrong = f"{runs} runs with {values} values after {seen}"
        seen = runs
    outbox.put(wrong)


def test_i08_four_readers_see_whole_chunks_only_and_stop_nobody(tmp_path: Path, undisturbed: str) -> None:
    db, stop = tmp_path / "results.db", tmp_path / "stop"
    asked = plan(subjects=SUBJECTS)
    context = multiprocessing.get_context("spawn")
    outbox: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    with open_writer(db) as writer:
        writer.begin(asked)
        readers = [context.Process(target=poll, args=(str(db), str(stop), outbox)) for _ in range(4)]
        for reader in readers:
            reader.start()
        assert [outbox.get() for _ in readers] == ["reading"] * 4
        for chunk in asked.chunks(CHUNK):
            rows = writer.missing(chunk)
            writer.store(chunk, rows, solve(chunk, rows))
            time.sleep(0.02)
        writer.finish()
    stop.touch()
    for reader in readers:
        reader.join()
    assert [outbox.get() for _ in readers] == [""] * 4
    assert digest(db) == undisturbed


def test_i08_a_reader_that_stays_open_sees_one_state_and_keeps_nobody_from_finishing(tmp_path: Path) -> None:
    db = tmp_path / "results.db"
    asked = plan(subjects=4)
    chunks = list(asked.chunks(4))
    with open_writer(db) as writer:
        writer.begin(asked)
        writer.store(chunks[0], writer.missing(chunks[0]), solve(chunks[0]))
        with open_results(db) as results:
            assert len(results.runs()) == 4
            for chunk in chunks[1:]:
                writer.store(chunk, writer.missing(chunk), solve(chunk))
            writer.finish()
            assert len(results.outcomes()) == 8
            writer.close()
    assert len(open_results(db).runs()) == 16
