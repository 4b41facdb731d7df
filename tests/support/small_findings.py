"""A small scenario whose results are known in advance, and findings about it, as text."""

from __future__ import annotations

from pathlib import Path

from support.commands import SMALL, Done, workbench

SET = """schema = 1
name = "numbers"
version = "1"
title = "Numbers of the small scenario"

[parameter.rate]
value = 0.002
range = [0.0005, 0.01]
meaning = "learning rate"
"""

SCENARIO = (
    SMALL.replace('title = "Small and quick"', 'title = "Small and quick"\nparameters = "numbers"')
    .replace("rate = 0.002\n", 'rate = { ref = "rate" }\n')
    .replace('"plasticity.input_output.rate" = 0.004', '"plasticity.input_output.rate" = 0.004\n[arm.still]\n[arm.still.set]\n"plasticity.input_output.rate" = 0.0\n"projection.input_output.spread" = 0.0')
    .replace("[study.strength]\n", '[study.strength]\narms = ["slow", "fast"]\n')
)  # fmt: skip
"""Arm ``still`` starts at weight 0 and learns nothing: every outcome of every subject is exactly 0."""

PLAUSIBLE = """
[study.plausible]
design = "lhs"
n = 24
subjects = 50
arms = ["slow"]
record = false
[study.plausible.sweep]
"parameter.rate" = { from = 0.001, to = 0.004 }
"""

BIB = """@article{Oja1982,
  author = {Oja, Erkki},
  title = {Simplified neuron model as a principal component analyzer},
  journal = {Journal of Mathematical Biology},
  year = {1982},
  doi = {10.1007/BF00275687}
}
"""

HEAD = """schema = 1
"""

FINDING = """
[finding.{name}]
title = "Weights stay where they are"
scenario = "small"
source = "Oja1982"
preparation = "a made-up network"
published = "no change"
unit = "1"
checked = "page"
{more}
[[finding.{name}.criterion]]
{criterion}
"""

STILL = 'statistic = "mean"\noutcome = "norm"\narms = ["still"]\naccept = [-0.1, 0.1]'
AWAY = 'statistic = "mean"\noutcome = "norm"\narms = ["still"]\naccept = [1.0, 2.0]'


def finding(name: str, criterion: str = STILL, more: str = "") -> str:
    """Return one finding as text."""
    return FINDING.format(name=name, criterion=criterion, more=more)


def folder(root: Path, *findings: str, scenario: str = SCENARIO, numbers: str = SET) -> Path:
    """Write a user's folder: scenarios/small.toml, its numbers, a bibliography and findings."""
    for place in ("scenarios", "data/parameters", "data/findings"):
        (root / place).mkdir(parents=True, exist_ok=True)
    (root / "scenarios" / "small.toml").write_text(scenario, encoding="utf-8")
    (root / "data" / "parameters" / "numbers.toml").write_text(numbers, encoding="utf-8")
    (root / "data" / "references.bib").write_text(BIB, encoding="utf-8")
    (root / "data" / "findings" / "small.toml").write_text(HEAD + "".join(findings), encoding="utf-8")
    return root


def swept(root: Path, *more: str) -> Path:
    """Run the small scenario into data/results and return the database."""
    done: Done = workbench("sweep", "scenarios/small.toml", "--workers", "1", "--json", *more, cwd=root)
    assert done.returncode == 0, done.stderr + done.stdout
    return root / "data" / "results" / "small.db"
