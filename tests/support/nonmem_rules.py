"""NONMEM's rules for dose records, written down once more: its manual's words, matrix exponentials, nothing of ours.

A table is text with the columns ID, TIME, AMT, RATE, II, ADDL, SS, EVID and CMT. Of a person's records one after the
other is carried out. RATE stays what it is and an infusion lasts F AMT / RATE; a lag puts off what is given; EVID 3 and
4 and SS 1 set all amounts to 0, end infusions and forget what is still to come; SS 1 and 2 add the amounts of a
regimen that has gone on since ever; AMT 0 with a RATE and SS is an infusion without end, which ends at its record.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import expm

SOON = 1e-9
COLUMNS = ("TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID", "CMT")


@dataclass(frozen=True)
class System:
    """Compartments from 1: rates (1/h) `matrix[to, from]`, F and lag (h) of each, the one that a dose enters."""

    matrix: Any
    share: Sequence[float]
    lag: Sequence[float]
    entry: int = 1


@dataclass
class Person:
    """One person while the records are carried out."""

    system: System
    amounts: Any
    now: float = 0.0
    flowing: list[tuple[float, int, float]] = field(default_factory=list)
    """Until when, into which compartment, at which rate."""
    coming: list[tuple[float, int, float, float]] = field(default_factory=list)
    """When, into which compartment, amount, rate (0: at once)."""

    def go(self, time: float) -> None:
        """Carry on to a moment, doses of that moment included."""
        while True:
            due = [c for c in self.coming if c[0] <= time + SOON]
            stop = min((c[0] for c in due), default=time)
            self._flow(max(stop, self.now))
            if not due:
                return
            for one in [c for c in due if c[0] <= self.now + SOON]:
                self.coming.remove(one)
                self._give(*one[1:])

    def _give(self, place: int, amount: float, rate: float) -> None:
        share = self.system.share[place - 1]
        if rate > 0.0:
            self.flowing.append((self.now + share * amount / rate, place, rate))
        else:
            self.amounts[place - 1] += share * amount

    def _flow(self, time: float) -> None:
        while self.now < time - SOON / 10:
            ends = [end for end, _, _ in self.flowing if end > self.now + SOON / 10]
            stop = min([time, *ends])
            entering = np.zeros(len(self.amounts))
            for end, place, rate in self.flowing:
                if end > self.now + SOON / 10:
                    entering[place - 1] += rate
            self.amounts = advanced(self.system.matrix, self.amounts, entering, stop - self.now)
            self.now = stop
        self.flowing = [one for one in self.flowing if one[0] > self.now + SOON / 10]

    def record(self, row: Mapping[str, float]) -> None:
        """Carry out one record."""
        kind, place = row["EVID"], int(row["CMT"]) or self.system.entry
        if kind in (0.0, 2.0):
            return
        if kind in (3.0, 4.0) or row["SS"] == 1.0:
            self.amounts, self.flowing, self.coming = np.zeros(len(self.amounts)), [], []
        if kind == 3.0:
            return
        amount, rate, every = row["AMT"], row["RATE"], row["II"]
        if amount == 0.0:
            entering = np.zeros(len(self.amounts))
            entering[place - 1] = rate
            self.amounts = self.amounts + np.linalg.solve(-self.system.matrix, entering)
            return
        lag = self.system.lag[place - 1]
        if row["SS"]:
            self._since_ever(place, amount, rate, every, lag)
        for k in range(int(row["ADDL"]) + 1):
            self.coming.append((self.now + k * every + lag, place, amount, rate))

    def _since_ever(self, place: int, amount: float, rate: float, every: float, lag: float) -> None:
        """Add what equal doses have left that were given every `every` hours up to one interval ago."""
        j = 1
        while lag - j * every >= -SOON:
            self.coming.append((self.now + lag - j * every, place, amount, rate))
            j += 1
        since = j * every - lag
        share = self.system.share[place - 1]
        length = share * amount / rate if rate > 0.0 else 0.0
        start = periodic(self.system.matrix, place, share * amount, rate, length, every)
        later = Person(self.system, start)
        k = 1
        while rate > 0.0 and length - k * every > SOON:  # those that flow on from before
            later.flowing.append((length - k * every, place, rate))
            k += 1
        later._give(place, amount, rate)
        later._flow(since)
        self.amounts = self.amounts + later.amounts
        self.flowing += [(end - since + self.now, where, much) for end, where, much in later.flowing]


def advanced(matrix: Any, amounts: Any, entering: Any, hours: float) -> Any:
    """Return amounts `hours` later with a constant input."""
    size = len(amounts)
    whole = np.zeros((size + 1, size + 1))
    whole[:size, :size], whole[:size, size] = matrix, entering
    return (expm(whole * hours) @ np.append(amounts, 1.0))[:size]


def periodic(matrix: Any, place: int, dose: float, rate: float, length: float, every: float) -> Any:
    """Return the amounts just before a dose of a regimen that has gone on since ever."""
    size = len(matrix)
    unit = np.zeros(size)
    unit[place - 1] = 1.0
    if rate <= 0.0:
        left = expm(matrix * every) @ (dose * unit)
    else:
        whole, rest = divmod(length, every)
        left = advanced(matrix, np.zeros(size), unit * rate * (whole + 1.0), rest)
        left = advanced(matrix, left, unit * rate * whole, every - rest)
    return np.linalg.solve(np.eye(size) - expm(matrix * every), left)


def people(text: str) -> dict[float, list[dict[str, float]]]:
    """Return each person's records."""
    found: dict[float, list[dict[str, float]]] = {}
    for row in csv.DictReader(io.StringIO(text.strip())):
        numbers = {name: float(row[name]) if row.get(name) not in (None, ".", "") else 0.0 for name in COLUMNS}
        found.setdefault(float(row.get("ID", 1)), []).append(numbers)
    return found


def amounts_at(system: System, records: Sequence[Mapping[str, float]], times: Sequence[float]) -> Any:
    """Return the amounts (times, compartments) after the records and doses of each moment; times in order."""
    person = Person(system, np.zeros(len(system.matrix)))
    left, found = list(records), []
    for time in times:
        while left and left[0]["TIME"] <= time + SOON:
            row = left.pop(0)
            person.go(row["TIME"])
            person.record(row)
        person.go(time)
        found.append(np.array(person.amounts))
    return np.array(found)
