"""A parameter set with some values replaced: the same text, comments and evidence, another name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.scenario.document import Document
from workbench.scenario.model import ParameterSet
from workbench.scenario.parameters import read_parameters
from workbench.scenario.syntax import Keys

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,}#]+')


def rewritten(
    parameters: ParameterSet,
    values: Mapping[str, float],
    *,
    name: str,
    version: str,
    provenance: Mapping[str, str | int | float | list[str]],
) -> bytes:
    """Return the text of `parameters` with new `values` (in each parameter's own unit), marked as fitted.

    Everything else stays as it was written; a value that did not change keeps its digits. A table ``[provenance]`` says
    how the values came about.

    Raises
    ------
    ValueError
        If the new text does not read back as the set with just these values.
    """
    document = Document(parameters.text, f"{parameters.name}.toml", [])
    edits: dict[Keys, str] = {("name",): _quoted(name), ("version",): _quoted(version)}
    changed = {key: value for key, value in values.items() if value != parameters.values[key].number}
    for parameter, value in changed.items():
        unit = parameters.values[parameter].unit
        edits["parameter", parameter, "value"] = repr(value) if unit == "1" else _quoted(f"{value!r} {unit}")
        edits["parameter", parameter, "status"] = _quoted("fitted")
    lines = document.text.splitlines(keepends=True)
    placed = {document.positions.values[keys]: text for keys, text in edits.items()}
    for (line, column), text in sorted(placed.items(), reverse=True):
        before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        token = _TOKEN.match(after)
        lines[line - 1] = before + text + after[token.end() if token else 0 :]
    told = [f"{key} = {_written(value)}" for key, value in provenance.items()]
    text = "".join(_without_provenance(lines, document)).rstrip() + "\n\n[provenance]\n" + "\n".join(told) + "\n"
    _check(parameters, values, name, text.encode())
    return text.encode()


def _without_provenance(lines: list[str], document: Document) -> list[str]:
    """Return the lines less those of an earlier refit's own table."""
    if "provenance" not in document.content:
        return lines
    first = document.positions.keys["provenance",][0]
    after = (i for i in range(first, len(lines)) if lines[i].startswith("["))  # items of a list are indented
    return lines[: first - 1] + lines[next(after, len(lines)) :]


def _check(parameters: ParameterSet, values: Mapping[str, float], name: str, text: bytes) -> None:
    document = Document(text, f"{name}.toml", [])
    found = read_parameters(document, None)
    wanted = {key: values.get(key, value.number) for key, value in parameters.values.items()}
    if document.problems or found.name != name or {k: v.number for k, v in found.values.items()} != wanted:
        told = "; ".join(map(str, document.problems))
        raise ValueError(f"the refitted set does not read back as it was meant: {told}")


def _written(value: str | int | float | list[str]) -> str:
    if isinstance(value, list):
        return "[" + "".join(f"\n  {_quoted(text)}," for text in value) + ("\n]" if value else "]")
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
