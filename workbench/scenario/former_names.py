"""Former names: a file that still uses one is read under the present name, with a note.

A component that is renamed, or whose field is, keeps the old name in `former_names` or `former_fields`. The text of a
file gets today's names before anything else reads it, so that identities, stored texts and digests are theirs, wherever
the old ones stand: in a table, in what an arm sets, on an axis, in a path that a link names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.component.declaration import Component
from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS, Registry
from workbench.scenario.text.document import Document
from workbench.scenario.text.syntax import Keys


@dataclass(frozen=True)
class Renaming:
    """One old name in a file: where it stands, as a key or as a value, and what it is called now."""

    keys: Keys
    at: Literal["key", "value"]
    old: str
    new: str


def with_present_names(chain: Sequence[Document], registry: Registry) -> list[Document]:
    """Return a file and those that it is based on, its own first, with the names that everything has now."""
    if not registry.has_former_names:
        return list(chain)
    chosen: dict[tuple[str, str], type[Component]] = {}
    found = []
    for document in reversed(chain):  # a table takes its component from the base where it does not name one
        _choose(document.content, registry, chosen)
        found.append(_renamed(document, _Names(registry, chosen)))
    return found[::-1]


def _choose(content: Mapping[str, Any], registry: Registry, chosen: dict[tuple[str, str], type[Component]]) -> None:
    """Add the component of each table of a document to those of the files that it is based on."""
    for name, section in SECTIONS.items():
        tables = content.get(name)
        for table, raw in tables.items() if isinstance(tables, dict) else ():
            key = raw.get(section.key) if isinstance(raw, dict) else None
            if key is None and (name, table) in chosen:
                continue
            key = section.default if key is None else str(key)
            if key is not None and (key in registry.names(name) or key in registry.former_names(name)):
                chosen[name, table] = registry.get(name, key)


@dataclass(frozen=True)
class _Names:
    """Finds the old names in a document, by the component of each table."""

    registry: Registry
    chosen: Mapping[tuple[str, str], type[Component]]

    def renamings(self, keys: Keys, raw: Any, former: Mapping[str, str]) -> Iterator[Renaming]:
        """Yield the old names in what stands at `keys`; `former` are those of the component that it chooses, if any."""
        if isinstance(raw, dict):
            for key, inner in raw.items():
                if new := self.field(keys, key) or self.path(key):
                    yield Renaming((*keys, key), "key", key, new)
                yield from self.renamings((*keys, key), inner, self.choices((*keys, key)) or former)
        elif isinstance(raw, list):
            for index, inner in enumerate(raw):
                yield from self.renamings((*keys, index), inner, former)
        elif isinstance(raw, str) and (new := former.get(raw) or self.path(raw)):
            yield Renaming(keys, "value", raw, new)

    def choices(self, keys: Keys) -> Mapping[str, str]:
        """Return old names of components, with the new ones, where `keys` end with what chooses a component."""
        path = str(keys[-1]).split(".") if len(keys) != 3 else [str(key) for key in keys]
        section = SECTIONS.get(path[0])
        chooses = section is not None and len(path) == 3 and path[2] == section.key
        return self.registry.former_names(path[0]) if chooses else {}

    def field(self, keys: Keys, key: str) -> str:
        """Return the new name of the field `key` of the table, or of the group in a table, at `keys`; "" if none."""
        component = self.chosen.get((str(keys[0]), str(keys[1]))) if len(keys) in (2, 3) else None
        if component is None:
            return ""
        group = f"{keys[2]}_" if len(keys) == 3 else ""
        new = component.former_fields.get(f"{group}{key}", "")
        return new.removeprefix(group) if new.startswith(group) else ""

    def path(self, text: str) -> str:
        """Return a path with the new name of its field; "" if it has none or `text` is no path."""
        section, name, field = field_path(text)
        component = self.chosen.get((section, name))
        new = component.former_fields.get(field.replace(".", "_")) if component else None
        return f"{section}.{name}.{new}" if new else ""


def _renamed(document: Document, names: _Names) -> Document:
    """Return a document with today's names in its text, each old one noted; itself if there is none."""
    found = [one for one in names.renamings((), document.content, {}) if not _is_given_twice(document, one)]
    if not found:
        return document
    lines = document.text.split("\n")
    # From the end of each line on, so that what is still to be replaced keeps its column.
    for one in sorted(found, key=lambda one: document.locate(one.keys, one.at), reverse=True):
        _, line, column = document.locate(one.keys, one.at)
        before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        lines[line - 1] = before + re.sub(rf"(?<![\w.-]){re.escape(one.old)}(?![\w.-])", one.new, after, count=1)
    present = Document("\n".join(lines).encode(), document.file, document.problems)
    for one in found:
        message = f"{one.old} is now called {one.new}; the old name still works"
        document.note(one.keys, message, at=one.at, hint=f"write {one.new}")
    present.notes = document.notes
    return present


def _is_given_twice(document: Document, one: Renaming) -> bool:
    """Report a field that a table gives under both names."""
    raw: Any = document.content
    for key in one.keys[:-1]:
        raw = raw[key]
    if one.at == "value" or one.new not in raw:
        return False
    document.report(one.keys, f"is the former name of {one.new}, which is also given", at="key")
    return True
