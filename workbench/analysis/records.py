"""What an arm is given, for pages: dose records in plain words, and the hours at which doses fall.

Nothing is reckoned here: the stored settings are made into the regimens that they were, and those are asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from workbench.pharmacology.regimen import Repeated
from workbench.pharmacology.trains import DAILY, doses_before
from workbench.protocol.records import Record, in_force

Settings = dict[str, float | str]


def in_plain_words(settings: Settings) -> Settings:
    """Return an arm's settings with each dose record as a regimen of its own: amount, duration, every, count.

    Of a table with several IDs the records of the first who is given anything stand for all, and it is said that they
    do. `notice` is what plain words have no key for.
    """
    found = dict(settings)
    for path, chosen in settings.items():
        if path.startswith("dose.") and path.endswith(".regimen") and chosen in ("nonmem", "table"):
            at = path.removesuffix(".regimen")
            records = in_force(_records(settings, at))
            given = [(record, many) for record, many in records if record.evid != 3.0]
            for place, (record, many) in enumerate(given, 1):
                own = f"{at}_{place}" if len(given) > 1 else at
                upto = given[place][0].time if place < len(given) else float("inf")
                emptied = [r.time for r, _ in records if r.evid == 3.0 and record.time <= r.time <= upto]
                found |= _regimen(own, settings, record, many, emptied, shared=at)
    return found


def dose_hours(settings: Settings, name: str) -> list[float]:
    """Return the hours of its phase at which doses of a table are given, those that are nothing left out."""
    at = f"dose.{name}"
    if settings.get(f"{at}.regimen") in ("nonmem", "table"):
        length = phase_hours(settings, at)
        given = [(record, many) for record, many in in_force(_records(settings, at)) if record.amt or record.constant]
        hours = (_hours_of(record, 1.0 if record.constant else many, length) for record, many in given)
        return sorted(hour for some in hours for hour in some)
    regimen, many = _repeated(settings, at), doses_given(settings, name)
    if not np.isfinite(many):
        return []
    return [float(regimen.first + k * regimen.every) for k in range(int(many)) if regimen.amount_of(float(k)) > 0.0]


def doses_given(settings: Settings, name: str) -> float:
    """Return how many doses of a regimen in plain words its phase holds; infinite where its length is not known."""
    return float(_repeated(settings, f"dose.{name}").number_in(phase_hours(settings, f"dose.{name}")))


def phase_of(settings: Settings, at: str) -> str:
    """Return the phase of a dose; a stored reference may be a list of one."""
    return str(settings.get(f"{at}.during", "")).strip(" []()'\"")


def phase_hours(settings: Settings, at: str) -> float:
    """Return the length of a dose's phase in hours; infinite where it is not known."""
    phase = f"phase.{phase_of(settings, at)}"
    length, trials = settings.get(f"{phase}.length"), settings.get(f"{phase}.trials")
    per_day = settings.get(f"{phase}.trials_per_day")
    if isinstance(length, float):
        return length
    if isinstance(trials, float) and isinstance(per_day, float) and per_day > 0.0:
        return trials * DAILY / per_day
    return float("inf")


def _hours_of(record: Record, many: float, length: float) -> Iterator[float]:
    every = record.ii or DAILY
    for k in range(int(min(many, float(doses_before(length, record.time, every))))):
        yield record.time + k * every


def _repeated(settings: Settings, at: str) -> Repeated:
    fields: dict[str, Any] = {"drug": "", "during": ""}
    for name, parameter in Repeated.parameters().items():
        value = settings.get(f"{at}.{name}")
        if parameter.kind == "number" and isinstance(value, float):
            fields[name] = value
        elif parameter.kind == "numbers" and isinstance(value, str) and value.startswith("["):
            fields[name] = tuple(float(number) for number in json.loads(value))
    return Repeated(**fields)


def _records(settings: Settings, at: str) -> list[Record]:
    """Return the records of a table's first person who is given anything, or the one that the words of NONMEM say."""
    if settings.get(f"{at}.given") == 0.0:
        return []
    if settings.get(f"{at}.regimen") == "table":
        factor = _number(settings.get(f"{at}.amount_factor"))
        people = _people(settings, at) if factor else {}
        mine = next((rows for rows in people.values() if any(row.amt or row.rate for row in rows)), [])
        return [row._replace(amt=row.amt * factor, rate=row.rate * factor) for row in mine]
    words = ("time", "amt", "rate", "ii", "addl", "ss")
    time, amt, rate, ii, addl, ss = (_number(settings.get(f"{at}.{word}")) for word in words)
    return [Record(0.0, time, amt, rate, ii, addl, ss, _number(settings.get(f"{at}.evid")) or 1.0)]


def _people(settings: Settings, at: str) -> dict[float, list[Record]]:
    found: dict[float, list[Record]] = {}
    for row in json.loads(str(settings[f"{at}.table"])):
        found.setdefault(row[0], []).append(Record(*row))
    return found


def _regimen(
    at: str, settings: Settings, record: Record, many: float, emptied: Sequence[float], shared: str
) -> Settings:
    people = len(_people(settings, shared)) if settings.get(f"{shared}.regimen") == "table" else 1
    usual = record.cmt in ("", "0") and not _number(settings.get(f"{shared}.cmt"))
    share = settings.get(f"drug.{settings.get(f'{shared}.drug')}.bioavailability", 1.0) if usual else 1.0
    lasting = record.amt / record.rate if record.rate else record.duration
    shorter = isinstance(share, float) and record.rate > 0.0 and share != 1.0
    notice = (
        (f"as one of {people} people, each with records of their own", people > 1),
        ("the drug emptied before it", record.empties and record.evid != 3.0),
        ("an infusion since ever, which ends then", record.constant),
        (f"at {record.rate:g} mg/h", shorter and not record.constant),
        (f"into compartment {record.cmt}", record.cmt not in ("", "0")),
        *((f"the drug emptied at {time:g} h", True) for time in emptied),
    )
    told: Settings = {
        f"{at}.amount": record.rate if record.constant else record.amt,
        f"{at}.duration": 0.0 if shorter or record.constant else lasting,
        f"{at}.every": record.ii or DAILY,
        f"{at}.count": max(many, 1.0),
        f"{at}.first": record.time,
        f"{at}.steady_state": "true" if record.ss and not record.constant else "false",
        f"{at}.notice": json.dumps([words for words, said in notice if said]),
        f"{at}.unit": "mg/h" if record.constant else "mg",
    }
    return told | {f"{at}.{word}": settings[f"{shared}.{word}"] for word in ("drug", "during")}


def _number(value: float | str | None) -> float:
    return value if isinstance(value, float) else 0.0
