"""Tasks of states: one trial is one transition, and it says where it led. The ground of temporal differences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, count, number, option, reference
from workbench.tasks.second_moment import too_many_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


SIGNALS = ("reward", "begin", "step")


class Transitions(Component):
    """Base of such tasks: shows the state, and offers the next one to whoever compares their values.

    Where a transition ends the episode, or leads to a state without a unit, the next state is zero everywhere: nothing
    is expected there.
    """

    states: str

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the next state, the reward, and whether an episode begins."""
        block.signal(f"task.{name}.next", block.size(self.states))
        for signal in SIGNALS:
            block.signal(f"task.{name}.{signal}")


@dataclass(frozen=True, kw_only=True)
class Chain(Transitions):
    """Steps to the right or the left by chance, from the middle until an end is passed; the right end pays.

    With one end the chain turns back at the left. Without an end it is a ring, which only a discount keeps finite.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "chain"
    offers: ClassVar[frozenset[str]] = frozenset({"episodes", "exact value", "transitions"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "s' = s + 1 with probability forward, else s - 1\n"
        "R = reward on passing the right end (in a ring its seam), else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988",)

    states: str = reference(
        "population", "the source population; one unit a state", acts=True, requires="shown", shows="state", least=2
    )
    forward: float = number(0.5, "1", "probability of a step to the right", low=0.0, high=1.0, fixed=True)
    ends: str = option("both", ("both", "right", "none"), "where an episode ends")
    reward: float = number(1.0, "1", "what the right end pays", low=-1e6, high=1e6, fixed=True)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a chain whose end cannot be reached."""
        yield from too_many_inputs(fields, tables, "states")
        if fields["ends"] == "right" and fields.get("forward") == 0.0:
            yield "forward", "never reaches the only end: no episode would finish"
        if fields.get("ends") == "none":
            for name, modulator in sorted(tables["modulator"].items()):
                if modulator.get("task") == fields["name"] and modulator.get("discount") == 1.0:
                    yield "ends", f"a chain without an end has no finite value at discount 1 (modulator.{name})"

    def matrix(self, size: int) -> tuple[Array, Array]:
        """Return transition probabilities ``(from, to)`` between states and the mean reward of leaving each."""
        p, mean = np.zeros((size, size)), np.zeros(size)
        for s in range(size):
            for to, chance in ((s + 1, self.forward), (s - 1, 1.0 - self.forward)):
                lands, pays = self._move(np.array([s]), np.array([to - s]), size)
                mean[s] += chance * pays[0]
                if lands[0] >= 0:
                    p[s, lands[0]] += chance
        return p, mean

    def value(self, size: int, discount: float) -> Array:
        """Return the exact value of every state, ``(I - discount P)^-1 r``."""
        p, mean = self.matrix(size)
        return np.asarray(np.linalg.solve(np.eye(size) - discount * p, mean), dtype=np.float64)

    def build(self, block: Assembly, name: str) -> None:
        """Walk a piece of steps per subject, then show it trial by trial."""
        size, many = block.size(self.states), len(block.subjects)
        draws = block.uniform(f"step:task.{name}", 1)
        here, there = (np.zeros((block.piece, size, many)) for _ in range(2))
        reward, begin = (np.zeros((block.piece, 1, many)) for _ in range(2))
        state, fresh = np.zeros(many, dtype=np.int64), np.ones(many, dtype=bool)

        def walk(steps: int) -> None:
            if block.trial == 0:
                fresh[:] = True
            for t in range(steps):
                state[fresh] = size // 2
                begin[t, 0] = fresh
                here[t] = np.arange(size)[:, None] == state
                step = np.where(draws.table[t, 0] < self.forward, 1, -1)
                landed, reward[t, 0] = self._move(state, step, size)
                there[t] = np.arange(size)[:, None] == landed
                fresh[:] = landed < 0
                state[:] = landed

        block.every_piece(walk)
        targets = (f"population.{self.states}.activity", *(f"task.{name}.{s}" for s in ("next", "reward", "begin")))
        for target, table in zip(targets, (here, there, reward, begin), strict=True):
            out = block.write(target)
            spread = block.lanes.spreader(out if out.ndim == 2 else out[None])
            block.step("event", _shown(spread, table), clock="trial")

    def _move(self, state: NDArray[Any], step: NDArray[Any], size: int) -> tuple[NDArray[Any], Array]:
        """Return the state that each step leads to, -1 for the end of the episode, and what it pays."""
        to = state + step
        right, left = to >= size, to < 0
        pays = np.where(right, self.reward, 0.0)
        if self.ends == "none":
            return np.mod(to, size), pays
        turned = np.where(left, 0 if self.ends == "right" else -1, to)
        return np.where(right, -1, turned), pays


def _shown(spread: Any, table: Array) -> Any:
    return lambda t: spread(table[t])


@dataclass(frozen=True, kw_only=True)
class Conditioning(Transitions):
    """Episodes of equal length: at `cue` a cue, at `outcome` a reward; in one phase it may be left out.

    Each step since the cue has a unit of its own (a tapped delay line). Before the cue there is none: the cue comes
    unannounced, so nothing can be expected there. Steps count from 0; trial k is the transition from step k to k + 1.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "conditioning"
    offers: ClassVar[frozenset[str]] = frozenset({"episodes", "equal episodes", "transitions"})
    clocks: ClassVar[tuple[str, ...]] = ("trial",)
    equation: ClassVar[str] = (
        "trial k = step k mod length;  x_(k - cue + 1) = 1 from the cue to the outcome, else 0\n"
        "R = reward at the outcome, else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Schultz1997", "Sutton1988")

    states: str = reference(
        "population", "the source population; one unit for every step from cue to outcome", acts=True
    )
    length: int = count(20, "steps of an episode", low=2, high=100_000)
    cue: int = count(5, "step of the cue, counted from 0; one step at least lies before it", high=100_000)
    outcome: int = count(15, "step of the reward, from 0", low=0, high=100_000, above="cue", below="length")
    reward: float = number(1.0, "1", "size of the reward; below 0 a punishment", low=-1e6, high=1e6, fixed=True)
    left_out_in: str | None = reference("phase", "the phase in which the reward does not come", None)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a delay line of another length, and phases that end within an episode."""
        length, steps = fields["length"], fields["outcome"] - fields["cue"] + 1
        if (size := size_of(tables, fields["states"])) != steps > 1:
            yield "states", f"needs a unit for every step from cue to outcome: {steps}, got {size}"
        for name, phase in sorted(tables["phase"].items()):
            if phase.get("trials", 0) % length:
                yield "length", f"phase {name} has {phase['trials']} trials, which are not whole episodes of {length}"

    def build(self, block: Assembly, name: str) -> None:
        """Show each step's unit, and that of the step to come."""
        shown, after = block.write(f"population.{self.states}.activity"), block.write(f"task.{name}.next")
        reward, begin, step = (block.write(f"task.{name}.{signal}") for signal in ("reward", "begin", "step"))
        units, first, last = np.arange(len(shown))[:, None], self.cue, self.outcome

        def show(t: int) -> None:
            at = block.trial % self.length
            shown[...] = units == at - first
            after[...] = units == at + 1 - first if at < last else 0.0
            reward[...] = self.reward if at == last and block.phase != self.left_out_in else 0.0
            begin[...] = float(at == 0)
            step[...] = float(at)

        block.step("event", show, clock="trial")
