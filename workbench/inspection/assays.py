"""A synapse of any scenario under the protocols of a slice: what it shows, measured and not read off its parameters.

The synapse comes with whatever its rule reads (gates, receptors, transmitters, drugs and the links onto them), the
protocol with its phases, stimuli, baths and outcomes. Nothing is said here about any particular scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.component.field_path import field_path
from workbench.errors import CheckFailed, ScenarioError, UsageError, quoted
from workbench.execution.runner import read_scenario
from workbench.execution.simulate import simulate_columns
from workbench.scenario.model import Arm, Scenario, Study, Table
from workbench.scenario.places import Places

if TYPE_CHECKING:
    from workbench.component.declaration import Component


PROTOCOL_SECTIONS = ("phase", "stimulus", "bath", "outcome")
STUDY = "assay"
BETWEEN = "."
"""Between the names of an arm and of a condition of the protocol; no arm of a file has it in its name."""

Tables = dict[tuple[str, str], Table]


def synapses_in(scenario: Scenario) -> tuple[str, ...]:
    """Return the projections whose rule has a form under clamped activity."""
    rules = scenario.tables.get("plasticity", {})
    return tuple(name for name, rule in rules.items() if hasattr(rule.component, "clamped"))


def cross_with_protocol(scenario: Scenario, synapse: str, protocol: Scenario, arms: Iterable[str] = ()) -> Scenario:
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
    for section in PROTOCOL_SECTIONS:
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
            named = field_path(str(value))
            yield named.section, named.name


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


PROTOCOL = "frequency"
"""The shipped protocol, a file of ``data/assays``."""
WHOLE = 100.0
LEAST = 0.05
"""Percent of control below which nothing fell, so that no balance can be given."""


@dataclass(frozen=True)
class SynapseResponse:
    """What the synapse of one arm does, in percent of its size before.

    Attributes
    ----------
    ltd, ltp : float
        20 min after high-frequency stimulation with and without magnesium.
    low : float
        After low-frequency stimulation, which follows the one without magnesium.
    """

    synapse: str
    arm: str
    title: str
    ltd: float
    ltp: float
    low: float

    @property
    def balance(self) -> float | None:
        """Rise by potentiation over fall by depression; None where nothing falls."""
        fall = WHOLE - self.ltd
        return (self.ltp - WHOLE) / fall if fall >= LEAST else None


def assay(
    scenario: Scenario | str | Path,
    synapses: Iterable[str] = (),
    *,
    arms: Iterable[str] = (),
    components: Iterable[type[Component]] = (),
) -> list[SynapseResponse]:
    """Put synapses of a scenario through high-frequency stimulation with and without magnesium, then low frequency.

    Rule, gates, receptors, transmitters, parameters, bounds and start weight are the scenario's own; activity and
    third factor are clamped at 1. Nothing is stored.

    Parameters
    ----------
    synapses
        Learned projections, as ``NAME`` or ``plasticity.NAME``; all that can be assayed if not given.
    arms
        All if not given. Doses are not given in a slice.

    Raises
    ------
    CheckFailed
        If a synapse has no finite response.
    """

    document, registry = read_scenario(scenario, components)
    protocol = protocol_of(PROTOCOL)
    known = document.tables.get("plasticity", {})
    if not known:
        raise UsageError("nothing learns in this scenario (it has no [plasticity.NAME])")
    chosen = tuple(name.removeprefix("plasticity.") for name in synapses) or synapses_in(document) or tuple(known)[:1]
    responses, asked = [], tuple(arms)
    for synapse in chosen:
        made = cross_with_protocol(document, synapse, protocol, asked)
        columns = simulate_columns(made, components=() if registry is None else components)
        for name, failure in zip(columns["arm"], columns["failure"], strict=True):
            if failure:
                raise CheckFailed(
                    f"plasticity.{synapse} has no response in arm {name.partition(BETWEEN)[0]}: {failure}"
                )
        values = {
            (arm, outcome): float(value)
            for outcome in ("epsp_hfs", "epsp_lfs")
            for arm, value in zip(columns["arm"], columns[outcome], strict=True)
        }
        for arm in dict.fromkeys(name.rpartition(BETWEEN)[0] for name in made.arms):
            ltd, ltp = f"{arm}{BETWEEN}ltd", f"{arm}{BETWEEN}ltp"
            measured = values[ltd, "epsp_hfs"], values[ltp, "epsp_hfs"], values[ltp, "epsp_lfs"]
            responses.append(SynapseResponse(synapse, arm, document.arms[arm].title, *measured))
    return responses


def protocol_of(name: str) -> Scenario:
    """Return a shipped protocol."""
    from workbench.scenario import load_scenario
    from workbench.scenario.shipped_files import data_folder

    return load_scenario(data_folder() / "assays" / f"{name}.toml")
