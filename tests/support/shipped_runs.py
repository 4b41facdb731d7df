"""The shipped scenarios, each swept once per test session by the user's command; shared by all processes of a session."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from support.commands import Done, answer, workbench
from workbench.execution import pilot
from workbench.scenario import load_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder

SCENARIOS = tuple(
    path.relative_to(scenarios_folder()).with_suffix("").as_posix()
    for path in sorted(scenarios_folder().rglob("*.toml"))
)
"""Names of the shipped scenarios, such as ``rules/oja``."""
LONGEST = (
    "ketamine_therapy", "dystonia_dose", "dystonia", "rules/bcm", "ketamine_adaptive", "rules/set_point", "ketamine_parts",
    "dystonia_retraining", "rules/independent_components", "ketamine_followup", "ketamine_addiction", "ketamine_dose",
    "anticholinergic_mechanisms", "ketamine_timing", "dystonia_pas", "dystonia_slice",
)  # fmt: skip
"""Scenarios whose sweep and page take some seconds, longest first: tests begin with them, so that no process waits."""
QUICK_ARM = {"rules/bcm": "mean_field", "rules/independent_components": "heavy_mean_field", "rules/set_point": "oja"}
"""Arms that do not take long, where the first one does."""
PATIENCE = 240.0 * float(os.environ.get("WORKBENCH_TEST_SLOWNESS", "1"))
"""Seconds to wait for another process's sweep, more on a slow or busy machine."""


@cache
def shipped_scenario(name: str) -> Scenario:
    """Return a shipped scenario by its name; a process reads each once, since nobody can change what was read."""
    return load_scenario(scenarios_folder() / f"{name}.toml")


class Shipped:
    """A user's folder in which every scenario is swept with all its subjects, when it is first asked for.

    Whoever changes something works on a `copy`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def folder(self) -> Path:
        """The folder that ``workbench init`` makes."""
        self._once("init", lambda: workbench("init", ".", cwd=self._made("user")))
        return self._made("user")

    def answer(self, scenario: str) -> dict[str, Any]:
        """Return what ``workbench sweep SCENARIO --report PAGE --json`` said.

        Without worker processes: every process of the session sweeps another scenario, and none waits for imports.
        """
        pilot.PATIENCE = 0.01  # what a forecast says is no matter here
        name, folder = scenario.replace("/", "-"), self.folder
        command = (
            "sweep",
            f"scenarios/{scenario}.toml",
            "--report",
            f"reports/{name}.html",
            "--workers",
            "1",
            "--json",
        )
        found: dict[str, Any] = self._once(name, lambda: workbench(*command, cwd=folder))
        return found

    def db(self, scenario: str) -> Path:
        """Return the database of a scenario."""
        return self.folder / str(self.answer(scenario)["db"])

    def page(self, scenario: str) -> Path:
        """Return the page of a scenario."""
        return self.folder / str(self.answer(scenario)["report"])

    def copy(self, *scenarios: str, to: Path) -> Path:
        """Return a folder `to` with all files and the results of some scenarios."""
        stored = [self.db(scenario) for scenario in scenarios]
        shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns("results", "*.html"), dirs_exist_ok=True)
        for db in stored:
            target = to / db.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(db, target)
        return to

    def _made(self, name: str) -> Path:
        (self.root / name).mkdir(parents=True, exist_ok=True)
        return self.root / name

    def _once(self, name: str, work: Callable[[], Done]) -> Any:
        """Do `work` in the first process that comes, let the others wait; return its answer, {} if it gave none."""
        locks = self._made("locks")
        done = locks / f"{name}.json"
        try:
            (locks / f"{name}.begun").open("x").close()
        except FileExistsError:
            _wait_for(done)
        else:
            ended = work()
            saved = {"code": ended.returncode, "stderr": ended.stderr}
            saved["answer"] = answer(ended) if ended.stdout.startswith("{") else {}
            part = done.with_suffix(".part")
            part.write_text(json.dumps(saved), encoding="utf-8")
            part.replace(done)
        found = json.loads(done.read_text(encoding="utf-8"))
        assert found["code"] == 0, found["stderr"]
        return found["answer"]


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        assert time.monotonic() < deadline, f"nobody wrote {file}"
        time.sleep(0.1)
