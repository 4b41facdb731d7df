"""The tables of a result database: SQLite, STRICT, integer ids; singular names.

A run's 32-byte key stands only in ``run``; everything else points at integer ids, which is what keeps
a million runs with eight outcomes near 0.2 GB. Names and units are read through the views.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()


def _table(name: str, *items: Any, rowid: bool = True) -> Table:
    return Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=rowid)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _link(name: str, to: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{to}.id"), nullable=nullable)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _real(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, REAL, nullable=nullable)


def _sha256(name: str, *, unique: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, CheckConstraint(f"length({name}) = 32"), nullable=False, unique=unique)


# What was asked

scenario = _table(
    "scenario",
    _id(),
    _sha256("sha256"),
    _text("name"),
    _text("title"),
    Column("bytes", LargeBinary, nullable=False),
    _text("parameter_set"),
    _text("parameter_version"),
    _sha256("parameter_sha256"),
    Column("parameter_bytes", LargeBinary, nullable=False),
    UniqueConstraint("sha256", "parameter_sha256", "name"),
)
sweep = _table(
    "sweep",
    _id(),
    _link("scenario", "scenario"),
    _sha256("identity", unique=True),
    _whole("seed"),
    _whole("subjects"),
    _whole("expected"),
    _text("settings"),
    _text("created"),
    _text("command"),
)
study = _table(
    "study",
    _id(),
    _link("sweep", "sweep"),
    _whole("ordinal"),
    _text("name"),
    _text("title"),
    UniqueConstraint("sweep", "ordinal"),
)
arm = _table(
    "arm",
    _id(),
    _link("sweep", "sweep"),
    _whole("ordinal"),
    _text("name"),
    _text("title"),
    _text("words"),
    _text("condition", nullable=True),
    _link("baseline", "arm", nullable=True),
    UniqueConstraint("sweep", "ordinal"),
)
axis = _table(
    "axis", _id(), _text("path"), _text("unit"), _text("meaning"), UniqueConstraint("path", "unit", "meaning")
)
whole_axis = _table("whole_axis", Column("axis", Integer, ForeignKey("axis.id"), primary_key=True))
"""Axes that count something: their values, kept as numbers, are shown as whole ones."""
point = _table("point", _id(), _link("study", "study"), _whole("ordinal"), UniqueConstraint("study", "ordinal"))
point_value = _table(
    "point_value",
    _link("point", "point"),
    _link("axis", "axis"),
    _real("number", nullable=True),
    _text("text", nullable=True),
    PrimaryKeyConstraint("point", "axis"),
    CheckConstraint("(number IS NULL) <> (text IS NULL)"),
    rowid=False,
)
setting = _table(
    "setting",
    _link("sweep", "sweep"),
    _link("arm", "arm"),
    _text("path"),
    _real("number", nullable=True),
    _text("text", nullable=True),
    _text("unit"),
    _text("status"),
    _text("source"),
    _text("origin"),
    _text("parameter", nullable=True),
    _text("traits", nullable=True),
    _real("low", nullable=True),
    _real("high", nullable=True),
    PrimaryKeyConstraint("arm", "path"),
    rowid=False,
)
trait = _table(
    "trait",
    _id(),
    _link("sweep", "sweep"),
    _text("name"),
    _text("path"),
    _text("distribution"),
    _text("unit"),
    UniqueConstraint("sweep", "name"),
)
trait_value = _table(
    "trait_value",
    _link("trait", "trait"),
    _whole("subject"),
    _real("value"),
    PrimaryKeyConstraint("trait", "subject"),
    rowid=False,
)

# What is measured

measure = _table(
    "measure",
    _id(),
    Column("kind", Text, CheckConstraint("kind IN ('outcome', 'course')"), nullable=False),
    _text("name"),
    _sha256("sha256", unique=True),
    _text("readout"),
    _text("unit"),
    _text("meaning"),
    Column("better", Text, CheckConstraint("better IN ('lower', 'higher', '')"), nullable=False),
    _text("specification"),
)
sweep_measure = _table(
    "sweep_measure",
    _link("sweep", "sweep"),
    _link("study", "study"),
    _link("measure", "measure"),
    _text("title"),
    PrimaryKeyConstraint("study", "measure"),
    rowid=False,
)
clock = _table("clock", _id(), _sha256("sha256", unique=True), _text("unit"))
clock_time = _table(
    "clock_time",
    _link("clock", "clock"),
    _whole("ordinal"),
    _real("time"),
    PrimaryKeyConstraint("clock", "ordinal"),
    rowid=False,
)

# What came out

structure = _table("structure", _id(), _sha256("sha256", unique=True), _text("specification"))
run = _table(
    "run",
    _id(),
    _sha256("key", unique=True),
    _link("structure", "structure"),
    _whole("seed"),
    _whole("subject"),
    _whole("steps"),
    Column("status", Text, CheckConstraint("status IN ('stored', 'failed')"), nullable=False),
)
# Subject before arm and point: chunks come subject by subject, so rows are appended instead of inserted in the middle.
sweep_run = _table(
    "sweep_run",
    _link("sweep", "sweep"),
    _link("study", "study"),
    _whole("subject"),
    _link("arm", "arm"),
    _link("point", "point"),
    _link("run", "run"),
    PrimaryKeyConstraint("study", "subject", "arm", "point"),
    rowid=False,
)
Index("sweep_run_by_run", sweep_run.c.run)
outcome = _table(
    "outcome",
    _link("run", "run"),
    _link("measure", "measure"),
    _real("value"),
    PrimaryKeyConstraint("run", "measure"),
    rowid=False,
)
course = _table(
    "course",
    _link("run", "run"),
    _link("measure", "measure"),
    _link("clock", "clock"),
    _text("points"),
    PrimaryKeyConstraint("run", "measure"),
)
failure = _table(
    "failure",
    Column("run", Integer, ForeignKey("run.id"), primary_key=True),
    _text("reason"),
    _whole("step"),
    _text("time"),
)
lost_run = _table(
    "lost_run",
    _link("sweep", "sweep"),
    _link("study", "study"),
    _whole("subject"),
    _link("arm", "arm"),
    _link("point", "point"),
    _link("invocation", "invocation"),
    _sha256("key"),
    _text("reason"),
    PrimaryKeyConstraint("study", "subject", "arm", "point", "invocation"),
    rowid=False,
)
"""Places whose run a command lost with the process that computed it: no result of the model, so that the next command
tries again. A row stays when that succeeds, and the views then skip it."""

# What refits have tried

calibration = _table(
    "calibration",
    _id(),
    _link("scenario", "scenario"),
    _sha256("identity", unique=True),
    _sha256("findings_sha256"),
    _sha256("source_sha256"),
    _sha256("engine_sha256"),
    _whole("seed"),
    _whole("subjects"),
    _whole("budget"),
    _text("status"),
    _text("created"),
    _text("command"),
)
calibration_parameter = _table(
    "calibration_parameter",
    _link("calibration", "calibration"),
    _whole("ordinal"),
    _text("name"),
    _text("unit"),
    _real("shipped"),
    _real("low"),
    _real("high"),
    PrimaryKeyConstraint("calibration", "ordinal"),
    rowid=False,
)
calibration_criterion = _table(
    "calibration_criterion",
    _link("calibration", "calibration"),
    _whole("ordinal"),
    _text("finding"),
    _text("words"),
    _whole("fitted"),
    _text("unit"),
    _real("published", nullable=True),
    _real("error"),
    _real("low", nullable=True),
    _real("high", nullable=True),
    PrimaryKeyConstraint("calibration", "ordinal"),
    rowid=False,
)
candidate = _table(
    "candidate",
    _id(),
    _link("calibration", "calibration"),
    _whole("ordinal"),
    _whole("budget"),
    _whole("batch"),
    _text("search"),
    _whole("step"),
    _real("loss", nullable=True),
    UniqueConstraint("calibration", "ordinal"),
)
candidate_parameter = _table(
    "candidate_parameter",
    _link("candidate", "candidate"),
    _whole("ordinal"),
    _real("number"),
    PrimaryKeyConstraint("candidate", "ordinal"),
    rowid=False,
)
candidate_criterion = _table(
    "candidate_criterion",
    _link("candidate", "candidate"),
    _whole("ordinal"),
    _real("number", nullable=True),
    _real("mc_error", nullable=True),
    PrimaryKeyConstraint("candidate", "ordinal"),
    rowid=False,
)

# What is left out of the digest: it can be made again from what is kept

cache_step_error = _table(
    "cache_step_error",
    _link("study", "study"),
    _link("measure", "measure"),
    _whole("runs"),
    _real("mean"),
    _real("largest"),
    PrimaryKeyConstraint("study", "measure"),
    rowid=False,
)

# How it came about

invocation = _table(
    "invocation",
    _id(),
    _link("sweep", "sweep"),
    _text("started"),
    _text("command"),
    _whole("workers"),
    _text("status"),
    _real("seconds", nullable=True),
    _whole("computed"),
    _whole("reused"),
    _whole("failed"),
    _whole("run_steps"),
    _real("write_seconds"),
    _real("draw_seconds"),
)
provenance = _table(
    "provenance",
    _link("invocation", "invocation"),
    _text("key"),
    _text("value"),
    PrimaryKeyConstraint("invocation", "key"),
    rowid=False,
)
audit = _table(
    "audit",
    _id(),
    _text("at"),
    _text("command"),
    _text("versions"),
    _text("entry"),
    _sha256("content"),
    _sha256("previous"),
    _sha256("sha256", unique=True),
)
"""What each transaction wrote, in a chain of hashes; see `workbench.store.audit`."""
columns = _table(
    "columns",
    _text("view"),
    _text("name"),
    _text("path"),
    _text("unit"),
    _text("meaning"),
    PrimaryKeyConstraint("view", "name"),
    rowid=False,
)
