"""Any small circuit: computed from input to output as a plain evaluation does it, or refused with its loop; no third."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.circuits import HEAD

from workbench import simulate
from workbench.component.assembly import Assembly
from workbench.component.declaration import reference
from workbench.errors import ScenarioError
from workbench.readouts.reading import Reading, Readout
from workbench.scenario.load import parse_scenario

SHOWN = (0.7, -0.4)
"""What the task shows to the two units of the first source; the second source is constant."""
TRIALS = 2


@dataclass(frozen=True, kw_only=True)
class UnitActivity(Readout):
    """The summed activity of a population on the last trial, its units weighted by 1, 2 ..."""

    name: ClassVar[str] = "unit_activity"
    meaning: ClassVar[str] = "activity on the last trial"
    equation: ClassVar[str] = "sum_k k y_k"

    population: str = reference("population", "the population")

    def reading(self, block: Assembly) -> Reading:
        """Add up on every trial."""
        activity, kept = block.read(f"population.{self.population}.activity"), block.empty()
        block.step("readout", lambda t: np.copyto(kept, activity[0] + 2.0 * activity[1]), clock="trial")
        return Reading((), lambda sums, trials: kept.copy())


@dataclass(frozen=True)
class Way:
    """One projection of a drawn circuit."""

    name: str
    wiring: str
    pre: str
    post: str
    inhibits: bool
    weight: float


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
            yield f'[outcome.{name}]\nreadout = "unit_activity"\npopulation = "{name}"\nwindow = "end of p"\n'

    def arms(self) -> dict[str, tuple[Way, ...]]:
        """Return the projections of each arm."""
        left = tuple(way for way in self.ways if way.name not in self.cut)
        return {"whole": self.ways, "cut": left} if self.cut else {"whole": self.ways}


def _projection(way: Way) -> str:
    table = f'[projection.{way.name}]\nwiring = "{way.wiring}"\npre = "{way.pre}"\npost = "{way.post}"\n'
    sign = 'sign = "inhibitory"\n' if way.inhibits and way.wiring != "surround" else ""
    return f"{table}weight = {way.weight}\n{sign}"


KINDS = ("linear", "relu", "clip", "softmax", "spiking")
NAMES = st.permutations(("a", "zz", "M", "b2", "x-1"))


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Draw two sources, up to five populations of any kind, and projections between them in any direction."""
    names = draw(NAMES)[: draw(st.integers(1, 5))]
    kinds = {"s0": "shown", "s1": "constant", **{name: draw(st.sampled_from(KINDS)) for name in names}}
    number = st.floats(-1.0, 1.0).map(lambda x: round(x, 3))
    forward = draw(st.booleans())  # circuits without loops would be rare otherwise
    ways = []
    for name in draw(st.permutations(("w", "v", "q7", "B", "k", "zeta"))):
        wiring = draw(st.sampled_from(("dense", "dense", "one_to_one", "surround")))
        post = draw(st.sampled_from(names))
        below = ("s0", "s1", *(names[: names.index(post)] if forward else names))
        pre = post if wiring == "surround" else draw(st.sampled_from(below))
        if wiring == "surround" and any(way.wiring == "surround" and way.post == post for way in ways):
            continue
        weight = abs(draw(number)) if wiring != "dense" else draw(number)
        ways.append(Way(name, wiring, pre, post, draw(st.booleans()), weight))
    cut = frozenset(way.name for way in ways if draw(st.integers(0, 4)) == 0)
    return Circuit(kinds, {name: draw(number) for name in names}, tuple(ways), cut)


def order_of(ways: tuple[Way, ...], names: list[str]) -> list[str] | None:
    """Return the populations from input to output, or None if there is a loop."""
    edges = {(way.pre, way.post) for way in ways if way.wiring != "surround"}
    done: list[str] = []
    while len(done) < len(names):
        free = [n for n in names if n not in done and all(pre in done for pre, post in edges if post == n)]
        if not free:
            return None
        done += free
    return done


def expected(circuit: Circuit, ways: tuple[Way, ...], order: list[str]) -> dict[str, float]:
    """Evaluate the last trial plainly, population after population."""
    found: dict[str, Any] = {}
    for name in order:
        kind, u = circuit.kinds[name], np.full(2, circuit.baselines.get(name, 0.0))
        mine = [way for way in ways if way.post == name]
        for way in (w for w in mine if w.wiring != "surround"):
            x = found[way.pre] * way.weight
            u = u + (-1.0 if way.inhibits else 1.0) * (x if way.wiring == "one_to_one" else np.full(2, x.sum()))
        for way in (w for w in mine if w.wiring == "surround"):
            u = u - way.weight * u[::-1]
        p = np.exp(u - u.max()) / np.exp(u - u.max()).sum()
        taken = np.arange(2) == (TRIALS - 1) % 2
        found[name] = {
            "shown": np.array(SHOWN),
            "constant": np.full(2, 0.5),
            "linear": u,
            "relu": np.maximum(u, 0.0),
            "clip": np.clip(u, 0.0, 1.0),
            "softmax": taken * 2 * p,
            "spiking": np.ones(2),
        }[kind]
    return {name: float(np.arange(1, 3) @ y) for name, y in found.items()}


@settings(max_examples=25, deadline=None)
@given(circuit=circuits())
def test_a_circuit_is_computed_from_input_to_output_or_its_loop_is_named(circuit: Circuit) -> None:
    orders = {arm: order_of(ways, list(circuit.kinds)) for arm, ways in circuit.arms().items()}
    scenario = parse_scenario(circuit.text().encode(), "drawn.toml", Path(), known())
    if None in orders.values():
        with pytest.raises(ScenarioError) as raised:
            simulate(scenario, subjects=1, components=[UnitActivity])
        for problem in raised.value.problems:
            assert problem.line > 0
            assert_is_a_loop(circuit, problem.message)
        return
    frame = simulate(scenario, subjects=1, components=[UnitActivity]).set_index("arm")
    for arm, ways in circuit.arms().items():
        order = orders[arm]
        assert order is not None
        for name, value in expected(circuit, ways, order).items():
            assert frame.loc[arm, name] == pytest.approx(value, rel=1e-12, abs=1e-12), (arm, name)


def known() -> Any:
    """Return the components with the readout of this file."""
    from workbench.component.registry import registry

    return registry().extended([UnitActivity])


def assert_is_a_loop(circuit: Circuit, message: str) -> None:
    """The message spells a circle of projections that stand in the file."""
    ways = {way.name: way for way in circuit.ways}
    chain = re.findall(r"([\w-]+) -> ([\w-]+) by projection\.([\w-]+)", message)
    assert chain
    for (pre, post, name), (following, *_) in zip(chain, [*chain[1:], chain[0]], strict=True):
        assert (ways[name].pre, ways[name].post) == (pre, post)
        assert post == following
