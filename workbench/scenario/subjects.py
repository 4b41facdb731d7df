"""Who is simulated: ``[subjects]``, traits, correlations, covariates with effects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from workbench.component.declaration import Parameter
from workbench.quantities import QuantityError, is_known_unit, split_quantity
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.csv_tables import ColumnReader
from workbench.scenario.model import Effect, Quantity, Setting, Subjects, Trait
from workbench.scenario.names import name_fault
from workbench.scenario.paths import RECORDINGS, PathError, Paths, Target, Unreadable
from workbench.scenario.shapes import EffectShape, SubjectsShape, TraitShape
from workbench.scenario.text.document import listed, spell
from workbench.scenario.text.syntax import Keys
from workbench.scenario.values import ValueReader

DEFAULT = Subjects(count=1, seed=0)


@dataclass(frozen=True)
class Distribution:
    """What a distribution takes: numbers in the trait's own unit, and pure numbers with their range."""

    own: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pure: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()


DISTRIBUTIONS: Mapping[str, Distribution] = MappingProxyType(
    {
        "lognormal": Distribution(own=("median",), pure={"cv": (0.0, 100.0)}),
        "normal": Distribution(own=("mean", "sd")),
        "truncated_normal": Distribution(own=("mean", "sd"), optional=("low", "high")),
        "uniform": Distribution(own=("low", "high")),
        "bernoulli": Distribution(pure={"p": (0.0, 1.0)}),
        "choice": Distribution(lists=("values",)),
        "empirical": Distribution(lists=("values",)),
        "table": Distribution(lists=("values",)),
    }
)
NUMBERS = ("median", "cv", "mean", "sd", "low", "high", "p", "values", "weights")
TABLE_KEYS = ("table", "column")
POSITIVE = {"median": 0.0, "sd": 0.0}
"""Lowest value of numbers that cannot be negative, whatever the trait's unit."""


def read_subjects(reader: ValueReader, paths: Paths, base: Path) -> Subjects:
    """Return the subjects; without ``[subjects]`` there is one, from seed 0. Files are looked up in `base`."""
    raw = reader.document.content.get("subjects")
    if raw is None:
        return DEFAULT
    sound = conforming_entries(reader.document, ("subjects",), SubjectsShape, raw)
    columns = ColumnReader(reader.document, base, sound.get("table", ""))
    traits = _Traits(reader, paths, columns, bool(sound.get("table")))
    found = [traits.read(name, trait) for name, trait in sound.get("trait", {}).items()]
    found += [traits.column(path, column) for path, column in sound.get("columns", {}).items()]
    if sound.get("table") and not any(trait and trait.distribution == "table" for trait in found):
        message = 'has no effect: it needs columns = { "section.name.field" = "COLUMN" }, or a trait'
        reader.document.report(("subjects", "table"), message)
    columns.tell()
    _check_people(reader, sound.get("count", 1), found)
    whole = tuple(trait for trait in found if trait is not None)
    correlated = {name for pair in sound.get("correlation", {}) for name in pair.split(".")}
    for trait in whole:
        if not trait.on and not trait.effects and trait.name not in correlated:
            message = 'has no effect: it needs on = "section.name.field", or a table of effects'
            reader.document.report(("subjects", "trait", trait.name), message, at="key")
    for trait in whole:
        if trait.distribution == "table" and trait.name in correlated:
            message = f"{trait.name} is listed person by person; only drawn traits can be correlated"
            reader.document.report(("subjects", "correlation"), message, at="key")
    _check_set_once(reader, whole)
    _check_streams(reader, whole)
    correlation = _read_correlation(reader, sound.get("correlation", {}), tuple(sound.get("trait", {})))
    return Subjects(sound.get("count", 1), sound.get("seed", 0), whole, correlation)


