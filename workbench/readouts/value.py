"""What temporal differences leave: the profile of dopamine over an episode, and how true the value is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import count, number, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class OfStep(Readout):
    """Base: what a temporal difference shows at one step of the episode, in the mean over a window."""

    shown: ClassVar[tuple[str, ...]]
    """Signals of the modulator: the first, less the second where there is one."""

    modulator: str = reference("modulator", "the prediction error over time", requires="value error")
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"modulator.task": "equal episodes"})
    step: int = count(0, "the step of the episode, from 0", low=0, high=100_000, below="modulator.task.length")

    def reading(self, block: Assembly) -> Reading:
        """Sum what is shown where the step is, and count how often that is."""
        modulator = block.component("modulator", self.modulator)
        names = tuple(f"readout.{self.name}.{self.modulator}.{self.step}.{part}" for part in ("sum", "count"))
        if names[0] not in block.signals:
            first, *less = (block.read(f"modulator.{self.modulator}.{signal}") for signal in self.shown)
            step = block.read(f"task.{modulator.task}.step")
            total, counted = (block.write_new(name) for name in names)

            def look(t: int) -> None:
                np.equal(step, self.step, out=counted, casting="unsafe")
                total[...] = first
                for signal in less:
                    np.subtract(total, signal, out=total)
                np.multiply(total, counted, out=total)

            block.step("readout", look, clock="trial")
        return Reading(names, lambda sums, trials: sums[0] / sums[1])


@dataclass(frozen=True, kw_only=True)
class ErrorAtStep(OfStep):
    """Prediction error at one step of the episode, in the mean over a window: before any floor of firing."""

    name: ClassVar[str] = "error_at_step"
    meaning: ClassVar[str] = "prediction error at one step of the episode"
    equation: ClassVar[str] = "mean of delta over the trials of the window that are this step"
    sources: ClassVar[tuple[str, ...]] = ("Schultz1997",)
    shown: ClassVar[tuple[str, ...]] = ("error",)


@dataclass(frozen=True, kw_only=True)
class DopamineAtStep(OfStep):
    """Dopamine at one step of the episode, in the mean over a window: burst less dip, which a floor makes shallower."""

    name: ClassVar[str] = "dopamine_at_step"
    meaning: ClassVar[str] = "dopamine at one step of the episode, burst less dip"
    equation: ClassVar[str] = "mean of burst - dip over the trials of the window that are this step"
    sources: ClassVar[tuple[str, ...]] = ("Schultz1997", "Potjans2011")
    shown: ClassVar[tuple[str, ...]] = ("burst", "dip")


@dataclass(frozen=True, kw_only=True)
class ValueDeviation(Readout):
    """Learned value of one state of a chain less its exact value."""

    name: ClassVar[str] = "value_deviation"
    meaning: ClassVar[str] = "learned value of a state less its exact value"
    equation: ClassVar[str] = "W_s - [(I - discount P)^-1 r]_s"
    sources: ClassVar[tuple[str, ...]] = ("Sutton1988",)

    modulator: str = reference("modulator", "the prediction error over time", requires="value error")
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"modulator.task": "exact value"})
    state: int = count(1, "the state, from 1", high=4096, not_above="modulator.task.states")
    discount: float = number(0.9, "1", "discount of the exact value", low=0.0, high=1.0)

    def reading(self, block: Assembly) -> Reading:
        """Solve the chain once, and compare."""
        modulator: Any = block.component("modulator", self.modulator)
        chain, at = block.component("task", modulator.task), self.state - 1
        weight = block.read(f"projection.{modulator.value}.weight")[0, at]
        exact = chain.value(block.size(chain.states), self.discount)[at]

        def compare(sums: tuple[Array, ...], trials: int) -> Array:
            found: Array = weight - exact
            return found

        return Reading((), compare)


@dataclass(frozen=True, kw_only=True)
class ActionProbability(Readout):
    """Probability with which a policy took one action on the last trial of a window."""

    name: ClassVar[str] = "action_probability"
    meaning: ClassVar[str] = "probability of taking one action"
    equation: ClassVar[str] = "p_a"

    population: str = reference("population", "a softmax population", requires="actions")
    action: int = count(1, "the action, from 1", high=64, not_above="population")

    def reading(self, block: Assembly) -> Reading:
        """Copy the probability."""
        p = block.previous(f"population.{self.population}.probability")[self.action - 1]
        return Reading((), lambda sums, trials: p.copy())
