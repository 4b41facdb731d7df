"""What a name that is not a component's stands for: a scenario, a parameter set, a number of it, a drug, a table."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workbench.component.registry import SECTIONS, registry
from workbench.errors import ScenarioError, UsageError, quoted
from workbench.files import quote_argument
from workbench.scenario.base import read_merged
from workbench.scenario.shipped_files import data_folder, scenarios_folder
from workbench.text_tables import align_prose, fold

NEAREST = 5
"""How many names are offered at most for one that is not known."""


@dataclass(frozen=True)
class NamedThing:
    """One thing of a name: what `kind` it is, where it is declared, what it is in words, and its numbers in rows."""

    kind: str
    name: str
    where: str
    said: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    see: str = ""


def lookup(name: str) -> list[NamedThing]:
    """Return everything that `name` stands for in the scenarios and parameter sets here and in the package."""
    tables = list(_named_tables(name))
    return [*_scenarios(name), *_sets(name), *_numbers(name), *_doses(name), *tables, *_arms(name)]


def refusal(name: str, known: Iterator[str] | tuple[str, ...]) -> UsageError:
    """Return the error for a name that stands for nothing, with the names nearest to it."""
    names = {other.casefold(): other for other in (*known, *_all_names())}
    near = [names[one] for one in difflib.get_close_matches(name.casefold(), names, NEAREST)]
    if not near:
        return UsageError(f"nothing is called {quoted(name)}; 'workbench describe' prints every component")
    others = f" (also near: {', '.join(near[1:])})" if len(near) > 1 else ""
    return UsageError(f"nothing is called {quoted(name)}\nhint: did you mean {quoted(near[0])}?{others}")


def block(found: NamedThing) -> str:
    """Return one of them as text."""
    lines = fold(f"{found.name}: {found.kind} in {found.where}", "  ", first="")
    for text in found.said:
        lines += fold(text, "    ", first="  ")
    lines += align_prose(found.rows, "  ") if found.rows else []
    lines += fold(f"see: {found.see}", "    ", first="  ") if found.see else []
    return "\n".join(lines)


def _files() -> tuple[tuple[Path, Mapping[str, Any]], ...]:
    """Return the scenarios here and in the package, and what they say; one that cannot be read is skipped."""
    return _read(Path.cwd(), (Path("scenarios"), scenarios_folder()))


def _parameter_sets() -> tuple[tuple[Path, Mapping[str, Any]], ...]:
    """Return the parameter sets here and in the package."""
    return _read(Path.cwd(), (Path("data/parameters"), data_folder() / "parameters"))


@cache
def _read(here: Path, folders: tuple[Path, ...]) -> tuple[tuple[Path, Mapping[str, Any]], ...]:
    """Return the files below some folders, as seen from `here`; of two of one name the first."""
    found: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for folder in folders:
        for file in sorted((here / folder).rglob("*.toml")):
            if file.stem not in found and "title" in (content := _content(file)):
                shown = file.relative_to(here) if file.is_relative_to(here) else file
                found[file.stem] = shown, content
    return tuple(found.values())


def _content(file: Path) -> Mapping[str, Any]:
    try:
        return read_merged(file, registry()).content
    except (ScenarioError, ValueError):
        return {}


def _scenarios(name: str) -> Iterator[NamedThing]:
    for file, content in _files():
        if file.stem == name:
            question = str(content.get("use", {}).get("question", ""))
            arms = ", ".join(content.get("arm", {})) or "default"
            said = (str(content["title"]), *([question] if question else []), f"arms: {arms}")
            yield NamedThing("a scenario", name, str(file), said, see=f"workbench describe {quote_argument(file)}")


def _sets(name: str) -> Iterator[NamedThing]:
    for file, content in _parameter_sets():
        if file.stem == name:
            title = f"{content.get('title', '')} (version {content.get('version', '')})"
            conditions = tuple(
                f"condition {c}: {one.get('title', '')}" for c, one in content.get("condition", {}).items()
            )
            rows = tuple(_row(key, one) for key, one in content.get("parameter", {}).items())
            yield NamedThing("a parameter set", name, str(file), (title, *conditions), rows)


def _numbers(name: str) -> Iterator[NamedThing]:
    """Yield the parameters and the conditions of a name."""
    for file, content in _parameter_sets():
        parameters, conditions = content.get("parameter", {}), content.get("condition", {})
        short = name.removeprefix("parameter.")
        if short in parameters:
            mine = [scenario.stem for scenario, text in _files() if text.get("parameters") == file.stem]
            users = [scenario for scenario in mine if short in _references(Path.cwd())[scenario]]
            changed = [f"{_written(one[short])} in condition {c}" for c, one in conditions.items() if short in one]
            said = [*([f"otherwise {', '.join(changed)}"] if changed else [])]
            said += [f"used by: {', '.join(users)}"] if users else []
            yield NamedThing("a parameter", short, str(file), tuple(said), (_row(short, parameters[short]),))
        if name in conditions:
            one = conditions[name]
            rows = tuple(_row(key, raw) for key, raw in one.items() if key != "title")
            yield NamedThing("a condition", name, str(file), (str(one.get("title", "")),), rows)


@cache
def _references(here: Path) -> Mapping[str, frozenset[str]]:
    """Return which parameters each scenario refers to, by the scenario's name."""
    return {file.stem: frozenset(re.findall(r"'ref': '([^']*)'", str(content))) for file, content in _files()}


