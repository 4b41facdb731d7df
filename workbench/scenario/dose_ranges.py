"""Which doses of a drug are plausible: what ships for a substance, or what a scenario says of its own drug."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from workbench.errors import Problem, ScenarioError, quoted
from workbench.quantities import QuantityError, same_kind, split_quantity, to_unit
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.conformity import conforming_entries, show
from workbench.scenario.model import DoseRange, Span
from workbench.scenario.shapes import ShippedRangeShape
from workbench.scenario.shipped_files import data_folder
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.prescan import read_limited

if TYPE_CHECKING:
    from workbench.scenario.model import Table
    from workbench.scenario.text.syntax import Keys

UNITS = {"single": ("mg", "mg/kg"), "daily": ("mg/day", "mg/kg/day")}
"""What each kind of range is written in: plainly, and for each kg of body weight."""


def range_of(drug: Table) -> DoseRange | None:
    """Return the plausible doses of a drug: its own, else those of its substance, else of the drug of its name."""
    return drug.plausible or shipped_ranges().get((drug.substance or drug.name).casefold())


@cache
def shipped_ranges() -> Mapping[str, DoseRange]:
    """Return the ranges that ship with the workbench, by each name of a substance."""
    problems: list[Problem] = []
    file = data_folder() / "doses.toml"
    document = Document(read_limited(file), str(file), problems)
    sources = read_bibliography(bibliography_file(file.parent))
    found: dict[str, DoseRange] = {}
    for name, raw in document.content.get("dose", {}).items():
        keys = ("dose", name)
        one = read_range(document, keys, conforming_entries(document, keys, ShippedRangeShape, raw), sources)
        if one is not None:
            found |= {other.casefold(): one for other in (name, *raw.get("also", ()))}
    if problems:
        raise ScenarioError(problems)
    return MappingProxyType(found)


def read_range(
    document: Document, keys: Keys, raw: Mapping[str, Any], sources: Collection[str] | None
) -> DoseRange | None:
    """Return a declared range; what is wrong with it is reported at its place."""
    spans = {kind: _span(document, (*keys, kind), raw[kind], kind) for kind in UNITS if raw.get(kind) is not None}
    if not spans:
        document.report(keys, "gives no range of doses (single, daily or both)", at="key")
    named = raw.get("source", ())
    works = (named,) if isinstance(named, str) else tuple(named)
    for source in works:
        if sources is not None and source not in sources:
            message = f"the bibliography has no entry {quoted(source)}"
            document.report((*keys, "source"), message, got=source, known=sources)
    if not spans or any(span is None for span in spans.values()):
        return None
    return DoseRange(spans.get("single"), spans.get("daily"), works, raw.get("note", ""))


def check_substance(document: Document, keys: Keys, name: str) -> None:
    """Report a substance without known doses: the key would have no effect."""
    known = shipped_ranges()
    if name.casefold() not in known:
        message = f"no plausible doses are known for {show(name)} (known: {listed(sorted(known))})"
        document.report(keys, message, got=name, known=known, otherwise="or give a range in [drug.NAME.plausible]")


def _span(document: Document, keys: Keys, ends: list[Any], kind: str) -> Span | None:
    """Return two ends in one unit, either plainly or by weight."""
    low, high = (_end(document, (*keys, place), end, kind) for place, end in enumerate(ends))
    if low is None or high is None:
        return None
    if low[1] != high[1]:
        document.report(keys, f"one end is per kg of body weight and the other is not ({low[1]} and {high[1]})")
    elif not 0.0 <= low[0] < high[0]:
        document.report(keys, f"the first dose must be below the second, got {show(ends)}")
    else:
        return Span(low[0], high[0], low[1])
    return None


def _end(document: Document, keys: Keys, raw: Any, kind: str) -> tuple[float, str] | None:
    plainly, weighed = UNITS[kind]
    try:
        if not isinstance(raw, str):
            raise QuantityError(f'expected a quantity in quotes, such as "2 {plainly}"')
        unit = weighed if same_kind(split_quantity(raw)[1], weighed) else plainly
        return to_unit(raw, unit), unit
    except QuantityError as error:
        document.report(keys, f"{show(raw)}: {error}")
        return None
