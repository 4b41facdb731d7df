"""How many files an extension touches: each is added to a copy of the tree, which then knows it everywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import ROOT

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Any, ClassVar
import numpy as np
from workbench.component import Component, number, reference
"""
TOP = """schema = 1
title = "An extension"
[use]
not_for = "anything but tests"
context = "tests"
[subjects]
count = 2
seed = 7
"""
CIRCUIT = """[population.input]
kind = "source"
size = 2
[population.output]
[projection.w]
pre = "input"
post = "output"
weight = 1.0
"""
RULE = '''
from workbench.plasticity.synapses import bound_and_store, synapses_of

@dataclass(frozen=True, kw_only=True)
class Fading(Component):
    """Weights that fade."""
    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "fading"
    equation: ClassVar[str] = "dW = -share W"
    share: Any = number(0.5, "1", "share lost a trial", low=0.0, high=1.0)

    def build(self, block: Any, name: str) -> None:
        weight = synapses_of(block, name, None).weight
        block.step("rule", lambda t: np.multiply(weight, 1.0 - self.share, out=weight), clock="trial")
        bound_and_store(block, name)
'''
READOUT = '''
from workbench.readouts.reading import Reading, Readout

@dataclass(frozen=True, kw_only=True)
class Smallest(Readout):
    """Smallest weight."""
    name: ClassVar[str] = "smallest_weight"
    meaning: ClassVar[str] = "smallest weight"
    equation: ClassVar[str] = "min W"
    projection: str = reference("projection", "the weights")

    def reading(self, block: Any) -> Reading:
        weight = block.previous(f"projection.{self.projection}.weight")
        return Reading((), lambda sums, trials: weight.min(axis=(0, 1)))
'''
DRUG = '''
from workbench.pharmacology.disposition import OneCompartment

@dataclass(frozen=True, kw_only=True)
class Bolus(OneCompartment):
    """Straight into one compartment."""
    name: ClassVar[str] = "bolus"
    equation: ClassVar[str] = "c(t) = amount / V exp(-ke t)"
'''
TASK = '''
@dataclass(frozen=True, kw_only=True)
class Flicker(Component):
    """All units on in every other trial."""
    section: ClassVar[str] = "task"
    name: ClassVar[str] = "flicker"
    equation: ClassVar[str] = "x = trial mod 2"
    inputs: str = reference("population", "what flickers", acts=True, requires="shown", shows="state")

    def build(self, block: Any, name: str) -> None:
        shown = block.write(f"population.{self.inputs}.activity")

        def show(t: int) -> None:
            shown[...] = block.trial % 2

        block.step("event", show, clock="trial")
'''
COMMAND = '''"""``workbench hello``."""
import typer
from workbench.cli.output import print_text

def hello() -> int:
    """Say hello."""
    print_text("hello")
    return 0

def register(app: typer.Typer) -> None:
    app.command()(hello)
'''
FINDING = """schema = 1
title = "Fading"
[finding.X1]
title = "Three trials leave an eighth"
scenario = "fading"
source = "Hebb1949"
preparation = "theory: closed form"
published = "(1 - share)^3"
unit = "1"
checked = "theory"
[[finding.X1.criterion]]
statistic = "mean"
outcome = "left"
arms = ["fading"]
accept = [0.12, 0.13]
"""
READ = '[outcome.left]\nreadout = "weight_mean"\nprojection = "w"\nwindow = "end of learning"\n'
TRIALS = "[phase.learning]\ntrials = 3\n"
Files = dict[str, str]
"""What is added, by place."""
EXTENSIONS: dict[str, tuple[int, Files, tuple[str, ...], str]] = {
    "rule": (4, {
        "workbench/plasticity/fading.py": HEAD + RULE,
        "scenarios/rules/fading.toml": TOP + CIRCUIT + TRIALS + READ + '[plasticity.w]\nrule = "fading"\n[arm.fading]\n',
        "data/findings/rules_fading.toml": FINDING,
    }, ("findings", "scenarios/rules/fading.toml"), "X1"),
    "readout": (3, {
        "workbench/readouts/smallest.py": HEAD + READOUT,
        "scenarios/smallest.toml": TOP + CIRCUIT + TRIALS + READ.replace("weight_mean", "smallest_weight"),
    }, ("sweep", "scenarios/smallest.toml", "--db", "s.db"), "2 stored"),
    "model": (3, {
        "workbench/pharmacology/bolus.py": HEAD + DRUG,
        "scenarios/bolus.toml": TOP + '[drug.d]\nmodel = "bolus"\nclearance = "1 L/h"\nvolume = "10 L"\n'
        '[dose.d]\ndrug = "d"\nduring = "day"\namount = "1 mg"\n[phase.day]\nclock = "tick"\nlength = "1 day"\nstep = "1 h"\n'
        '[outcome.c]\nreadout = "concentration"\ndrug = "d"\nwindow = "2 h into day"\n',
    }, ("sweep", "scenarios/bolus.toml", "--db", "b.db"), "2 stored"),
    "task": (4, {
        "workbench/tasks/flicker.py": HEAD + TASK,
        "scenarios/flicker.toml": TOP + CIRCUIT + TRIALS + READ + '[plasticity.w]\nrule = "hebb"\n[task.f]\nkind = "flicker"\ninputs = "input"\n',
    }, ("sweep", "scenarios/flicker.toml", "--db", "f.db"), "2 stored"),
    "command": (3, {
        "workbench/cli/hello.py": COMMAND,
    }, ("hello",), "hello"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tree with all extensions in it; none of its files is changed."""
    place = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "workbench", place / "workbench", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", place / "data")
    shutil.copytree(ROOT / "scenarios", place / "scenarios")
    shutil.copy(ROOT / "pyproject.toml", place)
    for _, files, _, _ in EXTENSIONS.values():
        for name, text in files.items():
            assert not (ROOT / name).exists(), f"{name} is an extension of this test"
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")
    return place


def test_each_kind_of_extension_touches_few_files_and_is_known_everywhere(tree: Path) -> None:
    calls = [command for _, _, command, _ in EXTENSIONS.values()]
    calls += [("describe", name) for name in ("fading", "smallest_weight", "bolus", "flicker")]
    calls += [("schema",), ("--help",)]
    script = (
        f"import workbench\nfrom workbench.cli.main import main\nassert workbench.__file__.startswith({str(tree)!r})\n"
    )
    script += (
        f"for call in {calls!r}:\n    print('>', *call, flush=True)\n    print('<', main(list(call)), flush=True)\n"
    )
    script += f"import sys\nsys.path.insert(0, {str(ROOT / 'tests')!r})\nfrom support import every_command as e\n"
    script += "print('tried:', e.example('hello'), 'hello' in e.writes_files() | e.writes_rows())\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0 and done.stdout.count("< 0\n") == len(calls), done.stderr
    said = done.stdout + done.stderr
    for most, files, command, wanted in EXTENSIONS.values():
        assert len(files) + 1 <= most  # and a test of its own
        assert wanted in said.partition(f"> {' '.join(command)}\n")[2], command
    for name in ("fading", "smallest_weight", "bolus", "flicker"):
        assert f'"{name}"' in said.partition("> schema\n")[2]
    assert " hello " in said.partition("> --help\n")[2]
    assert "tried: () False" in said, "a command is tried with all others, and needs no line in their tests"
