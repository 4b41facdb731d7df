"""Amounts and concentrations that count molecules, where a drug's molar mass tells what they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.component.registry import SECTIONS
from workbench.quantities import QuantityError, to_unit
from workbench.scenario.syntax import Keys

if TYPE_CHECKING:
    from workbench.scenario.model import ParameterSet

MOLAR_MASS = "molar_mass"
UNIT = "g/mol"


def drug_at(content: Mapping[str, Any], keys: Keys) -> str | None:
    """Return the drug that the table behind a place in a file is about, or None.

    A place is a table's own (``occupancy.block.ec50``) or one that names it: the key of an arm or of an axis.
    """
    path = next((str(key).split(".") for key in keys if str(key).partition(".")[0] in SECTIONS), [])
    section, name = (*path, *(str(key) for key in keys[1:2]))[:2] if path else ("", "")
    table = _table(content, section, name)
    if "drug" not in table and isinstance(table.get("occupancy"), str):
        table = _table(content, "occupancy", table["occupancy"])
    drug = table.get("drug")
    return drug if isinstance(drug, str) else None


def molar_mass(content: Mapping[str, Any], parameters: ParameterSet, drug: str) -> float | None:
    """Return a drug's molar mass in g/mol as the file gives it, 0 where it cannot be read, None where it is missing."""
    raw = _table(content, "drug", drug).get(MOLAR_MASS)
    if isinstance(raw, dict) and "ref" in raw:
        value = parameters.values.get(str(raw["ref"]))
        return value.number if value is not None and value.unit == UNIT else 0.0
    text = raw.get("value") if isinstance(raw, dict) else raw
    if text is None:
        return None
    try:
        return to_unit(text, UNIT) if isinstance(text, str) else 0.0
    except QuantityError:
        return 0.0


def _table(content: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    named = content.get(section)
    found = named.get(name) if isinstance(named, dict) else None
    return found if isinstance(found, dict) else {}
