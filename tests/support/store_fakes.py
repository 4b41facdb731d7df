"""Plans, chunks and results made by hand: two arms, a swept path, numbers that follow from the place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.component.declaration import Component, count, number, window
from workbench.component.registry import Registry
from workbench.scenario import model
from workbench.solver.batch import Batch, BatchResult, Declared, Failure, Structure
from workbench.store import open_writer
from workbench.store.refit_log import CandidateLog, Sought

BALANCE = "plasticity.cortex_d1.balance"
TONE = "modulator.acetylcholine.tone"
REPEATS = "plasticity.cortex_d1.repeats"


@dataclass(frozen=True, kw_only=True)
class Rule(Component):
    """A rule with one number."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "rule"
    equation: ClassVar[str] = "dw = b"
    balance: Any = number(1.0, "1", "potentiation against depression")
    repeats: Any = count(1, "times")


@dataclass(frozen=True, kw_only=True)
class Overflow(Component):
    """Share of output outside the cued muscle."""

    section: ClassVar[str] = "outcome"
    name: ClassVar[str] = "overflow_index"
    equation: ClassVar[str] = "1 - max / sum"
    unit: ClassVar[str] = "1"
    meaning: ClassVar[str] = "share of output outside the cued muscle"
    better: ClassVar[str] = "lower"
    window: Any = window("practice", "which trials")


REGISTRY = Registry([Rule, Overflow])
OUTCOMES = ("overflow", "selectivity")
COURSES = ("overflow_course",)


def recordings(
    outcomes: tuple[str, ...] = OUTCOMES, courses: tuple[str, ...] = COURSES, words: str = "practice"
) -> tuple[Declared, ...]:
    named = [("outcome", name) for name in outcomes] + [("course", name) for name in courses]
    return tuple(Declared(kind, name, "overflow_index", 1, (("window", words),)) for kind, name in named)


def structure(recorded: tuple[Declared, ...] | None = None) -> Structure:
    acting = (
        Declared("phase", "practice", "trial", 1, (("trials", 100),)),
        Declared("plasticity", "cortex_d1", "rule", 1, ()),
    )
    return Structure(acting + (recordings() if recorded is None else recorded))


def scenario(
    arms: Mapping[str, str | None], *, text: bytes = b"schema = 1\n", title: str = "A question?"
) -> model.Scenario:
    """A scenario whose arms map a name to the arm it is compared with."""
    parameters = model.ParameterSet(
        name="set-1", version="1", title="A set", text=b"schema = 1\n", sha256=hashlib.sha256(b"schema = 1\n").hexdigest(),
        values={}, meanings={}, conditions={}, condition_titles={"ill": "ill striatum"},
    )  # fmt: skip
    each = {n: model.Arm(n, f"Arm {n}", "ill", frozenset(), {}, base) for n, base in arms.items()}
    table = model.Table("plasticity", "cortex_d1", Rule, {})
    return model.Scenario(
        name="fake", file="fake.toml", text=text, sha256=hashlib.sha256(text).hexdigest(), title=title,
        use=model.Use("tests", "anything else"), parameters=parameters, tables={"plasticity": {"cortex_d1": table}},
        subjects=model.Subjects(1, 1, traits=(model.Trait("weight", "", "set", "normal", {}, unit="kg"),)),
        arms=each, studies={}, registry=REGISTRY,
    )  # fmt: skip


@dataclass(frozen=True)
class FakeStudy:
    name: str
    arms: tuple[str, ...]
    points: tuple[Mapping[str, Any], ...]
    subjects: int
    title: str = "A study"
    record: bool = True


@dataclass(frozen=True)
class FakeResolved:
    value: Any
    unit: str = "1"
    origin: str = "scenario"
    evidence: model.Evidence | None = None
    parameter: str = ""
    traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeChunk:
    batch: Batch
    study: str
    arms: NDArray[np.int64]
    points: NDArray[np.int64]


@dataclass(frozen=True)
class FakePlan:
    """Arms x points x subjects of each study; the key of a run hashes arm, swept values, seed and subject.

    `alike` names arms that ask for the same numbers as another.
    """

    scenario: model.Scenario
    studies: tuple[FakeStudy, ...]
    seed: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    structure: Structure = field(default_factory=structure)
    alike: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> int:
        return sum(len(s.arms) * len(s.points) * s.subjects for s in self.studies)

    def structures(self) -> tuple[Structure, ...]:
        return (self.structure,)

    def resolved(self, arm: str) -> dict[str, FakeResolved]:
        evidence = model.Evidence("fitted", "Someone2020", 0.5, 4.0)
        return {BALANCE: FakeResolved(1.0, evidence=evidence), "task.reach.order": FakeResolved("random", "", arm)}

    def traits(self, subjects: range) -> dict[str, NDArray[np.float64]]:
        return {"weight": 70.0 + np.array(subjects, dtype=np.float64)}

    def chunks(self, size: int) -> Iterator[FakeChunk]:
        for study in self.studies:
            places = (
                (a, p, s)
                for s in range(study.subjects)
                for a in range(len(study.arms))
                for p in range(len(study.points))
            )
            rows: list[tuple[int, int, int]] = []
            for place in places:
                rows.append(place)
                if len(rows) == size:
                    yield self.chunk(study, rows)
                    rows = []
            if rows:
                yield self.chunk(study, rows)

    def chunk(self, study: FakeStudy, rows: list[tuple[int, int, int]]) -> FakeChunk:
        arms, points, subjects = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
        keys = tuple(self.key(study.arms[a], study.points[p], s) for a, p, s in rows)
        return FakeChunk(Batch(self.structure, self.seed, subjects, {}, keys), study.name, arms, points)

    def key(self, arm: str, point: Mapping[str, Any], subject: int) -> bytes:
        arm = self.alike.get(arm, arm)
        return hashlib.sha256(repr((arm, sorted(point.items()), self.seed, subject)).encode()).digest()

    def with_recordings(self, recorded: tuple[Declared, ...]) -> FakePlan:
        return replace(self, structure=structure(recorded))


