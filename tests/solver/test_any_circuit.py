"""Any small circuit, with delays or without: computed as a plain evaluation does it, or refused with its loop; no third."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.circuits import HEAD

from workbench import simulate
from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario

SHOWN = (0.7, -0.4)
"""What the task shows to the two units of the first source; the second source is constant."""
TRIALS = 5


@dataclass(frozen=True)
class Way:
    """One projection of a drawn circuit."""

    name: str
    wiring: str
    pre: str
    post: str
    inhibits: bool
    weight: float
    delay: int


@dataclass(frozen=True)
class Circuit:
    """Populations by name, in the order of the file, and projections; every one has two units."""

    kinds: Mapping[str, str]
    baselines: Mapping[str, float]
    ways: tuple[Way, ...]
    cut: frozenset[str]

    def text(self) -> str:
        """Return the scenario: an arm with everything, one without the projections that are cut."""
        return "".join((HEAD, *self._populations(), *map(_projection, self.ways), *self._rest()))

    def _populations(self) -> Iterator[str]:
        for name, kind in self.kinds.items():
            yield f"[population.{name}]\nsize = 2\n"
            if kind in ("linear", "relu", "clip"):
                yield f'activation = "{kind}"\nbaseline = {self.baselines[name]}\n'
            elif kind == "spiking":
                yield 'kind = "escape_rate"\nspikes = "noise"\ndrive = 50.0\n'
            else:
                yield f'kind = "{"source" if kind in ("shown", "constant") else "softmax"}"\n'
                yield 'choose = "in_turn"\n' if kind == "softmax" else ""
                yield "value = 0.5\n" if kind == "constant" else ""

    def _rest(self) -> Iterator[str]:
        yield f'[task.t]\nkind = "patterns"\ninputs = "s0"\nvalues = {list(SHOWN)}\n'
        if "spiking" in self.kinds.values():
            yield '[population.train]\nkind = "source"\n[task.noise]\nkind = "poisson"\ninputs = "train"\n'
        yield f"[phase.p]\ntrials = {TRIALS}\n[arm.whole]\n"
        yield f"[arm.cut]\nwithout = {[f'projection.{name}' for name in sorted(self.cut)]}\n" if self.cut else ""
        for name in self.kinds:
            for unit in (1, 2):
                yield f'[outcome.{name}_{unit}]\nreadout = "unit_activity"\npopulation = "{name}"\n'
                yield f'unit_number = {unit}\nwindow = "last 1 trials of p"\n'

    def arms(self) -> dict[str, tuple[Way, ...]]:
        """Return the projections of each arm."""
        left = tuple(way for way in self.ways if way.name not in self.cut)
        return {"whole": self.ways, "cut": left} if self.cut else {"whole": self.ways}


def _projection(way: Way) -> str:
    table = f'[projection.{way.name}]\nwiring = "{way.wiring}"\npre = "{way.pre}"\npost = "{way.post}"\n'
    sign = 'sign = "inhibitory"\n' if way.inhibits and way.wiring != "surround" else ""
    late = f"delay = {way.delay}\n" if way.delay else ""
    return f"{table}weight = {way.weight}\n{sign}{late}"


KINDS = ("linear", "relu", "clip", "softmax", "spiking")
NAMES = st.permutations(("a", "zz", "M", "b2", "x-1"))


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Draw two sources, up to five populations of any kind, and projections between them in any direction."""
    names = draw(NAMES)[: draw(st.integers(1, 5))]
    kinds = {"s0": "shown", "s1": "constant", **{name: draw(st.sampled_from(KINDS)) for name in names}}
    number = st.floats(-1.0, 1.0).map(lambda x: round(x, 3))
    forward = draw(st.booleans())  # circuits without loops would be rare otherwise
    late = 0 if forward else draw(st.sampled_from((0, 1, 3)))
    ways = []
    for name in draw(st.permutations(("w", "v", "q7", "B", "k", "zeta"))):
        wiring = draw(st.sampled_from(("dense", "dense", "one_to_one", "surround")))
        post = draw(st.sampled_from(names))
        below = ("s0", "s1", *(names[: names.index(post)] if forward else names))
        pre = post if wiring == "surround" else draw(st.sampled_from(below))
        if wiring == "surround" and any(way.wiring == "surround" and way.post == post for way in ways):
            continue
        weight = abs(draw(number)) if wiring != "dense" else draw(number)
        delay = draw(st.integers(min(late, 1), late)) if wiring != "surround" else 0
        ways.append(Way(name, wiring, pre, post, draw(st.booleans()), weight, delay))
    cut = frozenset(way.name for way in ways if draw(st.integers(0, 4)) == 0)
    return Circuit(kinds, {name: draw(number) for name in names}, tuple(ways), cut)


