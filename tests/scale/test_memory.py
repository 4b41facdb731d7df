"""Memory does not grow with the number of runs: 10^4 and 10^5 runs, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.circuits import STRIATUM, replaced

MEASURE = """
import json, resource, sys
from workbench.execution.runner import run_sweep
if __name__ == "__main__":
    result = run_sweep(sys.argv[1], sys.argv[2], workers=2)
    lines = open("/proc/self/status").read().splitlines()  # ru_maxrss would still hold the test runner's own peak
    parent = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"stored": result.stored, "parent": parent, "worker": worker}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_hundred_thousand_runs_need_no_more_memory_than_ten_thousand(tmp_path: Path) -> None:
    script, peaks = tmp_path / "measure.py", []
    script.write_text(MEASURE, encoding="utf-8")
    for subjects in (10_000 // 3, 100_000 // 3):
        text = replaced(
            STRIATUM,
            ("count = 6", f"count = {subjects}"),
            ("trials = 150", "trials = 20"),
            ("trials = 100", "trials = 20"),
            ("last 50 trials of treatment", "last 10 trials of treatment"),
            ("every = 50", "every = 20"),
        )
        file = tmp_path / f"striatum_{subjects}.toml"
        file.write_text(text, encoding="utf-8")
        command = [sys.executable, str(script), str(file), str(tmp_path / f"{subjects}.db")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        peaks.append(json.loads(done.stdout.splitlines()[-1]))
        assert peaks[-1]["stored"] == 3 * subjects
    few, many = (p["parent"] + 2 * p["worker"] for p in peaks)
    assert many < 1024, f"{many:.0f} MB at 10^5 runs"
    assert many - few < 50, f"grew from {few:.0f} to {many:.0f} MB"