def plan(
    subjects: int = 3,
    balances: tuple[float, ...] = (0.5, 1.0),
    arms: Mapping[str, str | None] | None = None,
    **rest: Any,
) -> FakePlan:
    listed = {"healthy": None, "ill": "healthy"} if arms is None else arms
    study = FakeStudy("map", tuple(listed), tuple({BALANCE: b, TONE: 1.0} for b in balances), subjects)
    axes = (model.Axis(BALANCE, balances, "1"), model.Axis(TONE, (1.0,), "1"))
    asked = replace(scenario(listed), studies={"map": model.Study("map", "A study", tuple(listed), subjects, axes)})
    return FakePlan(asked, (study,), **rest)


def solve(
    chunk: FakeChunk, rows: NDArray[np.int64] | None = None, *, failing: frozenset[bytes] = frozenset(), times: int = 3
) -> BatchResult:
    """Numbers that follow from the key alone, as the engine's do."""
    keys = chunk.batch.keys if rows is None else tuple(chunk.batch.keys[i] for i in rows)
    recorded = chunk.batch.structure.recordings
    failures = {i: Failure("weight is not finite", 7, "trial 7") for i, key in enumerate(keys) if key in failing}
    outcomes = {d.name: _numbers(keys, d.name, 1)[0] for d in recorded if d.section == "outcome"}
    courses = {d.name: _numbers(keys, d.name, times) for d in recorded if d.section == "course"}
    for values in outcomes.values():
        values[list(failures)] = np.nan
    at = tuple(10.0 * (i + 1) for i in range(times))
    return BatchResult(keys, outcomes, courses, dict.fromkeys(courses, at), failures, 100, 0.1, 0.05)


def _numbers(keys: tuple[bytes, ...], name: str, count: int) -> NDArray[np.float64]:
    salt = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    raw = np.frombuffer(b"".join(keys), dtype="<u4").reshape(len(keys), 8)[:, np.arange(count) % 8]
    # Thirds need all digits of a double, as real results do.
    return (np.bitwise_xor(raw, np.uint32(salt)).astype(np.float64) / (3 * 2**31)).T.copy()


def sweep_into(writer: Any, asked: FakePlan, size: int = 4, **how: Any) -> int:
    """Do what the executor does, without workers."""
    sweep = writer.begin(asked, command="fake")
    for chunk in asked.chunks(size):
        rows = writer.missing(chunk)
        if len(rows):
            writer.store(chunk, rows, solve(chunk, rows, **how))
    writer.finish()
    return int(sweep)


def store_everything(db: Path) -> None:
    """Fill every table: swept and traced runs, one that failed, courses, a refit, and a count that is swept."""
    asked = plan(subjects=3, balances=(0.5, 1.0, 2.0))
    bad = asked.key("ill", {BALANCE: 1.0, TONE: 1.0}, 1)
    with open_writer(db, command="fake") as writer:
        writer.begin(asked, command="fake")
        chunk = next(asked.chunks(2))
        rows, result = writer.missing(chunk), solve(chunk)
        writer.store(chunk, rows, replace(result, failures={0: Failure("its process died", 0, "", lost=True)}))
        writer.finish("stopped")
        sweep_into(writer, asked.with_recordings(recordings(("overflow",))), size=7, failing=frozenset([bad]))
        sweep_into(writer, asked, size=4, failing=frozenset([bad]))  # old runs gain an outcome and a course
        counted = FakeStudy("counts", ("healthy", "ill"), ({REPEATS: 1}, {REPEATS: 2}), 5)
        sweep_into(writer, replace(asked, studies=(counted,)), size=100)
    sought = Sought(
        asked.scenario,
        (("rate", "1", 0.5, 0.1, 2.0), ("gain", "Hz", 1.0, 0.0, 3.0)),
        (("effect", "ill against healthy", 1, "1", 0.4, 0.1, 0.2, None), ("shown", "alone", 0, "1", None, 0.1, 0.0, 1.0)),
        hashlib.sha256(b"findings").hexdigest(), ("circuit",), 3, 20,
    )  # fmt: skip
    with CandidateLog(db, sought, 50, "refit", 1.0) as log:
        log.store(
            "generation", 1, 1, np.array([[0.5, 1.0], [0.6, 1.1]]), np.array([[0.3, np.nan], [0.2, 0.1]]), [0.5, None]
        )
        log.finish("finished")
