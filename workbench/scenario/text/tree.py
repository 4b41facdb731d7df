"""A TOML text as a tree of tables and values, each in its own words: what two texts are merged and written from.

A value keeps the text, the comments and the place that it has in its file, whichever file that is. An inline table is a
value, as TOML has it: nothing is added to it later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

from tree_sitter import Node

from workbench.scenario.text.document import Document
from workbench.scenario.text.syntax import Keys, Positions, Reader, parsed

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Place(NamedTuple):
    """Where something is written: the keys that it has in a document."""

    document: Document
    keys: Keys


@dataclass(frozen=True)
class Words:
    """How an entry is written: its key, and the comments above it and beside it."""

    key: str
    above: tuple[str, ...] = ()
    beside: str = ""


@dataclass(frozen=True)
class Value:
    """A value as its file writes it."""

    place: Place
    words: Words
    text: str


@dataclass
class Branch:
    """A table with a header of its own, or one that only holds others."""

    place: Place
    words: Words
    entries: dict[str, Entry] = field(default_factory=dict)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Yield the keys that are not tables."""
        yield from ((key, entry) for key, entry in self.entries.items() if isinstance(entry, Value))

    def tables(self) -> Iterator[tuple[str, Branch | list[Branch]]]:
        """Yield the tables, and the lists of tables."""
        yield from ((key, entry) for key, entry in self.entries.items() if not isinstance(entry, Value))

    def at(self, keys: Keys) -> Entry | None:
        """Return the entry at `keys`, or None."""
        found: Entry | None = self
        for key in keys:
            found = found.entries.get(str(key)) if isinstance(found, Branch) else None
        return found

    def where(self, keys: Keys) -> Place:
        """Return the place of what stands at `keys`: in its own file, inside the innermost entry that there is."""
        found: Entry = self
        for depth, key in enumerate(keys):
            inner: Entry | None = None
            if isinstance(found, Branch):
                inner = found.entries.get(str(key))
            elif isinstance(found, list) and isinstance(key, int) and key < len(found):
                inner = found[key]
            if inner is None:
                return within(found, keys[depth:])
            found = inner
        return within(found, ())

    def with_entries(self, entries: dict[str, Entry]) -> Self:
        """Return the table with other entries."""
        return replace(self, entries=entries)


Entry = Value | Branch | list[Branch]


def within(entry: Entry, keys: Keys) -> Place:
    """Return the place of `keys` inside an entry."""
    if isinstance(entry, list):
        first = entry[0].place
        return Place(first.document, (*first.keys[:-1], *keys))
    return Place(entry.place.document, (*entry.place.keys, *keys))


def read_tree(document: Document) -> Branch:
    """Return a document that has been parsed as a tree."""
    reader = _TreeReader(document)
    for node in parsed(document.text):
        reader.top(node)
    return reader.root


class _TreeReader(Reader):
    def __init__(self, document: Document) -> None:
        super().__init__(document.text.encode(), Positions())
        self.document = document
        self.root = Branch(Place(document, ()), Words(""))
        self.last_line = -1
        """The last line, from 0, that belongs to an entry already: what stands above another entry comes after it."""

    def top(self, node: Node) -> None:
        if node.type == "pair":
            self.entry(node, self.root, ())
        elif node.type in ("table", "table_array_element"):
            header, *body = node.named_children
            names = tuple(self.names(header))
            keys = self.within_lists(names)
            spelled = tuple(self.spellings(header))
            # The header of a table ends with its line; the node itself reaches to the next table.
            words = Words(spelled[-1], self.above(node), self.beside(header.end_byte))
            self.last_line = header.end_point[0]
            above = self.branch(self.root, keys[:-1], spelled[:-1])
            if node.type == "table_array_element":
                index = self.counts[keys] = self.counts.get(keys, -1) + 1
                table = Branch(Place(self.document, (*keys, index)), words)
                elements = above.entries.setdefault(names[-1], [])
                assert isinstance(elements, list)
                elements.append(table)
                keys = (*keys, index)
            else:
                table = self.branch(above, keys[-1:], spelled[-1:], keys[:-1])
                table.words = words
            for child in body:
                if child.type == "pair":
                    self.entry(child, table, keys)

    def branch(self, start: Branch, keys: Keys, spelled: tuple[str, ...], before: Keys = ()) -> Branch:
        """Return the table at `keys` below `start`, made if it is not there yet."""
        found: Branch = start
        spellings = iter(spelled)
        for depth, key in enumerate(keys):
            if isinstance(key, int):
                continue
            place = Place(self.document, (*before, *keys[: depth + 1]))
            inner = found.entries.setdefault(key, Branch(place, Words(next(spellings))))
            if isinstance(inner, list):
                inner = inner[-1]
            assert isinstance(inner, Branch)
            found = inner
        return found

    def entry(self, node: Node, table: Branch, keys: Keys) -> None:
        """Add a key and its value to a table; ``a.b = 1`` is b in the table a."""
        name, value = (child for child in node.named_children if child.type != "comment")
        names, spelled = tuple(self.names(name)), tuple(self.spellings(name))
        inside = self.branch(table, names[:-1], spelled[:-1], keys)
        words = Words(spelled[-1], self.above(node), self.beside(value.end_byte))
        self.last_line = node.end_point[0]
        # tomllib reads a line that ends with both marks as one that ends with a line feed.
        text = self.data[value.start_byte : value.end_byte].decode().replace("\r\n", "\n")
        inside.entries[names[-1]] = Value(Place(self.document, (*keys, *names)), words, text)

    def spellings(self, node: Node) -> Iterator[str]:
        """Yield the parts of a key as they are written."""
        if node.type == "dotted_key":
            for child in node.named_children:
                yield from self.spellings(child)
        else:
            yield self.data[node.start_byte : node.end_byte].decode()

    def above(self, node: Node) -> tuple[str, ...]:
        """Return the comments between what came before and an entry, with the empty lines after them."""
        lines = [self.lines[row].decode().strip() for row in range(self.last_line + 1, node.start_point[0])]
        first = next((i for i, line in enumerate(lines) if line.startswith("#")), len(lines))
        return tuple(lines[first:])

    def beside(self, end: int) -> str:
        """Return the comment behind an entry in its line, with the space before it, or ""."""
        line = self.data[end:].partition(b"\n")[0].decode().rstrip().lstrip("]")
        return line if line.lstrip().startswith("#") else ""


def write_tree(tree: Branch) -> str:
    """Return the tree as TOML text: of each table its own keys first, then the tables in it."""
    return "\n".join(_written(tree, "", header="")).lstrip("\n") + "\n"


def _written(table: Branch, path: str, header: str) -> Iterator[str]:
    values = list(table.values())
    if header and (values or table.words.above or not table.entries):
        yield ""
        yield from _commented(header, table.words)
    for _, value in values:
        yield from _commented(f"{value.words.key} = {value.text}", value.words)
    for _, inner in table.tables():
        for one in inner if isinstance(inner, list) else (inner,):
            below = f"{path}.{one.words.key}" if path else one.words.key
            yield from _written(one, below, f"[[{below}]]" if isinstance(inner, list) else f"[{below}]")


def _commented(line: str, words: Words) -> Iterator[str]:
    yield from words.above
    yield line + words.beside
