"""What the pages take from the code: marks filled in, and the reference of components, commands and functions.

Nothing here is typed a second time. A mark ``<!-- made: NAME -->`` is filled in as `workbench guide` fills it in; the
pages below ``reference`` are written before each build.
"""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

import workbench
from workbench import component
from workbench.cli.describe import allowed, default_text, named
from workbench.cli.guide_text import filled, imports
from workbench.cli.main import app as commands
from workbench.cli.main import main
from workbench.component.constraints import rules_between, rules_of
from workbench.component.registry import SECTIONS, registry
from workbench.report.evidence import entry
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.shipped_files import data_folder


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "reference"))
    app.connect("source-read", _fill)
    app.add_lexer("csv", TextLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(_app: object, _page: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def write(folder: Path) -> None:
    """Write the pages of the reference; one that is as it was stays untouched, so that it is not built again."""
    wanted = {f"components/{section}.md": "\n".join(_section(section)) for section in SECTIONS}
    wanted["commands.md"] = "\n".join(_commands())
    wanted["functions.md"] = "\n".join(_functions())
    wanted["works.md"] = "\n".join(_works())
    wanted["contract.md"] = "\n".join(_contract())
    wanted["packages.svg"] = _drawing(imports())
    (folder / "components").mkdir(parents=True, exist_ok=True)
    for old in folder.rglob("*.*"):
        if old.relative_to(folder).as_posix() not in wanted:
            old.unlink()
    for name, text in wanted.items():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def _section(name: str) -> Iterator[str]:
    """Yield the page of one section: every component that a table of it may choose."""
    section = SECTIONS[name]
    yield f"# {name}\n"
    default = f", `{section.default}` if it is not given" if section.default else ""
    yield f"`[{name}.NAME]` declares {section.doc}. Its key `{section.key}` chooses one of these{default}.\n"
    found = [component for component in named(registry(), None) if component.section == name]
    if not found:
        yield "The components are those of [outcome](outcome.md).\n"
    for one in found:
        yield f"({name}.{one.name})=\n\n## {one.name}\n\n{_escaped(one.summary())}\n"
        yield f'`{section.key} = "{one.name}"`\n'
        yield f"```text\n{one.equation}\n```\n"
        if rows := list(one.parameters().values()):
            yield "| field | holds | default | where it comes from | meaning |\n| --- | --- | --- | --- | --- |"
            yield from (_row(parameter) for parameter in rows)
            yield ""
        if rules := list(rules_between(one)):
            yield f"Rules: {_escaped('; '.join(rules))}.\n"
        if one.sources:
            yield f"Sources: {', '.join(f'[{key}](#work-{key.lower()})' for key in one.sources)}\n"


def _row(parameter: Any) -> str:
    value = "required" if parameter.required else default_text(parameter)
    measured = parameter.kind in ("number", "numbers", "interval") and not parameter.required
    origin = ", ".join(part for part in (parameter.status, parameter.source) if part) if measured else ""
    meaning = "; ".join((parameter.doc, *rules_of(parameter)))
    cells = (f"`{parameter.name}`", allowed(parameter), value, origin, meaning)
    return "| " + " | ".join(_escaped(cell).replace("|", r"\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Return prose of a declaration as Markdown: double backquotes as in docstrings, stars and brackets as they are."""
    return text.replace("``", "`").replace("*", r"\*").replace("[", r"\[")


def _commands() -> Iterator[str]:
    """Yield the page of all commands, each with what its ``--help`` prints."""
    yield "# Commands\n\nWhat `workbench COMMAND --help` prints, in the order of `workbench --help`.\n"
    for command in commands.registered_commands:
        if command.callback:
            yield f"## {command.callback.__name__}\n\n```text\n{_help(command.callback.__name__)}```\n"


def _help(name: str) -> str:
    with redirect_stdout(io.StringIO()) as said:
        main([name, "--help"])
    return "\n".join(line.rstrip() for line in said.getvalue().splitlines()) + "\n"


def _functions() -> Iterator[str]:
    """Yield the page of the public functions and of what they return."""
    names = [name for name in workbench.__all__ if not name.startswith("_")]
    yield "# Functions\n\nWhat `import workbench` offers. Every name is imported when it is first used.\n"
    yield "```{eval-rst}"
    for name in names:
        yield f".. autofunction:: workbench.{name}\n"
    yield "```\n\n## What they return\n\n```{eval-rst}"
    for returned in _returned(getattr(workbench, name) for name in names):
        yield f".. autoclass:: {returned.__module__}.{returned.__name__}\n   :members:\n"
    yield "```\n"


def _contract() -> Iterator[str]:
    """Yield the page of what packages with components of their own may use."""
    yield "# The contract for components\n\n```{eval-rst}\n.. automodule:: workbench.component\n"
    for name in component.__all__:
        found = getattr(component, name)
        kind = "autoclass" if inspect.isclass(found) else "autofunction"
        if inspect.isroutine(found) or inspect.isclass(found):
            yield f".. {kind}:: workbench.component.{name}\n" + ("   :members:\n" if kind == "autoclass" else "")
    yield "```\n"


def _returned(functions: Iterable[Any]) -> list[type]:
    """Return our own classes that some functions say they return, each once."""
    found: dict[str, type] = {}
    for function in functions:
        kind = str(inspect.signature(function).return_annotation)
        one = getattr(sys.modules[function.__module__], kind, None)
        if inspect.isclass(one) and one.__module__.startswith("workbench."):
            found[kind] = one
    return list(found.values())


def _works() -> Iterator[str]:
    """Yield the page of all works that numbers, mechanisms and findings come from."""
    yield "# Works\n\nWhat numbers, mechanisms and findings come from, by key (`data/references.bib`).\n"
    known = read_bibliography(bibliography_file(data_folder()))
    for key in sorted(known, key=str.lower):
        said, doi = entry(known[key])
        link = f"[{doi}](https://doi.org/{doi})" if doi.startswith("10.") else _escaped(doi)
        yield f"(work-{key.lower()})=\n**{key}**: {_escaped(said).replace('..', '.')}. {link}\n"


def _drawing(below: Mapping[str, Set[str]]) -> str:
    """Return packages from the top down, with an arc to each that one imports from; one upwards is broken."""
    step, left, place = 26, 130, {name: i for i, name in enumerate(below)}
    wide, high = left + 14 * len(below), step * (len(below) + 1)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" font-family="sans-serif">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for name, i in place.items():
        y = step * (i + 1)
        parts.append(f'<text x="{left - 12}" y="{y + 4}" font-size="13" text-anchor="end" fill="#222222">{name}</text>')
        parts.append(f'<circle cx="{left}" cy="{y}" r="3.5" fill="#0072B2"/>')
        for other in sorted(below[name], key=place.__getitem__):
            end = step * (place[other] + 1)
            start, bend = left + 4, left + 9 * abs(place[other] - i) + 14
            look = 'stroke="#0072B2"' if end > y else 'stroke="#D55E00" stroke-dasharray="4 3"'
            path = f"M{start} {y} C{bend} {y} {bend} {end} {start} {end}"
            parts.append(f'<path d="{path}" fill="none" {look} opacity="0.6"/>')
    return "\n".join([*parts, "</svg>", ""])
