"""A scenario that says only what its question adds: ``base = "NAME"`` gives it everything else.

Tables with a header are merged key by key, each as deep as it goes. A value replaces a value; a list, a list of tables
and an inline table are one value. A table that becomes another kind of component (another rule, model or readout)
replaces the base's as a whole, for the fields of one kind mean nothing in another. ``without`` takes tables of the base
away first. What the base says keeps its place; what is new comes after it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.component.registry import SECTIONS, Registry
from workbench.errors import ScenarioError, shorten
from workbench.scenario.conformity import show
from workbench.scenario.families import Family, FamilyReader, lists
from workbench.scenario.former_names import with_present_names
from workbench.scenario.shipped_files import scenario_file, scenarios_beside
from workbench.scenario.text.document import Document, listed, spell
from workbench.scenario.text.prescan import MAX_ENTRIES, entries_in, read_limited
from workbench.scenario.text.syntax import Keys
from workbench.scenario.text.tree import Branch, Entry, Place, Value, read_tree, write_tree

SCHEMA = 1
"""The version of the scenario format that this workbench reads."""

BASE, WITHOUT = "base", "without"
WRITTEN_WHOLE = "# whole: "
"""How the text of a scenario begins that was written from several tables or files; their names follow."""
TOO_MUCH = "the scenario with all its bases is larger than a scenario may be"
DEEPEST = 10
"""How many files may be based on each other in a row."""


class WholeDocument(Document):
    """A scenario with everything that it takes from others: one text, and where each part of it stands.

    Attributes
    ----------
    chain : tuple of Document
        The files that it is made of, its own first.
    families : list of Family
        The tables that stand for several, with the names of those.
    """

    def __init__(self, tree: Branch, own: Document, chain: tuple[Document, ...], families: list[Family]) -> None:
        files = ", ".join(Path(one.file).name for one in chain)
        super().__init__(f"{WRITTEN_WHOLE}{files}\n{write_tree(tree)}".encode(), own.file, own.problems)
        self.tree, self.chain, self.families = tree, chain, families
        self.notes = [note for one in chain for note in one.notes]

    @property
    def bases(self) -> tuple[str, ...]:
        """The files that it takes something from, the nearest first."""
        return tuple(one.file for one in self.chain[1:])

    @property
    def made(self) -> dict[str, tuple[str, ...]]:
        """The tables that stand for several, with the names of those."""
        return {family.path: family.names for family in self.families}

    def source(self, keys: Keys) -> Place:
        """Return the file that says what stands at `keys`, and the keys that it has there."""
        return self.tree.where(keys)


def merge_bases(document: Document, folder: Path, registry: Registry) -> Document:
    """Return the scenario of `document` with its base, today's names, and a table for each that is meant.

    It is `document` itself where all of it is there already.

    Parameters
    ----------
    document : Document
        What was read of the file; problems are reported to it.
    folder : path
        Where the file is: a base is looked up from there.
    registry : Registry
        The components that tables may be.

    Raises
    ------
    ScenarioError
        If a base cannot be found or read, or the files are based on each other in a circle.
    """
    if BASE not in document.content and WITHOUT in document.content:
        document.report(
            (WITHOUT,), f"takes tables away from a base, but the file names no base ({BASE} = ...)", at="key"
        )
        del document.content[WITHOUT]
    chain = with_present_names(list(_chain(document, folder)), registry)
    document = chain[0]
    if BASE not in document.content and not any(lists(document.content)):
        return document
    tree = read_tree(chain[-1])
    for one in reversed(chain[:-1]):
        changed: dict[Keys, tuple[Value, Value]] = {}
        tree = _merged(_without(tree, one), read_tree(one), one, changed)
        _note_what_may_be_misread(one, tree, changed)
    for key in (BASE, WITHOUT):
        tree.entries.pop(key, None)
    try:
        merged = WholeDocument(tree, document, tuple(chain), [])
        if not any(lists(merged.content)):
            return merged
        families = FamilyReader(merged, tree, merged.content, registry).read()
        return WholeDocument(tree, merged, tuple(chain), families)
    except ScenarioError as error:
        reason = f"{TOO_MUCH}: {error.problems[0].message}"
        raise _refused(document, reason) from None


def read_merged(file: Path, registry: Registry) -> Document:
    """Read a scenario file as `whole` has it, unchecked: what it says may still be wrong.

    Raises
    ------
    ScenarioError
        If it, or a base of it, cannot be read.
    """
    return merge_bases(Document(read_limited(file), str(file), []), file.parent, registry)


def _chain(document: Document, folder: Path) -> Iterator[Document]:
    """Yield the file, its base, the base of that, and so on."""
    files = [os.path.realpath(document.file)]
    names = [document.file]
    entries = entries_in(document.text)
    while True:
        yield document
        if BASE not in document.content:
            return
        found = _find(document, folder)
        names.append(str(found))
        if os.path.realpath(found) in files:
            circle = names[files.index(os.path.realpath(found)) :]
            raise _refused(document, f"files are based on each other in a circle: {' -> '.join(map(shorten, circle))}")
        if len(names) > DEEPEST + 1:
            raise _refused(document, f"a chain of files based on each other is longer than {DEEPEST}")
        files.append(os.path.realpath(found))
        try:
            data = read_limited(found)
        except ScenarioError as error:
            raise _refused(document, f"its base {shorten(str(found))}: {error.problems[0].message}") from None
        above, document, folder = document, Document(data, str(found), document.problems), found.parent
        refuse_other_versions(document)
        entries += entries_in(document.text)
        if entries > MAX_ENTRIES:  # told before any is taken apart, which takes seconds for a row of full files
            raise _refused(above, f"{TOO_MUCH}: more than {MAX_ENTRIES:,} keys and list entries in all its files")


def _find(document: Document, folder: Path) -> Path:
    name = document.content[BASE]
    if not isinstance(name, str) or not name:
        raise _refused(document, f"expected the name of a scenario or the path of its file, got {show(name)}")
    found = scenario_file(name, folder)
    if found is not None:
        return found
    known = tuple(one for one in scenarios_beside(folder) if one != Path(document.file).stem)
    what = "file" if name.endswith(".toml") else "scenario"
    raise _refused(document, f"no {what} {show(name)} to take as the base (known: {listed(known)})", name, known)


def _refused(document: Document, message: str, got: str = "", known: tuple[str, ...] = ()) -> ScenarioError:
    """Return the error for a base that cannot be read; other problems could be mere consequences of it."""
    document.report((BASE,), message, got=got, known=known)
    return ScenarioError(document.problems)


def _without(base: Branch, document: Document) -> Branch:
    """Return the base without the tables that `document` takes away."""
    raw: Any = document.content.get(WITHOUT, [])
    if not isinstance(raw, list):
        document.report((WITHOUT,), f'expected a list of tables such as ["arm", "dose.thp"], got {show(raw)}')
        return base
    for index, path in enumerate(raw):
        place = (WITHOUT, index)
        keys = tuple(path.split(".")) if isinstance(path, str) else ()
        if not keys:
            document.report(place, f"expected the path of a table in quotes, got {show(path)}")
            continue
        *above, name = keys
        holder = base.at(tuple(above))
        entry = holder.entries.get(name) if isinstance(holder, Branch) else None
        if isinstance(holder, Branch) and entry is not None and not isinstance(entry, Value):
            del holder.entries[name]
            continue
        known = sorted(_paths(base))
        why = "is a value, not a table" if entry is not None else "is not a table of the base"
        document.report(place, f"{show(path)} {why}", got=path, known=known)
    return base


def _paths(table: Branch, above: str = "") -> Iterator[str]:
    for key, _ in table.tables():
        path = f"{above}.{key}" if above else key
        yield path
        inner = table.entries[key]
        if isinstance(inner, Branch):
            yield from _paths(inner, path)


def _merged(
    base: Branch, own: Branch, document: Document, changed: dict[Keys, tuple[Value, Value]], keys: Keys = ()
) -> Branch:
    """Return a table of the base with what the file's own table says in place of it or beside it.

    `changed` gathers the values that both give, the base's first.
    """
    entries: dict[str, Entry] = dict(base.entries)
    for key, entry in own.entries.items():
        before = entries.get(key)
        place = (*keys, key)
        if not isinstance(before, Branch) or not isinstance(entry, Branch):
            entries[key] = entry
            if isinstance(before, Value) and isinstance(entry, Value):
                changed[place] = before, entry
        elif chooser := _becomes_another(place, before, entry):
            _tell_of_another(document, place, before, entry, chooser)
            entries[key] = entry
        else:
            entries[key] = _merged(before, entry, document, changed, place)
    words = own.words if own.words.above or own.words.beside or not base.words.above else base.words
    return Branch(own.place, words, entries)


def _note_what_may_be_misread(document: Document, tree: Branch, changed: dict[Keys, tuple[Value, Value]]) -> None:
    """Note words of the base that this file no longer means: its title and question, and titles with old numbers."""
    words: tuple[tuple[Keys, str], ...] = ((("title",), "title"), (("use", "question"), "question"))
    for keys, what in words:
        said = tree.at(keys)
        if isinstance(said, Value) and said.place.document is not document:
            document.note((BASE,), f"the {what} is inherited from the base: say what this file asks")
    titles = [one for one in _titles(tree) if one.place.document is not document]
    for keys, (before, after) in changed.items():
        old = before.text.strip("\"'")
        if before.text == after.text or not _MEASURED.fullmatch(old):
            continue
        for title in (one for one in titles if re.search(rf"(?<![\w.]){re.escape(old)}(?!\w)", one.text)):
            reason = f"was {old} in the base, and the inherited {spell(title.place.keys)} still says so: {title.text}"
            document.note(keys, reason)


_MEASURED = re.compile(r"[0-9][0-9.]* [A-Za-z%/]+")
"""A number with its unit, as a title may repeat it."""


def _titles(table: Branch) -> Iterator[Value]:
    for key, entry in table.entries.items():
        if isinstance(entry, Value) and key in ("title", "short"):
            yield entry
        elif isinstance(entry, Branch):
            yield from _titles(entry)


def _becomes_another(keys: Keys, before: Branch, after: Branch) -> str:
    """Return the key by which a table becomes another kind of component, or ""."""
    section = SECTIONS.get(str(keys[0])) if len(keys) == 2 else None
    if section is None:
        return ""
    was, now = before.entries.get(section.key), after.entries.get(section.key)
    changed = isinstance(now, Value) and (was.text if isinstance(was, Value) else f'"{section.default}"') != now.text
    return section.key if changed else ""


def _tell_of_another(document: Document, keys: Keys, before: Branch, after: Branch, chooser: str) -> None:
    """Note which keys of the base go with a table that has become another kind."""
    gone = [key for key in before.entries if key not in after.entries]
    if gone:
        message = f"has another {chooser} than in the base, so nothing else of this table is inherited: {listed(gone)}"
        document.note((*keys, chooser), f"{spell(keys)} {message}", at="key")


def refuse_other_versions(document: Document) -> None:
    """Stop at a file written for another version of the format: its other problems would be noise."""
    version = document.content.get("schema")
    if isinstance(version, int) and not isinstance(version, bool) and version != SCHEMA:
        document.report(("schema",), f"format version {show(version)} (this workbench reads version {SCHEMA})")
        raise ScenarioError(document.problems)
