"""Why runs are new: of every change to a file, a command, a data file or the code, exactly what was changed is told."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from support.commands import SMALL, workbench
from support.sound_scenario import PARAMETERS, SOUND, TRAITS
from support.told_changes import Unchanged, leaves

import workbench.solver.batch as batch
import workbench.store.asked as asked
from workbench.scenario.text.document import spell

GRIDS = """
[study.arms]
arms = ["plain", "treated", "low"]
[study.grid]
arms = ["treated"]
subjects = 2
[study.grid.sweep]
"dose.thp.titration.step" = { values = ["2 mg/day", "3 mg/day"] }
"plasticity.map.rate" = { values = [0.04, 0.06] }
"parameter.clearance" = { values = [0.5, 1.5], relative = true }
[study.listed]
arms = ["plain"]
table = "points.csv"
[study.spread]
arms = ["plain"]
design = "sobol"
n = 4
[study.spread.sweep]
"projection.map.overlap" = { from = 0.05, to = 0.25 }
[dose.extra]
drug = "thp"
regimen = "table"
table = "doses.csv"
during = "treatment"
"""
POINTS = "plasticity.map.rate\n0.03\n0.07\n"
DOSES = "TIME,AMT\n0,5\n24,5\n"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Unchanged:
    folder = tmp_path_factory.mktemp("why")
    (folder / "points.csv").write_text(POINTS)
    (folder / "doses.csv").write_text(DOSES)
    scenario = SOUND.replace('without = ["dose.thp"]', 'without = ["dose.thp", "dose.extra"]')
    scenario += '"dose.thp.titration.each" = "2 d"\n'  # of the last arm
    return Unchanged(folder, scenario + TRAITS.replace('{ ref = "noise" }', "0.1") + GRIDS, PARAMETERS)


NEVER = ("title", "context", "not_for", "status", "source", "note", "meaning", "fitted_to", "compare_with", "schema")
"""What no key of a run knows."""
FILES = {("study", "listed", "table"), ("dose", "extra", "table")}


EVERY = 1 if os.environ.get("WORKBENCH_TEST_EVERY_KEY") else 6
"""One key of six is tried, and all of them where more time is given."""


@pytest.mark.parametrize(("file", "fewest"), [("base.toml", 40 // EVERY - 1), ("small.toml", 2)])
def test_of_every_key_of_a_file_that_makes_runs_new_exactly_that_key_is_told(
    base: Unchanged, file: str, fewest: int
) -> None:
    told = 0
    for keys, was in list(leaves(base.texts[file]))[:: EVERY if file == "base.toml" else 1]:
        found = None if keys in FILES else base.why_with(file, keys)
        assert not (found and keys[-1] in NEVER), (keys, found)
        if found is None:
            continue
        now, causes = found
        spoken = (
            keys[:4] if keys[::2][:2] == ("study", "sweep") else keys[:-1] if keys[-1] in ("ref", "value") else keys
        )
        assert [cause.key for cause in causes] == [spell(spoken)], (keys, was, now, causes)
        (cause,) = causes
        assert cause.old != cause.new and (now is None or cause.line), cause
        told += 1
    assert told >= fewest, told


def test_several_changes_are_told_each_with_its_line_and_nothing_else(base: Unchanged) -> None:
    before = (base.folder / "base.toml").read_text()
    text = before.replace('"rate" = 0.05', '"rate" = 0.5').replace('"amount" = "5 mg"', '"amount" = "6 mg"')
    text = text.replace("Does a drug slow learning?", "Another title").replace('"sd" = 0.01', '"sd" = 0.02')
    text = text.replace('dose.thp.amount" = "5 mg"', 'dose.thp.amount" = "6 mg"')
    try:
        (base.folder / "base.toml").write_text(text)
        causes = base.why()
    finally:
        (base.folder / "base.toml").write_text(before)
    assert causes is not None
    told = {cause.key: (cause.old, cause.new) for cause in causes}
    assert told == {
        "plasticity.map.rate": ("0.05", "0.5"),
        'arm.low.set."dose.thp.amount"': ("5 mg", "6 mg"),
        "subjects.trait.noise.sd": ("0.01", "0.02"),
    }
    lines = text.splitlines()
    assert all(
        cause.key.rpartition(".")[2].strip('"') in lines[cause.line - 1] for cause in causes if "set" not in cause.key
    )


@pytest.mark.parametrize(
    ("asked_for", "key", "old", "new"),
    [
        ({"settings": {"plasticity.map.rate": "0.5"}, "studies": ["arms"]}, "--set plasticity.map.rate", "not given", "0.5"),
        ({"settings": {"dose.thp.titration.start": "3 mg/day"}}, "--set dose.thp.titration.start", "not given", "3 mg/day"),
        ({"settings": {"parameter.clearance": "30 L/h"}}, "--set parameter.clearance", "not given", "30 L/h"),
        ({"seed": 8}, "--seed", "7", "8"),
        ({"subjects": 9}, "--subjects", "5", "9"),
    ],
)  # fmt: skip
def test_what_the_command_line_changes_is_told(base: Unchanged, asked_for, key: str, old: str, new: str) -> None:
    assert [(c.key, c.old, c.new) for c in base.why(**asked_for) or ()] == [(key, old, new)]


@pytest.mark.parametrize(
    ("file", "content", "key"),
    [
        ("points.csv", POINTS + "0.09\n", "study.listed.table"),
        ("points.csv", POINTS.replace("0.07", "0.08"), "study.listed.table"),
        ("doses.csv", DOSES.replace("24,5", "24,6"), "dose.extra.table"),
    ],
)
def test_what_a_data_file_holds_is_told(base: Unchanged, file: str, content: str, key: str) -> None:
    before = (base.folder / file).read_text()
    try:
        (base.folder / file).write_text(content)
        causes = base.why()
    finally:
        (base.folder / file).write_text(before)
    assert [(c.key, c.note) for c in causes or ()] == [(key, f"what {file} holds has changed")]


def runs_of(folder: Path, *more: str) -> str:
    done = workbench("sweep", "small.toml", "--db", "a.db", "--workers", "0", "--study", "arms", *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def test_a_sweep_says_what_makes_its_runs_new_and_says_nothing_where_none_is(folder: Path) -> None:
    assert "why" not in runs_of(folder) and "why" not in runs_of(folder)
    (folder / "small.toml").write_text(SMALL.replace("title = ", "# a comment\ntitle = ").replace("Small", "Other"))
    assert "why" not in runs_of(folder)
    (folder / "small.toml").write_text(SMALL.replace("rate = 0.002", "rate = 0.003"))
    line = SMALL.splitlines().index("rate = 0.002") + 1
    said = " ".join(runs_of(folder, "--dry-run").split()), " ".join(runs_of(folder).split())
    why = f"why: 6 of 12 runs are new: plasticity.input_output.rate 0.002 -> 0.003 (small.toml:{line})"
    assert all(why in one for one in said)
    assert "why" not in runs_of(folder)  # it goes on with its own sweep
    told = json.loads(workbench("why", "a.db", "--sweep", "3", "--against", "1", "--json", cwd=folder).stdout)["why"]
    assert (told["new"], told["asked"], told["against"]) == (6, 12, 1)
    assert told["causes"] == [
        {"key": "plasticity.input_output.rate", "old": "0.002", "new": "0.003", "file": "small.toml", "line": line, "note": ""}
    ]  # fmt: skip


def test_a_new_outcome_an_older_sweep_and_a_run_are_explained(folder: Path) -> None:
    runs_of(folder)
    (folder / "small.toml").write_text(SMALL.replace("rate = 0.002", "rate = 0.003"))
    runs_of(folder)
    more = '[outcome.early]\nreadout = "weight_norm"\nprojection = "input_output"\nwindow = "first 10 trials of learning"\n'
    (folder / "small.toml").write_text(SMALL + more)
    assert "why: 12 of 12 runs are new: outcome.early: is new" in " ".join(runs_of(folder, "--dry-run").split())
    shown = workbench("why", "a.db", "--run", "13", cwd=folder).stdout
    assert "plasticity.input_output.rate          0.003  (scenario)" in shown
    assert "plasticity.input_output  hebb      revision 3" in shown and "engine revision 1" in shown
    assert shown.index("compared with run 1 of sweep 1:") < shown.index("plasticity.input_output.rate 0.002 -> 0.003")
    assert workbench("why", "a.db", "--run", "99", cwd=folder).returncode == 2
    assert workbench("why", "a.db", "--sweep", "9", cwd=folder).returncode == 2
    assert workbench("why", "none.db", cwd=folder).returncode == 3


def test_a_revision_of_a_component_or_the_engine_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.plasticity.hebb import Hebb

    runs_of(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Hebb, "revision", 99)
        assert "revision of component plasticity.hebb 3 -> 99" in " ".join(runs_of(folder, "--dry-run").split())
    for module in (batch, asked):
        monkeypatch.setattr(module, "ENGINE_REVISION", 2)
    assert "why: 12 of 12 runs are new: revision of the engine 1 -> 2" in " ".join(runs_of(folder, "--dry-run").split())


def test_D03_an_earlier_sweep_whose_text_is_damaged_is_named_by_why_and_explains_nothing(folder: Path) -> None:
    runs_of(folder)
    runs_of(folder, "--seed", "4")
    with sqlite3.connect(folder / "a.db") as connection:
        connection.execute("UPDATE scenario SET bytes = CAST(replace(CAST(bytes AS TEXT), 'rate', '=a=e') AS BLOB)")
    connection.close()
    (folder / "small.toml").write_text(SMALL.replace("rate = 0.002", "rate = 0.003"))
    said = runs_of(folder, "--dry-run")
    assert "6 to compute" in said and "why" not in said
    done = workbench("why", "a.db", cwd=folder)
    assert done.returncode == 3 and "damaged" in done.stderr and "what sweep 2 asked for" in done.stderr


PEOPLE = """
[subjects.trait.rate]
on = "plasticity.input_output.rate"
distribution = "table"
table = "people.csv"
column = "RATE"
"""


def test_D08_a_sweep_whose_data_file_has_changed_is_refused_and_the_file_is_named(folder: Path) -> None:
    (folder / "small.toml").write_text(SMALL.replace("count = 6", "count = 3") + PEOPLE)
    (folder / "people.csv").write_text("RATE\n0.9\n1.0\n1.1\n")
    runs_of(folder)
    (folder / "people.csv").write_text("RATE\n0.9\n1.0\n1.2\n")
    done = workbench("sweep", "small.toml", "--db", "a.db", "--workers", "0", "--study", "arms", cwd=folder)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "sweep 1 holds other runs at these places: subjects.trait.rate: what people.csv holds" in done.stderr
