"""A few fixed patterns, shown one at a time, with or without a teacher that says what to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.declaration import Component, number, numbers, option, reference
from workbench.tasks.second_moment import too_many_inputs

if TYPE_CHECKING:
    from workbench.component.arrays import Array
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables


def matrix_of(fields: Mapping[str, Any], tables: Tables) -> Array | None:
    """Return the patterns (pattern, input) of a task's fields, gain included; None where they make no matrix."""
    values, n = fields.get("values") or (), size_of(tables, fields["inputs"])
    if not values or n < 1 or len(values) % n:
        return None
    gain: float = max(fields["gain"], fields["gain_after"] if fields.get("changes_in") else 0.0)
    return np.asarray(values, dtype=np.float64).reshape(-1, n) * gain


def probabilities_of(fields: Mapping[str, Any], tables: Tables) -> Array | None:
    """Return how often each pattern is shown; equally often where the file does not say."""
    patterns = matrix_of(fields, tables)
    given = fields.get("probabilities") or ()
    if patterns is None or (given and len(given) != len(patterns)):
        return None
    return np.asarray(given or [1.0 / len(patterns)] * len(patterns), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Patterns(Component):
    """Patterns shown one at a time, drawn by their probabilities or in turn.

    With `targets` a teacher sets another source population to the answer of the pattern shown. From phase
    `changes_in` on, all patterns come with `gain_after` instead of `gain`.
    """

    section: ClassVar[str] = "task"
    name: ClassVar[str] = "patterns"
    offers: ClassVar[frozenset[str]] = frozenset({"covariance", "eigenvectors", "patterns"})
    draws: ClassVar[bool] = True
    equation: ClassVar[str] = "x = gain * (pattern k), k drawn with probability p_k or in turn;  y = (target k)"
    sources: ClassVar[tuple[str, ...]] = ("Bienenstock1982", "Hebb1949")
    member: ClassVar[str] = "pattern"
    together: ClassVar[tuple[tuple[str, ...], ...]] = (("targets", "answers"),)

    inputs: str = reference(
        "population", "the source population that shows the patterns", acts=True, requires="shown", shows="pattern"
    )
    values: tuple[float, ...] = numbers((), "1", "the patterns, one after the other")
    probabilities: tuple[float, ...] = numbers((), "1", "how often each is shown; equally often without it", low=0.0)
    presentation: str = option("random", ("random", "in_turn"), "drawn anew on each trial, or one after the other")
    gain: float = number(1.0, "1", "factor on all patterns", low=0.0, high=1e6, fixed=True)
    changes_in: str | None = reference("phase", "phase from which on `gain_after` holds", None)
    gain_after: float = number(1.0, "1", "factor from that phase on", low=0.0, high=1e6, fixed=True)
    targets: str | None = reference(
        "population", "a source population that a teacher sets", None, acts=True, requires="shown", shows="answer"
    )
    answers: tuple[float, ...] = numbers((), "1", "what the teacher sets, one answer after the other")

    @classmethod
    def members(cls, fields: Fields, tables: Tables) -> int | None:
        """Return how many patterns there are; None where they are not whole."""
        patterns = matrix_of(fields, tables)
        return None if patterns is None else len(patterns)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse lists that do not fit their populations, and probabilities that do not sum to 1."""
        n, patterns = size_of(tables, fields["inputs"]), matrix_of(fields, tables)
        if patterns is None:
            yield "values", f"needs whole patterns of {n} inputs each, got {len(fields.get('values') or ())} numbers"
            return
        yield from too_many_inputs(fields, tables)
        shares = probabilities_of(fields, tables)
        if shares is None:
            given = len(fields["probabilities"])
            yield "probabilities", f"needs one for each of the {len(patterns)} patterns, got {given}"
        elif abs(shares.sum() - 1.0) > 1e-9:
            yield "probabilities", f"must sum to 1, got {shares.sum():g}"
        elif not shares.all():
            yield "probabilities", "a pattern that is never shown is no pattern: leave it out"
        if fields["presentation"] == "in_turn" and fields.get("probabilities"):
            yield "presentation", "patterns in turn are shown equally often; leave the probabilities out"
        targets, answers = fields.get("targets"), fields.get("answers") or ()
        wanted = size_of(tables, targets) * len(patterns) if targets is not None else 0
        if targets is not None and answers and len(answers) != wanted:
            yield "answers", f"needs {wanted} numbers, an answer to each pattern, got {len(answers)}"

    @classmethod
    def covariance_of(cls, fields: Mapping[str, Any], tables: Tables) -> Array | None:
        """Return E[x x^T]."""
        patterns, shares = matrix_of(fields, tables), probabilities_of(fields, tables)
        return None if patterns is None or shares is None else (patterns.T * shares) @ patterns

    @classmethod
    def power(cls, fields: Mapping[str, Any], tables: Tables) -> float | None:
        """Return E|x|^2."""
        patterns, shares = matrix_of(fields, tables), probabilities_of(fields, tables)
        return None if patterns is None or shares is None else float(shares @ (patterns**2).sum(axis=1))

    def shares(self, block: Assembly) -> Array:
        """Return the probability of each pattern."""
        count = len(self.values) // block.size(self.inputs)
        return np.asarray(self.probabilities or (1.0 / count,) * count)

    def gain_in(self, block: Assembly) -> float:
        """Return the gain in the phase that runs; before the first, that of the first."""
        if self.changes_in is None or not block.phase:
            return self.gain
        change = block.component("phase", self.changes_in).order
        return self.gain_after if block.component("phase", block.phase).order >= change else self.gain

    def allocate(self, block: Assembly, name: str) -> None:
        """Offer the patterns (pattern, input, runs) without gain, and the axes of their second moment with it."""
        n = block.size(self.inputs)
        patterns = np.asarray(self.values).reshape(-1, n)
        block.signal(f"task.{name}.patterns", *patterns.shape)[...] = patterns[:, :, None]
        moment = np.einsum("k,ki,km->im", self.shares(block), patterns, patterns) * self.gain**2
        # In double precision the smallest eigenvalues of dependent patterns come out slightly negative, and a root of
        # them would be NaN: hence the floor at 0 below.
        values, vectors = np.linalg.eigh(moment)
        block.signal(f"task.{name}.eigenvectors", n, n)[...] = vectors.T[::-1, :, None]
        block.signal(f"task.{name}.eigenvalues", n)[...] = np.maximum(values[::-1], 0.0)[:, None]

    def build(self, block: Assembly, name: str) -> None:
        """Turn each piece's uniform draws into patterns, per subject."""
        n = block.size(self.inputs)
        patterns = np.asarray(self.values).reshape(-1, n)
        # Without the last edge: rounding of the sum could leave it just below 1, and a draw above it would have no
        # pattern.
        edges = np.cumsum(self.shares(block))[:-1]
        drawn = block.uniform(f"pattern:task.{name}", 1) if self.presentation == "random" else None
        shown = block.pattern(self.inputs, n)
        taught = None if self.targets is None else block.pattern(self.targets, block.size(self.targets))
        answers = np.asarray(self.answers).reshape(len(patterns), -1)
        subjects = len(block.subjects)

        def show(steps: int) -> None:
            if drawn is None:
                # Counted from the trial of the phase, not from the piece, so that the order does not depend on how
                # long pieces are.
                turn = (block.trial + np.arange(steps)) % len(patterns)
                which = np.repeat(turn[:, None], subjects, axis=1)
            else:
                which = np.searchsorted(edges, drawn.table[:steps, 0], side="right")
            shown[:steps] = np.moveaxis(patterns[which] * self.gain_in(block), 2, 1)
            if taught is not None:
                taught[:steps] = np.moveaxis(answers[which], 2, 1)

        block.every_piece(show)
        block.gather_pattern(self.inputs)
        if self.targets is not None:
            block.gather_pattern(self.targets)
