"""A few points of each figure of reliability, the command that makes them, and the report that is kept."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import figures
import pytest
from support.every_command import writes_files, writes_rows
from support.reliability import measured
from support.reliability.disturbed import TINY, Steps, copied, in_child, listing, undisturbed
from support.reliability.measured import Bench
from support.reliability.sqlite_steps import library

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or library() is None, reason="children are forked, and faults injected into SQLite's steps"
)
ROW = re.compile(r"\| R\d+ \| [^|]+ \| [\d,]+ \| \d+ \| [^|]+ \| \d{4}-\d\d-\d\d( at [0-9a-f]+( and changes)?)? \|")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), short=True, seconds=0.0)


def holds(found: measured.Figure, least: int = 2) -> None:
    assert found.breaches == 0 and found.times >= least, found.told


def test_P1_and_I01_no_acknowledged_run_is_lost_by_kills_of_kills(bench: Bench) -> None:
    holds(measured.lost(bench))
    holds(measured.equal(bench))


def test_I04_the_kernel_refuses_files_that_grow(bench: Bench) -> None:
    holds(measured.full(bench))


def test_I05_a_page_that_finds_no_room_is_one_line_and_no_half_file(bench: Bench) -> None:
    assert bench.sweep.steps
    start = bench.folder("sweep") / "whole"
    here = copied(start, bench.place / "room")
    (here / "page.html").write_text("mine")

    def small() -> Steps:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        return Steps()

    before = listing(here)
    ended = in_child(["report", "a.db", "--output", "page.html", "--force"], here, small)
    assert (
        ended.code == 3 and ended.err.count("\n") == 1 and "page.html: cannot be written (File too large)" in ended.err
    )
    assert (here / "page.html").read_text() == "mine" and listing(here) == before
    ended = in_child(["report", "a.db", "--output", "/dev/full"], here, undisturbed)
    assert ended.code == 3 and "/dev/full" in ended.err and listing(here) == before


@pytest.mark.parametrize("measure", [measured.small_disk, measured.real_quota])
def test_I04_I05_a_disk_that_is_really_full(bench: Bench, measure: Callable[[Bench], measured.Figure]) -> None:
    found = measure(bench)
    if found.result.startswith("not measured"):
        pytest.skip(found.result)
    holds(found)


def test_C02_P9_P10_a_step_that_fails_is_one_line_of_every_command_that_writes(bench: Bench) -> None:
    assert writes_files() | writes_rows() == bench.writers.keys(), "a command that writes is tried here"
    holds(measured.errors(bench), 2 * len(bench.writers))


def test_I04_an_allocation_that_fails_while_a_block_is_stored(bench: Bench) -> None:
    parts = measured.in_parts(bench)
    assert [part.told for part in parts] == [[]] * 4
    assert min(part.failed for part in parts) > 0 and parts[-1].failed > 100


def test_I06_read_only_at_any_moment(bench: Bench) -> None:
    holds(measured.read_only(bench))


def test_I09_memory_and_log_stay_as_they_are(bench: Bench) -> None:
    holds(measured.long_run(bench), 6000)


def test_I10_a_clock_that_leaps_changes_no_digest(bench: Bench) -> None:
    holds(measured.clock(bench))


def test_D04_a_torn_log_opens_to_whole_blocks(bench: Bench) -> None:
    holds(measured.torn(bench))


@pytest.mark.parametrize(
    "levels",
    ["{ from = 0.0, to = 1.0, step = 1e-30 }", f"{{ values = [{', '.join(['0.1'] * 200_000)}] }}", "{ values = " + "[" * 900 + "]" * 900 + " }"],
    ids=["10^30 levels", "a long list", "900 nested lists"],
)  # fmt: skip
def test_P8_a_refusal_takes_little_time_and_memory(bench: Bench, levels: str) -> None:
    folder = bench.folder("refused")
    (folder / "huge.toml").write_text(TINY.replace("{ values = [20, 30, 40] }", levels), encoding="utf-8")
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def bounded() -> Steps:
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + 300 * 2**20, held + 300 * 2**20))
        return Steps()

    ended = in_child(["check", "huge.toml"], folder, bounded)
    assert ended.code == 2 and ended.err.startswith("error: huge.toml"), (ended, before)
    assert time.monotonic() - started < 20, "ten times the promise, for a machine that does other things as well"


def test_the_command_prints_a_row_a_figure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = figures.REPORT.read_bytes()
    monkeypatch.setattr(measured, "Bench", lambda place, **_: bench)
    asked = ("R1", "R2", "R12")
    assert figures.main(["--short", *asked]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [text.split("|")[1].strip() for text in printed] == list(asked)
    assert all(ROW.fullmatch(text) for text in printed), printed
    assert figures.REPORT.read_bytes() == before, "a short look is no measurement"


def test_the_report_has_every_figure_without_a_breach() -> None:
    rows = figures.kept()
    assert list(rows) == list(measured.FIGURES)
    assert all(ROW.fullmatch(text) for text in rows.values()), rows
    assert {text.split("|")[4].strip() for text in rows.values()} == {"0"}
    kills = [int(rows[name].split("|")[3].replace(",", "")) for name in ("R1", "R3", "R4", "R5")]
    assert sum(kills) >= 500
