"""Whether a step of weights between layers went down the slope of the loss, by finite differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.declaration import number, reference
from workbench.readouts.layers import routed_faults
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class GradientError(Readout):
    """How far the last step of weights was from the steepest way down the loss of its batch.

    Each weight is moved up and down by `shift`, and the batch sent through the weights as they were before the step.
    """

    name: ClassVar[str] = "gradient_error"
    meaning: ClassVar[str] = "largest deviation of a step from the slope of the loss, relative to the largest slope"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = (
        "max |dW / rate - G| / max |G|,  G_ji = (L(W_ji - shift) - L(W_ji + shift)) / (2 shift)\n"
        "L = mean over samples of |target - output|^2 / 2"
    )
    sources: ClassVar[tuple[str, ...]] = ("Rumelhart1986", "Lillicrap2016")

    projection: str = reference("projection", "weights that follow a routed error")
    shift: float = number(1e-4, "1", "by how much each weight is moved", low=1e-9, high=1.0)

    @classmethod
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse weights without an error of their own, and layers that others reach as well."""
        yield from super().check(fields, tables)
        rules = tables.get("plasticity", {})
        if rules.get(fields["projection"], {}).get("rule") != "routed_error":
            yield from routed_faults(fields, tables, above=False)
            yield "projection", f"needs a routed_error, and {fields['projection']} has none"
            return
        name, passed = fields["projection"], set()
        while name and name not in passed:
            passed.add(name)
            post = tables["projection"][name]["post"]
            others = sorted(n for n, way in tables["projection"].items() if way["post"] == post and n != name)
            if others:
                yield "projection", f"sends a batch through {name} alone, but {post} also hears {others[0]}"
            name = rules.get(name, {}).get("above")

    def reading(self, block: Assembly) -> Reading:
        """Keep the weights from before each step; compare when asked."""
        chain = list(_upwards(block, self.projection))
        weights = [block.read(f"projection.{name}.weight") for name in chain]
        latest, before = [w.copy() for w in weights], [w.copy() for w in weights]

        def keep(t: int) -> None:
            for weight, new, old in zip(weights, latest, before, strict=True):
                np.copyto(old, new)
                np.copyto(new, weight)

        block.step("readout", keep, clock="trial")
        ways = [block.component("projection", name) for name in chain]
        layers = [block.component("population", way.post) for way in ways]
        rule = block.component("plasticity", self.projection)
        shown = block.previous(f"population.{ways[0].pre}.activity")
        target = block.previous(f"task.{rule.task}.target")
        rate = np.reshape(rule.rate, (-1, 1, 1))

        def deviation(sums: tuple[Array, ...], trials: int) -> Array:
            moved, slope = (latest[0] - before[0]) / rate, np.empty_like(before[0])
            trial = [w.copy() for w in before]
            for at in np.ndindex(slope.shape[1:]):
                losses = []
                for sign in (-1.0, 1.0):
                    trial[0][:, *at] = before[0][:, *at] + sign * self.shift
                    losses.append(_loss(shown, target, trial, layers))
                trial[0][:, *at] = before[0][:, *at]
                slope[:, *at] = (losses[0] - losses[1]) / (2.0 * self.shift)
            found: Array = np.abs(moved - slope).max(axis=(1, 2)) / np.abs(slope).max(axis=(1, 2))
            return found

        return Reading((), deviation)


def _upwards(block: Assembly, name: str | None) -> Iterable[str]:
    """Yield a projection and those above it, up to the layer that is judged."""
    while name:
        yield name
        name = block.component("plasticity", name).above


def _loss(shown: Array, target: Array, weights: Sequence[Array], layers: Sequence[Any]) -> Array:
    """Return the loss of a batch for each run."""
    activity = shown
    for weight, layer in zip(weights, layers, strict=True):
        activity = layer.answer_to(np.matmul(activity, weight.transpose(0, 2, 1)))
    error = target - activity
    found: Array = 0.5 * np.einsum("rbo,rbo->r", error, error) / error.shape[1]
    return found
