"""From a file to a scenario: every problem in it found at once, or a frozen document."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from workbench.component.registry import SECTIONS, Registry
from workbench.component.registry import registry as installed
from workbench.errors import InertError, Problem, ScenarioError
from workbench.scenario.arms import note_alone, read_arms
from workbench.scenario.base import BASE, WITHOUT, merge_bases, refuse_other_versions
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.component_tables import read_tables
from workbench.scenario.conformity import conforming_entries
from workbench.scenario.dosing import check_people
from workbench.scenario.model import ParameterSet, Scenario, Use
from workbench.scenario.names import NAMED, name_fault, refuse_twins
from workbench.scenario.parameters import EMPTY, find_parameters, read_parameters
from workbench.scenario.paths import Paths, Tables
from workbench.scenario.reach import report_inert
from workbench.scenario.references import check_references
from workbench.scenario.remarks import note_idle_arms, note_idle_fields
from workbench.scenario.reporting import Known, UseShape, read_contrary, read_report
from workbench.scenario.settings import SettingReader
from workbench.scenario.shapes import HeadShape
from workbench.scenario.studies import MAX_POINTS, StudyReader, read_interactions
from workbench.scenario.subjects import read_subjects
from workbench.scenario.text.document import Document
from workbench.scenario.text.prescan import read_limited, refusal
from workbench.scenario.values import ValueReader

HEAD = ("schema", "title", "parameters", "summary", "use", "report", "subjects")
GRID = ("arm", "study", "interaction")


def load_scenario(path: Path | str, *, registry: Registry | None = None, max_points: int = MAX_POINTS) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    path : path of a TOML file
        Its stem is the scenario's name.
    registry : Registry, optional
        The known components; the installed ones by default.
    max_points : int
        The largest number of points of one study.

    Raises
    ------
    ScenarioError
        With every problem found, each at its line and column.
    """
    file = Path(path)
    if fault := name_fault(file.stem, file=True):
        raise refusal(str(path), 0, 0, f"the file's name is the scenario's name, and {fault}")
    return parse_scenario(read_limited(file), str(path), file.parent, registry, max_points=max_points)


def parse_scenario(
    text: bytes,
    file: str,
    base: Path,
    registry: Registry | None = None,
    *,
    parameters: bytes | None = None,
    max_points: int = MAX_POINTS,
) -> Scenario:
    """Read a scenario from its bytes; `file` is its path for messages, `base` the folder to look in for other files.

    `parameters` are the bytes of the parameter set where they are already known (a stored scenario); then no file is
    looked up, and sources are not compared with a bibliography. Errors as in `load_scenario`.
    """
    problems: list[Problem] = []
    document = Document(text, file, problems)
    refuse_other_versions(document)
    known = registry if registry is not None else installed()
    document = merge_bases(document, base, known)
    head = conforming_entries(document, (), HeadShape, {k: v for k, v in document.content.items() if k in HEAD})
    _report_unknown_sections(document)
    if parameters is None:  # what is stored was accepted once, and stays readable
        refuse_twins(document, NAMED)
    found = _parameters(document, head, base, parameters)
    sources = None if parameters is not None else read_bibliography(bibliography_file(base))
    scenario = _read(document, head, found, sources, known, base, max_points, stored=parameters is not None)
    if problems:
        raise InertError(problems, scenario) if len(problems) == document.inert else ScenarioError(problems)
    return scenario


def _read(
    document: Document,
    head: dict[str, Any],
    parameters: ParameterSet,
    sources: Collection[str] | None,
    registry: Registry,
    base: Path,
    max_points: int,
    *,
    stored: bool,
) -> Scenario:
    reader = ValueReader(document, parameters, sources, base=base)
    tables = read_tables(reader, registry)
    paths = Paths(tables, parameters, _broken(document, tables), registry)
    check_references(reader, paths)
    subjects = read_subjects(reader, paths, base)
    settings = SettingReader(reader, paths)
    arms = read_arms(settings)
    studies = StudyReader(settings, arms, subjects.count, paths.names("outcome"), base, max_points).read()
    check_people(document, tables, subjects.count, arms, studies)
    if not stored and not document.problems:  # what is stored was accepted once, and stays readable
        report_inert(document, tables, arms, studies.values(), registry)
        document.inert = len(document.problems)
        note_idle_arms(document, arms, studies.values())
        note_idle_fields(document, tables, arms, studies.values())
    use = conforming_entries(document, ("use",), UseShape, head["use"]) if "use" in head else {}
    interactions = read_interactions(document, arms)
    known = Known(arms, tables, sources, interactions)
    report = read_report(document, head.get("report", {}), known)
    note_alone(document, arms, {name for one in interactions.values() for name in one.arms})
    return Scenario(
        name=Path(document.file).stem,
        file=document.file,
        text=document.data,
        sha256=hashlib.sha256(document.data).hexdigest(),
        title=head.get("title", ""),
        use=Use(
            use.get("context", ""),
            use.get("not_for", ""),
            use.get("question", ""),
            tuple(use.get("limits", ())),
            read_contrary(document, use.get("contrary", ()), sources),
        ),
        parameters=parameters,
        tables=tables,
        subjects=subjects,
        arms=arms,
        studies=studies,
        registry=registry,
        summary=tuple(head.get("summary", ())),
        interactions=interactions,
        report=report,
        document=document,
        notes=tuple(document.notes),
    )


def _report_unknown_sections(document: Document) -> None:
    known = (*HEAD, BASE, WITHOUT, *SECTIONS, *GRID)
    for name in document.content:
        if name not in known:
            message = f"unknown key or table (known: {', '.join(known)})"
            document.report((name,), message, at="key", got=name, known=known)
    for section in ("phase", "outcome"):
        if section not in document.content:
            message = f"is missing ({SECTIONS[section].doc}; a scenario needs [use], [phase.NAME] and [outcome.NAME])"
            document.report((section,), message, at="key")


def _parameters(document: Document, head: dict[str, Any], base: Path, given: bytes | None) -> ParameterSet:
    if "parameters" not in head:
        return EMPTY
    if given is not None:
        return read_parameters(Document(given, f"{head['parameters']}.toml", document.problems), None)
    return find_parameters(document, head["parameters"], base)


def _broken(document: Document, tables: Tables) -> frozenset[str]:
    """Return the paths of tables that the file defines but that could not be read."""
    # What is named but unreadable must not be reported a second time by everything that refers to it.
    return frozenset(
        f"{section}.{name}"
        for section in SECTIONS
        if isinstance(named := document.content.get(section), dict)
        for name in named
        if name not in tables.get(section, {})
    )
