"""The pages of the guide: where they are, what is filled in from the code, and how they look in a terminal.

A page is Markdown. What the code knows is not typed into it: ``<!-- made: NAME -->`` stands for what the function of
that name returns, in the terminal and on the built pages alike.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.scenario.shipped_files import guide_folder
from workbench.text_tables import GAP, PROSE, align_prose, fold

if TYPE_CHECKING:
    from markdown_it.token import Token

MADE = re.compile(r"<!-- made: (\w+) -->")
_PARTS = re.compile(r"```\{toctree\}\n(.*?)```", flags=re.DOTALL)
_CODE = "    "
NAMES = 33
"""Columns that are no wider than this hold names, not prose."""
_UNDERLINED = {"h1": "=", "h2": "-"}


@dataclass(frozen=True)
class Topic:
    """One page: the name to ask for it by, its title, and the part of the guide that it belongs to."""

    name: str
    title: str
    part: str


def topics() -> tuple[Topic, ...]:
    """Return all pages in reading order, as the first page of the documentation lists them."""
    index = (guide_folder().parent / "index.md").read_text(encoding="utf-8")
    found: list[Topic] = []
    for tree in _PARTS.findall(index):
        part = next(re.finditer(r":caption: (.*)", tree))[1]
        for name in re.findall(r"^guide/(\w+)$", tree, flags=re.MULTILINE):
            title = _source(name).partition("\n")[0].removeprefix("# ")
            found.append(Topic(name, title, part))
    return tuple(found)


def markdown(name: str) -> str:
    """Return a page as Markdown, with everything filled in that the code knows."""
    return filled(_source(name))


def filled(text: str) -> str:
    """Return `text` with each mark replaced by what the code knows."""
    return MADE.sub(lambda found: MAKERS[found[1]](), text)


def _source(name: str) -> str:
    return (guide_folder() / f"{name}.md").read_text(encoding="utf-8")


# --- what the code knows ----------------------------------------------------------------------------------------------


def _menu() -> str:
    from workbench.cli.describe import menu, named
    from workbench.component.registry import registry

    return menu(named(registry(), None))


def _table(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells).replace("\n", " ") + " |" for cells in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines)


def _sections() -> str:
    from workbench.component.registry import SECTIONS

    rows = (
        (f"`[{s.name}.NAME]`", f"`{s.key}`", f"`{s.default}`" if s.default else "", s.doc) for s in SECTIONS.values()
    )
    return _table(("table", "key", "default", "what it declares"), rows)


def _commands() -> str:
    from workbench.cli.main import app

    found = ((c.callback.__name__, c.callback.__doc__ or "") for c in app.registered_commands if c.callback)
    return _table(("command", "what it does"), ((f"`workbench {name}`", doc.partition("\n")[0]) for name, doc in found))


def _scenarios() -> str:
    from workbench.scenario.shipped_files import scenarios_folder
    from workbench.scenario.text.document import outline

    files = sorted(scenarios_folder().rglob("*.toml"), key=lambda file: (len(file.parts), file))
    rows = (
        (f"`{file.relative_to(scenarios_folder()).as_posix()}`", str(outline(file.read_bytes())["title"]))
        for file in files
    )
    return _table(("file", "question"), rows)


def _parameter_sets() -> str:
    from workbench.scenario.shipped_files import data_folder
    from workbench.scenario.text.document import outline

    texts = (outline(file.read_bytes()) for file in sorted((data_folder() / "parameters").glob("*.toml")))
    rows = ((f"`{text['name']}`", str(text["title"]), str(len(text["parameter"]))) for text in texts)
    return _table(("set", "what it holds", "numbers"), rows)


def _columns() -> str:
    from workbench.store.views import MEANINGS

    return _table(("column", "meaning"), ((f"`{name}`", meaning) for name, meaning in MEANINGS.items()))


def _views() -> str:
    from workbench.store.views import VIEWS

    return ", ".join(f"`{name}`" for name in VIEWS)


def _functions() -> str:
    import inspect

    import workbench

    names = [name for name in workbench.__all__ if not name.startswith("_")]
    docs = ((name, inspect.getdoc(getattr(workbench, name)) or "") for name in names)
    return _table(
        ("function", "what it does"), ((f"`workbench.{name}`", doc.partition("\n\n")[0]) for name, doc in docs)
    )


def _packages() -> str:
    """Return the packages of the code from the top down, each with the first sentence of its docstring."""
    rows = []
    for name in imports():
        files = _package_files()[name]
        said = ast.get_docstring(ast.parse((files[0].parent / "__init__.py").read_text("utf-8"))) or ""
        rows.append((f"`{name}`", str(len(files)), said.partition("\n\n")[0]))
    return _table(("package", "modules", "what it is for"), iter(rows))


def _imports() -> str:
    """Return from which other packages each package of the code imports, from the top down."""
    rows = ((f"`{name}`", ", ".join(sorted(below)) or "nothing") for name, below in imports().items())
    return _table(("package", "imports from"), rows)


def imports() -> Mapping[str, frozenset[str]]:
    """Return from which others each package imports; one that is imported from comes after all that import from it."""
    left = {name: _imported(files) - {name} for name, files in _package_files().items()}
    upwards: dict[str, frozenset[str]] = {}
    while left:
        lowest = min(left, key=lambda name: (len(left[name] - upwards.keys()), name))
        upwards[lowest] = frozenset(left.pop(lowest))
    return dict(reversed(upwards.items()))


@cache
def _package_files() -> Mapping[str, Sequence[Path]]:
    import workbench

    root = Path(workbench.__file__).parent
    folders = sorted(file.parent for file in root.glob("*/__init__.py"))
    return {folder.name: sorted(folder.rglob("*.py")) for folder in folders}


def _imported(files: Sequence[Path]) -> set[str]:
    """Return the packages that some modules import from, at any place in them."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {part for name in names if name.startswith("workbench.") for part in name.split(".")[1:2]}
    return found & set(_package_files())


