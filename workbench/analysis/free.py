"""Which parameters a refit may move: fitted ones that name a finding of the scenario, have a range and are used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from workbench.errors import UsageError, quoted
from workbench.findings.finding import Finding
from workbench.scenario.model import Scenario


@dataclass(frozen=True)
class Free:
    """A parameter that may move: its shipped value and its bounds in `unit`.

    `findings` are the targets that it was fitted to, as far as this scenario evaluates them; `elsewhere` the others.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str
    findings: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()


def free_parameters(
    scenario: Scenario, findings: Sequence[Finding], only: Collection[str] = ()
) -> tuple[list[Free], list[tuple[str, str]]]:
    """Return the parameters that may move, and those that name a finding but may not, with the reason."""
    checked = {finding.name for finding in findings if finding.checked != "memory"}
    kept, free, frozen = scenario.parameters, list[Free](), list[tuple[str, str]]()
    unknown = [name for name in only if name not in kept.values]
    if unknown:
        raise UsageError(
            f"no parameter {' or '.join(map(quoted, unknown))} in {kept.name} (there are: {', '.join(kept.values)})"
        )
    changed = {name: c for c, values in kept.conditions.items() for name in values}
    for name, value in kept.values.items():
        evidence = value.evidence
        named = tuple(f for f in (evidence.fitted_to if evidence else ()) if f in checked)
        if evidence is None or not named or evidence.status != "fitted":
            continue
        if only and name not in only:
            frozen.append((name, "not asked for"))
        elif evidence.low is None or evidence.high is None:
            frozen.append((name, "it has no range"))
        elif evidence.low == evidence.high:
            frozen.append((name, "its range has no width"))
        elif name in changed:
            frozen.append((name, f"condition {changed[name]} has a value of its own"))
        elif not _used(scenario, name):
            frozen.append((name, "no field of this scenario refers to it"))
        else:
            others = tuple(f for f in evidence.fitted_to if f not in checked)
            free.append(Free(name, value.number, evidence.low, evidence.high, value.unit, named, others))
    return free, frozen


def _used(scenario: Scenario, name: str) -> bool:
    from workbench.design.overrides import unit_of
    from workbench.errors import ScenarioError

    try:
        unit_of(scenario, f"parameter.{name}")
    except ScenarioError:
        return False
    return True


def reasons(frozen: Sequence[tuple[str, str]]) -> str:
    """Say why nothing may move."""
    told = "; ".join(f"{name}: {why}" for name, why in frozen)
    return told or "no parameter of its set names one of its findings under fitted_to"
