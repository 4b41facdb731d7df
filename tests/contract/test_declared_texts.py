"""What a scenario says in words holds no number about results: these a page computes from rows.

Numbers in words may be settings of the file or of its parameter set, or come from a source that the sentence names.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from support.cases import every_case
from support.shipped_texts import whole_text

from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.shipped_files import data_folder, scenarios_folder

FILES = sorted(scenarios_folder().rglob("*.toml"))
NUMBER = re.compile(
    r"(?<![\w.])(\d+(?:[.,]\d+)*)(?!\w*[A-Za-z]\d)(?:\s*(%|mg/kg|mg|ng/mL|nM|mM|kg|Hz|ms|min|h|s|L/h|points)\b|\s*(%))?"
)
"""A number that is no part of a name (M1, GluN2B, DY16, dystonia-1), with its unit if it has one."""
ALWAYS = {0.0, 1.0}
"""Ends of a share, and what stands in a formula."""

WORDS = {
    "use",
    "schema",
    "title",
    "summary",
    "note",
    "meaning",
    "text",
    "population",
    "influence",
    "consequence",
    "glossary",
}
"""Keys under which words stand, not settings."""
Told = tuple[float, str]


def texts(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield everything that a scenario says in words, with the key at which it stands."""
    use, report = raw.get("use", {}), raw.get("report", {})
    yield "title", raw["title"]
    yield from ((f"summary[{i}]", text) for i, text in enumerate(raw.get("summary", [])))
    yield from ((f"use.{name}", use[name]) for name in ("context", "not_for", "question") if name in use)
    yield from ((f"use.limits[{i}]", text) for i, text in enumerate(use.get("limits", [])))
    for name in ("population", "influence", "consequence"):
        yield f"report.{name}", report.get(name, "")
    yield from ((f"report.glossary.{term}", text) for term, text in report.get("glossary", {}).items())
    for name, one in report.get("caveat", {}).items():
        yield f"report.caveat.{name}", one["text"]
    contrasts = {"benefit": report.get("benefit", {}), **report.get("also", {}), **report.get("cost", {})}
    yield from ((f"report.{name}.title", one.get("title", "")) for name, one in contrasts.items())


def numbers(text: str) -> set[Told]:
    """Return the numbers that stand in a text, each with its unit ("" where there is none)."""
    return {(float(n.replace(",", "")), unit or sign) for n, unit, sign in NUMBER.findall(text)}


def _within(value: Any) -> Iterator[Told]:
    """Yield every number of a setting with its unit: of numbers, quantities in quotes, lists and tables."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value), ""
    elif isinstance(value, str):
        yield from (
            (float(n), unit)
            for n, unit in re.findall(r"(?<![A-Za-z_\d.])(\d+(?:\.\d+)?(?:e-?\d+)?)\s*([a-zA-Z%/]*)", value)
        )
    elif isinstance(value, list):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in WORDS:
                yield from _within(one)


def settings(raw: dict[str, Any]) -> set[Told]:
    """Return every number that is a setting of the file or of its parameter set, with the unit in which it stands."""
    found = {told for name, table in raw.items() if name not in WORDS for told in _within(table)}
    chosen = raw.get("parameters", "")
    if chosen:
        file = data_folder() / "parameters" / f"{chosen}.toml"
        found |= set(_within(tomllib.loads(file.read_text(encoding="utf-8"))))
    return found


@cache
def _published() -> dict[str, set[Told]]:
    found = {}
    for file in (data_folder() / "findings").glob("*.toml"):
        for name, one in tomllib.loads(file.read_text(encoding="utf-8")).get("finding", {}).items():
            found[name] = numbers(f"{one.get('published', '')} {one.get('preparation', '')}")
    return found


def _is_setting(told: Told, known: set[Told]) -> bool:
    """Return whether a number is one of the settings: with its unit, or a plain count; a percentage also as a share."""
    number, unit = told
    if unit == "%":
        return (number, "%") in known or any(abs(100.0 * n - number) < 1e-9 for n, u in known if u == "")
    if unit == "":
        return number in ALWAYS or number in {n for n, _ in known}
    return told in known or (number, "") in known


def untold(text: str, known: set[Told]) -> set[float]:
    """Return the numbers of a text that are neither settings nor come from a work or finding that it names."""
    words = set(re.findall(r"[A-Za-z]+\d+[a-z]?\w*", text))
    if words & set(read_bibliography(bibliography_file(data_folder()))):
        return set()
    named = {told for word in words for told in _published().get(word, ())}
    left = {told for told in numbers(text) if not _is_setting(told, known) and told[0] not in {n for n, _ in named}}
    return {number for number, _ in left}


@every_case("file", FILES, ids=lambda file: file.stem)
def test_no_scenario_types_a_number_about_results(file: Path) -> None:
    raw = tomllib.loads(whole_text(file))
    known = settings(raw)
    found = {key: (left, text) for key, text in texts(raw) if (left := untold(text, known))}
    assert not found, found


def test_a_typed_result_is_found_and_a_setting_or_a_sourced_number_is_not() -> None:
    known = {(30.0, "mg"), (0.5, "")}
    assert untold("With 30 mg a day overflow falls to 0.364.", known) == {0.364}
    assert untold("M1 is blocked by 30 mg of a drug, at D2 and GluN2B.", known) == set()
    assert untold("50 % of them, and 30 % of those.", known) == {30.0}
    assert untold("Of 23 children 61 % responded (Fahn1983).", known) == set()
    assert untold("Of 23 children 61 % responded.", known) == {23.0, 61.0}