def order_of(ways: tuple[Way, ...], names: list[str]) -> list[str] | None:
    """Return the populations from input to output, or None if there is a loop."""
    edges = {(way.pre, way.post) for way in ways if way.wiring != "surround" and not way.delay}
    done: list[str] = []
    while len(done) < len(names):
        free = [n for n in names if n not in done and all(pre in done for pre, post in edges if post == n)]
        if not free:
            return None
        done += free
    return done


def expected(circuit: Circuit, ways: tuple[Way, ...], order: list[str]) -> dict[str, float]:
    """Evaluate trial after trial plainly, population after population; return both units of the last trial."""
    trials: list[dict[str, Any]] = []
    for trial in range(TRIALS):
        trials.append({})
        for name in order:
            trials[trial][name] = _answer(circuit, [way for way in ways if way.post == name], name, trials)
    return {f"{name}_{unit + 1}": float(y[unit]) for name, y in trials[-1].items() for unit in (0, 1)}


def _answer(circuit: Circuit, mine: list[Way], name: str, trials: list[dict[str, Any]]) -> Any:
    now, u = len(trials) - 1, np.full(2, circuit.baselines.get(name, 0.0))
    for way in (w for w in mine if w.wiring != "surround"):
        x = trials[now - way.delay][way.pre] * way.weight if now >= way.delay else np.zeros(2)
        u = u + (-1.0 if way.inhibits else 1.0) * (x if way.wiring == "one_to_one" else np.full(2, x.sum()))
    for way in (w for w in mine if w.wiring == "surround"):
        u = u - way.weight * u[::-1]
    p = np.exp(u - u.max()) / np.exp(u - u.max()).sum()
    return {
        "shown": np.array(SHOWN),
        "constant": np.full(2, 0.5),
        "linear": u,
        "relu": np.maximum(u, 0.0),
        "clip": np.clip(u, 0.0, 1.0),
        "softmax": (np.arange(2) == now % 2) * 2 * p,
        "spiking": np.ones(2),
    }[circuit.kinds[name]]


@settings(max_examples=30, deadline=None)
@given(circuit=circuits())
def test_a_circuit_is_computed_from_input_to_output_or_its_loop_is_named(circuit: Circuit) -> None:
    orders = {arm: order_of(ways, list(circuit.kinds)) for arm, ways in circuit.arms().items()}
    try:
        scenario = parse_scenario(circuit.text().encode(), "drawn.toml", Path())
        frame = simulate(scenario, subjects=1).set_index("arm")
    except ScenarioError as refused:
        for problem in refused.problems:
            assert problem.line > 0
            if "spectral radius" in problem.message:
                assert float(re.findall(r"radius is ([\d.]+)", problem.message)[0]) > 0.999
                assert max(growth(circuit, ways) for ways in circuit.arms().values()) > 0.95, circuit.text()
            else:
                assert None in orders.values()
                assert_is_a_loop(circuit, problem.message)
        return
    for arm, ways in circuit.arms().items():
        order = orders[arm]
        assert order is not None
        assert growth(circuit, ways) < 1.05, circuit.text()
        for name, value in expected(circuit, ways, order).items():
            assert frame.loc[arm, name] == pytest.approx(value, rel=1e-12, abs=1e-12), (arm, name)


def growth(circuit: Circuit, ways: tuple[Way, ...]) -> float:
    """Return by how much a trial multiplies a disturbance of the linear units, found by letting one go on."""
    linear = [name for name, kind in circuit.kinds.items() if kind == "linear"]
    inner = tuple(way for way in ways if way.pre in linear and way.post in linear)
    order = order_of(inner, linear)
    assert order is not None
    alone = Circuit(dict.fromkeys(linear, "linear"), {}, inner, frozenset())
    disturbed = np.random.default_rng(1).normal(size=(3, len(linear), 2))
    trials: list[dict[str, Any]] = [dict(zip(linear, units, strict=True)) for units in disturbed]
    sizes = []
    for _ in range(240):
        trials.append({})
        for name in order:
            trials[-1][name] = _answer(alone, [way for way in inner if way.post == name], name, trials)
        sizes.append(max((float(np.abs(y).max()) for y in trials[-1].values()), default=0.0))
    first, last = max(sizes[115:120]), max(sizes[-5:])
    return float((last / first) ** (1 / 120)) if first > 1e-250 else 0.0


def assert_is_a_loop(circuit: Circuit, message: str) -> None:
    """The message spells a circle of projections that stand in the file."""
    ways = {way.name: way for way in circuit.ways}
    chain = re.findall(r"([\w-]+) -> ([\w-]+) by projection\.([\w-]+)", message)
    assert chain
    for (pre, post, name), (following, *_) in zip(chain, [*chain[1:], chain[0]], strict=True):
        assert (ways[name].pre, ways[name].post) == (pre, post)
        assert post == following
