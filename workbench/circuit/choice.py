"""Channels that compete for what a cue calls up, in the mean over many occasions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from workbench.component.arrays import select_runs
from workbench.component.declaration import Component, count, number, numbers, reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.circuit.projections import Pairs, Shares
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


@dataclass(frozen=True, kw_only=True)
class Choice(Component):
    """Channels of which each cue calls up one: the share of occasions that each channel gets.

    A mean field: nothing is drawn, `p` is what the average of many occasions would be. `bias` favours one channel
    where a cue concerns the person; links may move it, as a mood does.
    """

    section: ClassVar[str] = "population"
    name: ClassVar[str] = "choice"
    offers: ClassVar[frozenset[str]] = frozenset({"channels"})
    member: ClassVar[str] = "channel"
    clocks: ClassVar[tuple[str, ...]] = ("tick",)
    equation: ClassVar[str] = (
        "p_cj = exp(u_cj) / sum_k exp(u_kj)\n"
        "u_cj = gain * (W_cj + bias where c is the favoured channel and j among `favoured_cues`)"
    )

    size: int = count(2, "number of channels", low=2, high=64)
    cues: str = reference("population", "the cues, one unit each")
    gain: Value = number(3.17, "1", "steepness of the competition", low=0.0, high=1e3)
    bias: Value = number(0.0, "1", "weight that the favoured channel has in addition", low=-100.0, high=100.0)
    favoured: int = count(1, "the favoured channel, from 1", high=64, not_above="size")
    favoured_cues: tuple[float, ...] = numbers(
        (), "1", "the cues where it is favoured, from 1", low=1, high=4096, members_of="cues"
    )

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse input from other populations."""
        ways = sorted(n for n, way in tables["projection"].items() if way["post"] == fields["name"])
        if [tables["projection"][way]["pre"] for way in ways] != [fields["cues"]]:
            yield (
                "cues",
                f"a choice needs one projection onto it, from {fields['cues']} (found: {', '.join(ways) or '-'})",
            )

    def allocate(self, block: Assembly, name: str) -> None:
        """Reserve the shares; the input only completes the interface, since nothing sums it on the tick clock."""
        block.signal(f"population.{name}.input", self.size)
        block.signal(f"population.{name}.activity", self.size)

    def build(self, block: Assembly, name: str) -> None:
        """Declare an input of its own: none."""
        block.inputs.own(f"population.{name}.input", self.size, 0.0, 0.0, quiet=True)

    def shares(self, block: Assembly) -> Shares:
        """Return a function that fills shares ``(channels, cues, runs)`` from weights of the same shape.

        Its third argument, if not None, says which synapses of the block these are.
        """
        row, columns = self.favoured - 1, [int(cue) - 1 for cue in self.favoured_cues]
        gain, bias = self.gain, self.bias

        def favour(utility: Array, pairs: Pairs | None, sign: float) -> None:
            """Add the bias to ``(cues, runs)``, or where its cue is favoured to ``(1, synapses)``."""
            if pairs is not None:
                utility += sign * np.where(np.isin(pairs[0], columns), select_runs(bias, pairs[1]), 0.0)
                return
            for column in columns:
                (np.add if sign > 0.0 else np.subtract)(utility[column], bias, out=utility[column])

        def strength(pairs: Pairs | None) -> Value:
            return gain if pairs is None else select_runs(gain, pairs[1])

        def two(weight: Array, out: Array, pairs: Pairs | None = None) -> Array:
            for_first = np.subtract(weight[1], weight[0], out=out[1])
            favour(for_first, pairs, 1.0 if row else -1.0)
            np.multiply(for_first, strength(pairs), out=for_first)
            np.exp(for_first, out=for_first)
            np.add(for_first, 1.0, out=for_first)
            np.divide(1.0, for_first, out=out[0])
            np.subtract(1.0, out[0], out=out[1])
            return out

        def several(weight: Array, out: Array, pairs: Pairs | None = None) -> Array:
            np.copyto(out, weight)
            favour(out[row], pairs, 1.0)
            np.multiply(out, strength(pairs), out=out)
            np.subtract(out, out.max(axis=0), out=out)
            np.exp(out, out=out)
            np.divide(out, np.add.reduce(out, axis=0), out=out)
            return out

        return two if self.size == 2 else several
