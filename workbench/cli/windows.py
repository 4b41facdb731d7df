"""``workbench windows``: what opens a scenario's windows, how they run, and what they scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import print_line, print_object, print_text
from workbench.errors import UsageError, quoted
from workbench.quantities import HOURS_PER_DAY
from workbench.text_tables import wrap_lines

if TYPE_CHECKING:
    from workbench.inspection.window_courses import ArmWindow

HOURS = (2.0, 4.0, 12.0, 24.0, 48.0, 120.0, 168.0, 240.0)


def windows(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")],
    arm: Annotated[str | None, typer.Option("--arm", help="The arm; the first if not given.")] = None,
    as_json: AsJson = False,
) -> int:
    """Print a scenario's windows.

    What opens each, its numbers with their evidence, its level after one reference dose, and what it scales.
    """
    from workbench.inspection.window_courses import windows_of
    from workbench.scenario import load_scenario

    found = load_scenario(Path(scenario))
    if arm is not None and arm not in found.arms:
        raise UsageError(f"no arm {quoted(arm)} in this scenario (there are: {', '.join(found.arms)})")
    listed = windows_of(found, arm or next(iter(found.arms)), HOURS)
    if as_json:
        print_object({"ok": True, "windows": [vars(window) for window in listed]})
    elif listed:
        print_text("\n\n".join(_window_lines(window) for window in listed))
    else:
        print_line(f"{scenario}: no windows")
    return 0


def _window_lines(window: ArmWindow) -> str:
    levels = "  ".join(f"{_time(hours)} {level:.2f}" for hours, level in window.levels)
    lines = [
        f"window.{window.name}" + (f": {window.title}" if window.title else ""),
        f"  opened by {window.opened_by}",
        *(f"  {name:<10} {value}" for name, value in window.numbers),
        f"  level after one reference dose given at once: {levels}",
        f"  highest {window.peak:.2f} at {window.peak_at:.1f} h; at least half of that from {window.half_from:.1f} h "
        f"to {window.half_to / HOURS_PER_DAY:.1f} days",
        *(f"  scales {what}" for what in window.scales),
    ]
    return "\n".join(wrap_lines(lines))


def _time(hours: float) -> str:
    return f"{hours:g} h" if hours < 48.0 else f"{hours / HOURS_PER_DAY:g} d"


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(windows)
