"""A rule is identified by everything it refers to: whatever a name means, changing it computes anew, nothing else does."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.circuits import HEBB, replaced
from support.commands import ROOT

import workbench
from workbench.component.declaration import Component
from workbench.component.referents import identify
from workbench.errors import CheckFailed
from workbench.execution.runner import prepare, run_sweep
from workbench.execution.simulate import simulate_columns

ONE_WEIGHT = replaced(HEBB, ("count = 6", "count = 2"), ('rule = "hebb"', 'rule = "scaled"')) + "[arm.one]\n[study.s]\n"
RIGHT = {1.0: 0.5 * 1.1**3, 2.0: 0.5 * 1.2**3}

RULE = '''
import contextlib, enum, fractions, functools, types
from collections import namedtuple
from dataclasses import dataclass, field
from typing import Any, ClassVar
import numpy as np
from workbench.component.declaration import Component, number
from workbench.plasticity.synapses import bound_and_store, synapses_of
{before}
@dataclass(frozen=True, kw_only=True)
class Scaled({base}):
    """Hebb, times a factor."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "scaled"
    equation: ClassVar[str] = "dW = factor rate y x"
    rate: Any = number(0.1, "1", "rate", low=0.0, high=10.0)
{members}
    def build(self, block, name):
        s = synapses_of(block, name, None)

        def learn(t):
            s.weight[...] += ({factor} * self.rate * s.post)[:, None] * s.pre

        block.step("rule", learn, clock="trial")
        bound_and_store(block, name)
{after}
'''

BOX = """
class Box:
    def __init__(self, k):
        self.k = k
    def get(self):
        return self.k
    def __call__(self):
        return self.k
"""
TIMES = """
def times(k):
    def decorate(f):
        @functools.wraps(f)
        def inner(*given):
            return k * f(*given)
        return inner
    return decorate
"""

WAYS: dict[str, dict[str, str]] = {
    "a literal": {"factor": "{k}"},
    "a constant of the module": {"before": "K = {k}", "factor": "K"},
    "a constant set below the class": {"before": "K = None", "after": "K = {k}", "factor": "K"},
    "a constant in a container": {"before": "K = {{'a': [0.0, ({k}, 'b')]}}", "factor": "K['a'][1][0]"},
    "a set": {"before": "K = {{0.0, {k}}}", "factor": "max(K)"},
    "an array": {"before": "K = np.array([0.0, {k}])", "factor": "K[1]"},
    "a part of an array": {"before": "K = np.arange(6.0).reshape(2, 3)[:, ::2] * {k}", "factor": "K[0, 1] / 2"},
    "an array of objects": {"before": "K = np.array([None, {k}], dtype=object)", "factor": "K[1]"},
    "a number of NumPy": {"before": "K = np.float64({k})", "factor": "K"},
    "a column of pandas": {"before": "import pandas\nK = pandas.DataFrame({{'a': [{k}]}})", "factor": "K['a'][0]"},
    "a spline of SciPy": {
        "before": "from scipy.interpolate import CubicSpline\nS = CubicSpline([0, 1, 2], [0, {k}, 0])",
        "factor": "float(S(1.0))",
    },
    "a distribution of SciPy": {
        "before": "from scipy.stats import norm\nK = {k}",
        "factor": "(K + float(norm.ppf(0.5)))",
    },
    "a pattern": {"before": "import re\nP = re.compile('a' * int({k}))", "factor": "len(P.pattern)"},
    "a fraction": {"before": "K = fractions.Fraction({k})", "factor": "float(K)"},
    "a name space": {"before": "K = types.SimpleNamespace(a={k})", "factor": "K.a"},
    "a named tuple": {"before": "P = namedtuple('P', 'a b')\nK = P(0, {k})", "factor": "K.b"},
    "an enumeration": {"before": "class E(enum.Enum):\n    A = {k}", "factor": "E.A.value"},
    "a helper": {"before": "def helper():\n    return {k}", "factor": "helper()"},
    "a helper's helper": {
        "before": "def inner():\n    return {k}\ndef helper():\n    return inner()",
        "factor": "helper()",
    },
    "a helper that calls itself": {
        "before": "def helper(n):\n    return {k} if n == 0 else helper(n - 1)",
        "factor": "helper(3)",
    },
    "a helper's constant": {"before": "K = {k}\ndef helper():\n    return K", "factor": "helper()"},
    "a lambda": {"before": "helper = lambda: {k}", "factor": "helper()"},
    "a default": {"before": "def helper(k={k}):\n    return k", "factor": "helper()"},
    "a keyword's default": {"before": "def helper(*, k={k}):\n    return k", "factor": "helper()"},
    "a default of the kernel": {"members": "    def of(self, k={k}):\n        return k", "factor": "self.of()"},
    "an attribute of a function": {
        "before": "def helper():\n    return helper.k\nhelper.k = {k}",
        "factor": "helper()",
    },
    "a comprehension": {"before": "K = {k}", "factor": "sum(K for _ in range(1))"},
    "a closure's cell": {
        "before": "def make(k):\n    def helper():\n        return k\n    return helper\nhelper = make({k})",
        "factor": "helper()",
    },
    "a cell two functions up": {
        "before": "def make(k):\n    def mid():\n        def helper():\n            return k\n        return helper\n"
        "    return mid\nhelper = make({k})()",
        "factor": "helper()",
    },
    "a partial": {"before": "from operator import mul\nhelper = functools.partial(mul, {k})", "factor": "helper(1.0)"},
    "a decorator": {"before": TIMES + "@times({k})\ndef helper():\n    return 1.0", "factor": "helper()"},
    "a decorated method": {
        "before": TIMES,
        "members": "    @times({k})\n    def of(self):\n        return 1.0",
        "factor": "self.of()",
    },
    "a decorator of the class": {
        "before": "def mark(cls):\n    cls.K = {k}\n    return cls\n@mark",
        "factor": "self.K",
    },
    "a cache": {"before": "@functools.cache\ndef helper():\n    return {k}", "factor": "helper()"},
    "a function for each kind": {
        "before": "@functools.singledispatch\ndef helper(x):\n    return 0.0\n@helper.register\ndef _(x: int):\n    return {k}",
        "factor": "helper(1)",
    },
    "a context": {
        "before": "@contextlib.contextmanager\ndef given():\n    yield {k}\ndef helper():\n    with given() as k:\n        return k",
        "factor": "helper()",
    },
    "a class attribute": {"members": "    K: ClassVar[float] = {k}", "factor": "self.K"},
    "an attribute set afterwards": {"after": "Scaled.K = {k}", "factor": "self.K"},
    "a method put in afterwards": {"after": "Scaled.of = lambda self: {k}", "factor": "self.of()"},
    "a base's attribute": {"before": "class Base(Component):\n    K = {k}", "base": "Base", "factor": "self.K"},
    "a base's method": {
        "before": "class Base(Component):\n    def of(self):\n        return {k}",
        "base": "Base",
        "factor": "self.of()",
    },
    "a second base": {
        "before": "class Mixin:\n    def of(self):\n        return {k}",
        "base": "Mixin, Component",
        "factor": "self.of()",
    },
    "super": {
        "before": "class Base(Component):\n    def of(self):\n        return {k}",
        "base": "Base",
        "members": "    def of(self):\n        return super().of()",
        "factor": "self.of()",
    },
    "a metaclass": {
        "before": "class Meta(type):\n    @property\n    def K(cls):\n        return {k}",
        "base": "Component, metaclass=Meta",
        "factor": "type(self).K",
    },
    "a property": {"members": "    @property\n    def of(self):\n        return {k}", "factor": "self.of"},
    "a cached property": {
        "before": "class Other:\n    @functools.cached_property\n    def k(self):\n        return {k}",
        "factor": "Other().k",
    },
    "a static method": {"members": "    @staticmethod\n    def of():\n        return {k}", "factor": "self.of()"},
    "a class method": {"members": "    @classmethod\n    def of(cls):\n        return {k}", "factor": "self.of()"},
    "a class in the class": {"members": "    class Inner:\n        K = {k}", "factor": "self.Inner.K"},
    "a class in a function": {
        "before": "def helper():\n    class Inner:\n        K = {k}\n    return Inner.K",
        "factor": "helper()",
    },
    "an object": {"before": BOX + "K = Box({k})", "factor": "K.k"},
    "an object's method": {"before": BOX + "helper = Box({k}).get", "factor": "helper()"},
    "an object that is called": {"before": BOX + "helper = Box({k})", "factor": "helper()"},
    "an object with slots": {
        "before": "class Box:\n    __slots__ = ('k',)\nK = Box()\nK.k = {k}",
        "factor": "K.k",
    },
    "an object that is a list": {"before": "class Box(list):\n    pass\nK = Box([{k}])", "factor": "K[0]"},
    "a default factory": {
        "before": "@dataclass\nclass Box:\n    k: list = field(default_factory=lambda: [{k}])",
        "factor": "Box().k[0]",
    },
    "a data class's default": {"before": "@dataclass\nclass Box:\n    k: float = {k}", "factor": "Box().k"},
    "functions in a table": {"before": "TABLE = {{'a': lambda: {k}}}", "factor": "TABLE['a']()"},
}


def cell(source: str, name: str = "notebook") -> type[Component]:
    """Make the rule as a notebook's cell does: no file, and a fresh class with every run of the cell."""
    notebook = ModuleType(name)
    sys.modules[name] = notebook
    try:
        exec(compile(source, "<cell>", "exec", dont_inherit=True), vars(notebook))  # noqa: S102 - what a notebook does
    finally:
        del sys.modules[name]
    found: type[Component] = vars(notebook)["Scaled"]
    return found


def source(way: dict[str, str], k: float) -> str:
    """Return the text of the rule that takes its factor in one way; other ways leave out what they do not need."""
    parts = {"before": "", "base": "Component", "members": "", "after": "", **way}
    return RULE.format(**{name: text if name == "base" else text.format(k=k) for name, text in parts.items()})


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("referents") / "scaled.toml"
    file.write_text(ONE_WEIGHT, encoding="utf-8")
    return file


def keys(scenario: Path, rule: type[Component]) -> tuple[bytes, ...]:
    """Return the identities of the runs that a sweep with this rule asks for."""
    chunks = list(prepare(scenario, workers=1, components=[rule]).chunks())
    return tuple(key for chunk in chunks for key in chunk.batch.keys)


def weight(scenario: Path, rule: type[Component]) -> float:
    return float(simulate_columns(scenario, components=[rule], subjects=1)["weight"][0])


@pytest.mark.parametrize("way", WAYS)
def test_what_is_changed_computes_anew_and_what_is_not_is_the_same(way: str, scenario: Path) -> None:
    one, again, two = cell(source(WAYS[way], 1.0)), cell("\n\n" + source(WAYS[way], 1.0)), cell(source(WAYS[way], 2.0))
    assert identify(one).unknown == ()
    before = keys(scenario, one)
    assert before == keys(scenario, again) != keys(scenario, two)
    assert weight(scenario, one) == pytest.approx(RIGHT[1.0], rel=1e-14)
    assert weight(scenario, two) == pytest.approx(RIGHT[2.0], rel=1e-14)
    for _ in range(40):  # code that has run often is kept in another form
        vars(one)["build"].__code__.co_code  # noqa: B018
    assert keys(scenario, one) == before


OUTSIDE = {
    "a file": ("", "float(open('k.txt').read())"),
    "a file by its path": ("import pathlib", "float(pathlib.Path('k.txt').read_text())"),
    "a path": ("import pathlib\nPLACE = pathlib.Path('k.txt')", "float(PLACE.read_text())"),
    "a file of numbers": ("", "np.loadtxt('k.txt')"),
    "a clock": ("import time", "time.time()"),
    "a clock by its name": ("from time import perf_counter as now", "now()"),
    "the date": ("import datetime", "datetime.datetime.now().year"),
    "chance": ("", "np.random.normal()"),
    "chance of Python": ("from random import random", "random()"),
    "a stream of chance": ("RNG = np.random.default_rng(3)", "RNG.normal()"),
    "a function of arrays made of one's own": ("F = np.frompyfunc(lambda x: 2.0 * x, 1, 1)", "float(F(1.0))"),
    "names looked up behind a function": ("K = 1.0\ndef helper():\n    return helper.__globals__['K']", "helper()"),
    "modules looked up by text": ("import sys", "sys.modules['math'].pi"),
    "a generator": ("STEPS = (x for x in range(9))", "next(STEPS)"),
    "the environment": ("import os", "float(os.environ['K'])"),
    "text as code": ("", "eval('2')"),
    "names looked up by text": ("K = 1.0", "globals()['K']"),
    "a module found by text": ("import importlib", "importlib.import_module('math').pi"),
    "a lock": ("import threading\nLOCK = threading.Lock()", "float(LOCK.locked())"),
    "an import inside": ("def helper():\n    import random\n    return random.random()", "helper()"),
    "a helper's file": ("def helper():\n    with open('k.txt') as f:\n        return float(f.read())", "helper()"),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_cannot_be_identified_is_never_used_again_and_named(what: str, scenario: Path) -> None:
    before, factor = OUTSIDE[what]
    rule = cell(source({"before": before, "factor": factor}, 1.0))
    request = prepare(scenario, workers=1, components=[rule])
    assert keys(scenario, rule) != keys(scenario, rule)
    notes = [note for note in request.plan.notes if note.key != "subjects.count"]
    (note,) = {note.message for note in notes}
    assert note.startswith('"scaled" refers to ') and note.endswith("what is computed with it is never used again")
    assert all(note.key == "plasticity.w.rule" and note.line for note in notes)


def test_two_rules_of_one_factory_are_two_in_one_database(scenario: Path, tmp_path: Path) -> None:
    db = tmp_path / "both.db"
    for round_ in range(2):
        for k, right in RIGHT.items():
            made = cell(source(WAYS["a closure's cell"], k))
            result = run_sweep(scenario, db, components=[made], workers=2)
            frame = workbench.open_results(db).outcomes_wide(result.sweep)
            assert frame["weight"].tolist() == pytest.approx([right] * 2, rel=1e-14)
            assert (result.reused, result.stored) == ((0, 2) if round_ == 0 else (2, 0))
            said = [] if result.why is None else [str(cause) for cause in result.why.causes]
            changed = "component plasticity.scaled: its source has changed"
            assert said == ([changed] if (round_, k) == (0, 2.0) else [])


def test_a_rule_that_cannot_be_identified_is_said_to_be_so(scenario: Path, tmp_path: Path) -> None:
    db, rule = (
        tmp_path / "again.db",
        cell(source({"before": "STEPS = (2.0 for _ in range(99))", "factor": "next(STEPS)"}, 0)),
    )
    first, second = (run_sweep(scenario, db, components=[rule]) for _ in range(2))
    assert (first.stored, second.stored, second.reused) == (2, 2, 0) and second.notes
    why = "component plasticity.scaled: refers to STEPS (generator), in Scaled.build, which cannot be identified"
    assert second.why is not None and [str(cause) for cause in second.why.causes] == [why]
    kept = workbench.open_results(db).provenance(second.sweep).set_index("key")["value"]
    assert kept["never reused plasticity.scaled"] == "STEPS (generator), in Scaled.build"
    with pytest.raises(CheckFailed, match=r"STEPS .generator., in Scaled.build, which cannot be identified"):
        workbench.replay(db, 1, components=[rule])


# Modules of one's own


MODULE_WAYS = {
    "import": ("import mine.helpers", "mine.helpers.K"),
    "import as": ("import mine.helpers as h", "h.K"),
    "from import": ("from mine.helpers import K", "K"),
    "from package": ("from mine import helpers", "helpers.K"),
    "function": ("from mine.helpers import of", "of()"),
    "through another": ("from mine.middle import of", "of()"),
    "inside, from": ("def f():\n    from mine.helpers import K\n    return K", "f()"),
    "inside, import": ("def f():\n    import mine.helpers as h\n    return h.K", "f()"),
    "inside, package": ("def f():\n    import mine.helpers\n    return mine.helpers.K", "f()"),
    "handed over": ("import mine.helpers\ndef f(m):\n    return m.K", "f(mine.helpers)"),
    "by text": ("import mine.helpers", "getattr(mine.helpers, 'K')"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules of one's own, on the path."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "middle.py").write_text("from . import helpers\ndef of():\n    return helpers.of()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "rule_file")]:
        del sys.modules[name]


def helpers(folder: Path, k: float, more: str = "") -> None:
    (folder / "mine" / "helpers.py").write_text(f"import os\nK = {k}\ndef of():\n    return K\n{more}")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mine", "rule_file")]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.mark.parametrize("way", MODULE_WAYS)
def test_other_modules_of_ones_own_count(way: str, folder: Path, scenario: Path) -> None:
    before, factor = MODULE_WAYS[way]
    text = source({"before": before, "factor": factor}, 0)
    (folder / "rule_file.py").write_text(text)
    found = {}
    for k, more in ((1.0, ""), (1.0, "\n\n# a remark\n"), (2.0, "")):
        helpers(folder, k, more)
        rule = importlib.import_module("rule_file").Scaled
        found[k, more] = keys(scenario, rule)
        assert weight(scenario, rule) == pytest.approx(RIGHT[k], rel=1e-14)
    whole = way in ("handed over", "by text")
    assert len(set(found.values())) == (3 if whole else 2)  # nobody can say what is taken, and `os` is there
    assert bool(identify(rule).unknown) == whole


def test_another_process_and_a_module_loaded_again_find_the_same(folder: Path, scenario: Path) -> None:
    helpers(folder, 2.0)
    (folder / "rule_file.py").write_text(
        source(
            {
                **WAYS["functions in a table"],
                "before": "from mine.helpers import of\nTABLE = {{'a': of, **{{x: {{x}} for x in 'qwertz'}}}}\nNAMES = frozenset('qwertz')",
                "factor": "TABLE['a']() * len(NAMES) / 6",
            },
            0,
        )
    )
    module = importlib.import_module("rule_file")
    first = identify(module.Scaled)
    assert first.unknown == ()
    assert identify(importlib.reload(module).Scaled) == first
    ask = "import rule_file, workbench.component.referents as r; print(r.identify(rule_file.Scaled).sha256)"
    for seed in ("1", "2"):
        path = os.pathsep.join([str(folder), str(ROOT)])
        told = subprocess.run(
            [sys.executable, "-B", "-c", ask],
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == first.sha256


def test_a_readout_of_ones_own_is_measured_anew_with_what_it_refers_to(scenario: Path, tmp_path: Path) -> None:
    text = scenario.read_text().replace('"scaled"', '"hebb"').replace("synapse_weight", "multiple")
    (tmp_path / "read.toml").write_text(text)
    rule = """
from dataclasses import dataclass
from typing import ClassVar
from workbench.readouts.weights import Reading, WeightMean
K = {k}
@dataclass(frozen=True, kw_only=True)
class Scaled(WeightMean):
    name: ClassVar[str] = "multiple"
    def reading(self, block):
        inner = super().reading(block)
        return Reading((), lambda sums, trials: K * inner.value(sums, trials))
"""
    found = []
    for k in (1.0, 2.0, 1.0):
        done = run_sweep(tmp_path / "read.toml", tmp_path / "read.db", components=[cell(rule.format(k=k))])
        frame = workbench.open_results(done.db).outcomes_wide(done.sweep)
        found.append((done.sweep, done.reused, float(frame["weight"][0])))
    one = pytest.approx(RIGHT[1.0], rel=1e-14)
    assert found == [(1, 0, one), (2, 0, pytest.approx(2 * RIGHT[1.0], rel=1e-14)), (1, 2, one)]


def test_a_constant_that_is_set_while_one_works_counts(scenario: Path) -> None:
    rule = cell(source(WAYS["a constant of the module"], 1.0))
    before = keys(scenario, rule)
    rule.build.__globals__["K"] = 2.0  # type: ignore[attr-defined]
    assert keys(scenario, rule) != before and weight(scenario, rule) == pytest.approx(RIGHT[2.0], rel=1e-14)


# Installed packages


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """A package of two modules as pip leaves it; returns the environment in which Python finds it."""
    site = tmp_path / "site-packages"
    metadata = site / "mymodels-0.1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mymodels\nVersion: 0.1\n")
    (metadata / "top_level.txt").write_text("mymodels\n")
    (metadata / "entry_points.txt").write_text("[workbench.components]\nscaled = mymodels.rule:Scaled\n")
    (site / "mymodels").mkdir()
    (site / "mymodels" / "__init__.py").write_text("")
    (site / "mymodels" / "gain.py").write_text("K = 1.0\n")
    (site / "mymodels" / "rule.py").write_text(source({"before": "from . import gain", "factor": "gain.K"}, 0))
    return {"PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"}


SWEEP = """
import json, sys, workbench
if len(sys.argv) > 1:
    import mymodels.gain
    mymodels.gain.K = float(sys.argv[1])
found = workbench.run_sweep("scaled.toml", "scaled.db", workers=2)
frame = workbench.open_results("scaled.db").outcomes_wide(found.sweep)
print(json.dumps([found.workers, found.stored, found.reused, frame["weight"].tolist()]))
"""


def test_other_modules_of_an_installed_package_count_for_every_worker(
    installed: dict[str, str], scenario: Path, tmp_path: Path
) -> None:
    """Whether the module was edited, or a constant of it was set by who runs the sweep: workers read the file."""
    (tmp_path / "scaled.toml").write_bytes(scenario.read_bytes())
    gain = tmp_path / "site-packages" / "mymodels" / "gain.py"

    def swept(*k: str) -> list[object]:
        done = subprocess.run(
            [sys.executable, "-c", SWEEP, *k],
            cwd=tmp_path,
            env={**os.environ, **installed},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    one, two = ([pytest.approx(right, rel=1e-14)] * 2 for right in RIGHT.values())
    assert swept() == [2, 2, 0, one]
    assert swept("2.0") == [2, 2, 0, two]
    gain.write_text("# the same\nK = 1.0\n")
    assert swept() == [2, 0, 2, one]
    gain.write_text("K = 2.0\n")
    assert swept() == [2, 0, 2, two]
