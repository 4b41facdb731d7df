"""Actions with a reward each: one bandit, and one whose best action a cue tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import ONE, operand
from workbench.component.declaration import Component, number, numbers, option, reference

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class CuedBandit(Component):
    """One cue a trial; reward for its own answer, less a penalty for all others.

    The target's activity is rewarded up to `target`; the mean activity of the other answers costs
    `penalty`. With fewer than three answers, or one fixed cue, the sign of a disease's effect can flip.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "cued_bandit"
    offers: ClassVar[frozenset[str]] = frozenset({"judged answers"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "R = min(y_c / target, 1) - penalty * mean_(k != c) y_k"
    sources: ClassVar[tuple[str, ...]] = ("Fremaux2016",)

    cues: str = reference("population", "the source population; one unit a cue", acts=True, shows="one unit")
    answers: str = reference("population", "the population whose activity is judged", same_size_as="cues", least=2)
    order: str = option("random", ("random", "fixed"), "a cue drawn anew on every trial, or always the first")
    target: Value = number(0.6, "1", "activity of the right answer that earns the full reward", low=1e-3, high=100.0)
    penalty: Value = number(0.3, "1", "cost per unit of mean activity elsewhere", low=0.0, high=100.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse cues that another task shows already."""
        first = next(task["name"] for task, what in tables.showing(fields["cues"]) if what in ("one unit", "pattern"))
        if first != fields["name"]:
            yield "cues", f"population {fields['cues']!r} is already shown what to be by task {first}"

    def conditions(self, block: Assembly) -> int:
        """Return how many cues there are."""
        return block.size(self.cues)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the index of the shown cue and what the trial yields."""
        index = block.index(f"task.{name}.index")
        block.alias(f"population.{self.cues}.index", index)
        for signal in ("reward", "on_target", "off_target"):
            block.signal(f"task.{name}.{signal}")

    def build(self, block: Assembly, name: str) -> None:
        """Show the cue at the input stage, judge the answer at the outcome stage."""
        self._show(block, name)
        self._judge(block, name)

    def _show(self, block: Assembly, name: str) -> None:
        n, lanes = block.size(self.cues), block.lanes
        index = block.write(f"task.{name}.index", f"population.{self.cues}.index")
        cues = block.uniform(f"cue:task.{name}", 1) if self.order == "random" else None
        first = np.arange(lanes.count, dtype=np.int64)
        table = np.tile(first, (block.piece, 1))
        pattern = block.pattern(self.cues, n)
        pattern[:, 0] = 1.0

        def deal(steps: int) -> None:
            """Turn this piece's uniform draws into cues, then into positions ``cue * lanes + lane``."""
            if cues is None:
                return
            shown = (cues.table[:steps, 0] * n).astype(np.int64)
            # The index counts (cue, lane) pairs in one flat axis: a single take then fetches each run's row of
            # weights.
            np.multiply(lanes.by_lane(shown), lanes.count, out=table[:steps])
            np.add(table[:steps], first, out=table[:steps])
            pattern[:steps] = shown[:, None, :] == np.arange(n)[:, None]

        block.every_piece(deal)
        block.step("event", lambda t: np.copyto(index, table[t]), clock="trial")
        block.gather_pattern(self.cues)

    def _judge(self, block: Assembly, name: str) -> None:
        others = operand(float(block.size(self.answers) - 1))
        answers = block.read(f"population.{self.answers}.activity")
        index = block.read(f"task.{name}.index")
        reward, on, off = (block.write(f"task.{name}.{signal}") for signal in ("reward", "on_target", "off_target"))
        look = block.lanes.reader(index, answers, on)
        target, penalty, cost = operand(self.target), operand(self.penalty), block.scratch("cost")

        def judge(t: int) -> None:
            look()
            np.add.reduce(answers, axis=0, out=off)
            np.subtract(off, on, out=off)
            np.divide(off, others, out=off)
            np.divide(on, target, out=reward)
            np.minimum(reward, ONE, out=reward)
            np.multiply(off, penalty, out=cost)
            np.subtract(reward, cost, out=reward)

        block.step("outcome", judge, clock="trial")


@dataclass(frozen=True, kw_only=True)
class Bandit(Component):
    """One situation, several actions, and what each action earns every time it is taken."""

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "bandit"
    offers: ClassVar[frozenset[str]] = frozenset({"judged choices"})
    equation: ClassVar[str] = "R = reward of the action taken"
    sources: ClassVar[tuple[str, ...]] = ("Williams1992",)

    choices: str = reference("population", "the policy: a softmax population", requires="actions")
    rewards: tuple[float, ...] = numbers(MISSING, "1", "what each action earns", same_size_as="choices")

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