def _doses(name: str) -> Iterator[NamedThing]:
    from workbench.scenario.dose_ranges import shipped_ranges

    known = shipped_ranges().get(name.casefold())
    if known is not None:
        spans = [f"{span} at one time" for span in (known.single,) if span]
        spans += [f"{span}" for span in (known.daily,) if span]
        said = (f"plausible doses: {'; '.join(spans)} ({', '.join(known.source)})", known.note)
        yield NamedThing("a substance", name, str(data_folder() / "doses.toml"), tuple(text for text in said if text))


def _named_tables(name: str) -> Iterator[NamedThing]:
    """Yield where a table is called so, or ``section.name``: scenarios that say the same of it are shown together."""
    same: dict[tuple[str, str], list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for file, content in _files():
        for section in SECTIONS:
            named = content.get(section)
            raw = named.get(name.removeprefix(f"{section}.")) if isinstance(named, dict) else None
            if isinstance(raw, dict):
                same.setdefault((section, repr(raw)), []).append((file, raw, content))
    origin: set[str] = set()
    for (section, _), users in same.items():
        _, raw, content = users[0]
        first, *others = (str(file) for file, _, _ in users)
        where = first + (f" and {len(others)} more" if others else "")
        key = SECTIONS[section].key
        kind = raw.get(key, SECTIONS[section].default)
        said = tuple(str(text) for text in (raw.get("title", ""),) if text)
        numbers = next((c for f, c in _parameter_sets() if f.stem == content.get("parameters")), {})
        # Of tables of one kind the first stands for all, with its numbers; where the others are, is said.
        fields = () if f"{section}.{kind}" in origin else tuple(raw.items())
        origin.add(f"{section}.{kind}")
        rows = tuple(_field(field, value, numbers) for field, value in fields if field not in ("title", key))
        short = name.removeprefix(f"{section}.")
        see = f"workbench describe {section}.{kind}" if fields and kind else ""
        yield NamedThing(f"[{section}.{short}], {key} = {kind},", short, where, said, rows, see)


def _arms(name: str) -> Iterator[NamedThing]:
    for file, content in _files():
        if (arm := content.get("arm", {}).get(name.removeprefix("arm."))) is not None:
            said = tuple(f"{key}: {arm[key]}" for key in ("condition", "extends", "compare_with") if arm.get(key))
            title = (str(arm["title"]),) if arm.get("title") else ()
            rows = tuple((path, _written(value)) for path, value in arm.get("set", {}).items())
            short = name.removeprefix("arm.")
            yield NamedThing(
                "an arm",
                short,
                str(file),
                (*title, *said),
                rows,
                f"workbench describe {quote_argument(file)} --arm {short}",
            )


def _field(name: str, value: Any, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a field of a table as a row, a reference with its number."""
    if isinstance(value, dict) and "ref" in value:
        raw = numbers.get("parameter", {}).get(value["ref"], {})
        _, written, origin, meaning = _row(name, raw)
        return name, written, origin, f"{value['ref']}: {meaning}" if meaning else str(value["ref"])
    if isinstance(value, dict) and "value" in value:
        return _row(name, value)
    return name, _written(value), "", ""


def _row(name: str, raw: Any) -> tuple[str, ...]:
    """Return a number with its range, status and source, and what it means."""
    if not isinstance(raw, dict):
        return name, _written(raw), "", ""
    ends = raw.get("range", ())
    span = f" ({' to '.join(str(end) for end in ends)})" if ends else ""
    origin = ", ".join(str(raw[key]) for key in ("status", "source") if raw.get(key))
    return name, _written(raw) + span, origin, str(raw.get("meaning") or raw.get("note") or "")


def _written(raw: Any) -> str:
    if isinstance(raw, dict):
        return str(raw["value"]) if "value" in raw else ", ".join(f"{key} = {value}" for key, value in raw.items())
    return str(raw)


def _all_names() -> Iterator[str]:
    """Yield every name that `lookup` knows."""
    from workbench.scenario.dose_ranges import shipped_ranges

    for file, content in _files():
        yield file.stem
        for section in (*SECTIONS, "arm"):
            yield from content.get(section, {}) if isinstance(content.get(section), dict) else ()
    for file, content in _parameter_sets():
        yield from (file.stem, *content.get("parameter", {}), *content.get("condition", {}))
    yield from shipped_ranges()
