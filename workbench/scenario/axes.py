"""One swept path: its values, listed or spread between two ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.component.declaration import Parameter
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import Arm, Axis, Quantity, Ref
from workbench.scenario.paths import Target
from workbench.scenario.remarks import DIGITS, near_equals
from workbench.scenario.settings import SettingReader
from workbench.scenario.shapes import AxisShape
from workbench.scenario.text.syntax import Keys

FACTOR = Parameter("", "number", None, "", unit="1")
"""What a relative axis lists: pure numbers that multiply the arm's own value."""

FORMS = "values = [...], or from, to and steps"


@dataclass(frozen=True)
class Ends:
    """An axis between two ends, whose values are not computed yet."""

    low: float
    high: float
    steps: int
    log: bool

    def values(self) -> tuple[float, ...]:
        """Return the values; rounded to 12 digits, so that the middle of 0.5 to 2 (log) is 1 and not nearly 1."""
        last = self.steps - 1
        shares = [i / last for i in range(1, last)]
        if self.log:
            inner = [self.low * (self.high / self.low) ** share for share in shares]
        else:
            inner = [self.low + (self.high - self.low) * share for share in shares]
        return (self.low, *(float(f"{value:.12g}") for value in inner), self.high)


class AxisReader:
    """Reads ``[study.NAME.sweep]``.

    `most` is the largest number of values of one axis; `arms` are those of the study, by name.
    """

    def __init__(self, settings: SettingReader, most: int, arms: Mapping[str, Arm] | None = None) -> None:
        self.settings, self.document, self.most, self.arms = settings, settings.document, most, arms or {}

    def read(self, path: str, raw: Any, keys: Keys, *, spread: bool) -> Axis | None:
        """Return an axis, or None after a report.

        With `spread` the study is a Sobol or Latin hypercube design: the axis has two values, its ends, which come
        from ``from`` and ``to`` or from the plausible range of the number.
        """
        target = self.settings.target(path, keys)
        if not isinstance(raw, dict):
            forms = "{ values = [...] } or { from, to, steps }"
            self.document.report(keys, f"expected an axis, {forms}, got {show(raw)}")
            return None
        sound = conforming_entries(self.document, keys, AxisShape, raw)
        if target is None or len(sound) < len(raw if isinstance(raw, dict) else ()):
            return None
        if target.parameter.kind != "number" and (sound.get("relative") or "from" in sound or "to" in sound):
            self.document.report(keys, f"{target.path} is not a number; only values = [...] can vary it", at="key")
            return None
        # A relative axis multiplies the arm's value, so it lists factors whatever unit the number has.
        number = FACTOR if sound.get("relative") else target.parameter
        values: tuple[Any, ...] | None
        if spread:
            values = self.ends_of_spread(target, number, sound, keys)
        elif "values" in sound:
            values = self.listed(target, number, sound, keys)
        else:
            values = self.spaced(number, target, sound, keys)
        if values is None:
            return None
        unit = number.unit if target.parameter.kind == "number" else "1"
        relative, scale = sound.get("relative", False), sound.get("scale", "linear")
        return Axis(target.path, values, unit, relative, scale, sound.get("zip", ""), tuple(sound.get("arms", ())))

    def listed(self, target: Target, number: Parameter, raw: dict[str, Any], keys: Keys) -> tuple[Any, ...] | None:
        for surplus in ("from", "to", "steps"):
            if surplus in raw:
                self.document.report((*keys, surplus), f"does not go with values ({FORMS})", at="key")
                return None
        if len(raw["values"]) > self.most:
            self.too_many(len(raw["values"]), (*keys, "values"))
            return None
        found = [self.one(target, number, value, (*keys, "values", i)) for i, value in enumerate(raw["values"])]
        values = tuple(value for value in found if value is not None)
        # Axes that are zipped move together, so that one of them may come back to a value.
        repeated = [] if raw.get("zip") else _repeated(values)
        for place in repeated:
            self.document.report((*keys, "values", place), f"the value {show(raw['values'][place])} is listed twice")
        if repeated:
            return None
        if len(values) < len(found):
            return None
        for first, second in near_equals(values):
            message = f"prints like value {first + 1}: the two agree to {DIGITS} digits"
            self.document.note((*keys, "values", second), message)
        if raw.get("scale") == "log" and (number.kind != "number" or min(values) <= 0):
            self.document.report((*keys, "scale"), "a logarithmic axis needs numbers above 0")
            return None
        return values

    def one(self, target: Target, number: Parameter, raw: Any, keys: Keys) -> Any:
        """Return one listed value: a float in the axis's unit, or what a structural field takes."""
        wanted = target if number is target.parameter else Target("", number, None)
        setting = self.settings.read(wanted, raw, keys)
        if isinstance(setting, Ref):
            self.document.report(
                keys, "an axis lists values, not references; to vary a parameter, sweep parameter.NAME"
            )
            return None
        return setting.number if isinstance(setting, Quantity) else setting

    def spaced(self, number: Parameter, target: Target, raw: dict[str, Any], keys: Keys) -> tuple[float, ...] | None:
        missing = [key for key in ("from", "to", "steps") if key not in raw]
        if missing:
            self.document.report((*keys, missing[0]), f"is missing (an axis is {FORMS})", at="key")
            return None
        if raw["steps"] > self.most:
            self.too_many(raw["steps"], (*keys, "steps"))
            return None
        ends = self.ends(target, number, raw, keys)
        if ends is None:
            return None
        values = Ends(*ends, raw["steps"], raw.get("scale") == "log").values()
        if _repeated(values):
            message = f"{raw['steps']} values between {ends[0]!r} and {ends[1]!r} are not all different"
            self.document.report((*keys, "steps"), message)
            return None
        return values

    def ends(self, target: Target, number: Parameter, raw: dict[str, Any], keys: Keys) -> tuple[float, float] | None:
        """Return the two ends; they differ, and are positive on a logarithmic scale."""
        low, high = (self.one(target, number, raw[end], (*keys, end)) for end in ("from", "to"))
        if low is None or high is None:
            return None
        if low == high:
            self.document.report(
                (*keys, "to"), "the axis ends where it starts; write values = [...] for a single value"
            )
            return None
        if raw.get("scale") == "log" and min(low, high) <= 0:
            self.document.report((*keys, "scale"), "a logarithmic axis needs both ends above 0")
            return None
        return low, high

    def ends_of_spread(
        self, target: Target, number: Parameter, raw: dict[str, Any], keys: Keys
    ) -> tuple[float, float] | None:
        for surplus in ("values", "steps", "zip"):
            if surplus in raw:
                message = "does not go with a design, which chooses its own points (give from and to, or neither)"
                self.document.report((*keys, surplus), message, at="key")
                return None
        if "from" in raw and "to" in raw:
            return self.ends(target, number, raw, keys)
        evidence = self.evidence_range(target, raw.get("arms") or tuple(self.arms))
        if "from" in raw or "to" in raw or evidence is None or raw.get("relative"):
            message = "needs from and to, or a number with a plausible range in the file or the parameter set"
            self.document.report(keys, message, at="key")
            return None
        return evidence

    def evidence_range(self, target: Target, moved: Collection[str]) -> tuple[float, float] | None:
        """Return the plausible range of a number, in its unit.

        Where all arms that it moves have one condition, and that changes the number, the range is the condition's.
        """
        if target.table is None:
            name, parameters = target.parameter.name, self.settings.paths.parameters
            conditions = {self.arms[arm].condition for arm in moved if arm in self.arms}
            only = next(iter(conditions)) if len(conditions) == 1 else None
            value: Any = parameters.conditions.get(only or "", {}).get(name)
            value = value if _ranged(value) else parameters.values[name]
        else:
            value = target.table.fields.get(target.parameter.name)
        return _ranged(value)

    def too_many(self, count: int, keys: Keys) -> None:
        self.document.report(keys, f"{count:,} values (at most {self.most:,}; --max-points raises the limit)")


def _repeated(values: Sequence[Any]) -> list[int]:
    """Return the places of the values that were there before."""
    seen: dict[Any, int] = {}
    return [place for place, value in enumerate(values) if seen.setdefault(value, place) < place]


def _ranged(value: Any) -> tuple[float, float] | None:
    """Return the plausible range beside a value, if it has one that is more than a point."""
    evidence = value.evidence if isinstance(value, Quantity) else None
    if evidence is None or evidence.low is None or evidence.high is None or evidence.low == evidence.high:
        return None
    return evidence.low, evidence.high
