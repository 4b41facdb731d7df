"""Scenarios with one thing changed, and what a database of the unchanged one says of the runs that are new."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.execution.reasons import Cause, explain
from workbench.plan import Plan, plan
from workbench.scenario import load_scenario
from workbench.store import open_writer
from workbench.store.asked import planned, stored
from workbench.store.whole import reading

Keys = tuple[str, ...]


def toml(content: Mapping[str, Any]) -> str:
    """Return tables as text: headers for tables, one line for references, evidence and axes."""
    lines: list[str] = []

    def inline(value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{json.dumps(k)} = {inline(one)}" for k, one in value.items()) + " }"
        if isinstance(value, list):
            return "[" + ", ".join(map(inline, value)) + "]"
        return repr(value) if isinstance(value, float) else json.dumps(value)

    def table(keys: Keys, content: Mapping[str, Any]) -> None:
        lines.extend(["[" + ".".join(map(json.dumps, keys)) + "]"] if keys else [])
        flat = {
            k
            for k, v in content.items()
            if not isinstance(v, dict) or keys[::2] == ("study", "sweep") or set(v) & {"ref", "value"}
        }
        lines.extend(f"{json.dumps(k)} = {inline(content[k])}" for k in content if k in flat)
        for key in (k for k in content if k not in flat):
            table((*keys, key), content[key])

    table((), content)
    return "\n".join(lines) + "\n"


def leaves(content: Mapping[str, Any], keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield every value below the tables, with its place."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from leaves(value, (*keys, key))
        else:
            yield (*keys, key), value


def others(value: Any) -> Iterator[Any]:
    """Yield other values of the same kind, of which a file may accept some; None takes the key away."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, float):
        yield from (value * 1.01, value * 0.9)
    elif isinstance(value, str):
        number = re.match(r"\s*([-+]?[\d.]+)(.*)", value)
        yield from (f"{float(number[1]) * 1.01!r}{number[2]}", f"{value} ") if number else (f"{value} more",)
    elif isinstance(value, list) and value:
        yield from ([*value[:-1], one] for one in others(value[-1]) if one is not None)
        yield value[:-1]
    yield None


def changed(content: Mapping[str, Any], keys: Keys, value: Any) -> dict[str, Any]:
    """Return tables with one value replaced, or taken away (None)."""
    whole: Any = copy.deepcopy(content)
    inner = whole
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return whole


class Unchanged:
    """A scenario in a folder, planned and registered in a database of its own; no run is computed."""

    def __init__(self, folder: Path, scenario: str, parameters: str) -> None:
        self.folder = folder
        self.texts = {"base.toml": tomllib.loads(scenario), "small.toml": tomllib.loads(parameters)}
        for name, content in self.texts.items():
            (folder / name).write_text(toml(content))
        self.plan = self.planned()
        with open_writer(folder / "a.db") as writer:
            writer.begin(self.plan)
        with reading(folder / "a.db") as connection:
            self.asked = stored(connection, 1, folder / "a.db")
        self.known = set(self.keys(self.plan).values())

    def planned(self, **asked: Any) -> Plan:
        return plan(load_scenario(self.folder / "base.toml"), **asked)

    @staticmethod
    def keys(asked: Plan) -> dict[tuple[str, str, int, int], bytes]:
        """Return the key of every run by study, arm, point and subject."""
        found = {}
        for chunk in asked.chunks(lambda _: 4096):
            arms = next(study.arms for study in asked.studies if study.name == chunk.study)
            for i, key in enumerate(chunk.batch.keys):
                place = chunk.study, arms[int(chunk.arms[i])], int(chunk.points[i]), int(chunk.batch.subjects[i])
                found[place] = key
        return found

    def why(self, held: bool = False, **asked: Any) -> tuple[Cause, ...] | None:
        """Return why runs are new now; None where none is."""
        now = self.planned(**asked)
        places: dict[tuple[str, str], int] = {}
        for (study, arm, *_), key in self.keys(now).items():
            if key not in self.known:
                places[study, arm] = places.get((study, arm), 0) + 1
        return explain(planned(now), self.asked, places, held) if places else None

    def why_with(self, file: str, keys: Keys) -> tuple[Any, tuple[Cause, ...]] | None:
        """Change one value of a file so that runs are new, and return the value and why they are; None if none is."""
        before = (self.folder / file).read_text()
        try:
            value = dict(leaves(self.texts[file]))[keys]
            for other in others(value):
                (self.folder / file).write_text(toml(changed(self.texts[file], keys, other)))
                try:
                    causes = self.why()
                except WorkbenchError:
                    continue
                if causes is not None:
                    return other, causes
        finally:
            (self.folder / file).write_text(before)
        return None
