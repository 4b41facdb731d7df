"""``workbench check``: validate scenarios and touch nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.faults import as_objects, note_lines
from workbench.cli.options import AsJson
from workbench.cli.output import print_line, print_object, print_text
from workbench.errors import Problem, ScenarioError, UsageError

if TYPE_CHECKING:
    from workbench.scenario.model import Scenario


def check(
    scenarios: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="Scenario files.")],
    as_json: AsJson = False,
    expand: Annotated[
        bool, typer.Option("--expand", help="Print one scenario together with everything from its base.")
    ] = False,
) -> int:
    """Validate scenarios.

    All problems at once, each with its line and column; below a sound file, notes about what is
    accepted but worth knowing. Runs and writes nothing.
    """
    if expand:
        return _expanded(scenarios, as_json)
    problems: list[Problem] = []
    sound: list[dict[str, Any]] = []
    for file in scenarios:
        try:
            sound.append(_summary(file))
        except ScenarioError as error:
            problems.extend(error.problems)
    if problems:
        raise ScenarioError(problems)
    if as_json:
        print_object({"ok": True, "scenarios": [{**one, "notes": as_objects(one["notes"])} for one in sound]})
    else:
        for one in sound:
            print_line(f"{one['file']}: ok ({one['arms']} arms, {one['studies']} studies, {one['runs']:,} runs)")
            for file in one["bases"]:
                print_line(f"  base: {file}")
            for path, names in one["made"].items():
                print_line(f"  {path}: {', '.join(names)}")
            for line in note_lines(one["notes"]):
                print_line(line)
    return 0


def _expanded(scenarios: list[str], as_json: bool) -> int:
    from workbench.execution.runner import read_scenario

    if len(scenarios) > 1:
        raise UsageError(f"--expand prints one scenario, but {len(scenarios)} were given")
    scenario, _ = read_scenario(Path(scenarios[0]))
    text = scenario.text.decode("utf-8-sig")
    if as_json:
        print_object({"ok": True, "file": scenarios[0], "text": text})
    else:
        print_text(text)
    return 0


def from_elsewhere(scenario: Scenario) -> dict[str, Any]:
    """Return what the file itself does not show: its bases, and the tables that one of its tables stands for."""
    document = scenario.document
    return {"bases": list(document.bases) if document else [], "made": dict(document.made) if document else {}}


def _summary(file: str) -> dict[str, Any]:
    from workbench.execution.fitness import check_fitness
    from workbench.execution.runner import read_scenario
    from workbench.plan import plan

    scenario, _ = read_scenario(Path(file))
    planned = check_fitness(plan(scenario))
    return {
        "file": file,
        "title": scenario.title,
        "arms": len(scenario.arms),
        "studies": len(scenario.studies),
        "runs": planned.expected,
        **from_elsewhere(scenario),
        "notes": planned.notes,
    }


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(check)
