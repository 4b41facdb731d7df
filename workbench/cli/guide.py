"""``workbench guide``: the documentation, offline and in the terminal."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import print_object, print_text
from workbench.errors import UsageError, quoted
from workbench.text_tables import align_prose, line_width

if TYPE_CHECKING:
    from workbench.cli.guide_text import Topic

WIDEST = 80
"""Longer lines of prose are hard to read, however wide the terminal is."""


def guide(
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help="What to read about; all topics are listed if not given.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Read the documentation, offline.

    The same text as the pages that are built from docs/: how to write a scenario, what the database holds, how to add
    a rule.
    """
    from workbench.cli.guide_text import markdown, terminal, topics

    known = topics()
    if topic is None:
        if as_json:
            print_object({"ok": True, "topics": [vars(one) for one in known]})
        else:
            print_text(_listed(known))
        return 0
    found = next((one for one in known if one.name == topic.casefold()), None)
    if found is None:
        raise _unknown(topic, known)
    text = markdown(found.name)
    if as_json:
        print_object({"ok": True, **vars(found), "text": text})
    else:
        print_text(terminal(text, min(line_width(), WIDEST)))
    return 0


def _listed(known: Sequence[Topic]) -> str:
    """Return all topics, in parts, each with its title."""
    lines: list[str] = []
    width = max(len(one.name) for one in known)
    for part in dict.fromkeys(one.part for one in known):
        rows = [(one.name.ljust(width), one.title) for one in known if one.part == part]
        lines += [part, *align_prose(rows, "  ", min(line_width(), WIDEST)), ""]
    return "\n".join([*lines, "Read one with: workbench guide TOPIC"])


def _unknown(topic: str, known: Sequence[Topic]) -> UsageError:
    """Return the error for a topic that does not exist, with the nearest one."""
    from workbench.component.registry import SECTIONS, registry

    components = {component.name for component in registry()} | set(SECTIONS)
    if topic in components:
        return UsageError(f"{quoted(topic)} is not a topic of the guide\nhint: see 'workbench describe {topic}'")
    near = difflib.get_close_matches(topic.casefold(), [one.name for one in known], 1, 0.5)
    hint = f"did you mean {quoted(near[0])}?" if near else "'workbench guide' lists all topics"
    return UsageError(f"the guide has no topic {quoted(topic)}\nhint: {hint}")


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(guide)
