"""The interactions: two treatments, each with and without the other, whose joint effect is compared with the sum."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from workbench.scenario.conformity import conforming, show
from workbench.scenario.document import Document, listed
from workbench.scenario.model import Interaction
from workbench.scenario.names import name_fault
from workbench.scenario.shapes import InteractionShape
from workbench.scenario.syntax import Keys

PLACES = ("both", "the first alone", "the second alone", "neither")
"""What each of the four arms is given."""


def read_interactions(document: Document, arms: Mapping[str, Any]) -> Mapping[str, Interaction]:
    """Return the interactions in the order of the file; `arms` are the scenario's own, by name."""
    raw = document.content.get("interaction", {})
    if not isinstance(raw, dict):
        document.report(("interaction",), f"expected tables [interaction.NAME], got {show(raw)}")
        return MappingProxyType({})
    found = (_interaction(document, name, entry, tuple(arms)) for name, entry in raw.items())
    return MappingProxyType({one.name: one for one in found if one is not None})


def _interaction(document: Document, name: str, raw: Any, known: tuple[str, ...]) -> Interaction | None:
    keys: Keys = ("interaction", name)
    before = len(document.problems)
    if fault := name_fault(name):
        document.report(keys, fault, at="key")
    sound = conforming(document, keys, InteractionShape, raw)
    arms = sound.get("arms", [])
    if "arms" in sound and len(arms) != len(PLACES):
        message = f"an interaction is of four arms ({', '.join(PLACES)}), got {len(arms)}"
        document.report((*keys, "arms"), message)
    for index, arm in enumerate(arms):
        place = (*keys, "arms", index)
        if arm not in known:
            document.report(place, f"no arm {show(arm)} (defined: {listed(known)})", got=arm, known=known)
        elif arm in arms[:index]:
            document.report(place, f"arm {show(arm)} is listed twice: the four arms of an interaction differ")
    if len(document.problems) > before:
        return None
    both, first, second, neither = arms
    return Interaction(name, sound.get("title", ""), (both, first, second, neither))