@dataclass(frozen=True)
class _Traits:
    reader: ValueReader
    paths: Paths
    columns: ColumnReader
    shared: bool = False
    """Whether there is a table of all people."""

    def column(self, path: str, column: str) -> Trait | None:
        """Return what a column of the table of people sets: row i, or the i-th ID, is subject i."""
        keys: Keys = ("subjects", "columns", path)
        if not self.shared:
            self.reader.document.report(("subjects", "columns"), 'needs table = "people.csv"', at="key")
            return None
        target = self.target(path, keys, at="key")
        if target is None:
            return None
        unit = target.parameter.unit
        values = self.values({"distribution": "table", "column": column}, unit, keys)
        name = target.path.replace(".", "_")
        return Trait(name, target.path, "set", "table", MappingProxyType({"values": values}), (), unit)

    def read(self, name: str, raw: Any) -> Trait | None:
        keys: Keys = ("subjects", "trait", name)
        if fault := name_fault(name):
            self.reader.document.report(keys, fault, at="key")
            return None
        sound = conforming_entries(self.reader.document, keys, TraitShape, raw)
        distribution = DISTRIBUTIONS.get(sound.get("distribution", ""))
        if distribution is None or len(sound) < len(raw):
            return None
        on, mode = sound.get("on", ""), sound.get("mode", "multiply")
        target = self.target(on, (*keys, "on")) if on else None
        if on and target is None:
            return None
        unit = self.unit(target, mode, sound, keys)
        if not self.takes(sound, distribution, keys) or unit is None:
            return None
        settings = self.settings(sound, distribution, unit, keys)
        kind = sound["distribution"]
        if kind == "empirical" and "table" in sound and self.columns.ids(sound, keys) is not None:
            kind = "table"
            message = f"{sound['table']} has a column of IDs: each subject takes the row of its ID; none is drawn"
            self.reader.document.note((*keys, "table"), message)
        effects = self.effects(sound.get("effects", {}), unit, (*keys, "effects"))
        path = target.path if target else ""
        stream = str(sound.get("stream") or "")
        if stream and kind == "table":
            message = "names random numbers, but a table of people draws none"
            self.reader.document.report((*keys, "stream"), message)
        return Trait(name, path, mode, kind, MappingProxyType(settings), effects, unit, stream)

    def target(self, path: str, keys: Keys, at: Literal["key", "value"] = "value") -> Target | None:
        """Return the number of the model at `path`, or None after a report."""
        report = self.reader.document.report
        try:
            found = self.paths.find(path)
        except Unreadable:
            return None
        except PathError as error:
            report(keys, str(error), at=at, got=error.got, known=error.known)
            return None
        if found.parameter.kind != "number" or (found.table and found.table.section in RECORDINGS):
            report(keys, f"{found.path} is not a number of the model that subjects can differ in")
            return None
        return found

    def unit(self, target: Target | None, mode: str, raw: Mapping[str, Any], keys: Keys) -> str | None:
        """Return the unit of a trait: of what it sets, "1" of a factor, as written for a covariate."""
        if target is not None:
            return target.parameter.unit if mode == "set" else "1"
        written = next((raw[n] for n in ("median", "mean", "low", "values") if n in raw), None)
        text = written[0] if isinstance(written, list) and written else written
        if not isinstance(text, str):
            return "1"
        try:
            unit = split_quantity(text)[1]
        except QuantityError:
            unit = ""
        if not is_known_unit(unit):
            self.reader.document.report(keys, f"{show(text)}: not a quantity with a known unit")
            return None
        return unit

    def takes(self, raw: Mapping[str, Any], distribution: Distribution, keys: Keys) -> bool:
        """Report settings that the distribution lacks or does not have."""
        kind = raw["distribution"]
        needed = (*distribution.own, *distribution.pure)
        from_file = (kind == "empirical" and "table" in raw) or (kind == "table" and "values" not in raw)
        needed += () if from_file else distribution.lists
        needed += ("column",) if kind == "table" and from_file else ()
        needed += ("table",) if kind == "table" and from_file and not self.shared else ()
        allowed = {*needed, *distribution.optional, *distribution.lists, *(("weights",) if kind == "choice" else ())}
        allowed |= set(TABLE_KEYS) if kind in ("empirical", "table") else set()
        words = f"{kind} takes: {listed(sorted(allowed))}"
        missing = [n for n in needed if n not in raw]
        surplus = [n for n in (*NUMBERS, *TABLE_KEYS) if n in raw and n not in allowed]
        for n in missing:
            self.reader.document.report((*keys, n), f"is missing ({words})", at="key")
        for n in surplus:
            self.reader.document.report((*keys, n), f"does not belong here ({words})", at="key")
        return not missing and not surplus

    def settings(self, raw: Mapping[str, Any], distribution: Distribution, unit: str, keys: Keys) -> dict[str, Setting]:
        found: dict[str, Setting | None] = {}
        for n in (*distribution.own, *distribution.optional):
            if n in raw:
                declared = Parameter(n, "number", None, "", unit=unit, low=POSITIVE.get(n, -math.inf))
                found[n] = self.reader.number(declared, raw[n], (*keys, n))
        for n, (low, high) in distribution.pure.items():
            declared = Parameter(n, "number", None, "", low=low, high=high)
            found[n] = self.reader.number(declared, raw[n], (*keys, n))
        if distribution.lists:
            found["values"] = self.values(raw, unit, keys)
        if "weights" in raw:
            found["weights"] = self.weights(raw, keys)
        self.check_order(found, keys)
        return {n: value for n, value in found.items() if value is not None}

    def values(self, raw: Mapping[str, Any], unit: str, keys: Keys) -> tuple[Quantity, ...]:
        """Return the listed values, or the column of a table beside the scenario."""
        declared = Parameter("values", "number", None, "", unit=unit)
        if "table" in raw or "column" in raw:
            theirs = raw["distribution"] == "table" or self.columns.ids(raw, keys) is not None
            cells = self.columns.of_people(raw, keys) if theirs else self.columns.numbers(raw, keys)
            written = [cell if unit == "1" else f"{cell!r} {unit}" for cell in cells]
            found = [self.reader.quantity(declared, value, (*keys, "table")) for value in written]
        else:
            found = [self.reader.quantity(declared, v, (*keys, "values", i)) for i, v in enumerate(raw["values"])]
        return tuple(value for value in found if value is not None)

    def weights(self, raw: Mapping[str, Any], keys: Keys) -> tuple[Quantity, ...]:
        weights = raw["weights"]
        if len(weights) != len(raw["values"]) or min(weights, default=-1) < 0 or not sum(weights) > 0:
            message = f"needs one weight, 0 or more, for each of the {len(raw['values'])} values, and not all of them 0"
            self.reader.document.report((*keys, "weights"), message)
        return tuple(Quantity(float(weight), "1", repr(weight)) for weight in weights)

    def check_order(self, found: Mapping[str, Any], keys: Keys) -> None:
        low, high = found.get("low"), found.get("high")
        if isinstance(low, Quantity) and isinstance(high, Quantity) and not low.number < high.number:
            self.reader.document.report((*keys, "high"), f"high must be above low ({low.text})")

    def effects(self, raw: Mapping[str, Any], unit: str, keys: Keys) -> tuple[Effect, ...]:
        found = []
        for path, effect in raw.items():
            place = (*keys, path)
            target = self.target(path, place, at="key")
            sound = conforming_entries(self.reader.document, place, EffectShape, effect)
            if target is None or len(sound) < 2:
                continue
            number = self.reader.plain(unit, sound["reference"], (*place, "reference"))
            if number is not None and number <= 0:
                self.reader.document.report((*place, "reference"), "the reference of a covariate must be above 0")
            elif number is not None:
                found.append(Effect(target.path, number, float(sound["exponent"])))
        return tuple(found)


