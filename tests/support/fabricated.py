"""A database whose every number is known: rows written straight into the store's own tables.

Numbers are made by formula, not by the solver, so that a test can say what a comparison or a page must show.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.engine import Connection

from workbench.store.audit import Written, driver_of
from workbench.store.connection import close, create, writing
from workbench.store.views import write_views

TEXT = """schema = 1
title = "When does practice spill over?"
summary = ["Forty simulated patients practise."]

[use]
context = "A made-up group-level question"
not_for = "Any decision about a person"
limits = ["It knows one place of the brain only."]
"""

BASE = {
    "phase.practice.order": (1.0, None, "1"),
    "phase.practice.trials": (400.0, None, "1"),
    "phase.practice.trials_per_day": (5.0, None, "trial/day"),
    "phase.treatment.order": (2.0, None, "1"),
    "phase.treatment.trials": (400.0, None, "1"),
    "phase.treatment.trials_per_day": (5.0, None, "trial/day"),
    "phase.withdrawal.order": (3.0, None, "1"),
    "phase.withdrawal.trials": (400.0, None, "1"),
    "phase.withdrawal.trials_per_day": (5.0, None, "trial/day"),
    "dose.pill.drug": (None, "blocker", ""),
    "dose.pill.amount": (0.0, None, "mg"),
    "dose.pill.every": (8.0, None, "h"),
    "dose.pill.during": (None, "treatment", ""),
    "gate.brake.threshold": (0.3, None, "1"),
    "modulator.tone.level": (1.0, None, "1"),
    "plasticity.path.balance": (1.0, None, "1"),
}


Course = Callable[[int, float], float]


@dataclass(frozen=True)
class ArmRow:
    """An arm, and the outcome of subject i in it: `outcome(i)`; None is a failed run."""

    name: str
    outcome: Callable[[int], float | None]
    title: str = ""
    baseline: str = ""
    condition: str | None = None
    settings: Mapping[str, float] = field(default_factory=dict)
    course: Course | None = None


@dataclass(frozen=True)
class StudyRow:
    """A study: its arms, and points as mappings path -> value; `cell(arm, point, i)` gives the outcome of a sweep."""

    name: str
    arms: tuple[str, ...]
    points: tuple[Mapping[str, float | str], ...] = ({},)
    cell: Callable[[str, Mapping[str, Any], int], float | None] | None = None
    title: str = ""


def patients() -> tuple[ArmRow, ...]:
    """Return a small family of arms: healthy, ill, ill with three doses, healthy with a dose."""
    ill = {"modulator.tone.level": 1.5}

    def drifting(level: float, relief: float) -> Course:
        def course(i: int, time: float) -> float:
            practice = min(time, 1200.0) / 1200.0
            gain = relief * (1.0 - np.exp(-(time - 400.0) / 100.0)) if time > 400 else 0.0
            gain *= np.exp(-(time - 800.0) / 100.0) if time > 800 else 1.0
            return 0.3 + (level - 0.3) * practice - gain + 0.002 * (i % 7)

        return course

    def arm(name: str, level: float, relief: float, dose: float, **rest: Any) -> ArmRow:
        settings = {**rest.pop("settings", {}), "dose.pill.amount": dose / 3}
        return ArmRow(
            name,
            lambda i: level - relief + 0.002 * (i % 7) + 0.0005 * dose * (i % 3 - 1),
            settings=settings,
            course=drifting(level, relief),
            **rest,
        )

    return (
        arm("healthy", 0.32, 0.0, 0.0, title="Healthy", condition="wild"),
        arm("ill", 0.52, 0.0, 0.0, title="Untreated patient", baseline="healthy", condition="ill", settings=ill),
        arm(
            "ill_6", 0.52, 0.05, 6.0, title="Patient, blocker 6 mg a day", baseline="ill", condition="ill", settings=ill
        ),
        arm(
            "ill_15",
            0.52,
            0.13,
            15.0,
            title="Patient, blocker 15 mg a day",
            baseline="ill",
            condition="ill",
            settings=ill,
        ),
        arm(
            "ill_30",
            0.52,
            0.16,
            30.0,
            title="Patient, blocker 30 mg a day",
            baseline="ill",
            condition="ill",
            settings=ill,
        ),
        arm(
            "healthy_30", 0.32, -0.06, 30.0, title="Healthy, blocker 30 mg a day", baseline="healthy", condition="wild"
        ),
    )


def studies(arms: Iterable[ArmRow]) -> tuple[StudyRow, ...]:
    """Return the study of all arms, a map of two axes, and a sweep of words."""
    steps = [0.5, 1.0, 2.0, 4.0]
    square = tuple(
        {"plasticity.path.balance": b, "modulator.tone.level": t} for b in steps for t in (0.5, 1.0, 1.5, 2.0, 2.5)
    )
    return (
        StudyRow("arms", tuple(a.name for a in arms), title="Every arm"),
        StudyRow(
            "map",
            ("healthy", "ill"),
            square,
            lambda arm, p, i: 0.2 + 0.05 * p["plasticity.path.balance"] + 0.08 * p["modulator.tone.level"] + 0.001 * i,
            title="Balance against tone",
        ),
        StudyRow(
            "order",
            ("healthy", "ill"),
            ({"task.reach.order": "fixed"}, {"task.reach.order": "random"}),
            lambda arm, p, i: (
                (0.3 if p["task.reach.order"] == "fixed" else 0.4) + 0.01 * (i % 3) + (0.1 if arm == "ill" else 0.0)
            ),
            title="Does the order of cues matter?",
        ),
        StudyRow(
            "brake",
            ("healthy", "ill"),
            tuple({"gate.brake.threshold": x} for x in (0.1, 0.2, 0.3, 0.4)),
            lambda arm, p, i: 0.6 - p["gate.brake.threshold"] + 0.01 * (i % 3),
        ),
    )


def sha(*parts: object) -> bytes:
    """Return a hash of the parts' text."""
    return hashlib.sha256(repr(parts).encode()).digest()


