"""How well a network of layers does, how far its weights moved, and where its feedback points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.component.declaration import number, option, reference
from workbench.readouts.reading import Reading, Readout

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class TeacherLoss(Readout):
    """Squared error relative to the squared target, in the mean over the steps of a window."""

    name: ClassVar[str] = "teacher_loss"
    meaning: ClassVar[str] = "squared error relative to the squared target"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "mean over steps of sum e^2 / sum target^2"

    task: str = reference("task", "the teacher", requires="batches")

    def reading(self, block: Assembly) -> Reading:
        """Average the loss."""
        return Reading((f"task.{self.task}.loss",), lambda sums, trials: sums[0] / trials)


def routed_faults(fields: Fields, tables: Tables, *, above: bool) -> Iterable[tuple[str, str]]:
    """Yield why a readout of weights between layers, or of their returned error, has nothing to read."""
    rule = tables["plasticity"].get(fields["projection"])
    if not tables["projection"][fields["projection"]].offers("batches"):
        yield "projection", "needs weights between layers"
    elif above and (rule is None or not rule.offers("routed error") or not rule["above"]):
        yield "projection", f"needs a routed_error with weights above it, and {fields['projection']} has none"


@dataclass(frozen=True, kw_only=True)
class FeedbackAngle(Readout):
    """Angle between the error as it is sent back and as backpropagation would send it, over one batch."""

    name: ClassVar[str] = "feedback_angle"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    unit: ClassVar[str] = "deg"
    meaning: ClassVar[str] = "angle between the error sent back and that of backpropagation"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "arccos of the cosine between B d and W_above^T d, all samples of the step together"
    sources: ClassVar[tuple[str, ...]] = ("Lillicrap2016",)

    projection: str = reference("projection", "weights below others, whose rule is routed_error")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse weights that receive no error."""
        yield from super().check(fields, tables)
        yield from routed_faults(fields, tables, above=True)

    def reading(self, block: Assembly) -> Reading:
        """Compare both ways back for the error of the last step."""
        rule = block.component("plasticity", self.projection)
        error = block.previous(f"plasticity.{rule.above}.error")
        weight = block.previous(f"projection.{rule.above}.weight")
        same = rule.feedback == "transpose"
        back = weight if same else block.previous(f"plasticity.{self.projection}.feedback")

        def angle(sums: tuple[Array, ...], trials: int) -> Array:
            ours, theirs = np.matmul(error, back), np.matmul(error, weight)
            along, one, two = (np.einsum("rbh,rbh->r", a, b) for a, b in
                               ((ours, theirs), (ours, ours), (theirs, theirs)))  # fmt: skip
            length = np.sqrt(one * two)
            cosine = np.where(length > 0.0, along / np.where(length > 0.0, length, 1.0), 0.0)
            found: Array = np.degrees(np.arccos(cosine.clip(-1.0, 1.0)))
            return found

        return Reading((), angle)


@dataclass(frozen=True, kw_only=True)
class LayerChange(Readout):
    """How far the weights between two layers have moved since the start."""

    name: ClassVar[str] = "layer_change"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    meaning: ClassVar[str] = "distance of weights between layers from their start"
    equation: ClassVar[str] = "Frobenius norm of W - W(0), or of W (size)"

    projection: str = reference("projection", "weights between layers")
    of: str = option("change", ("change", "size"), "the distance from the start, or from zero")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse other weights."""
        yield from super().check(fields, tables)
        yield from routed_faults(fields, tables, above=False)

    def reading(self, block: Assembly) -> Reading:
        """Compare with the start, or with nothing."""
        weight = block.previous(f"projection.{self.projection}.weight")
        start = weight.copy() if self.of == "change" else np.zeros_like(weight)

        def distance(sums: tuple[Array, ...], trials: int) -> Array:
            moved = weight - start
            found: Array = np.sqrt(np.einsum("rji,rji->r", moved, moved))
            return found

        return Reading((), distance)


@dataclass(frozen=True, kw_only=True)
class MapDistance(Readout):
    """Squared distance of weights from the teacher's map, relative to the start."""

    name: ClassVar[str] = "map_distance"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
    meaning: ClassVar[str] = "squared distance of weights from what they should be, relative to the start"
    better: ClassVar[str] = "lower"
    equation: ClassVar[str] = "|W - T|^2 / |W(0) - T|^2"
    sources: ClassVar[tuple[str, ...]] = ("Werfel2005",)
    same_size: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("projection", "task.samples_to", "projection.pre"), ("projection", "task.answers", "projection.post"),
    )  # fmt: skip

    projection: str = reference("projection", "weights from the inputs to the outputs")
    task: str = reference("task", "the teacher", requires="batches")

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse other weights."""
        yield from super().check(fields, tables)
        yield from routed_faults(fields, tables, above=False)

    def reading(self, block: Assembly) -> Reading:
        """Compare the weights with the map."""
        weight = block.previous(f"projection.{self.projection}.weight")
        wanted = block.signals[f"task.{self.task}.map"]

        def squared() -> Array:
            off = weight - wanted
            found: Array = np.einsum("rji,rji->r", off, off)
            return found

        start = squared()
        return Reading((), lambda sums, trials: squared() / start)


@dataclass(frozen=True, kw_only=True)
class GradientError(Readout):
    """How far the last step of weights was from the steepest way down the loss of its batch.

    Each weight is moved up and down by `shift`, and the batch sent through the weights as they were before the step.
    """

    name: ClassVar[str] = "gradient_error"
    offers: ClassVar[frozenset[str]] = frozenset({"batches"})
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
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse weights without an error of their own, and layers that others reach as well."""
        yield from super().check(fields, tables)
        rules = tables["plasticity"]
        if not tables.offers("plasticity", fields["projection"], "routed error"):
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
            name = rules[name]["above"] if tables.offers("plasticity", name, "routed error") else None

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
