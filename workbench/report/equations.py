"""The equation of a component as one scenario uses it."""

from __future__ import annotations

from collections.abc import Collection


def relevant(lines: list[str], chosen: Collection[str]) -> list[str]:
    """Return the lines of an equation, of the stabilisers only those that are `chosen`."""
    if "stabiliser:" not in lines:
        return lines
    at = lines.index("stabiliser:")
    kept = [line for line in lines[at + 1 :] if line.strip().partition(":")[0] in chosen and "none:" not in line]
    return [*lines[:at], *kept]