def _check_streams(reader: ValueReader, traits: Iterable[Trait]) -> None:
    """Report a trait that would draw the same random numbers as another."""
    owners: dict[str, str] = {}
    # Traits without a stream first: the fault lies with the one that names a stream.
    for trait in sorted(traits, key=lambda trait: bool(trait.stream)):
        if owners.setdefault(trait.drawn_as, trait.name) != trait.name:
            message = f"would draw the same random numbers as trait {owners[trait.drawn_as]}"
            reader.document.report(("subjects", "trait", trait.name, "stream"), message)


def _check_people(reader: ValueReader, count: int, traits: Iterable[Trait | None]) -> None:
    """Report tables of fewer or more people than there are subjects, and two that list people in another order."""
    for trait in traits:
        if trait is not None and trait.distribution == "table" and len(trait.settings["values"]) not in (0, count):
            message = f"{trait.name} has {len(trait.settings['values'])} people for {count} subjects ([subjects] count)"
            reader.document.report(("subjects", "count"), message)
    listed_first: tuple[Keys, tuple[Any, ...]] | None = None
    for keys, people in reader.document.people.items():
        if listed_first is None:
            listed_first = keys, people
        elif people != listed_first[1]:
            place = next((i for i, pair in enumerate(zip(people, listed_first[1], strict=False)) if len(set(pair)) > 1),
                         min(len(people), len(listed_first[1])))  # fmt: skip
            one, other = (str(ids[place]) if place < len(ids) else "nobody" for ids in (people, listed_first[1]))
            message = (
                f"subject {place + 1} is ID {one} here and ID {other} in the table of {spell(listed_first[0])}: "
                "list the same people in the same order"
            )
            reader.document.report(keys, message)


