"""Connections: one-to-one, dense, and surround inhibition within one population.

There are three kernel families: one-to-one weights ``(post, runs)``, dense weights ``(post, pre, runs)``, and dense
weights read by index where only one presynaptic unit is active (a cue). Broadcasting one into another
costs several times the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.delays import arriving, carry, delay_faults, delay_field, reserve_arriving
from workbench.circuit.loops import growth_faults
from workbench.circuit.populations import size_of
from workbench.component.arrays import einsum, operand
from workbench.component.declaration import Component, interval, number, numbers, option, reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


SIGNS = ("excitatory", "inhibitory")


def _accumulate(sign: str) -> np.ufunc:
    return np.add if sign == "excitatory" else np.subtract


def _sign(fields: Fields) -> float:
    return 1.0 if fields["sign"] == "excitatory" else -1.0


@dataclass(frozen=True, kw_only=True)
class OneToOne(Component):
    """Each presynaptic unit drives the postsynaptic unit of the same number.

    With `overlap`, it also drives all others by that share: a blurred map.
    """

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "one_to_one"
    lateral: ClassVar[bool] = False
    offers: ClassVar[frozenset[str]] = frozenset({"single pairs"})
    equation: ClassVar[str] = (
        "u_k += sign * weight_k * (x_k + overlap * sum_(j != k) x_j),  x of the trial `delay` trials before"
    )

    pre: str = reference("population", "where the connections start")
    post: str = reference("population", "where they end", acts=True, same_size_as="pre")
    sign: str = option("excitatory", SIGNS, "whether input adds to or takes from the postsynaptic drive")
    weight: Value = number(
        1.0, "1", "strength; where a rule learns it, the strength at the start", low=0.0, within="bounds"
    )
    overlap: Value = number(0.0, "1", "share of the drive that every other unit receives", low=0.0, high=1.0)
    bounds: tuple[float, float] | None = interval(None, "1", "limits of a learned weight; none without it")
    delay: int = delay_field()

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse a delay that cannot be counted, and a loop that grows without end."""
        yield from delay_faults(fields, tables)
        yield from growth_faults(fields, tables)

    @classmethod
    def matrix(cls, fields: Fields, post: int, pre: int) -> Array | None:
        """Return what the units add to each other ``(post, pre)`` at fixed weights; None where runs differ in it."""
        weight, overlap = fields["weight"], fields["overlap"]
        if weight is None or overlap is None:
            return None
        whole: Array = _sign(fields) * weight * (np.eye(post) + overlap * (1.0 - np.eye(post)))
        return whole

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the weights if a rule learns them, and what arrives late."""
        reserve_arriving(block, name, self.pre, self.delay)
        if block.has("plasticity", name):
            block.state(f"projection.{name}.weight", block.size(self.post))[...] = self.weight

    def build(self, block: Assembly, name: str) -> None:
        """Add ``weight * (overlapped pre)`` to the postsynaptic input."""
        carry(block, name, self.pre, self.delay)
        accumulate, n = _accumulate(self.sign), block.size(self.post)
        learned = block.has("plasticity", name)
        weight: Any = block.read(f"projection.{name}.weight") if learned else self.weight
        blurred = not (isinstance(self.overlap, float) and self.overlap == 0.0)
        if not (learned or self.delay) and block.inputs.per_subject(
            self.post, name, self.pre, self.weight, self.overlap if blurred else 0.0, accumulate
        ):
            return
        pre = arriving(block, name)
        term, total, overlap = block.empty(n), block.empty(), operand(self.overlap)

        plain = not blurred and isinstance(weight, float) and weight == 1.0
        weight = operand(weight)

        def contribute(drive: Array) -> None:
            if blurred:
                np.add.reduce(pre, axis=0, out=total)
                np.subtract(total, pre, out=term)
                np.multiply(term, overlap, out=term)
                np.add(term, pre, out=term)
                np.multiply(term, weight, out=term)
            else:
                np.multiply(pre, weight, out=term)
            accumulate(drive, term, out=drive)

        def relay(drive: Array) -> None:
            accumulate(drive, pre, out=drive)

        block.inputs.add(self.post, name, relay if plain else contribute, early=block.is_source(self.pre))


@dataclass(frozen=True, kw_only=True)
class Dense(Component):
    """Every presynaptic unit reaches every postsynaptic unit.

    Where a task shows one cue at a time the weights are read (and learned) by index: only the shown
    cue's row takes part.
    """

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "dense"
    lateral: ClassVar[bool] = False
    offers: ClassVar[frozenset[str]] = frozenset({"all pairs"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "u_j += sign * sum_i W_ji x_i,  x of the trial `delay` trials before"

    pre: str = reference("population", "where the connections start")
    post: str = reference("population", "where they end", acts=True)
    sign: str = option("excitatory", SIGNS, "whether input adds to or takes from the postsynaptic drive")
    weight: Value = number(0.5, "1", "mean strength at the start", within="bounds")
    weights: tuple[float, ...] = numbers(
        (), "1", "in place of weight, one by one: all inputs of the first unit, then of the second", within="bounds"
    )
    spread: Value = number(0.0, "1", "standard deviation of the strengths at the start, drawn per subject", low=0.0)
    bounds: tuple[float, float] | None = interval(None, "1", "limits of a learned weight; none without it")
    delay: int = delay_field()

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse weights that do not fit both populations, a delay that cannot be counted, a loop that grows."""
        weights, inputs, units = fields["weights"], *(size_of(tables, fields[end]) for end in ("pre", "post"))
        if weights and len(weights) != inputs * units:
            yield "weights", f"needs one number per synapse: {units} units of {inputs} inputs, got {len(weights)}"
            return
        yield from delay_faults(fields, tables)
        yield from growth_faults(fields, tables)

    @classmethod
    def matrix(cls, fields: Fields, post: int, pre: int) -> Array | None:
        """Return what the units add to each other ``(post, pre)`` at fixed weights; None where runs differ in it."""
        weight = fields["weights"] or fields["weight"]
        if weight is None or fields["spread"] != 0.0:
            return None
        spread = np.reshape(weight, (post, pre)) if fields["weights"] else np.full((post, pre), weight)
        return np.asarray(_sign(fields) * spread)

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the weights, what arrives late and, for a cue population, the row that the shown cue selects."""
        reserve_arriving(block, name, self.pre, self.delay)
        post, pre = block.size(self.post), block.size(self.pre)
        weight = block.state(f"projection.{name}.weight", post, pre)
        weight[...] = np.reshape(self.weights, (post, pre, 1)) if self.weights else self.weight
        if not (isinstance(self.spread, float) and self.spread == 0.0):
            weight += self.spread * block.draw_once(f"init:projection.{name}", post, pre)
        if block.is_cue(self.pre):
            if block.sole_input(name):
                block.alias(f"projection.{name}.row", block.signal(f"population.{self.post}.input", post))
            else:
                block.signal(f"projection.{name}.row", post)

    def build(self, block: Assembly, name: str) -> None:
        """Read the row of the shown cue, or sum over all presynaptic units."""
        carry(block, name, self.pre, self.delay)
        weight = block.read(f"projection.{name}.weight")
        accumulate = _accumulate(self.sign)
        if block.is_cue(self.pre):
            index = block.read(f"population.{self.pre}.index")
            row = block.signals[f"projection.{name}.row"]
            read_row = block.lanes.reader(index, weight, row)
            sole = block.sole_input(name)

            def select(drive: Array) -> None:
                read_row()
                if not sole:
                    accumulate(drive, row, out=drive)

            block.inputs.add(self.post, name, select, writes=(f"projection.{name}.row",))
            return
        pre = arriving(block, name)
        term = block.empty(len(weight))

        def product(drive: Array) -> None:
            einsum("jir,ir->jr", weight, pre, out=term)
            accumulate(drive, term, out=drive)

        block.inputs.add(self.post, name, product)


@dataclass(frozen=True, kw_only=True)
class Surround(Component):
    """Surround inhibition: each unit is held down by the mean input of all others.

    Acts on the summed input, before the activation; a unit does not inhibit itself.
    """

    section: ClassVar[str] = "projection"
    name: ClassVar[str] = "surround"
    lateral: ClassVar[bool] = True
    equation: ClassVar[str] = "u_k -= weight * mean_(j != k) u_j"
    sources: ClassVar[tuple[str, ...]] = ("SohnHallett2004", "Beck2008")

    pre: str = reference("population", "the population that inhibits itself")
    post: str = reference("population", "the same population", acts=True, least=2, because="a unit inhibits others")
    weight: Value = number(0.35, "1", "strength of surround inhibition", low=0.0, high=10.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse two different populations, and a second surround of one."""
        if fields["pre"] != fields["post"]:
            yield "post", f"surround inhibition stays within one population; post must be {fields['pre']!r}"
        ways = tables["projection"].items()
        first = min(n for n, way in ways if way["wiring"] == "surround" and way["post"] == fields["post"])
        if fields["name"] != first:
            yield (
                "wiring",
                f"{fields['post']} already has its surround in projection.{first}; put the whole weight in one table",
            )

    @classmethod
    def matrix(cls, fields: Fields, post: int, pre: int) -> Array | None:
        """Return what becomes of the summed input ``(post, post)``; None where runs differ in it."""
        if (weight := fields["weight"]) is None:
            return None
        share = weight / (post - 1)
        return np.asarray((1.0 + share) * np.eye(post) - share)

    def build(self, block: Assembly, name: str) -> None:
        """Regrouped: ``u (1 + c) - c sum(u)`` with ``c = weight / (n - 1)``."""
        neighbours = block.size(self.post) - 1
        share = operand(block.derived(lambda weight: weight / neighbours, self.weight))
        whole = operand(block.derived(lambda weight: 1.0 + weight / neighbours, self.weight))
        drive = block.update(f"population.{self.post}.input")
        total = block.empty()

        def inhibit(t: int) -> None:
            np.add.reduce(drive, axis=0, out=total)
            np.multiply(total, share, out=total)
            np.multiply(drive, whole, out=drive)
            np.subtract(drive, total, out=drive)

        block.step("activity", inhibit)


Pairs = tuple["NDArray[np.intp]", "NDArray[np.intp]"]
"""Synapses of a block by their cues and their runs, ``(synapses,)`` each."""
Shares = Callable[["Array", "Array", "Pairs | None"], "Array"]
"""Weights to the share of each channel, written into the second array; the third says which synapses these are."""
