"""A clock that leaps, and a time zone that changes, at every look at them."""

from __future__ import annotations

import datetime as real
import os
import time
from typing import Any, Self

import workbench.store.audit
import workbench.store.register
import workbench.store.session

YEAR = 365.25 * 86_400
LEAPS = (-1.0, 3600.0, -3600.0, YEAR, -YEAR, 40 * YEAR, -25 * YEAR, 86_400.0)
"""Seconds by which the clock moves at each look."""
ZONES = ("UTC", "Pacific/Kiritimati", "America/St_Johns", "Europe/Berlin")


def leap(by: float) -> None:
    """From now on, and until this process ends, the clock moves by `by` seconds at each look and the zone changes."""
    looks = 0

    def later() -> float:
        nonlocal looks
        looks += 1
        os.environ["TZ"] = ZONES[looks % len(ZONES)]
        time.tzset()
        return max(wall() + by * (looks % 3), 0.0)

    wall = time.time
    time.time = later

    class Leaping(real.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Self:
            return cls.fromtimestamp(later(), tz)

    found = 0
    for module in (workbench.store.register, workbench.store.session, workbench.store.audit):
        if hasattr(module, "datetime"):
            module.datetime = Leaping  # type: ignore[attr-defined]
            found += 1
    assert found >= 2