def _check_set_once(reader: ValueReader, traits: tuple[Trait, ...]) -> None:
    """Report two traits that set the same number; several may multiply it."""
    setters: dict[str, str] = {}
    for trait in traits:
        if trait.mode == "set" and trait.on:
            first = setters.setdefault(trait.on, trait.name)
            if first != trait.name:
                keys = ("subjects", "trait", trait.name, "on")
                reader.document.report(keys, f"{trait.on} is already set by trait {first}; one of them can multiply")


def _read_correlation(
    reader: ValueReader, raw: Mapping[str, float], names: tuple[str, ...]
) -> tuple[tuple[str, str, float], ...]:
    """Return the correlations written as ``"weight.age" = 0.5``; their matrix must be positive definite."""
    found: dict[frozenset[str], tuple[str, str, float]] = {}
    for pair, value in raw.items():
        keys = ("subjects", "correlation", pair)
        first, _, second = pair.partition(".")
        unknown = next((name for name in (first, second) if name not in names), None)
        if unknown is not None or first == second:
            message = f'expected two different traits, "a.b" = 0.5 (defined: {listed(names)})'
            reader.document.report(keys, message, at="key", got=unknown or "", known=names)
        elif frozenset((first, second)) in found:
            reader.document.report(keys, f"the correlation of {first} and {second} is given twice", at="key")
        else:
            found[frozenset((first, second))] = (first, second, float(value))
    if found and not _is_possible(tuple(found.values())):
        reader.document.report(
            ("subjects", "correlation"),
            "these correlations contradict each other: their matrix is not positive definite",
            at="key",
        )
    return tuple(found.values())


def _is_possible(correlation: tuple[tuple[str, str, float], ...]) -> bool:
    """Whether the correlation matrix is positive definite."""
    import numpy as np

    names = sorted({name for first, second, _ in correlation for name in (first, second)})
    matrix = np.eye(len(names))
    for first, second, value in correlation:
        i, j = names.index(first), names.index(second)
        matrix[i, j] = matrix[j, i] = value
    return bool(np.linalg.eigvalsh(matrix).min() > 1e-12)
