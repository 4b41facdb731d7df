"""Actions with a reward each: the smallest ground on which a policy can be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import Component, numbers, reference

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Bandit(Component):
    """One situation, several actions, and what each action earns every time it is taken."""

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "bandit"
    equation: ClassVar[str] = "R = reward of the action taken"
    sources: ClassVar[tuple[str, ...]] = ("Williams1992",)

    choices: str = reference("population", "the policy: a softmax population")
    rewards: tuple[float, ...] = numbers(MISSING, "1", "what each action earns")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse what does not choose, and rewards that do not match the actions."""
        yield from choice_faults(fields, tables)
        size = size_of(tables, fields["choices"])
        if len(fields["rewards"]) != size:
            yield "rewards", f"needs one number per action: {size}, got {len(fields['rewards'])}"

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the reward, and that every trial is judged."""
        block.signal(f"task.{name}.reward")
        block.signal(f"task.{name}.judged")[...] = 1.0

    def build(self, block: Assembly, name: str) -> None:
        """Reward the action taken."""
        choice = block.read(f"population.{self.choices}.choice")
        reward = block.write(f"task.{name}.reward")
        worth = np.reshape(self.rewards, (-1, 1))
        earned = block.empty(len(worth))

        def judge(t: int) -> None:
            np.multiply(choice, worth, out=earned)
            np.add.reduce(earned, axis=0, out=reward)

        block.step("outcome", judge, clock="trial")


def choice_faults(
    fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], key: str = "choices"
) -> Iterable[tuple[str, str]]:
    """Yield why the population named under `key` takes no actions."""
    kind = tables["population"][fields[key]]["kind"]
    if kind != "softmax":
        yield key, f'only a population with kind = "softmax" takes actions, but {fields[key]} is {kind}'
