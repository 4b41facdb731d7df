"""Checks that everything that tables name exists, and that tables fit together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workbench.component.capabilities import clashes
from workbench.component.declaration import Parameter
from workbench.component.registry import SECTIONS
from workbench.component.tables import Fields, Tables
from workbench.protocol.span import ANCHORS, parse_span
from workbench.scenario.component_tables import raw_place
from workbench.scenario.conformity import show
from workbench.scenario.model import ParameterSet, Quantity, Ref, Table
from workbench.scenario.paths import RECORDINGS, PathError, Paths, Unreadable
from workbench.scenario.paths import Tables as ByName
from workbench.scenario.text.document import listed
from workbench.scenario.values import ValueReader


def check_references(reader: ValueReader, paths: Paths) -> None:
    """Report every reference to a table that does not exist, and every pair of tables that do not fit together."""
    whole = plain_tables(paths.tables, paths.parameters)
    tables = [table for named in paths.tables.values() for table in named.values()]
    sound = not paths.broken and not any(p.key.partition(".")[0] in SECTIONS for p in reader.document.problems)
    for table in tables:
        sound = _check_rule_has_projection(reader, table, paths) and _is_complete(table) and sound
        for field, value in table.fields.items():
            fault = reference_fault(table.component.parameters()[field], value, paths, whole)
            if fault is not None:
                sound = False
                message, got, names = fault
                reader.document.report(raw_place(reader.document, _keys(table), field), message, got=got, known=names)
    if sound:
        # A component's own check may follow references and read any field, so it runs once all of them are sound.
        for table in tables:
            _check_together(reader, table, whole)


def reference_fault(
    declared: Parameter, value: Any, paths: Paths, whole: Tables
) -> tuple[str, str, Collection[str]] | None:
    """Return what is wrong with a field that names something (message, what was given, what is known), or None."""
    if declared.kind in ("reference", "references"):
        names = (value,) if declared.kind == "reference" else value
        missing = next((name for name in names if not paths.defines(declared.section, name)), None)
        if missing is not None:
            defined = paths.names(declared.section)
            return f"no {declared.section} {show(missing)} (defined: {listed(defined)})", missing, defined
    if declared.kind == "signal":
        return _signal_fault(value, paths)
    if declared.kind == "anchor":
        return _anchor_fault(value, paths)
    if declared.kind == "path":
        return _path_fault(value, paths, moved=declared.moved)
    if declared.kind == "window":
        return _span_fault(value, paths, whole)
    return None


def plain_tables(tables: ByName, parameters: ParameterSet) -> Tables:
    """Return every table as the components' own checks see it."""
    return Tables(
        {
            section: {name: _plain(table, parameters) for name, table in named.items()}
            for section, named in tables.items()
        }
    )


def _plain(table: Table, parameters: ParameterSet) -> Fields:
    given: dict[str, Any] = {}
    for name, value in table.fields.items():
        if isinstance(value, Ref):
            value = parameters.values[value.name]
        given[name] = value.number if isinstance(value, Quantity) else value
    return Fields(table.component, table.section, table.name, given)


def _check_together(reader: ValueReader, table: Table, whole: Tables) -> None:
    """Ask the component itself whether its fields, and the tables they name, fit together."""
    for field, message in clashes(whole[table.section][table.name], whole):
        reader.document.report(raw_place(reader.document, _keys(table), field), message)


def _is_complete(table: Table) -> bool:
    """Whether all required fields could be read, so that a component's own check can rely on them."""
    return all(name in table.fields for name, field in table.component.parameters().items() if field.required)


def _check_rule_has_projection(reader: ValueReader, table: Table, paths: Paths) -> bool:
    if table.section != "plasticity" or paths.defines("projection", table.name):
        return True
    projections = paths.names("projection")
    message = f"a rule must have the name of its projection (defined: {listed(projections)})"
    reader.document.report(_keys(table), message, at="key", got=table.name, known=projections)
    return False


def _signal_fault(value: str, paths: Paths) -> tuple[str, str, Collection[str]] | None:
    if value in paths.signals or value in paths.broken:
        return None
    known = tuple(paths.signals)
    near = next((full for full in known if full.endswith(f".{value}")), value)
    return f"no signal {show(value)} (defined: {listed(known)})", near, known


def _anchor_fault(value: str, paths: Paths) -> tuple[str, str, Collection[str]] | None:
    known = tuple(f"{section}.{name}" for section in ANCHORS for name in paths.names(section))
    if value in known or value in paths.broken:
        return None
    return f"no time to count from: {show(value)} (defined: {listed(known)})", value, known


def _path_fault(value: str, paths: Paths, *, moved: bool) -> tuple[str, str, Collection[str]] | None:
    try:
        target = paths.find(value)
    except Unreadable:
        return None
    except PathError as error:
        return str(error), error.got, error.known
    if target.parameter.kind != "number" or (target.table and target.table.section in RECORDINGS):
        return f"{target.path} is not a number of the model", "", ()
    if target.table is None:
        return "a link acts on a number of a table: write section.name.field", "", ()
    if moved and (why := _still(target.table, target.parameter)):
        return f"nothing can move {target.path} while the model runs: {why}", "", ()
    return None


def _still(table: Table, parameter: Parameter) -> str:
    """Return why no link can move a number, "" if one may."""
    if parameter.fixed:
        return "the number must be the same in all runs of an arm"
    return parameter.still or table.component.still


def _span_fault(value: str, paths: Paths, whole: Tables) -> tuple[str, str, Collection[str]] | None:
    """Return what is wrong with a window: its phase is not defined, or it is longer than the phase."""
    span, phases = parse_span(value), paths.names("phase")
    if not span.phase:
        return None
    if span.phase not in phases:
        return f"no phase {show(span.phase)} (defined: {listed(phases)})", span.phase, phases
    trials, length, a_day = (whole.field("phase", span.phase, f) for f in ("trials", "length", "trials_per_day"))
    in_trials = span.start < -1 or span.stop is not None or span.days is not None
    if length is not None and span.hours is None and in_trials:
        forms = f"'{span.phase}', 'end of {span.phase}' or 'N h into {span.phase}'"
        return f"phase {span.phase} runs in hours, not in trials ({forms})", "", ()
    if length is not None and span.hours is not None and span.hours > length:
        return f"the window does not fit: phase {span.phase} lasts {length:g} h", "", ()
    if trials is not None and span.hours is not None:
        return f"phase {span.phase} counts trials, not hours (such as 'last 100 trials of {span.phase}')", "", ()
    if isinstance(trials, int):
        per_day = float(a_day or 1.0)
        try:
            span.bounds(trials, per_day)
        except ValueError:
            room = f"{trials} trials" if span.days is None else f"{trials} trials, {per_day:g} a day"
            return f"the window does not fit: phase {span.phase} has {room}", "", ()
    return None


def _keys(table: Table) -> tuple[str, str]:
    return table.section, table.name
