"""A stored sweep, planned again from the scenario that its database holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from workbench.errors import ScenarioError, WorkbenchError, shorten
from workbench.execution.replays import stored_scenario
from workbench.scenario.text.document import outline
from workbench.store.damage import Damage
from workbench.store.provenance import NUMERIC, OFFERED, UNPACKAGED, numeric_class, provenance

if TYPE_CHECKING:
    from workbench.component.declaration import Component
    from workbench.plan import Plan
    from workbench.scenario.model import Scenario
    from workbench.store.integrity import Snapshot

CHANGED = "the workbench is another one than when it was stored"


@dataclass(frozen=True)
class Replanned:
    """One sweep.

    Attributes
    ----------
    same : bool
        Whether the plan is the one that was stored, by its identity.
    reworded : bool
        Whether the sweep was stored by other code than this.
    apart : str
        What its commands computed with that is otherwise here, in words; "" where nothing is: then bits are the same.
    """

    seen: Snapshot
    sweep: int
    plan: Plan
    same: bool
    reworded: bool
    apart: str

    @property
    def excused(self) -> str:
        """Why the plan may be another one without a fault of the file; "" where it may not."""
        return CHANGED if self.reworded else self.apart

    @property
    def note(self) -> str:
        """What could not be looked at."""
        if self.same or not self.reworded:
            return ""
        return f"sweep {self.sweep}: cannot be compared with its scenario: {CHANGED}"

    def findings(self) -> Iterator[Damage]:
        """Yield every row that is not what the plan gives."""
        from workbench.store.register_check import unlike_plan

        if self.same or not self.reworded:
            yield from unlike_plan(self.seen.ask, self.sweep, self.plan, self.reworded, bool(self.apart))


def replanned(seen: Snapshot, sweep: int, components: Iterable[type[Component]]) -> Replanned | Damage | str:
    """Plan a sweep again.

    Where that cannot be done, return why: a finding where it could be done once, with nothing but what is stored.
    """
    from workbench.store.register import identity

    (stored, settings, seed, subjects) = seen.ask(
        "SELECT identity, settings, seed, subjects FROM sweep WHERE id = ?", (sweep,)
    ).fetchone()
    try:
        given = json.loads(settings)
        scenario, _ = stored_scenario(seen.results, sweep, components)
        plan = None
        for chosen in _choices(seen, sweep, scenario, subjects):
            planned = _plan(scenario, given, seed, *chosen)
            if identity(planned) == stored:
                plan = planned
                break
            plan = plan or planned
    except (WorkbenchError, ValueError) as error:
        first = shorten(str(error).partition("\n")[0])
        if _reworded(seen, sweep) or _needs_more(seen, sweep):
            return f"sweep {sweep}: cannot be planned again: {first}"
        message = f"this workbench planned it once, and can no longer do so: {first}"
        return Damage("sweep", f"sweep {sweep}", message, sweep=sweep)
    assert plan is not None
    return Replanned(seen, sweep, plan, identity(plan) == stored, _reworded(seen, sweep), _apart(seen, sweep))


Choice = tuple[tuple[str, ...] | None, tuple[str, ...] | None, int | None]


def _plan(
    scenario: Scenario,
    settings: dict[str, str],
    seed: int,
    arms: tuple[str, ...] | None,
    studies: tuple[str, ...] | None,
    subjects: int | None,
) -> Plan:
    from workbench.plan import plan

    return plan(scenario, arms=arms, studies=studies, subjects=subjects, settings=settings, seed=seed)


def _choices(seen: Snapshot, sweep: int, scenario: Scenario, subjects: int) -> Iterator[Choice]:
    """Yield what a command may have chosen of a scenario, as far as the stored rows allow it, the likeliest first.

    What was chosen is stored by what is there; a study's own number of subjects is not, but enters the identity.
    """
    arms = tuple(name for (name,) in seen.ask("SELECT name FROM arm WHERE sweep = ? ORDER BY ordinal", (sweep,)))
    studies = tuple(name for (name,) in seen.ask("SELECT name FROM study WHERE sweep = ? ORDER BY ordinal", (sweep,)))
    known_arms = tuple(name for name in arms if name in scenario.arms)
    known_studies = tuple(name for name in studies if name in scenario.studies)
    every = {arm for study in scenario.studies.values() for arm in study.arms}
    for chosen in product(
        (None,) if set(known_studies) == set(scenario.studies) or not known_studies else (known_studies, None),
        (None,) if set(known_arms) == every or not known_arms else (known_arms, None),
        (None, subjects) if subjects > 0 else (None,),
    ):
        yield chosen[1], chosen[0], chosen[2]


def _kept(seen: Snapshot, sweep: int) -> list[dict[str, str]]:
    """Return what is stored beside each command that worked on a sweep."""
    found: dict[int, dict[str, str]] = {}
    asked = """SELECT i.id, p.key, p.value FROM invocation AS i LEFT JOIN provenance AS p ON p.invocation = i.id
        WHERE i.sweep = ? ORDER BY i.id"""
    for number, key, value in seen.ask(asked, (sweep,)):
        found.setdefault(number, {})[key or ""] = value
    return list(found.values())


def _needs_more(seen: Snapshot, sweep: int) -> bool:
    """Return whether a sweep needs what is not in its database: tables beside it, components of other packages."""
    if any((OFFERED in key) or (UNPACKAGED in key) for one in _kept(seen, sweep) for key in one):
        return True
    try:
        return _names_a_file(outline(seen.results.scenario_text(sweep)))
    except ScenarioError:
        return False


def _names_a_file(part: object) -> bool:
    if isinstance(part, dict):
        return any((key == "table" and isinstance(v, str)) or _names_a_file(v) for key, v in part.items())
    return isinstance(part, list) and any(map(_names_a_file, part))


def _reworded(seen: Snapshot, sweep: int) -> bool:
    kept = _kept(seen, sweep)
    return not kept or kept[0].get("source_sha256") != provenance()["source_sha256"]


def _apart(seen: Snapshot, sweep: int) -> str:
    """Say which libraries or processors a sweep was computed with that are others here."""
    here, kept, said = provenance(), _kept(seen, sweep), []
    for name in NUMERIC:
        # What no earlier version kept says nothing.
        listed = [one.get(name, "unknown") for one in kept if name in one or name != "libc"]
        there = dict.fromkeys(numeric_class(name, value) for value in listed)
        others = [value for value in there if value != numeric_class(name, here[name])]
        said += [f"{name} was {value}" for value in others]
    return "; ".join(said)
