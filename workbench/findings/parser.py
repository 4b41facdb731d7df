"""Findings files: grammar and sources. What a finding says about its scenario is checked by `binding`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import ScenarioError
from workbench.findings.expected import check_values
from workbench.findings.finding import Finding
from workbench.findings.grammar import CriterionShape, FileShape, FindingShape
from workbench.quantities import QuantityError, to_unit
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.names import name_fault
from workbench.scenario.shipped_files import data_folder
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.prescan import read_limited
from workbench.scenario.text.syntax import Keys

FOLDER = "findings"
ADDED = ("by_construction", "expected_failure", "must_fail", "note", "treatment_note", "structure")
"""What a finding may say of itself in words."""


@dataclass(frozen=True)
class Draft:
    """A finding before it meets its scenario: its head, and its criteria as the file gives them, by their place.

    `sources` are the keys of the bibliography beside its file.
    """

    head: Finding
    criteria: Mapping[Keys, Mapping[str, Any]]
    document: Document
    sources: Collection[str] = ()


def findings_folder(*bases: Path) -> Path:
    """Return the folder of findings that lies nearest to `bases`, else the shipped one."""
    for base in bases:
        for place in (base / FOLDER, base / "data" / FOLDER, base.parent / "data" / FOLDER, base.parent / FOLDER):
            if any(place.glob("*.toml")):
                return place
    return data_folder() / FOLDER


def read_drafts(folder: Path) -> list[Draft]:
    """Return the findings of every file in `folder`, in the order of files and within them.

    Raises
    ------
    ScenarioError
        With every problem of every file, each at its line and column.
    """
    problems: list[Any] = []
    sources = read_bibliography(bibliography_file(folder.parent))
    drafts: list[Draft] = []
    for file in sorted(folder.glob("*.toml")):
        document = Document(read_limited(file), _shown(file), problems)
        drafts += read_document(document, sources, {draft.head.name: draft.document.file for draft in drafts})
    if problems:
        raise ScenarioError(problems)
    return drafts


def _shown(file: Path) -> str:
    """Return the path as a user below the working folder would write it."""
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


def read_document(document: Document, sources: Collection[str], taken: Mapping[str, str]) -> list[Draft]:
    """Return the findings of one file; `taken` are names of findings in other files, with the file."""
    head = conforming_entries(document, (), FileShape, document.content)
    named = head.get("finding", {})
    about = dict.fromkeys(str(raw["scenario"]) for raw in named.values() if isinstance(raw, dict) and "scenario" in raw)
    check_values(document, head.get("value") or {}, list(about))
    found = (_draft(document, name, raw, sources, taken) for name, raw in named.items())
    return [draft for draft in found if draft is not None]


def _draft(document: Document, name: str, raw: Any, sources: Collection[str], taken: Mapping[str, str]) -> Draft | None:
    keys: Keys = ("finding", name)
    if fault := name_fault(name):
        document.report(keys, fault, at="key")
    if name in taken:
        document.report(keys, f"a finding of this name already exists, in {taken[name]}", at="key")
    sound = conforming_entries(document, keys, FindingShape, raw)
    source = _sources(document, sound.get("source", ()), sources, (*keys, "source"))
    if "by_construction" in sound and "expected_failure" in sound:
        message = "what is true by construction cannot be expected to fail; give one of the two"
        document.report((*keys, "expected_failure"), message, at="key")
    if "must_fail" in sound and sound.get("checked") != "theory":
        message = 'only theory can say what must fail (checked = "theory"); an observation is an expected_failure'
        document.report((*keys, "must_fail"), message, at="key")
    criteria = dict(_criteria(document, sound.get("criterion", []), (*keys, "criterion")))
    if any(key not in sound for key, item in FindingShape.model_fields.items() if item.is_required()):
        return None
    words = {key: sound[key] for key in ("title", "scenario", "preparation", "published", "unit", "checked")}
    extra = {key: sound.get(key, "") for key in ADDED}
    treatment = _days(document, sound.get("treatment"), (*keys, "treatment"))
    return Draft(Finding(name, source=source, treatment=treatment, **words, **extra), criteria, document, sources)


def _days(document: Document, raw: Any, keys: Keys) -> float | None:
    """Return a time in days, or None where there is none, or after a report."""
    if raw is None:
        return None
    try:
        found = to_unit(raw, "day") if isinstance(raw, str) else None
    except QuantityError as error:
        document.report(keys, f"{show(raw)}: {error}")
        return None
    if found is None or not found > 0:
        document.report(keys, f'expected a time above 0 with its unit, such as "84 day", got {show(raw)}')
        return None
    return found


def _sources(document: Document, raw: str | list[str], known: Collection[str], keys: Keys) -> tuple[str, ...]:
    names = [raw] if isinstance(raw, str) else list(raw)
    for index, name in enumerate(names):
        if name not in known:
            place = keys if isinstance(raw, str) else (*keys, index)
            message = f"unknown source {show(name)} (expected an entry of the bibliography, references.bib)"
            document.report(place, message, got=name, known=known)
    return tuple(names)


def _criteria(document: Document, raw: list[Any], keys: Keys) -> Iterable[tuple[Keys, Mapping[str, Any]]]:
    for index, entry in enumerate(raw):
        place = (*keys, index)
        before = len(document.problems)
        sound = conforming_entries(document, place, CriterionShape, entry)
        if len(document.problems) == before:
            yield place, sound


def for_scenario(drafts: Iterable[Draft], scenario: str) -> list[Draft]:
    """Return the findings that name `scenario`."""
    return [draft for draft in drafts if draft.head.scenario == scenario]


def refuse_unknown_scenarios(drafts: Iterable[Draft], known: Collection[str]) -> None:
    """Raise for findings that name a scenario of which there is no file."""
    drafts = list(drafts)
    for draft in drafts:
        if draft.head.scenario not in known:
            message = f"no scenario {show(draft.head.scenario)} (there are: {listed(sorted(known))})"
            keys = ("finding", draft.head.name, "scenario")
            draft.document.report(keys, message, got=draft.head.scenario, known=known)
    if problems := [p for document in {id(d.document): d.document for d in drafts}.values() for p in document.problems]:
        raise ScenarioError(dict.fromkeys(problems))
