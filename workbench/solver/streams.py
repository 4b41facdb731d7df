"""Random numbers by name: one Philox generator per subject, stream and phase.

A stream is keyed by what it is *for* (``noise:muscle``), never by position, so a lesion, a new arm or a
longer neighbouring phase cannot shift anybody else's draws. All arms and points of a subject share them.
One stream serves one kind of draw, in order.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np


@cache
def stable_hash(name: str) -> tuple[int, int]:
    """Return two 32-bit words of the SHA-256 of `name`, the same in every process and version."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def generator(seed: int, subject: int, stream: str, phase: str = "") -> np.random.Generator:
    """Return the generator of one subject's stream in one phase ("" outside phases)."""
    key = (subject, *stable_hash(stream), *stable_hash(phase))
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))
