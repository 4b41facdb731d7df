"""Scenarios that grow in one direction: so many populations, projections, phases, arms, doses, and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

HEAD = """schema = 1
title = "Grows"
[use]
not_for = "anything but tests"
context = "tests"
[subjects]
count = 2
seed = 7
"""
INPUT = '[population.input]\nkind = "source"\nsize = 4\n'
TASK = '[task.inputs]\nkind = "gaussian"\ninputs = "input"\nspectrum = [4.0, 2.0, 1.0, 0.5]\n'
UNIT = '[population.p{i}]\n[projection.s{i}]\npre = "input"\npost = "p{i}"\nweight = 0.1\n'
RULE = '[plasticity.{name}]\nrule = "hebb"\nstabiliser = "oja"\nrate = 0.001\n'
PHASE = "[phase.learning]\ntrials = 2\n"
OUTCOME = '[outcome.{name}]\nreadout = "weight_norm"\nprojection = "{of}"\nwindow = "end of {phase}"\n'
ONE = UNIT.format(i=0) + RULE.format(name="s0")
BASE = HEAD + INPUT + TASK + ONE
NORM = OUTCOME.format(name="norm", of="s0", phase="learning")
PLAIN = BASE + PHASE + NORM
RATE = '"plasticity.s0.rate"'
DRUG = """[drug.d{i}]
model = "one_compartment_oral"
absorption = "1.2 1/h"
clearance = "20 L/h"
volume = "200 L"
"""
DOSE = '[dose.e{i}]\ndrug = "d{d}"\namount = "10 mg"\nfirst = "{at} h"\ncount = 1\nduring = "day"\n'
DAY = '[phase.day]\nclock = "event"\nlength = "48 h"\n'
PEAK = '[outcome.peak{i}]\nreadout = "peak_concentration"\ndrug = "d{i}"\nwindow = "day"\n'


def _each(n: int, made: Callable[[int], str]) -> str:
    return "".join(map(made, range(n)))


def _series(n: int) -> str:
    ways = _each(n, lambda i: f"[population.p{i}]\n" + _way(f"s{i}", f"p{i - 1}" if i else "input", f"p{i}"))
    rule = f'[plasticity.s0]\nrule = "hebb"\npostsynaptic = "p{n - 1}"\nrate = 1e-9\n'
    return HEAD + INPUT + TASK + ways + rule + PHASE + NORM


def _way(name: str, pre: str, post: str) -> str:
    return f'[projection.{name}]\npre = "{pre}"\npost = "{post}"\nweight = 0.5\n'


def _phases(n: int) -> str:
    return _each(n, lambda i: f"[phase.p{i}]\norder = {i + 1}\ntrials = 2\n")


def _rules(n: int, more: str = "") -> str:
    return (
        HEAD
        + INPUT
        + TASK
        + PHASE
        + NORM
        + _each(n, lambda i: UNIT.format(i=i) + RULE.format(name=f"s{i}") + more.format(i=i))
    )


GROWING: Mapping[str, Callable[[int], str]] = {
    "populations in series": _series,
    "populations side by side": lambda n: PLAIN + _each(n, lambda i: UNIT.format(i=i + 1) + _way(f"b{i}", f"p{i + 1}", "p0")),
    "tasks": lambda n: PLAIN + _each(n, lambda i: f'[population.i{i}]\nkind = "source"\nsize = 4\n' + _way(f"b{i}", f"i{i}", "p0")
                                     + TASK.replace("task.inputs", f"task.t{i}").replace('"input"', f'"i{i}"')),
    "rules": _rules,
    "traits": lambda n: _rules(n, '[subjects.trait.t{i}]\non = "plasticity.s{i}.rate"\ndistribution = "lognormal"\nmedian = 0.001\ncv = 0.1\n'),
    "phases": lambda n: BASE + _phases(n) + _each(n, lambda i: OUTCOME.format(name=f"o{i}", of="s0", phase=f"p{i}")),
    "visits": lambda n: BASE + _phases(n) + '[outcome.o]\nreadout = "weight_norm"\nprojection = "s0"\nwindow = "end of {at}"\n'
                        + f"at = {[f'p{i}' for i in range(n)]}\n",
    "outcomes": lambda n: PLAIN + _each(n, lambda i: OUTCOME.format(name=f"o{i}", of="s0", phase="learning")),
    "courses": lambda n: PLAIN + _each(n, lambda i: f'[course.c{i}]\nreadout = "weight_norm"\nprojection = "s0"\nevery = 1\n'),
    "arms": lambda n: PLAIN + "[arm.base]\n" + _each(
        n, lambda i: f'[arm.a{i}]\ncompare_with = "base"\nset = {{ {RATE} = {0.001 + i * 1e-6:.7f} }}\n'),
    "arms one upon another": lambda n: PLAIN + "[arm.base]\n" + _each(
        n, lambda i: f'[arm.a{i}]\ncompare_with = "{f"a{i - 1}" if i else "base"}"\nset = {{ {RATE} = {0.001 + i * 1e-6:.7f} }}\n'),
    "studies": lambda n: PLAIN + _each(
        n, lambda i: f"[study.s{i}.sweep]\n{RATE} = {{ values = [0.001, {0.0012 + i * 1e-6:.7f}] }}\n"),
    "levels": lambda n: PLAIN + f"[study.s.sweep]\n{RATE} = {{ values = {[round(1e-6 * (i + 1), 9) for i in range(n)]} }}\n",
    "limits and summaries": lambda n: PLAIN.replace("[use]", f"summary = {['A line.'] * n}\n[use]\nlimits = {['A limit.'] * n}"),
    "drugs": lambda n: HEAD + DAY + _each(n, lambda i: DRUG.format(i=i) + DOSE.format(i=i, d=i, at=1) + PEAK.format(i=i)),
    "doses": lambda n: HEAD + DAY + DRUG.format(i=0) + PEAK.format(i=0) + _each(n, lambda i: DOSE.format(i=i, d=0, at=i % 47)),
}  # fmt: skip
"""What grows, and the scenario of so many of it. Those of levels and limits need no more of anything for one run."""
