"""Dose records of NONMEM in the plain words of a regimen, for pages."""

from __future__ import annotations

import json

Settings = dict[str, float | str]
DAILY = 24.0


def in_plain_words(settings: Settings) -> Settings:
    """Return an arm's settings with each dose record as a regimen of its own: amount, duration, every, count.

    Of a table with several IDs the records of the first stand for all.
    """
    found = dict(settings)
    for path, chosen in settings.items():
        if not (path.startswith("dose.") and path.endswith(".regimen")):
            continue
        at = path.removesuffix(".regimen")
        if chosen == "nonmem":
            words = ("time", "amt", "rate", "ii", "addl", "ss")
            found |= _regimen(at, settings, [_number(settings.get(f"{at}.{word}")) for word in words])
        elif chosen == "table":
            factor = _number(settings.get(f"{at}.amount_factor"))
            rows = [row for row in json.loads(str(settings[f"{at}.table"])) if row[0] == 0.0]
            records = [row[:7] for row in rows if len(row) == 7 or row[7] != 3.0]  # 3: it gives nothing
            for place, (_, time, amt, *rest) in enumerate(records, 1):
                own = f"{at}_{place}" if len(records) > 1 else at
                found |= _regimen(own, settings, [time, amt * factor, *(rest[0] * factor, *rest[1:])], shared=at)
    return found


def _regimen(at: str, settings: Settings, record: list[float], shared: str = "") -> Settings:
    time, amt, rate, ii, addl, ss = record
    told: Settings = {
        f"{at}.amount": amt,
        f"{at}.duration": amt / rate if rate else 0.0,
        f"{at}.every": ii or DAILY,
        f"{at}.count": addl + 1.0,
        f"{at}.first": time,
        f"{at}.steady_state": "true" if ss else "false",
    }
    return told | {f"{at}.{word}": settings[f"{shared or at}.{word}"] for word in ("drug", "during")}


def _number(value: float | str | None) -> float:
    return value if isinstance(value, float) else 0.0
