"""A random walk along a chain of states: the value of every state is known by solving a linear system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import number, option, reference
from workbench.tasks.second_moment import too_many_inputs
from workbench.tasks.transitions import Transitions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.arrays import Array
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Chain(Transitions):
    """Steps to the right or the left by chance, from the middle until an end is passed; the right end pays.

    With one end the chain turns back at the left. Without an end it is a ring, which only a discount keeps finite.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "chain"
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = (
        "s' = s + 1 with probability forward, else s - 1\n"
        "R = reward on passing the right end (in a ring its seam), else 0"
    )
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988",)

    states: str = reference("population", "the source population; one unit a state", acts=True)
    forward: float = number(0.5, "1", "probability of a step to the right", low=0.0, high=1.0, fixed=True)
    ends: str = option("both", ("both", "right", "none"), "where an episode ends")
    reward: float = number(1.0, "1", "what the right end pays", low=-1e6, high=1e6, fixed=True)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a chain of fewer than 2 states, and one whose end cannot be reached."""
        yield from super().check(fields, tables)
        yield from too_many_inputs(fields, tables, "states")
        if (size := size_of(tables, fields["states"])) < 2:
            yield "states", f"a chain has at least 2 states, got {size}"
        if fields.get("ends", "both") == "right" and fields.get("forward") == 0.0:
            yield "forward", "never reaches the only end: no episode would finish"
        if fields.get("ends") == "none":
            for name, modulator in sorted(tables.get("modulator", {}).items()):
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