class Fabrication:
    """Writes one sweep into a new database and keeps the ids of what it wrote."""

    def __init__(self, path: Path, times: tuple[float, ...]) -> None:
        create(path)
        self.path, self.times = path, times
        self.connection = sqlite3.connect(path)
        self.arms: dict[str, int] = {}
        self.axes: dict[str, int] = {}
        self.measures: dict[str, int] = {}
        self.sweep = self.clock = self.structure = 0

    def add(self, table: str, **values: Any) -> int:
        """Insert one row and return its id."""
        names, marks = ", ".join(f'"{n}"' for n in values), ", ".join("?" * len(values))
        done = self.connection.execute(f'insert into "{table}" ({names}) values ({marks})', tuple(values.values()))
        return int(done.lastrowid or 0)

    def open_sweep(self, title: str, text: str, subjects: int, expected: int) -> None:
        """Write the scenario, the sweep, what it measures and the command that ran it."""
        scenario = self.add(
            "scenario", sha256=sha(text), name="spill", title=title, bytes=text.encode(), parameter_set="made-up-1",
            parameter_version="1", parameter_sha256=sha("set"), parameter_bytes=b"schema = 1\n",
        )  # fmt: skip
        command, began = "workbench sweep spill.toml", "2026-01-01T00:00:00Z"
        self.sweep = self.add(
            "sweep", scenario=scenario, identity=sha("sweep"), seed=7, subjects=subjects, expected=expected,
            settings="{}", created=began, command=command,
        )  # fmt: skip
        for kind, name in (("outcome", "overflow"), ("course", "overflow_course")):
            self.measures[kind] = self.add(
                "measure", kind=kind, name=name, sha256=sha(name), readout="overflow_index", unit="1", better="lower",
                meaning="activity in the wrong muscles as a share of that in the right one", specification="{}",
            )  # fmt: skip
        self.clock = self.add("clock", sha256=sha("clock"), unit="trial")
        for n, time in enumerate(self.times):
            self.add("clock_time", clock=self.clock, ordinal=n, time=time)
        self.structure = self.add("structure", sha256=sha("structure"), specification="[]")
        counts = dict.fromkeys(("computed", "reused", "failed", "run_steps"), 0)
        done = self.add(
            "invocation", sweep=self.sweep, started=began, command=command, workers=2, status="finished", seconds=1.0,
            write_seconds=0.1, draw_seconds=0.1, **counts,
        )  # fmt: skip
        for key, value in {"workbench": "0.1.0", "python": "3.11.2", "numpy": "2.0.0"}.items():
            self.add("provenance", invocation=done, key=key, value=value)

    def add_arm(self, arm: ArmRow) -> None:
        """Write an arm and its settings."""
        row = self.arms[arm.name] = self.add(
            "arm", sweep=self.sweep, ordinal=len(self.arms), name=arm.name, title=arm.title, words="",
            condition=arm.condition, baseline=self.arms.get(arm.baseline),
        )  # fmt: skip
        for path, (number, word, unit) in BASE.items():
            protocol, tone = path.startswith(("phase", "dose")), "tone" in path
            self.add(
                "setting", sweep=self.sweep, arm=row, path=path, number=arm.settings.get(path, number), text=word,
                unit=unit, status="protocol" if protocol else "assumed" if tone else "fitted", source="",
                origin="scenario", low=0.5 if tone else None, high=2.5 if tone else None,
            )  # fmt: skip

    def add_study(self, ordinal: int, study: StudyRow, known: Mapping[str, ArmRow], subjects: int) -> None:
        """Write a study with its points and runs."""
        place = self.add("study", sweep=self.sweep, ordinal=ordinal, name=study.name, title=study.title)
        for measure in self.measures.values():
            self.add("sweep_measure", sweep=self.sweep, study=place, measure=measure, title="")
        for number, values in enumerate(study.points):
            point = self.add("point", study=place, ordinal=number)
            for path, value in values.items():
                self.add_point_value(point, path, value)
            for arm in (known[name] for name in study.arms):
                for subject in range(subjects):
                    value = study.cell(arm.name, values, subject) if study.cell else arm.outcome(subject)
                    course = None if study.cell else arm.course
                    run = self.add_run(sha(study.name, number, arm.name, subject), subject, value, course)
                    self.add(
                        "sweep_run", sweep=self.sweep, study=place, subject=subject, arm=self.arms[arm.name],
                        point=point, run=run,
                    )  # fmt: skip

    def add_point_value(self, point: int, path: str, value: float | str) -> None:
        """Write one swept value, and its axis when it is new."""
        if path not in self.axes:
            unit = BASE.get(path, (0, 0, ""))[2]
            self.axes[path] = self.add("axis", path=path, unit=unit, meaning=f"meaning of {path}")
        number, word = (None, value) if isinstance(value, str) else (value, None)
        self.add("point_value", point=point, axis=self.axes[path], number=number, text=word)

    def add_run(self, key: bytes, subject: int, value: float | None, course: Course | None) -> int:
        """Write a run with its outcome and course, or as failed where `value` is None."""
        status = "failed" if value is None else "stored"
        run = self.add("run", key=key, structure=self.structure, seed=7, subject=subject, steps=1200, status=status)
        if value is None:
            self.add("failure", run=run, reason="activity is not finite", step=70, time="trial 70")
            return run
        self.add("outcome", run=run, measure=self.measures["outcome"], value=float(value))
        if course:
            points = json.dumps([float(course(subject, t)) for t in self.times])
            self.add("course", run=run, measure=self.measures["course"], clock=self.clock, points=points)
        return run

    def finish(self) -> Path:
        """Write the views and close the file."""
        self.connection.commit()
        self.connection.close()
        connection = writing(self.path, 1.0)
        with connection.begin():
            write_views(connection)
            account_for_everything(connection)
        close(connection)
        return self.path


