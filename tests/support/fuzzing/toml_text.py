"""Nested tables as TOML text, values spelled as they come: what no parsed document can hold can still be written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


class Raw(str):
    """A value that is written as it is: ``1e400``, ``0x1F``, ``1979-05-27``, or no TOML at all."""


def value(one: Any) -> str:
    """Return a value in one line."""
    match one:
        case Raw():
            return str(one)
        case bool():
            return "true" if one else "false"
        case int():
            return str(one)
        case float():
            return repr(one) if math.isfinite(one) else str(one)
        case str():
            return json.dumps(one)
        case Mapping():
            return "{ " + ", ".join(f"{key(k)} = {value(v)}" for k, v in one.items()) + " }" if one else "{}"
        case list() | tuple():
            return "[" + ", ".join(map(value, one)) + "]"
        case _:
            return str(one)  # a date


def key(one: str) -> str:
    """Return a key, in quotes where it needs them."""
    return one if BARE.fullmatch(one) else json.dumps(one)


def text(content: Mapping[str, Any], style: Random) -> str:
    """Return a document; `style` decides which of the inner tables stand in a line and which under a head."""
    return "\n".join(_lines(content, (), style)) + "\n"


def _lines(content: Mapping[str, Any], above: tuple[str, ...], style: Random) -> Iterator[str]:
    tables = {k: v for k, v in content.items() if isinstance(v, Mapping) and _apart(v, above, style)}
    plain = {k: v for k, v in content.items() if k not in tables}
    if above and (plain or not tables):
        yield f"[{'.'.join(map(key, above))}]"
    for k, v in plain.items():
        yield f"{key(k)} = {value(v)}"
    for k, v in tables.items():
        yield from _lines(v, (*above, k), style)


def _apart(table: Mapping[str, Any], above: tuple[str, ...], style: Random) -> bool:
    return len(above) < 2 or (
        len(above) < 4 and not {"value", "ref", "values", "from"} & table.keys() and style.random() < 0.8
    )
