"""Files of every kind with something wrong in them: refused in lines that say where, or accepted and then run.

Never a traceback, exit code 1, a hang, more than 2 s or 300 MB for a refusal, and never a run without a number that
counts as done. Every run of the tests tries the same few examples. `WORKBENCH_FUZZ_SECONDS=3600` tries others for an
hour, a new set each day; what it finds is named by kind and number, and ``python tests/support/fuzzing/campaign.py --one KIND
NUMBER --out FOLDER`` makes it again.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.fuzzing.sound_examples import KINDS

EXAMPLES = {
    "scenario": 30,
    "text": 10,
    "base": 30,
    "set": 10,
    "doses": 14,
    "people": 10,
    "points": 10,
    "findings": 8,
    "database": 6,
    "setting": 8,
}
"""How many of each kind an ordinary run of the tests tries."""
SHORT, LONG = 0.3, 20.0
"""Seconds for the runs of one accepted file, in an ordinary run of the tests and in a long search."""
SECONDS = float(os.environ.get("WORKBENCH_FUZZ_SECONDS", "0"))


@pytest.mark.parametrize("kind", KINDS)
def test_S03_to_S18_a_file_is_refused_at_its_place_or_does_what_it_says(kind: str) -> None:
    @settings(max_examples=EXAMPLES[kind], derandomize=True, database=None, deadline=None,
              suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink])  # fmt: skip
    @given(random=st.randoms(use_true_random=False))
    def holds(random: Random) -> None:
        with tempfile.TemporaryDirectory() as folder:
            example = KINDS[kind](random, Path(folder))
            verdict = example.verdict(SHORT)
            assert not verdict.faults, (example.told, verdict.faults)

    holds()


@pytest.mark.skipif(not SECONDS, reason="a search of WORKBENCH_FUZZ_SECONDS, none unless set")
def test_a_long_search_finds_nothing() -> None:
    number, until, found = int(time.time() // 86_400) * 1_000_000, time.monotonic() + SECONDS, list[str]()
    while time.monotonic() < until:
        number += 1
        for kind, made in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                example = made(Random(f"{kind} {number}"), Path(folder))
                found += [
                    f"{kind} {number} {'/'.join(example.told)}: {fault}" for fault in example.verdict(LONG).faults
                ]
    assert not found, "\n".join(found)