MAKERS: Mapping[str, Callable[[], str]] = {
    "menu": _menu,
    "sections": _sections,
    "commands": _commands,
    "scenarios": _scenarios,
    "parameter_sets": _parameter_sets,
    "columns": _columns,
    "views": _views,
    "functions": _functions,
    "packages": _packages,
    "imports": _imports,
}
"""What may stand behind ``made:``, and the function that makes it."""


# --- in a terminal ----------------------------------------------------------------------------------------------------


def terminal(text: str, width: int) -> str:
    """Return a page of Markdown as plain text in lines of at most `width` letters; code stands as it is."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return "\n".join(_blocks(tokens, width)).strip("\n")


def _blocks(tokens: Sequence[Token], width: int) -> Iterator[str]:
    """Yield the lines of one block after the other, with an empty line between them."""
    indents: list[str] = []
    bullet: str | None = None
    row: list[str] = []
    rows: list[list[str]] = []
    for place, token in enumerate(tokens):
        kind = token.type
        indent = "".join(indents)
        if kind == "inline" and tokens[place - 1].type == "heading_open":
            said = _inline(token)
            yield from [*fold(said, "", width)]
            if line := _UNDERLINED.get(tokens[place - 1].tag):
                yield line * min(len(said), width)
            yield ""
        elif kind == "inline" and tokens[place - 1].type in ("th_open", "td_open"):
            row.append(_inline(token, quote=""))
        elif kind == "inline":
            yield from fold(_inline(token), indent, width, first=bullet)
            bullet = None
            if not (tokens[place - 1].hidden and _next_is_item(tokens[place + 1 :])):
                yield ""
        elif kind == "fence" and not token.info.startswith("{"):
            yield from [(_CODE + indent + line).rstrip() for line in token.content.splitlines()]
            yield ""
        elif kind == "list_item_open":
            mark = f"{token.info}{token.markup} " if token.info else "- "
            bullet = indent + mark
            indents.append(" " * len(mark))
        elif kind == "list_item_close":
            indents.pop()
        elif kind == "tr_close":
            rows.append(row)
            row = []
        elif kind == "table_close":
            yield from _tabulated(rows, indent, width)
            yield ""
            rows = []


def _tabulated(rows: Sequence[Sequence[str]], indent: str, width: int) -> list[str]:
    """Return a table in columns; where prose stands before the last column, as a list with the names of the columns."""
    header, *others = rows
    columns = [max(map(len, column)) + len(GAP) for column in zip(*rows, strict=True)][:-1]
    if sum(columns) + PROSE <= width - len(indent) or max(columns, default=0) <= NAMES:
        return align_prose([tuple(cells) for cells in rows], indent, width)
    lines: list[str] = []
    for first, *cells in others:
        lines += fold(first, indent + GAP, width, first=indent)
        named = [(f"{name}:", cell) for name, cell in zip(header[1:], cells, strict=True) if cell]
        lines += align_prose(named, indent + GAP, width)
    return lines


def _next_is_item(rest: Sequence[Token]) -> bool:
    """Whether another item of the same list follows at once: items that are one paragraph stand close together."""
    kinds = [token.type for token in rest[:3]]
    return kinds[:1] == ["paragraph_close"] and kinds[1:] in (
        ["list_item_close", "list_item_open"],
        ["bullet_list_open", "list_item_open"],
    )


def _inline(token: Token, quote: str = "`") -> str:
    """Return a line of Markdown without its marks; where a link leads is said behind it, and `quote` is around code."""
    said: list[str] = []
    leads: list[str] = []
    for child in token.children or ():
        if child.type == "code_inline":
            said.append(f"{quote}{child.content}{quote}")
        elif child.type in ("text", "image"):
            said.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            said.append(" ")
        elif child.type == "link_open":
            leads.append(str(child.attrGet("href")))
        elif child.type == "link_close":
            page = re.fullmatch(r"(?:\.\./)?(?:guide/)?(\w+)\.md(?:#.*)?", target := leads.pop())
            said.append(f" (workbench guide {page[1]})" if page else f" ({target.replace('../', '')})")
    return "".join(said)
