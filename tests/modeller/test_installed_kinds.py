"""A package of other people adds a task, an eligibility trace, a rule between layers and a readout, a file each.

Rules and readouts of this package use them, and they use those: each says what it offers, and no other file changes.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commands import ROOT, answer, process

import workbench

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Any, ClassVar
import numpy as np
from workbench.component import Component, number, reference
"""
FILES = {
    "corridor": '''
@dataclass(frozen=True, kw_only=True)
class Corridor(Component):
    """A walk to the end of a corridor, where a reward lies."""
    section: ClassVar[str] = "task"
    name: ClassVar[str] = "corridor"
    offers: ClassVar[frozenset[str]] = frozenset({"episodes", "judged choices"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    equation: ClassVar[str] = "x_k = 1 at step k, else 0;  R = 1 at the last step"
    places: str = reference("population", "one unit a place", acts=True, requires="shown", shows="place")

    def allocate(self, block: Any, name: str) -> None:
        for signal in ("reward", "judged", "begin"):
            block.signal(f"task.{name}.{signal}")

    def build(self, block: Any, name: str) -> None:
        shown, begin = block.write(f"population.{self.places}.activity"), block.write(f"task.{name}.begin")

        def walk(t: int) -> None:
            shown[...] = 0.0
            shown[block.trial % len(shown)] = 1.0
            begin[...] = float(block.trial % len(shown) == 0)

        block.step("event", walk, clock="trial")
        reward, judged = block.write(f"task.{name}.reward"), block.write(f"task.{name}.judged")

        def judge(t: int) -> None:
            judged[...] = reward[...] = float(block.trial % len(shown) == len(shown) - 1)

        block.step("outcome", judge, clock="trial")
''',
    "halving": '''
@dataclass(frozen=True, kw_only=True)
class Halving(Component):
    """An eligibility trace with a half-life."""
    section: ClassVar[str] = "eligibility"
    name: ClassVar[str] = "halving"
    offers: ClassVar[frozenset[str]] = frozenset({"decay by steps"})
    equation: ClassVar[str] = "e <- e / 2 ^ (interval / half_life)"
    half_life: Any = number(1.0, "s", "time in which half is left", low=1e-3, high=1e5)

    def kept(self, interval: Any) -> Any:
        return np.power(0.5, interval / self.half_life)
''',
    "signed_error": '''
@dataclass(frozen=True, kw_only=True)
class SignedError(Component):
    """The sign of the error moves the weights between two layers."""
    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "signed_error"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    requires = {"projection": "batches"}
    equation: ClassVar[str] = "dW = rate mean over samples of sign(target - y) x^T"
    task: str = reference("task", "the teacher", requires="batches")
    rate: Any = number(0.01, "1", "learning rate per step", low=0.0, high=10.0)

    def build(self, block: Any, name: str) -> None:
        way = block.component("projection", name)
        error, below = block.read(f"task.{self.task}.error"), block.read(f"population.{way.pre}.activity")
        weight, pace = block.update(f"projection.{name}.weight"), np.reshape(self.rate, (-1, 1, 1))

        def learn(t: int) -> None:
            weight[...] += pace * np.matmul(np.sign(error).transpose(0, 2, 1), below) / error.shape[1]

        block.step("rule", learn, clock="trial")
''',
    "largest_entry": '''
from workbench.readouts.reading import Reading, Readout

@dataclass(frozen=True, kw_only=True)
class LargestEntry(Readout):
    """Largest weight between two layers."""
    name: ClassVar[str] = "largest_entry"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    meaning: ClassVar[str] = "largest weight between two layers"
    equation: ClassVar[str] = "max |W|"
    projection: str = reference("projection", "weights between layers", requires="batches")

    def reading(self, block: Any) -> Reading:
        weight = block.previous(f"projection.{self.projection}.weight")
        return Reading((), lambda sums, trials: np.abs(weight).max(axis=(1, 2)))
''',
}
CLASSES = {"corridor": "Corridor", "halving": "Halving", "signed_error": "SignedError", "largest_entry": "LargestEntry"}
TOP = """schema = 1
title = "Kinds of another package"
[use]
not_for = "anything but tests"
context = "tests"
[subjects]
count = 2
seed = 7
[phase.learning]
trials = 40
"""
WALK = (
    TOP
    + """
[population.place]
kind = "source"
size = 4
[population.value]
[projection.w]
pre = "place"
post = "value"
weight = 0.0
[plasticity.w]
rule = "three_factor"
third_factor = "dopamine"
trace = "left"
task = "corridor"
[eligibility.left]
kind = "halving"
[modulator.dopamine]
source = "reward_less_baseline"
task = "corridor"
[task.corridor]
kind = "corridor"
places = "place"
[outcome.first]
readout = "synapse_weight"
projection = "w"
input_number = 3
window = "end of learning"
[outcome.last]
readout = "synapse_weight"
projection = "w"
input_number = 4
window = "end of learning"
"""
)
LAYERS = (
    TOP
    + """
[population.below]
kind = "layer"
size = 3
[population.above]
kind = "layer"
size = 2
[projection.w]
wiring = "between_layers"
pre = "below"
post = "above"
[plasticity.w]
rule = "signed_error"
task = "map"
[task.map]
kind = "teacher"
samples_to = "below"
answers = "above"
samples = 8
[outcome.largest]
readout = "largest_entry"
projection = "w"
window = "end of learning"
[outcome.distance]
readout = "map_distance"
projection = "w"
task = "map"
window = "end of learning"
"""
)


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Install the package as pip leaves it, and return what makes Python find it."""
    place = tmp_path / "site"
    (place / "theirs").mkdir(parents=True)
    (place / "theirs" / "__init__.py").touch()
    for name, text in FILES.items():
        (place / "theirs" / f"{name}.py").write_text(HEAD + text, encoding="utf-8")
    metadata = place / "theirs-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n", encoding="utf-8")
    points = [f"{name} = theirs.{name}:{CLASSES[name]}\n" for name in FILES]
    (metadata / "entry_points.txt").write_text("".join(["[workbench.components]\n", *points]), encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}


def test_each_kind_is_one_file_that_all_others_work_with(installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "walk.toml").write_text(WALK, encoding="utf-8")
    (tmp_path / "layers.toml").write_text(LAYERS, encoding="utf-8")
    checked = process("check", "walk.toml", "layers.toml", cwd=tmp_path, **installed)
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stderr
    for name in ("walk", "layers"):
        done = answer(
            process(
                "sweep", f"{name}.toml", "--db", f"{name}.db", "--workers", "1", "--json", cwd=tmp_path, **installed
            )
        )
        assert (done["stored"], done["failed"], done["missing"]) == (2, 0, 0)
    walk = workbench.open_results(tmp_path / "walk.db").outcomes_wide()
    assert (walk["last"] > 0.0).all()
    assert walk["first"].to_numpy() == pytest.approx(0.5 * walk["last"].to_numpy())  # one step is one half-life
    layers = workbench.open_results(tmp_path / "layers.db").outcomes_wide()
    assert (layers["distance"] < 1.0).all() and (layers["largest"] > 0.0).all()


def test_what_they_offer_is_described_and_what_they_do_not_offer_is_refused(
    installed: dict[str, str], tmp_path: Path
) -> None:
    told = process("describe", "corridor", cwd=tmp_path, **installed).stdout
    assert "offers: episodes (has episodes), judged choices (judges choices)" in told
    assert "requires: of places: shown" in told and "works on clocks: trial" in told
    slip = WALK.replace(
        "[outcome.first]", '[outcome.policy]\nreadout = "overflow_index"\ntask = "corridor"\n[outcome.first]'
    )
    (tmp_path / "slip.toml").write_text(slip, encoding="utf-8")
    done = process("check", "slip.toml", cwd=tmp_path, **installed)
    line = slip.splitlines().index('readout = "overflow_index"') + 2
    assert done.returncode == 2 and f"slip.toml:{line}:8: " in done.stderr
    assert (
        "outcome.policy.task: needs a task that judges answers (cued_bandit), but corridor is corridor" in done.stderr
    )
