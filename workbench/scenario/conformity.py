"""Whether a table has the shape of its model; pydantic's findings in the users' words, at their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workbench.component.declaration import Parameter
from workbench.errors import shorten
from workbench.scenario.names import RULE
from workbench.scenario.shapes import LIMIT, EvidenceShape, RefShape, Shape, value_shape
from workbench.scenario.text.document import Document, listed
from workbench.scenario.text.syntax import Keys

_WORDS = {
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "bool_type": "expected true or false",
    "string_type": "expected a text in quotes",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "finite_number": f"a number must be finite (between -{LIMIT:g} and {LIMIT:g})",
    "string_pattern_mismatch": f"this cannot be a name ({RULE})",
    "string_too_short": "the text is empty",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "above"),
    "less_than": ("lt", "below"),
}
_WITHOUT_VALUE = ("finite_number", "string_too_short")


def conforming_entries(
    document: Document,
    keys: Keys,
    shape: type[Shape],
    raw: Any,
    *,
    fields: dict[str, Parameter] | None = None,
    written: Callable[[str], Keys] | None = None,
) -> dict[str, Any]:
    """Report everything in `raw` that does not fit `shape`; return the entries that do.

    `fields` are the component's declarations, used to say which quantity is expected; `written` tells where an entry
    stands in the file, if not straight below `keys`.
    """
    if not isinstance(raw, dict):
        document.report(keys, f"expected a table, got {show(raw)}")
        return {}
    try:
        shape.model_validate(raw)
    except ValidationError as error:
        found = error.errors(include_url=False)
        failed = {str(_report(document, keys, shape, one, fields or {}, written)) for one in found}
        return {key: value for key, value in raw.items() if key not in failed}
    return dict(raw)


def conforms(document: Document, keys: Keys, parameter: Parameter, raw: Any) -> bool:
    """Whether `raw` has the shape of a value of one declared field; reported at `keys` if not."""
    try:
        value_shape(parameter).model_validate({"value": raw})
    except ValidationError as error:
        for found in error.errors(include_url=False):
            _report(document, keys, Shape, {**found, "loc": found["loc"][1:]}, {"": parameter})
        return False
    return True


def known_keys(shape: type[Shape]) -> tuple[str, ...]:
    """Return the keys of a table as they are written in a file."""
    return tuple(item.alias or name for name, item in shape.model_fields.items())


def show(value: Any) -> str:
    """Return a raw value as it is written in a file, shortened."""
    try:
        return shorten(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError):
        return shorten(str(value))


def expected_number(unit: str) -> str:
    """Return what a number field takes, in words."""
    bare_form = "a bare number, such as 0.5" if unit == "1" else f'a quantity in quotes, such as "2 {unit}"'
    return f'expected {bare_form}, or {{ ref = "name" }}'


def _report(
    document: Document,
    keys: Keys,
    shape: type[Shape],
    error: ErrorDetails,
    fields: dict[str, Parameter],
    written: Callable[[str], Keys] | None = None,
) -> str | int:
    """Report one finding; return the key of the table it belongs to."""
    location = tuple(part for part in error["loc"] if not str(part).startswith("<"))
    around = written(str(location[0])) if written and location else (*keys, *location[:1])
    place, kind, value = (*around, *location[1:]), error["type"], error["input"]
    if kind == "missing":
        doc = _meaning(shape, fields, error["loc"])
        document.report(place, f"is missing ({doc})" if doc else "is missing", at="key")
    elif kind == "extra_forbidden":
        allowed = _known_around(shape, error["loc"])
        got = str(location[-1])
        document.report(place, f"unknown key (known: {listed(allowed)})", at="key", got=got, known=allowed)
    elif kind == "literal_error" and error["ctx"]["expected"] == "1":
        document.report(place, f"expected 1, the version that this workbench reads, got {show(value)}")
    elif kind == "literal_error":
        choices = _choices(error)
        declared = fields.get(str(location[0]) if location else "")
        why = dict(declared.refused).get(str(value)) if declared else None
        fault = f"{show(value)} {why}" if why else f"unknown: {show(value)}"
        document.report(place, f"{fault} (one of: {listed(choices)})", got="" if why else str(value), known=choices)
    else:
        document.report(place, _message(error, fields.get(str(location[0]) if location else "")))
    return location[0] if location else ""


def _message(error: ErrorDetails, field: Parameter | None) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        limit = context[name]
        return f"{show(value)} is out of range ({words} {limit:g})"
    if kind == "not_a_number":
        return f"{expected_number(field.unit if field else '1')}, got {show(value)}"
    if kind == "float_type" and isinstance(value, int) and not isinstance(value, bool):
        return _WORDS["finite_number"]
    if kind == "string_too_long":
        return f"the text is too long (at most {context['max_length']} letters), got {show(value)}"
    if kind == "too_short":
        return f"the list is too short (at least {_entries(context['min_length'])})"
    if kind == "too_long":
        return f"the list is too long (at most {_entries(context['max_length'])})"
    if kind == "list_type" and isinstance(value, (str, int, float)):
        return f"expected a list in brackets, such as [{show(value)}], got {show(value)}"
    words = _WORDS.get(kind, error["msg"])
    return words if kind in _WITHOUT_VALUE else f"{words}, got {show(value)}"


def _meaning(shape: type[Shape], fields: Mapping[str, Parameter], location: tuple[str | int, ...]) -> str:
    """Return the meaning of the missing key at `location`, if it is declared."""
    key = str(location[-1])
    if key in fields:
        return fields[key].doc
    declared = next((item for name, item in shape.model_fields.items() if key in (name, item.alias)), None)
    return declared.description or "" if declared is not None and len(location) == 1 else ""


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _choices(error: ErrorDetails) -> list[str]:
    """Return the allowed values that pydantic lists as ``'a', 'b' or 'c'``."""
    text = str(error.get("ctx", {}).get("expected", "")).replace(" or ", ", ")
    return [choice.strip().strip("'") for choice in text.split(",")]


def _known_around(shape: type[Shape], location: tuple[str | int, ...]) -> tuple[str, ...]:
    if "<evidence>" in location:
        return known_keys(EvidenceShape)
    return known_keys(RefShape if "<ref>" in location else shape)
