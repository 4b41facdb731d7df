"""Shared by all folders: the shipped scenarios' results, and a budget of seconds for every folder.

A folder that takes longer than its budget fails the whole session: a slow suite is not run, and
what is not run does not protect. `WORKBENCH_TEST_SLOWNESS` stretches all budgets for a slow or busy machine.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.execution.threads import use_one_thread

# As the command does. Two threads that wait for each other beside another process make a 7 x 7 matrix take 7 ms, not 12 us.
assert "numpy" not in sys.modules, "too late: NumPy has its threads"
use_one_thread()

# A third of the time of a small command is its own modules, compiled anew where this is set: the tests start hundreds.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Whoever starts the tests in the background of a plain shell makes them, and the commands they start, deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

from support.shipped_runs import Shipped  # noqa: E402 - it imports NumPy

BUDGETS = {
    "analysis": 45,
    "calibration": 60,
    "benchmarks": 120,
    "cli": 120,
    "component": 60,
    "contract": 320,
    "docs": 320,
    "execution": 180,
    "faults": 200,
    "findings": 150,
    "fuzz": 60,
    "inspection": 60,
    "modeller": 150,
    "pharmacology": 120,
    "plan": 30,
    "plasticity": 60,
    "protocol": 60,
    "reference": 60,
    "report": 150,
    "scale": 120,
    "scenario": 60,
    "shipped": 900,
    "solver": 45,
    "store": 60,
    "theory": 150,
}
"""Seconds that the tests of one folder may take together."""
DEFAULT_BUDGET = 30
SLOWNESS = float(os.environ.get("WORKBENCH_TEST_SLOWNESS", "1"))

_spent: dict[str, float] = defaultdict(float)


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """The shipped scenarios' own results; under xdist all workers share one folder."""
    base = tmp_path_factory.getbasetemp()
    return Shipped((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shipped")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is marked as slow, each process with its share of it, and go on with neighbours together.

    xdist gives every process as many tests as any other, in their order, and whoever is done takes from the end of
    another's: short tests, none of which keeps the last process long.
    """
    shares = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    cuts = [len(others) * share // shares for share in range(shares + 1)]
    items[:] = [item for i in range(shares) for item in (*slow[i::shares], *others[cuts[i] : cuts[i + 1]])]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage less often, and never among what all tests share: that takes a tenth of the time or more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process a stretch of neighbours, which share what a folder makes once; whoever is done takes from others."""
    if config.getoption("dist") != "load":  # asked for by name
        return None
    from xdist.scheduler.worksteal import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def _folder(node: str) -> str:
    parts = node.partition("::")[0].split("/")
    return parts[parts.index("tests") + 1] if "tests" in parts else parts[0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what each folder takes, set-up and tear-down included; under xdist the main process hears of all tests."""
    _spent[_folder(report.nodeid)] += report.duration


def _over_budget() -> Iterator[str]:
    for folder, seconds in sorted(_spent.items()):
        budget = BUDGETS.get(folder, DEFAULT_BUDGET) * SLOWNESS
        if seconds > budget:
            yield f"tests/{folder} took {seconds:.1f} s; its budget is {budget:g} s"


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a session that was too slow."""
    if exitstatus == pytest.ExitCode.OK and not hasattr(session.config, "workerinput") and any(_over_budget()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which folders were too slow, and what each took."""
    for line in _over_budget():
        terminalreporter.write_line(f"too slow: {line}", red=True)
    spent = ", ".join(f"{folder} {seconds:.1f} s" for folder, seconds in sorted(_spent.items()))
    terminalreporter.write_line(f"seconds by folder: {spent}")
