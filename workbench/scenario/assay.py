"""One synapse of a scenario in the protocol of another: a document made of two.

The synapse comes with whatever its rule reads (gates, receptors, transmitters, drugs and the links onto them), the
protocol with its phases, stimuli, baths and outcomes. Nothing is said here about any particular scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from workbench.errors import ScenarioError, UsageError, quoted
from workbench.scenario.model import Arm, Scenario, Study, Table
from workbench.scenario.places import Places

PROTOCOL = ("phase", "stimulus", "bath", "outcome")
STUDY = "assay"
BETWEEN = "."
"""Between the names of an arm and of a condition of the protocol; no arm of a file has it in its name."""

Tables = dict[tuple[str, str], Table]


def synapses(scenario: Scenario) -> tuple[str, ...]:
    """Return the projections whose rule has a form under clamped activity."""
    rules = scenario.tables.get("plasticity", {})
    return tuple(name for name, rule in rules.items() if hasattr(rule.component, "clamped"))


def assayed(scenario: Scenario, synapse: str, protocol: Scenario, arms: Iterable[str] = ()) -> Scenario:
    """Return the scenario that puts `synapse` of every arm through every arm of the protocol.

    Arms are named ``ARM.CONDITION``. One subject, without traits: the synapse as the parameters have it. Doses are not
    given, so a drug acts only where it is in a bath.

    Raises
    ------
    UsageError
        If there is no such synapse or arm, or no arm has it.
    ScenarioError
        If the synapse's rule has no form under clamped activity.
    """
    _refuse(scenario, synapse)
    kept = _closure(scenario, synapse)
    gone = frozenset(f"plasticity.{synapse}.{field}" for field in _clamped_fields(kept["plasticity", synapse]))
    own = frozenset(table.path for table in kept.values())
    stands_in = next(iter(protocol.tables["plasticity"]))
    for section in PROTOCOL:
        for name, table in protocol.tables.get(section, {}).items():
            kept[section, name] = _redirected(table, "projection", stands_in, synapse)
    crossed = {
        one.name: one
        for arm in _chosen(scenario, synapse, arms)
        for one in (_crossed(arm, condition, own, gone) for condition in protocol.arms.values())
    }
    sections: dict[str, dict[str, Table]] = {}
    for (section, name), table in kept.items():
        sections.setdefault(section, {})[name] = table
    return replace(
        scenario,
        tables=MappingProxyType({section: MappingProxyType(tables) for section, tables in sections.items()}),
        subjects=replace(scenario.subjects, count=1, traits=(), correlation=()),
        arms=MappingProxyType(crossed),
        studies=MappingProxyType({STUDY: Study(STUDY, "", tuple(crossed), 1)}),
    )


def _refuse(scenario: Scenario, synapse: str) -> None:
    rules = scenario.tables.get("plasticity", {})
    if synapse not in rules:
        known = ", ".join(f"plasticity.{name}" for name in rules) or "none"
        raise UsageError(f"no synapse plasticity.{synapse} in this scenario (there are: {known})")
    rule = rules[synapse].component
    if not hasattr(rule, "clamped"):
        message = (
            f"cannot be assayed: {rule.name} compares activities trial by trial, but stimulation in a slice clamps "
            "activity and opens potentiation or depression, which needs a rule with two sides (two_sided)"
        )
        raise ScenarioError([Places(scenario).problem(f"plasticity.{synapse}", message)])


def _closure(scenario: Scenario, synapse: str) -> Tables:
    """Return the synapse with every table that it needs, and the links onto them."""
    kept: Tables = {}
    waiting = [("projection", synapse), ("plasticity", synapse)]
    links = scenario.tables.get("link", {})
    while waiting:
        at = waiting.pop()
        if at in kept:
            continue
        kept[at] = table = _clamped(scenario.tables[at[0]][at[1]])
        set_here = (arm.set for arm in scenario.arms.values())
        given = [dict(table.fields)]
        given += [{p.rpartition(".")[2]: v for p, v in s.items() if p.startswith(f"{table.path}.")} for s in set_here]
        waiting += [named for fields in given for named in _named(table, fields)]
        for name, link in links.items():
            if str(link.fields.get("onto", "")).startswith(f"{table.path}."):
                waiting.append(("link", name))
    return kept


def _clamped(table: Table) -> Table:
    """Return a rule without what stimulation clamps; any other table as it is."""
    gone = _clamped_fields(table)
    return replace(table, fields=MappingProxyType({n: v for n, v in table.fields.items() if n not in gone}))


def _named(table: Table, fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the tables that a table's fields name."""
    for name, parameter in table.component.parameters().items():
        value = fields.get(name)
        if value is None or name in _clamped_fields(table):
            continue
        if parameter.kind in ("reference", "references"):
            names = (value,) if isinstance(value, str) else value
            yield from ((parameter.section, one) for one in names)
        elif parameter.kind in ("signal", "path", "anchor") and not str(value).startswith("parameter."):
            section, _, rest = str(value).partition(".")
            yield section, rest.partition(".")[0]


def _redirected(table: Table, section: str, old: str, new: str) -> Table:
    """Return a table of the protocol that names the synapse in question instead of the one that stands in."""
    declared = table.component.parameters()
    fields = {
        name: new
        if declared[name].kind == "reference" and declared[name].section == section and value == old
        else value
        for name, value in table.fields.items()
    }
    return replace(table, fields=MappingProxyType(fields))


def _chosen(scenario: Scenario, synapse: str, arms: Iterable[str]) -> list[Arm]:
    """Return the arms asked for, all that have the synapse if none is."""
    asked = tuple(arms)
    if unknown := [quoted(name) for name in dict.fromkeys(asked) if name not in scenario.arms]:
        raise UsageError(f"no arm {' or '.join(unknown)} in this scenario (there are: {', '.join(scenario.arms)})")
    lesions = {f"projection.{synapse}", f"plasticity.{synapse}"}
    found = [scenario.arms[name] for name in asked or scenario.arms if not lesions & scenario.arms[name].without]
    if not found:
        raise UsageError(f"no arm has plasticity.{synapse}")
    return found


def _crossed(arm: Arm, condition: Arm, own: frozenset[str], gone: frozenset[str]) -> Arm:
    """Return an arm under one condition of the protocol, with what it says about the synapse's `own` tables.

    `gone` are the paths that stimulation clamps.
    """
    said = {
        path: value
        for path, value in arm.set.items()
        if path not in gone and (path.startswith("parameter.") or path.rpartition(".")[0] in own)
    }
    return replace(
        arm,
        name=f"{arm.name}{BETWEEN}{condition.name}",
        without=(arm.without & own) | condition.without,
        set=MappingProxyType({**said, **condition.set}),
        compare_with=None,
    )


def _clamped_fields(table: Table) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(table.component, "clamped", ())
    return found
