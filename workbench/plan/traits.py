"""What differs between subjects: one number per subject and trait, the same whatever else is drawn.

A trait has its own Philox stream, keyed by the seed and the trait's name, or by what its `stream` says; subject *i*
reads block *i* of it. A block is found by its counter, so a range of subjects is one vectorised read, and a subject's
draw depends neither on how many subjects there are, nor on their order, nor on other traits. Every distribution is a
monotone function of one uniform number (its quantile function), so that traits correlate through
their normal scores. (A generator of its own for every subject and trait costs 20 us; a block costs 0.02 us.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from workbench.errors import Problem, ScenarioError
from workbench.scenario.model import Subjects, Trait
from workbench.solver.streams import stable_hash

Draws = NDArray[np.float64]
LISTED = "table"
"""No distribution: subject i has the number of person i."""
WORDS = 4
"""64-bit words in one Philox block; a draw uses the first."""


class TraitNumbers(TypedDict, total=False):
    """The numbers of one trait's distribution, each where the distribution has it: plain, no references left."""

    median: float
    cv: float
    mean: float
    sd: float
    low: float
    high: float
    p: float
    values: tuple[float, ...]
    weights: tuple[float, ...]


def uniforms(seed: int, name: str, subjects: range) -> Draws:
    """Return one number in (0, 1) for each of `subjects` (a range of step 1), from the stream called `name`."""
    sequence = np.random.SeedSequence(seed, spawn_key=stable_hash(f"trait:{name}"))
    stream = np.random.Philox(key=sequence.generate_state(2, np.uint64), counter=subjects.start)
    # Philox gives four words for each counter; one per subject keeps block i the subject's own, at any start.
    words = stream.random_raw(WORDS * len(subjects))[::WORDS]
    # The middle of each of 2^53 cells: never 0 or 1, so that every quantile is finite.
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def draw(subjects: Subjects, settings: Mapping[str, TraitNumbers], seed: int, which: range) -> dict[str, Draws]:
    """Return the traits of the subjects in `which`.

    Parameters
    ----------
    subjects : Subjects
        Traits and the correlations between their normal scores.
    settings : mapping trait name -> numbers of its distribution
        Resolved: no references.

    Returns
    -------
    dict trait name -> array (len(which),), in the trait's unit
    """
    independent = {trait.name: uniforms(seed, trait.drawn_as, which) for trait in subjects.traits}
    independent.update(_correlated(independent, subjects))

    def of(trait: Trait) -> Draws:
        if trait.distribution == LISTED:
            return np.array(settings[trait.name]["values"], dtype=np.float64)[which.start : which.stop]
        return DISTRIBUTIONS[trait.distribution](independent[trait.name], settings[trait.name])

    return {trait.name: of(trait) for trait in subjects.traits}


def _correlated(independent: Mapping[str, Draws], subjects: Subjects) -> dict[str, Draws]:
    """Return the uniforms of the correlated traits, by Cholesky on their normal scores.

    Traits enter in the order of the names that their numbers go by, and each keeps what the later ones do not change.
    """
    if not subjects.correlation:
        return {}
    from scipy.special import ndtr, ndtri

    names, factor = cholesky(subjects)
    scores = [ndtri(independent[name]) for name in names]
    mixed = {}
    for i, name in enumerate(names):
        # Summed term by term: a matrix product may round differently with the number of subjects.
        total = factor[i][0] * scores[0]
        for j in range(1, i + 1):
            total = total + factor[i][j] * scores[j]
        mixed[name] = np.asarray(ndtr(total), dtype=np.float64)
    return mixed


def cholesky(subjects: Subjects) -> tuple[tuple[str, ...], list[list[float]]]:
    """Return the names of the correlated traits, in the order of their streams, and the lower factor of their matrix.

    Raises
    ------
    ScenarioError
        If no such set of correlations can exist (the matrix is not positive definite).
    """
    streams = {trait.name: trait.drawn_as for trait in subjects.traits}
    named = {name for first, second, _ in subjects.correlation for name in (first, second)}
    names = tuple(sorted(named, key=lambda name: (streams.get(name, name), name)))
    matrix = np.eye(len(names))
    for first, second, value in subjects.correlation:
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = value
    try:
        factor: list[list[float]] = np.linalg.cholesky(matrix).tolist()
    except np.linalg.LinAlgError:
        message = f"these correlations contradict each other (between {', '.join(names)}); weaken at least one"
        raise ScenarioError([Problem("", 0, 0, "subjects.correlation", message)]) from None
    return names, factor


