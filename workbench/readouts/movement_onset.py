"""What a command to one muscle does to the others, against rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import reference
from workbench.readouts.behaviour import Judged
from workbench.readouts.reading import Reading

if TYPE_CHECKING:
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class RelativeToRest(Judged):
    """Activity of the muscles that are not commanded, relative to the same muscles at rest.

    Rest is a second population of the same make that gets no command. Below 1 the others are suppressed while one
    moves, as surround inhibition does; at 1 or above they are not.
    """

    name: ClassVar[str] = "relative_to_rest"
    meaning: ClassVar[str] = "off-target activity during the command over activity at rest"
    equation: ClassVar[str] = "sum_t mean_(k != c) y_k / sum_t mean_k r_k, with r the resting population"
    sources: ClassVar[tuple[str, ...]] = ("SohnHallett2004", "Beck2008")

    task: str = reference("task", "the task that names the commanded muscle and the others")
    rest: str = reference("population", "the same muscles without a command")

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse a resting population that is commanded."""
        yield from super().check(fields, tables)
        task, rest = tables["task"][fields["task"]], fields["rest"]
        reached = {way["post"] for way in tables["projection"].values() if way["pre"] == task.get("cues")}
        if rest in {task.get("answers"), *reached}:
            yield "rest", f"{rest} is commanded by task {fields['task']}; rest needs a population without a command"

    def reading(self, block: Assembly) -> Reading:
        """Sum off-target activity and the mean of the resting population."""
        resting = block.read(f"population.{self.rest}.activity")
        signal = f"population.{self.rest}.mean"
        if signal not in block.signals:
            mean = block.write_new(signal)

            def average(t: int) -> None:
                np.add.reduce(resting, axis=0, out=mean)
                np.divide(mean, len(resting), out=mean)

            block.step("readout", average, clock="trial")
        return Reading((f"task.{self.task}.off_target", signal), lambda sums, trials: sums[0] / sums[1])
