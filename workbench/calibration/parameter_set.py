"""The parameter set that a refit writes: the old text with its comments and evidence, new values, and their origin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import StorageError
from workbench.files import refuse_irregular, write_whole
from workbench.scenario.model import ParameterSet
from workbench.scenario.parameters import read_parameters
from workbench.scenario.text.document import Document
from workbench.scenario.text.syntax import Keys

if TYPE_CHECKING:
    from workbench.calibration.fit import Calibration, Fitted


Told = dict[str, str | int | float | list[str]]

VERSIONS = ("workbench", "source_sha256", "python", "numpy", "scipy")


def refuse_target(target: Path, name: str, force: bool) -> None:
    """Refuse before anything is computed what could not be written at the end.

    Raises
    ------
    StorageError
        If `target` is no name for a set, is that of the old set `name`, exists without `force`, or has no folder.
    """
    from workbench.scenario.names import name_fault

    if target.suffix != ".toml" or name_fault(target.stem):
        raise StorageError(f"{target}: a parameter set is a file NAME.toml; nothing was computed")
    if target.stem == name:
        raise StorageError(f"{target}: a refitted set needs a name of its own, not {name!r}; nothing was computed")
    refuse_irregular(target, kept="nothing was computed")
    if target.exists() and not force:
        raise StorageError(f"{target}: already exists; nothing was computed; use --force to replace it")
    if not target.absolute().parent.is_dir():
        raise StorageError(f"{target}: the folder {target.parent} does not exist; nothing was computed")


def write_set(found: Calibration, target: Path) -> None:
    """Write the set whole or not at all."""
    write_whole(target, set_text(found, target.stem))


def set_text(found: Calibration, name: str) -> bytes:
    """Return the text of the new set; a set's version counts from 1 under its new name."""

    values = {refit.free.name: refit.value for refit in found.parameters}
    return rewrite_set(found.scenario.parameters, values, name=name, version="1", provenance=origin(found))


def origin(found: Calibration) -> Told:
    """Return how the values came about; no clock, path or interruption: the same search writes the same file."""
    from workbench.store.provenance import provenance

    scenario, versions = found.scenario, provenance()
    return {
        "from": f"{scenario.parameters.name} {scenario.parameters.version}",
        "from_sha256": scenario.parameters.sha256,
        "scenario": scenario.name,
        "scenario_sha256": scenario.sha256,
        "findings": ", ".join(dict.fromkeys(row.target.finding for row in found.fitted)),
        "findings_sha256": found.findings_sha256,
        "seed": found.seed,
        "budget": found.budget,
        "candidates": found.candidates,
        "subjects": found.subjects,
        "loss_before": float(f"{found.loss[0]:.6g}"),
        "loss_after": float(f"{found.loss[1]:.6g}"),
        "moved": [
            f"{p.free.name}: {p.free.value:.6g} -> {p.value:.6g}{'' if p.free.unit == '1' else ' ' + p.free.unit}"
            f" in {p.free.low:g} to {p.free.high:g}, {'identified' if p.identified else 'not identified'}"
            f"{', at the end of its range' if p.at_bound else ''}"
            for p in found.parameters
        ],
        "fitted": [_describe_criterion(row) for row in found.fitted],
        "not_fitted": [_describe_criterion(row) for row in found.shown],
        **{key: versions[key] for key in VERSIONS},
    }


def _describe_criterion(row: Fitted) -> str:
    """Say in one line what a criterion was and is."""
    c = row.target.criterion
    published = "" if c.target is None else f"published {c.target:g}, "
    low, high = ("open" if abs(bound) == float("inf") else f"{bound:g}" for bound in c.accept)
    return (
        f"{row.target.finding}, {row.target.words}: {published}accepted {low} to {high},"
        f" {row.before:.4g} -> {row.after:.4g}, {row.change}"
    )


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s,}#]+')


def rewrite_set(
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
    stated = [f"{key} = {_format_value(value)}" for key, value in provenance.items()]
    text = "".join(_without_provenance(lines, document)).rstrip() + "\n\n[provenance]\n" + "\n".join(stated) + "\n"
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
        stated = "; ".join(map(str, document.problems))
        raise ValueError(f"the refitted set does not read back as intended: {stated}")


def _format_value(value: str | int | float | list[str]) -> str:
    if isinstance(value, list):
        return "[" + "".join(f"\n  {_quoted(text)}," for text in value) + ("\n]" if value else "]")
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
