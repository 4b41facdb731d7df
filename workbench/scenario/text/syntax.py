"""Where each key and value of a TOML text stands.

``tomllib`` forgets positions, so a syntax tree is read beside it, only once a message needs one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Keys = tuple[str | int, ...]
"""A place in a document: table keys and list indexes from the top."""

_KEY_TYPES = ("bare_key", "quoted_key", "dotted_key")


@dataclass
class Positions:
    """Line and column, from 1 and in characters, of every key and value.

    `keys` and `values` map a place in the document to its position; a table's key is its header.
    """

    keys: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    values: dict[Keys, tuple[int, int]] = field(default_factory=dict)

    def key(self, keys: Keys) -> tuple[int, int]:
        """Return the position of a key, or of the nearest table around it; (1, 1) for the document."""
        return self._nearest(keys, (self.keys, self.values))

    def value(self, keys: Keys) -> tuple[int, int]:
        """Return the position of a value, or of the nearest thing around it."""
        return self._nearest(keys, (self.values, self.keys))

    @staticmethod
    def _nearest(keys: Keys, tables: tuple[dict[Keys, tuple[int, int]], ...]) -> tuple[int, int]:
        for length in range(len(keys), 0, -1):
            for table in tables:
                if keys[:length] in table:
                    return table[keys[:length]]
        return 1, 1


def read_positions(text: str) -> Positions:
    """Return the positions of everything in a TOML text that has been parsed without error."""
    found = Positions()
    reader = Reader(text.encode(), found)
    for node in parsed(text):
        reader.top(node)
    return found


def parsed(text: str) -> list[Node]:
    """Return the top of the syntax tree of a TOML text: keys, tables, comments."""
    return list(Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node.named_children)


@dataclass(frozen=True)
class RepeatedKey:
    """A key or table that is defined once more: its name as written, where, and the line of the first."""

    name: str
    is_table: bool
    line: int
    column: int
    first: int


def repeats(text: str) -> list[RepeatedKey]:
    """Return every key and table of a TOML text that is there already, in the order of the file."""
    reader = _Repeats(text.encode(), Positions())
    for node in parsed(text):
        reader.top(node)
    return reader.repeated


class Reader:
    """Walks the tree; `lines` maps its byte columns to characters."""

    def __init__(self, data: bytes, found: Positions) -> None:
        self.data, self.found = data, found
        self.lines = data.split(b"\n")
        self.counts: dict[Keys, int] = {}

    def top(self, node: Node) -> None:
        if node.type == "pair":
            self.pair(node, ())
        elif node.type in ("table", "table_array_element"):
            header, *body = node.named_children
            keys = self.within_lists(tuple(self.names(header)))
            if node.type == "table_array_element":
                index = self.counts[keys] = self.counts.get(keys, -1) + 1
                keys = (*keys, index)
            for length in range(1, len(keys) + 1):
                # The first header that mentions a table is where a reader looks for it, even if a deeper one comes
                # before its own.
                self.found.keys.setdefault(keys[:length], self.at(node))
            for child in body:
                if child.type == "pair":
                    self.pair(child, keys)

    def within_lists(self, names: Keys) -> Keys:
        """Return `names` with the index of the latest element after each list of tables on the way."""
        keys: Keys = ()
        for name in names[:-1]:
            keys = (*keys, name)
            if keys in self.counts:
                keys = (*keys, self.counts[keys])
        return (*keys, *names[-1:])

    def pair(self, node: Node, table: Keys) -> None:
        key, *rest = (child for child in node.named_children if child.type != "comment")
        names = tuple(self.names(key))
        for length in range(1, len(names) + 1):
            self.found.keys.setdefault((*table, *names[:length]), self.at(key))
        if rest:
            self.value(rest[0], (*table, *names))

    def value(self, node: Node, keys: Keys) -> None:
        self.found.values[keys] = self.at(node)
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "inline_table":
            for child in children:
                self.pair(child, keys)
        elif node.type == "array":
            for index, child in enumerate(children):
                self.value(child, (*keys, index))

    def names(self, node: Node) -> Iterator[str]:
        if node.type == "dotted_key":
            for child in node.named_children:
                yield from self.names(child)
        elif node.type in _KEY_TYPES:
            text = self.data[node.start_byte : node.end_byte].decode()
            # Escapes in a quoted key mean what TOML says they mean, so its own parser unquotes it.
            yield next(iter(tomllib.loads(f"{text}=0"))) if node.type == "quoted_key" else text

    def at(self, node: Node) -> tuple[int, int]:
        row, column = node.start_point
        # The tree counts bytes, while editors and users count characters.
        return row + 1, len(self.lines[row][:column].decode(errors="replace")) + 1


class _Repeats(Reader):
    """Notes what is defined again; `seen` maps each key and each table to its first line."""

    def __init__(self, data: bytes, found: Positions) -> None:
        super().__init__(data, found)
        self.seen: dict[tuple[bool, Keys], int] = {}
        self.repeated: list[RepeatedKey] = []

    def top(self, node: Node) -> None:
        if node.type == "table":
            header, known = node.named_children[0], len(self.repeated)
            self.note(header, self.within_lists(tuple(self.names(header))), is_table=True)
            if len(self.repeated) > known:
                return  # it is to have another name, and its keys are then not those of the first
        super().top(node)

    def pair(self, node: Node, table: Keys) -> None:
        key = node.named_children[0]
        self.note(key, (*table, *self.names(key)), is_table=False)
        super().pair(node, table)

    def note(self, node: Node, keys: Keys, *, is_table: bool) -> None:
        line, column = self.at(node)
        if (first := self.seen.setdefault((is_table, keys), line)) < line:
            name = self.data[node.start_byte : node.end_byte].decode()
            self.repeated.append(RepeatedKey(name, is_table, line, column, first))