def account_for_everything(connection: Connection) -> None:
    """Make the audit one that fits all rows, as if they had been written so."""
    connection.exec_driver_sql("DELETE FROM audit")
    written = Written(driver_of(connection))
    written.everything()
    written.append("", "migrated")


def accounted(path: Path) -> Path:
    """Let the audit of a database fit rows that were changed by hand: a file that somebody might have written so."""
    connection = writing(path, 1.0)
    with connection.begin():
        account_for_everything(connection)
    close(connection)
    return path


def fabricate(
    path: Path,
    arms: tuple[ArmRow, ...] | None = None,
    plan: tuple[StudyRow, ...] | None = None,
    subjects: int = 40,
    title: str = "When does practice spill over?",
    text: str = TEXT,
    unfinished: int = 0,
    times: tuple[float, ...] = tuple(float(t) for t in range(50, 1201, 50)),
) -> Path:
    """Write a whole database and return its path; `unfinished` runs are expected but not there."""
    arms = patients() if arms is None else arms
    plan = studies(arms) if plan is None else plan
    made = Fabrication(path, times)
    made.open_sweep(title, text, subjects, sum(len(s.arms) * len(s.points) * subjects for s in plan) + unfinished)
    for arm in arms:
        made.add_arm(arm)
    for ordinal, study in enumerate(plan):
        made.add_study(ordinal, study, {a.name: a for a in arms}, subjects)
    return made.finish()
