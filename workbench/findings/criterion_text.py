"""One criterion while it is read: its keys, and its numbers in the units of what they bound."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.findings.shapes import OPEN
from workbench.quantities import QuantityError, to_unit
from workbench.scenario.conformity import show
from workbench.scenario.document import Document, listed
from workbench.scenario.syntax import Keys


@dataclass(frozen=True)
class CriterionText:
    """What a file says in one criterion, which stands at `keys`; problems are reported at their place.

    `sources` are the keys of the bibliography.
    """

    document: Document
    keys: Keys
    raw: Mapping[str, Any]
    sources: Collection[str] = ()

    def report(self, key: str, message: str, **rest: Any) -> None:
        """Report a problem at a key of this criterion."""
        self.document.report((*self.keys, key), message, **rest)

    def named(self, key: str, what: str, names: list[str], known: tuple[str, ...], where: str) -> list[str]:
        """Return `names`, each of which must be defined; `where` names the scenario that defines them."""
        single = not isinstance(self.raw[key], list)
        for index, name in enumerate(names):
            if name not in known:
                place = (*self.keys, key) if single else (*self.keys, key, index)
                message = f"no {what} {show(name)} in {where} (defined: {listed(known)})"
                self.document.report(place, message, got=name, known=known)
        return names

    def error(self, unit: str) -> float | None:
        """Return the error of the published number, which must be positive."""
        found = self.number("error", unit)
        if found is not None and not found > 0:
            self.report("error", f"an error is above 0, got {show(self.raw['error'])}")
        if found is not None and "target" not in self.raw:
            self.report("error", "goes with a target, the published number", at="key")
        return found

    def number(self, key: str, unit: str) -> float | None:
        """Return the number under `key` in `unit`, if it is given."""
        return self.plain(self.raw[key], unit, (*self.keys, key)) if key in self.raw else None

    def plain(self, raw: Any, unit: str, keys: Keys) -> float | None:
        """Return a bare number, taken to be in `unit`, or a quantity converted to it."""
        if isinstance(raw, (int, float)) and not isinstance(raw, bool):
            return float(raw)
        try:
            return to_unit(str(raw), unit)
        except QuantityError as error:
            self.document.report(keys, f"{show(raw)}: {error}")
            return None

    def range(self, key: str, unit: str) -> tuple[float, float]:
        """Return a range in `unit`; the word "open" leaves an end without a bound."""
        raw, keys = self.raw[key], (*self.keys, key)
        ends = (-math.inf, math.inf)
        low, high = (ends[i] if raw[i] == OPEN else self.plain(raw[i], unit, (*keys, i)) for i in range(2))
        if low is None or high is None:
            return ends
        if math.isinf(low) and math.isinf(high):
            self.document.report(keys, "accepts anything: at least one end must be a number")
        elif not low < high:
            self.document.report(keys, f"the range is empty, got {show(raw)} (the first number is below the second)")
        return low, high
