"""From a scenario and the options of one command to a plan; inconsistent requests are refused here."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from math import inf
from typing import Any

from workbench.component.registry import SECTIONS
from workbench.errors import Problem, ScenarioError, UsageError, quoted
from workbench.plan.dose_checks import dose_notes, note_unused_people, refuse_table_sizes
from workbench.plan.groups import groups_of
from workbench.plan.overrides import read_settings
from workbench.plan.points import MAX_POINTS, Points, points_of
from workbench.plan.resolve import Layers
from workbench.plan.run_plans import Plan, StudyPlan
from workbench.plan.soundness import collect_notes, find_faults, range_problems
from workbench.plan.traits import LISTED, TraitNumbers, cholesky, ends, plain_settings
from workbench.quantities import convert, same_kind
from workbench.scenario.model import Quantity, Ref, Scenario, Setting, Study, Trait
from workbench.scenario.places import Places
from workbench.scenario.shapes import MOST_SUBJECTS


def plan(
    scenario: Scenario,
    *,
    subjects: int | None = None,
    arms: Collection[str] | None = None,
    settings: Mapping[str, str] | None = None,
    seed: int | None = None,
    max_points: int = MAX_POINTS,
    studies: Collection[str] | None = None,
) -> Plan:
    """Lay out what `scenario` asks for.

    Parameters
    ----------
    subjects : int, optional
        Number of subjects in every study, instead of the file's.
    arms, studies : collections of str, optional
        Only these; a study that keeps no arm falls away.
    settings : mapping path -> text, optional
        Values for every arm and study (``--set``).
    seed : int, optional
        Instead of the file's.
    max_points : int
        Largest number of points in one study.

    Raises
    ------
    UsageError
        If an arm or study does not exist, nothing is left, or a number is negative.
    ScenarioError
        If a setting does not fit, two layers name one path, a study has too many points, or a number leaves its
        field's range at some point or in some subject.
    """
    try:
        return _plan(scenario, subjects, arms, settings or {}, seed, max_points, studies)
    except ScenarioError as error:
        places = Places(scenario, settings or {})
        raise ScenarioError(places.located(problem) for problem in error.problems) from None


def _plan(
    scenario: Scenario,
    subjects: int | None,
    arms: Collection[str] | None,
    settings: Mapping[str, str],
    seed: int | None,
    max_points: int,
    studies: Collection[str] | None,
) -> Plan:
    scenario.registry.look_again()
    seed = scenario.subjects.seed if seed is None else seed
    if not 0 <= seed < 2**63 or not 1 <= (1 if subjects is None else subjects) <= MOST_SUBJECTS:
        raise UsageError(
            f"a seed must be at least 0 (and below 2^63), and there must be 1 to {MOST_SUBJECTS:,} subjects"
        )
    chosen = _chosen(scenario, arms, studies, subjects)
    told_of_settings: list[Problem] = []
    read = read_settings(scenario, settings, told_of_settings)
    points = {study.name: points_of(study, scenario.file, max_points) for study in chosen}
    _refuse(chain.from_iterable(_conflicts(scenario, study, read) for study in chosen))
    _refuse_missing_people(scenario, chosen)
    if scenario.subjects.correlation:
        cholesky(scenario.subjects)
    plans = tuple(_study_plan(scenario, study, read, points[study.name]) for study in chosen)
    places = Places(scenario, read)
    reported: set[tuple[object, ...]] = set()
    _refuse(chain.from_iterable(find_faults(places, s.name, s.arms, s.groups, reported) for s in plans))
    _refuse(refuse_table_sizes(places, plans))
    _refuse_different_measures(scenario, plans)
    noted: set[tuple[object, ...]] = set()
    notes = chain(
        chain.from_iterable(collect_notes(places, s.name, s.arms, s.groups, noted) for s in plans),
        _unidentified(places, plans),
        note_unused_people(places, plans),
        told_of_settings,
    )
    traits = _trait_settings(scenario, chosen, read, points)
    laid_out = Plan(scenario, seed, dict(settings), plans, read, traits, tuple(sorted({*scenario.notes, *notes})))
    limits = {trait.name: ends(trait, traits[trait.name]) for trait in scenario.subjects.traits}
    limits |= {name: (-inf, inf) for correlated in scenario.subjects.correlation for name in correlated[:2]}
    _refuse(
        chain.from_iterable(
            range_problems(s.groups, s.subjects, laid_out.traits, limits, s.arms, partial(_placed, places, s.name))
            for s in plans
        )
    )
    dosed: set[tuple[object, ...]] = set()
    doses = chain.from_iterable(dose_notes(places, s, laid_out.traits, dosed) for s in plans)
    return replace(laid_out, notes=tuple(sorted({*laid_out.notes, *doses})))


def _refuse(problems: Iterable[Problem]) -> None:
    """Raise what a step of the plan has found, each once, where it has found anything."""
    if found := dict.fromkeys(problems):
        raise ScenarioError(found)


def _refuse_missing_people(scenario: Scenario, studies: Iterable[Study]) -> None:
    """Refuse more subjects than a table of people has."""
    for trait in scenario.subjects.traits:
        people = len(trait.settings["values"]) if trait.distribution == LISTED else 0
        for study in studies if people else ():
            if study.subjects > people:
                message = f"{study.subjects} subjects, but the table of trait {trait.name} has {people} people"
                raise ScenarioError([Problem(scenario.file, 0, 0, "subjects.count", message)])


def _unidentified(places: Places, plans: Iterable[StudyPlan]) -> Iterator[Problem]:
    """Yield a note for each component of others that refers to something that nothing can identify."""
    known = places.scenario.registry
    structures = dict.fromkeys(group.structure for study in plans for group in study.groups)
    for table in dict.fromkeys(table for structure in structures for table in structure.tables):
        for what in known.unidentified(known.get(table.section, table.component)):
            message = (
                f'"{table.component}" refers to {what}, which cannot be identified: what is computed with it is never'
                " used again"
            )
            yield places.problem(f"{table.section}.{table.name}.{SECTIONS[table.section].key}", message)


def _placed(places: Places, study: str, path: str, message: str, arm: str) -> Problem:
    return places.problem(path, message, study=study, arm=arm)


def _study_plan(scenario: Scenario, study: Study, read: Mapping[str, Setting], points: Points) -> StudyPlan:
    groups = groups_of(scenario, study, [scenario.arms[name] for name in study.arms], read, points)
    return StudyPlan(study.name, study.title, study.arms, points, study.subjects, study.record, study.outcomes, groups)


def _chosen(
    scenario: Scenario, arms: Collection[str] | None, studies: Collection[str] | None, subjects: int | None
) -> list[Study]:
    """Return the studies asked for, with the arms and the number of subjects asked for."""
    faults = []
    for what, names, known in (("arm", arms, scenario.arms), ("study", studies, scenario.studies)):
        for name in dict.fromkeys(names or ()):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f'; did you mean "{near[0]}"?' if near else ""
                faults.append(f"no {what} {quoted(name)} in this scenario (known: {', '.join(known)}){hint}")
    if faults:
        raise UsageError("; ".join(faults))
    kept = []
    for study in scenario.studies.values():
        left = tuple(name for name in study.arms if arms is None or name in arms)
        if left and (studies is None or study.name in studies):
            kept.append(replace(study, arms=left, subjects=study.subjects if subjects is None else subjects))
    if not kept:
        raise UsageError("no study remains with these arms and studies")
    return kept


def _conflicts(scenario: Scenario, study: Study, read: Mapping[str, Setting]) -> Iterator[Problem]:
    """Yield a problem for each path that two of arm, sweep and command line set in one study."""
    places = Places(scenario)
    for path in sorted({axis.path for axis in study.axes if not axis.relative} & read.keys()):
        message = f"set by --set, but study.{study.name} sweeps it (an axis with relative = true would multiply it)"
        yield places.problem(path, message, study=study.name)
    for name in study.arms:
        absolute = {path for path, axis in study.axes_of(name).items() if not axis.relative}
        for path in scenario.arms[name].set:
            if path in read:
                message = f"set by --set, but arm.{name} sets it too (choose the other arms with --arm)"
                yield places.problem(path, message, arm=name)
            elif path in absolute:
                message = f"set by arm.{name}, but study.{study.name} sweeps it (make the axis relative)"
                yield Problem(scenario.file, 0, 0, path, message)


def _trait_settings(
    scenario: Scenario, studies: Sequence[Study], read: Mapping[str, Setting], points: Mapping[str, Points]
) -> dict[str, TraitNumbers]:
    """Return the numbers of the traits' distributions.

    A trait is drawn once for a subject, whatever the arm and point, so a parameter in its distribution must be the
    same for all.
    """
    every = [
        Layers(scenario, scenario.arms[name], read, study.axes_of(name), points[study.name])
        for study in studies
        for name in study.arms
    ]
    return {
        trait.name: plain_settings(trait, partial(_shared_number, scenario, every, trait))
        for trait in scenario.subjects.traits
    }


def _shared_number(scenario: Scenario, every: Iterable[Layers], trait: Trait, value: Any) -> float:
    if isinstance(value, Quantity):
        return value.number
    if not isinstance(value, Ref):
        return float(value)
    found = {layers.parameter_form(value.name).constant for layers in every}
    number = next(iter(found))
    if len(found) > 1 or number is None:
        message = f"parameter.{value.name} differs between arms or points, but a subject is the same in all of them"
        raise ScenarioError([Problem(scenario.file, 0, 0, f"subjects.trait.{trait.name}", message)])
    unit = scenario.parameters.values[value.name].unit
    return convert(number, unit, trait.unit) if same_kind(unit, trait.unit) else number


def _refuse_different_measures(scenario: Scenario, plans: Iterable[StudyPlan]) -> None:
    """Refuse an outcome or course whose numbers differ between arms, through a parameter of their conditions."""
    seen: dict[tuple[str, str], dict[str, Any]] = {}
    structures = dict.fromkeys(group.structure for study in plans for group in study.groups)
    for table in (t for structure in structures for t in structure.recordings):
        declared = scenario.tables[table.section][table.name].component.parameters()
        numbers = {name: value for name, value in table.fields if not declared[name].structural}
        if seen.setdefault((table.section, table.name), numbers) != numbers:
            message = "a number differs between arms, but a measurement must be the same in all of them"
            raise ScenarioError([Problem(scenario.file, 0, 0, f"{table.section}.{table.name}", message)])
