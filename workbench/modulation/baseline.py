"""Dopamine as reward less a baseline: the third factor of policies that follow the gradient of reward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import Component, number, reference

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class RewardLessBaseline(Component):
    """Reward less one baseline for all situations, where a task judges; silent in between.

    For a score drive any baseline leaves the mean change alone and alters its variance only.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "reward_less_baseline"
    equation: ClassVar[str] = (
        "M = R - b where the task judges, else 0;  b += follow M;  burst = max(M, 0);  dip = max(-M, 0)"
    )
    sources: ClassVar[tuple[str, ...]] = ("Williams1992", "Fremaux2016")

    task: str = reference("task", "the task whose reward it reports")
    baseline: Value = number(0.0, "1", "baseline at the start", low=-1e6, high=1e6)
    follow: Value = number(0.0, "1", "how fast the baseline follows the reward, per judgement; 0 holds it",
                           low=0.0, high=1.0)  # fmt: skip

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a task in which nobody chooses."""
        task = tables["task"][fields["task"]]
        if not task.get("choices"):
            yield "task", f"needs a task that judges choices, but {fields['task']} is {task['kind']}"

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve burst, dip and the baseline."""
        block.signal(f"modulator.{name}.burst")
        block.signal(f"modulator.{name}.dip")
        block.state(f"modulator.{name}.baseline")[...] = self.baseline

    def build(self, block: Assembly, name: str) -> None:
        """Register the comparison of this trial and the update of the baseline."""
        reward, judged = block.read(f"task.{self.task}.reward"), block.read(f"task.{self.task}.judged")
        baseline = block.update(f"modulator.{name}.baseline")
        burst, dip = block.write(f"modulator.{name}.burst"), block.write(f"modulator.{name}.dip")
        error, follow = block.scratch("error"), self.follow

        def compare(t: int) -> None:
            np.subtract(reward, baseline, out=error)
            np.multiply(error, judged, out=error)
            np.multiply(error, follow, out=dip)
            np.add(baseline, dip, out=baseline)
            np.maximum(error, 0.0, out=burst)
            np.subtract(burst, error, out=dip)

        block.step("outcome", compare, clock="trial")