def _scores(u: Draws) -> Draws:
    from scipy.special import ndtri

    return np.asarray(ndtri(u), dtype=np.float64)


def _lognormal(u: Draws, s: TraitNumbers) -> Draws:
    # log1p, as 1 + cv**2 loses the digits of a small coefficient of variation.
    return np.asarray(s["median"] * np.exp(math.sqrt(math.log1p(s["cv"] ** 2)) * _scores(u)))


def _normal(u: Draws, s: TraitNumbers) -> Draws:
    return np.asarray(s["mean"] + s["sd"] * _scores(u))


def _truncated_normal(u: Draws, s: TraitNumbers) -> Draws:
    """Return quantiles of the normal between low and high; the far tail is mirrored, where it loses no digits."""
    from scipy.special import ndtr, ndtri

    mean, sd = s["mean"], s["sd"]
    low, high = (s.get("low", -math.inf) - mean) / sd, (s.get("high", math.inf) - mean) / sd
    if low > 0.0:
        # Far in the upper tail ndtr is 1 in double precision; mirrored, the same probabilities are small numbers with
        # all their digits.
        score = -ndtri(ndtr(-low) + u * (ndtr(-high) - ndtr(-low)))
    else:
        score = ndtri(ndtr(low) + u * (ndtr(high) - ndtr(low)))
    return np.asarray(np.clip(mean + sd * score, s.get("low", -math.inf), s.get("high", math.inf)))


def _uniform(u: Draws, s: TraitNumbers) -> Draws:
    return np.asarray(s["low"] + (s["high"] - s["low"]) * u)


def _bernoulli(u: Draws, s: TraitNumbers) -> Draws:
    return np.asarray(u > 1.0 - s["p"], dtype=np.float64)


def _choice(u: Draws, s: TraitNumbers) -> Draws:
    values = np.asarray(s["values"], dtype=np.float64)
    weights = np.asarray(s.get("weights") or np.ones(len(values)), dtype=np.float64)
    edges = np.cumsum(weights) / weights.sum()
    # The sum of the weights may round to just below 1, so the last index is capped.
    return np.asarray(values[np.minimum(np.searchsorted(edges, u, side="right"), len(values) - 1)])


def _empirical(u: Draws, s: TraitNumbers) -> Draws:
    """Return members of the sample; sorted, so that a correlation means what it says."""
    values = np.sort(np.asarray(s["values"], dtype=np.float64))
    return np.asarray(values[(u * len(values)).astype(np.int64)])


DISTRIBUTIONS: Mapping[str, Callable[[Draws, TraitNumbers], Draws]] = {
    "lognormal": _lognormal,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
    "uniform": _uniform,
    "bernoulli": _bernoulli,
    "choice": _choice,
    "empirical": _empirical,
}
"""Quantile functions by name: uniform numbers and the distribution's own numbers to draws."""


FARTHEST = 8.3
"""No normal score of a number that `uniforms` returns is farther from 0: the outermost are those of 2^-54."""


def ends(trait: Trait, settings: TraitNumbers) -> tuple[float, float]:
    """Return two numbers between which every draw of a trait lies that is not correlated with another."""
    match trait.distribution:
        case "lognormal":
            widest = math.exp(math.sqrt(math.log1p(settings["cv"] ** 2)) * FARTHEST)
            return settings["median"] / widest, settings["median"] * widest
        case "normal":
            mean, reach = settings["mean"], settings["sd"] * FARTHEST
            return mean - reach, mean + reach
        case "truncated_normal":
            return settings.get("low", -math.inf), settings.get("high", math.inf)
        case "uniform":
            return settings["low"], settings["high"]
        case "bernoulli":
            return 0.0, 1.0
        case _:
            return min(settings["values"]), max(settings["values"])


def plain_settings(trait: Trait, number: Callable[[Any], float]) -> TraitNumbers:
    """Return the trait's settings as floats and tuples of floats; `number` reads one quantity or reference."""
    read = {
        name: tuple(number(item) for item in value) if isinstance(value, tuple | list) else number(value)
        for name, value in trait.settings.items()
    }
    return cast(TraitNumbers, read)
