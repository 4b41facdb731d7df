"""Which layer decides a value: default, parameter set, condition, scenario, trait, arm, sweep, command line.

A field and the parameter that it refers to each have a ladder of their own:

* ``parameter.x``: parameter set, condition, trait, arm, sweep, command line;
* ``section.name.field``: component default, scenario (a number, or a reference to a parameter), trait, arm, sweep,
  command line.

An arm, an absolute axis or the command line replaces what lies below it, traits included. A relative axis
multiplies whatever stands below it. So a subject's trait on a field still acts when an arm changes the parameter
behind that field, and no longer when the arm sets the field itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from workbench.component.declaration import Component, Parameter
from workbench.component.registry import SECTIONS
from workbench.errors import Problem, ScenarioError
from workbench.plan.columns import Form, Swept, TraitFactor
from workbench.plan.points import Points
from workbench.quantities import convert
from workbench.scenario.arms import is_switched_off
from workbench.scenario.model import Arm, Axis, Evidence, Quantity, Ref, Scenario, Setting, Table, Trait

PARAMETER = "parameter"
WEIGHT = "body_weight"
"""The one field that is a fact of a person, not of its table."""
LAYERS = ("default", "scenario", "arm", "sweep", "command line")
"""Where a value may come from, the lowest first."""


@dataclass(frozen=True)
class ValueSource:
    """Where a value comes from: the highest layer that names it."""

    origin: str
    setting: Any
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Layers:
    """All layers of one arm in one study, at fixed levels of the structural axes.

    Attributes
    ----------
    settings : mapping path -> value
        From the command line, already read.
    axes : mapping path -> Axis
        Everything the study sweeps.
    levels : mapping path -> value
        The level of each structural path; structural paths of `axes` are looked up here.
    """

    scenario: Scenario
    arm: Arm
    settings: Mapping[str, Setting]
    axes: Mapping[str, Axis]
    points: Points
    levels: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def removed(self) -> frozenset[str]:
        """Paths of the tables that this arm does not have; a projection takes its learning rule along."""
        gone = {path for path in self.arm.without if not self._is_given(path)}
        rules = self.scenario.tables.get("plasticity", {}).values()
        return frozenset(gone | {rule.path for rule in rules if f"projection.{rule.name}" in gone})

    def withheld(self, table: Table) -> bool:
        """Whether this arm lists the table under ``without``, but keeps it with nothing in it: a dose of amount 0."""
        return table.path in self.arm.without and table.path not in self.removed

    def _withholds(self, table: Table, parameter: Parameter) -> bool:
        return self.withheld(table) and parameter.name in self.component(table).withheld_by

    def component(self, table: Table) -> type[Component]:
        """Return the component of a table, which an arm or an axis may exchange by its section's key."""
        source = self._above(f"{table.path}.{SECTIONS[table.section].key}")
        return table.component if source is None else self.scenario.registry.get(table.section, source.setting)

    def source(self, table: Table, parameter: Parameter) -> ValueSource:
        """Return where a field's value comes from.

        Raises
        ------
        ScenarioError
            If nothing gives a value to a required field.
        """
        path = f"{table.path}.{parameter.name}"
        if self._withholds(table, parameter):
            return ValueSource("arm", 0.0)
        above = self._above(path)
        if above is not None:
            return above
        if parameter.name in table.fields:
            return ValueSource("scenario", table.fields[parameter.name], _evidence(table.fields[parameter.name]))
        if parameter.default is MISSING:
            message = f"{self.component(table).name} needs a value ({parameter.doc})"
            raise ScenarioError([Problem(self.scenario.file, 0, 0, path, message)])
        return ValueSource("default", parameter.default, Evidence(parameter.status, parameter.source))

    def parameter_source(self, name: str) -> ValueSource:
        """Return where the value of ``parameter.name`` comes from."""
        above = self._above(f"{PARAMETER}.{name}")
        if above is not None:
            return above
        kept = self.scenario.parameters
        if self.arm.condition is not None and name in kept.conditions[self.arm.condition]:
            quantity = kept.conditions[self.arm.condition][name]
            return ValueSource("condition", quantity, quantity.evidence)
        quantity = kept.values[name]
        return ValueSource("parameter set", quantity, quantity.evidence)

    def form(self, table: Table, parameter: Parameter) -> Form | None:
        """Return how a numeric field comes about, in its declared unit; None for an optional number left out."""
        source = self.source(table, parameter)
        if source.setting is None:
            return None
        path = f"{table.path}.{parameter.name}"
        if self._withholds(table, parameter):
            return Form(0.0)
        if parameter.name == WEIGHT and table.section in ("drug", "dose"):
            return self._weight(table, parameter)
        return self._scaled(path, self._base(path, source, parameter.unit), source, parameter.unit)

    def _weight(self, table: Table, parameter: Parameter) -> Form:
        """Return a body weight, which a drug, what the body makes of it and its doses share, wherever it is said."""
        known = self._weights_known.setdefault((self._root(table), parameter.unit), [])
        if not known:
            known.append(self._shared_weight(table, parameter))
        return known[0]

    def _shared_weight(self, table: Table, parameter: Parameter) -> Form:
        """Return what `_weight` returns, from all tables that may say it.

        Raises
        ------
        ScenarioError
            If two tables say different weights.
        """
        sources = self._weights(table)
        best, said = _highest(sources)
        bases = {path: self._base(f"{path}.{WEIGHT}", source, parameter.unit) for path, source in said.items()}
        traits = self._weighing({f"{path}.{WEIGHT}" for path in sources}) if best <= LAYERS.index("scenario") else []
        (first, base), *others = bases.items()
        for path, other in others:
            if other != base:
                both = " and ".join(f"{form.constant:g} kg" if form.constant is not None else "another that differs"
                                    for form in (base, other))  # fmt: skip
                message = (
                    f"one person has one body weight, but {first} and {path} give {both}: give it in only one of them"
                )
                raise ScenarioError([Problem(self.scenario.file, 0, 0, f"{path}.{WEIGHT}", message)])
        form = base
        for trait, factor in traits:
            if factor is None:
                form = Form(TraitFactor(trait.name)).converted(trait.unit, parameter.unit)
        form = form.times(*dict.fromkeys(factor for _, factor in traits if factor is not None))
        axes = [self.axes[f"{path}.{WEIGHT}"] for path in sources if f"{path}.{WEIGHT}" in self.axes]
        return form.times(*(self._swept(axis) for axis in axes if axis.relative))

    def decided(self, table: Table, parameter: Parameter) -> ValueSource:
        """Return where a field's value comes from; that of a weight may stand in another table."""
        if parameter.name == WEIGHT and table.section in ("drug", "dose"):
            return next(iter(_highest(self._weights(table))[1].values()))
        return self.source(table, parameter)

    def _weights(self, table: Table) -> dict[str, ValueSource]:
        """Return where each weight of a drug, of what the body makes of it and of its doses comes from, by table."""
        return self._weight_sources.get(self._root(table), {})

    @cached_property
    def _weight_sources(self) -> dict[str, dict[str, ValueSource]]:
        """Where each weight comes from, by the drug that is given and by table: drugs first, by name."""
        members = [t for section in ("drug", "dose") for t in self.scenario.tables.get(section, {}).values()]
        weighed = [t for t in members if WEIGHT in self.component(t).parameters() and t.path not in self.removed]
        found: dict[str, dict[str, ValueSource]] = {}
        for one in sorted(weighed, key=lambda t: (t.section != "drug", t.name)):
            source = self.source(one, self.component(one).parameters()[WEIGHT])
            found.setdefault(self._root(one), {})[one.path] = source
        return found

    @cached_property
    def _weights_known(self) -> dict[tuple[str, str], list[Form]]:
        """Forms of weights that were asked for, by the drug that is given and by unit."""
        return {}

    def _weighing(self, paths: Collection[str]) -> list[tuple[Trait, TraitFactor | None]]:
        """Return the traits that set (None) or multiply a weight that is said at any of the paths."""
        found: list[tuple[Trait, TraitFactor | None]] = []
        acting = self.scenario.subjects.traits_on
        concerned = {trait.name: trait for path in paths for trait in acting.get(path, ())}
        # In a fixed order, because a product of factors rounds by its order.
        for trait in sorted(concerned.values(), key=lambda trait: trait.drawn_as):
            if trait.on in paths:
                found.append((trait, None if trait.mode == "set" else TraitFactor(trait.name)))
            effects = dict.fromkeys(
                TraitFactor(trait.name, 1.0, e.reference, e.exponent) for e in trait.effects if e.path in paths
            )
            found += [(trait, effect) for effect in effects]
        return found

    def _root(self, table: Table) -> str:
        """Return the drug that is given, for a drug that the body makes of it and for a dose."""
        if table.path not in self._roots:
            self._roots[table.path] = self._found_root(table)
        return self._roots[table.path]

    @cached_property
    def _roots(self) -> dict[str, str]:
        """Drugs that are given, as far as they were asked for, by the path of a drug or dose."""
        return {}

    def _found_root(self, table: Table) -> str:
        drugs, seen = self.scenario.tables.get("drug", {}), set()
        name = table.name if table.section == "drug" else self._named(table, "drug")
        # A circle of parents must end here too.
        while name in drugs and name not in seen and "parent" in self.component(drugs[name]).parameters():
            seen.add(name)
            name = self._named(drugs[name], "parent")
        return name

    def _named(self, table: Table, field: str) -> str:
        return str(self.source(table, self.component(table).parameters()[field]).setting)

    def parameter_form(self, name: str) -> Form:
        """Return how a parameter comes about, in the unit it has in the parameter set."""
        unit, source = self.scenario.parameters.values[name].unit, self.parameter_source(name)
        path = f"{PARAMETER}.{name}"
        return self._scaled(path, self._base(path, source, unit), source, unit)

    def _is_given(self, path: str) -> bool:
        return is_switched_off(self.scenario.table(path))

    def _above(self, path: str) -> ValueSource | None:
        """Return the value from command line, sweep or arm, in this order; None if none of them sets it."""
        if path in self.settings:
            return ValueSource("command line", self.settings[path], _evidence(self.settings[path]))
        if path in self.levels:
            return ValueSource("sweep", self.levels[path])
        if path in self.axes and not self.axes[path].relative:
            return ValueSource("sweep", self.axes[path])
        if path in self.arm.set:
            return ValueSource("arm", self.arm.set[path], _evidence(self.arm.set[path]))
        return None

    def _base(self, path: str, source: ValueSource, unit: str) -> Form:
        setting = source.setting
        if isinstance(setting, Axis):
            return Form(self._swept(setting)).converted(setting.unit, unit)
        if isinstance(setting, Ref):
            if path.startswith(f"{PARAMETER}."):
                message = f"a parameter takes a number, not a reference (here to parameter.{setting.name})"
                raise ScenarioError([Problem(self.scenario.file, 0, 0, path, message)])
            return self.parameter_form(setting.name).converted(self.scenario.parameters.values[setting.name].unit, unit)
        if isinstance(setting, Quantity):
            return Form(float(convert(setting.number, setting.unit, unit)))
        return Form(float(setting))

    def _scaled(self, path: str, form: Form, source: ValueSource, unit: str) -> Form:
        """Return `form` with its traits (unless replaced by a higher layer) and its relative axis."""
        if source.origin not in ("arm", "sweep", "command line"):
            form = self._individual(path, form, unit)
        axis = self.axes.get(path)
        return form.times(self._swept(axis)) if axis is not None and axis.relative else form

    def _individual(self, path: str, form: Form, unit: str) -> Form:
        """Return `form` as it differs between subjects; factors enter in the order of the traits' names."""
        factors: list[Swept | TraitFactor] = []
        for trait in self.scenario.subjects.moving(path):
            if trait.on == path and trait.mode == "set":
                form = Form(TraitFactor(trait.name)).converted(trait.unit, unit)
            elif trait.on == path:
                factors.append(TraitFactor(trait.name))
            factors += [TraitFactor(trait.name, 1.0, e.reference, e.exponent) for e in trait.effects if e.path == path]
        return form.times(*factors)

    def _swept(self, axis: Axis) -> Swept:
        group = self.points.group_of(axis.path)
        levels = self.points.groups[group].levels[axis.path]
        return Swept(axis.path, group, axis.unit, np.array(levels, dtype=np.float64))


def _highest(sources: Mapping[str, ValueSource]) -> tuple[int, dict[str, ValueSource]]:
    """Return the highest of the `LAYERS` that set a value, and the value, by table."""
    best = max(LAYERS.index(source.origin) for source in sources.values())
    return best, {path: source for path, source in sources.items() if LAYERS.index(source.origin) == best}


def _evidence(setting: Any) -> Evidence | None:
    return setting.evidence if isinstance(setting, Quantity) else None
