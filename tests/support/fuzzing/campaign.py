# ruff: noqa: T201
"""A long search for faults: ``python tests/support/fuzzing/campaign.py --seconds 600 --seed 1 --out FOLDER``.

Every example is named by its kind and number, and made again by ``--one KIND NUMBER``. Faults are gathered by what they
say; the files of the first example of each, and of shorter ones, are kept in the folder.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from support.fuzzing.sound_examples import KINDS, Example


def keep(example: Example, folder: Path) -> None:
    """Write the files of an example, as it was: another version of the workbench makes others of the same number."""
    for name, data in example.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--out", type=Path, default=Path("faults"))
    parser.add_argument("--run-seconds", type=float, default=3)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "NUMBER"))
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    if asked.one:
        kind, number = asked.one
        with tempfile.TemporaryDirectory() as folder:
            example = KINDS[kind](Random(f"{kind} {number}"), Path(folder))
            keep(example, asked.out)
            verdict = example.verdict(asked.run_seconds)
            print(example.told, verdict, sep="\n")
        return
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in asked.kinds}
    seen: dict[str, int] = {}
    slowest: dict[str, tuple[float, int]] = {}
    largest: dict[str, tuple[float, int]] = {}
    until, number = time.process_time() + asked.seconds, asked.seed * 1_000_000
    while time.process_time() < until:
        number += 1
        for kind in asked.kinds:
            with tempfile.TemporaryDirectory() as folder:
                example: Example = KINDS[kind](Random(f"{kind} {number}"), Path(folder))
                verdict = example.verdict(asked.run_seconds)
            here = counts[kind]
            here["tried"] += 1
            here["accepted" if verdict.code == 0 else "refused"] += 1
            here["runs"] += verdict.simulated
            here["failed runs"] += verdict.failed_runs
            here["too long to run"] += verdict.too_long
            slowest[kind] = max(slowest.get(kind, (0, 0)), (verdict.seconds, number))
            largest[kind] = max(largest.get(kind, (0, 0)), (verdict.megabytes, number))
            for fault in verdict.faults:
                here["faults"] += 1
                key = fault[fault.rfind(" at ") :] if " at " in fault else fault[:40]
                size = sum(map(len, example.files.values())) + 10_000 * len(example.told)
                if key not in seen or size < seen[key]:
                    print(
                        f"{kind} {number} {'/'.join(example.told)}: {fault}"
                        if key not in seen
                        else f"   shorter: {kind} {number} {example.told}",
                        flush=True,
                    )
                    seen[key] = size
                    keep(example, asked.out / f"{kind}-{number}")
    for kind in asked.kinds:
        print(kind, dict(counts[kind]), "slowest", slowest[kind], "largest", largest[kind], flush=True)


if __name__ == "__main__":
    main()
