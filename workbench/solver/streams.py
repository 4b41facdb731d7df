"""Random numbers by name: one Philox generator per subject, stream and phase.

A stream is keyed by what it is *for* (``noise:muscle``), never by position, so a lesion, a new arm or a
longer neighbouring phase cannot shift anybody else's draws. All arms and points of a subject share them.
One stream serves one kind of draw, in order.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

MANY = 24
"""From so many subjects on they are seeded together."""


@cache
def stable_hash(name: str) -> tuple[int, int]:
    """Return two 32-bit words of the SHA-256 of `name`, the same in every process and version."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def generator(seed: int, subject: int, stream: str, phase: str = "") -> np.random.Generator:
    """Return the generator of one subject's stream in one phase ("" outside phases)."""
    # Python's own hash() differs between processes; these words do not.
    key = (subject, *stable_hash(stream), *stable_hash(phase))
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def generators(seed: int, subjects: NDArray[np.int64], stream: str, phase: str = "") -> list[np.random.Generator]:
    """Return `generator` of each subject; many at once take a fifth of the time, few would take longer."""
    if len(subjects) < MANY:
        return [generator(seed, subject, stream, phase) for subject in subjects.tolist()]
    seeded: Any = np.random.Philox  # its stubs know no seed sequence but NumPy's own
    keys = _keys(seed, subjects, (*stable_hash(stream), *stable_hash(phase)))
    return [np.random.Generator(seeded(_Known(key))) for key in keys]


class _Known(ISeedSequence):
    """Seeds with words that are known."""

    def __init__(self, key: NDArray[np.uint64]) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[np.uint64]:
        """Return the words; Philox asks for two of 64 bits."""
        return self._key


POOL = 4
WORD = 0xFFFFFFFF
HALF = 16
TAKEN_IN, TAKEN_IN_BY = 0x43B0D7E5, 0x931E8875
GIVEN_OUT, GIVEN_OUT_BY = 0x8B51F9DD, 0x58F38DED
LEFT, RIGHT = 0xCA01F9DD, 0x4973F715
"""Constants of NumPy's seed sequence, which is the same in all its versions (NEP 19)."""


class _Hash:
    """The running hash of a seed sequence: each word is scrambled by other constants than the one before."""

    def __init__(self, start: int, factor: int) -> None:
        self._constant, self._factor = start, factor

    def __call__(self, word: Any) -> Any:
        word = word ^ np.uint32(self._constant)
        self._constant = self._constant * self._factor & WORD
        word = word * np.uint32(self._constant)
        return word ^ word >> np.uint32(HALF)


def _mixed(x: Any, y: Any) -> Any:
    found = np.uint32(LEFT) * x - np.uint32(RIGHT) * y
    return found ^ found >> np.uint32(HALF)


def _keys(seed: int, subjects: NDArray[np.int64], words: tuple[int, ...]) -> NDArray[np.uint64]:
    """Return the two words (subjects, 2) that a seed sequence with spawn key (subject, *words) gives Philox."""
    entropy: list[Any] = [seed >> 32 * i & WORD for i in range(POOL)]  # a spawn key follows on four words at least
    entropy = [np.full(1, word, np.uint32) for word in entropy] + [subjects.astype(np.uint32)]
    entropy += [np.full(1, word, np.uint32) for word in words]
    scrambled = _Hash(TAKEN_IN, TAKEN_IN_BY)
    pool = [scrambled(word) for word in entropy[:POOL]]
    for source in range(POOL):
        for into in range(POOL):
            if source != into:
                pool[into] = _mixed(pool[into], scrambled(pool[source]))
    for word in entropy[POOL:]:
        for into in range(POOL):
            pool[into] = _mixed(pool[into], scrambled(word))
    given = _Hash(GIVEN_OUT, GIVEN_OUT_BY)
    state = np.stack([np.broadcast_to(given(word), subjects.shape) for word in pool], axis=-1)
    return np.ascontiguousarray(state.astype("<u4")).view("<u8").astype(np.uint64)
