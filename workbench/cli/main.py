"""The ``workbench`` command: its commands, and how every error ends in one line and an exit code."""

from __future__ import annotations

import io
import re
import sys
from typing import Annotated

import typer

from workbench import __version__
from workbench.cli import (
    assay,
    calibrate,
    check,
    describe,
    doctor,
    doses,
    findings,
    gallery,
    replay,
    report,
    results,
    rounding,
    starter,
    sweep,
    why,
    windows,
)
from workbench.cli.faults import internal_fault, outer_fault, told
from workbench.cli.output import hold_streams, put
from workbench.errors import SHOWN, UsageError, WorkbenchError, shorten
from workbench.execution.threads import use_one_thread
from workbench.offers import blamed

DEBUG = "--debug"
LONG = re.compile(rf"\S{{{SHOWN + 1},}}")
"""A word of a complaint that is longer than any value is shown."""

app = typer.Typer(
    name="workbench",
    help="Disease models of brain circuits: one text file in, one database and one page out.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=False,
)
for family in (
    sweep,
    check,
    doses,
    windows,
    results,
    why,
    findings,
    assay,
    rounding,
    calibrate,
    report,
    gallery,
    replay,
    describe,
    starter,
    doctor,
):
    family.register(app)


@app.callback(invoke_without_command=True)
def workbench(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks; may stand anywhere on the line.")] = False,
) -> None:
    """Disease models of brain circuits: one text file in, one database and one page out."""
    if version:
        put(f"workbench {__version__}")
    elif context.invoked_subcommand is None:
        put(context.get_help())


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; every message has been written."""
    debug = DEBUG in arguments
    as_json = "--json" in arguments
    try:
        given = [a for a in arguments if a != DEBUG]
        code = app(given, prog_name="workbench", standalone_mode=False, obj=given)
    except WorkbenchError as error:
        if debug:
            raise
        return told(error, as_json)
    except Exception as error:
        if hasattr(error, "format_message"):  # typer's own complaint about the arguments
            return told(_usage(error), as_json)
        if debug:
            raise
        if (surroundings := outer_fault(error)) is not None:
            return told(surroundings, as_json)
        theirs = blamed(error)
        return internal_fault(error, arguments, as_json) if theirs is None else told(theirs, as_json)
    return code if isinstance(code, int) else 0  # typer itself turns an early Ctrl-C into 130


def _usage(error: Exception) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "workbench"
    message = LONG.sub(lambda word: shorten(word[0]), error.format_message())  # type: ignore[attr-defined]
    return UsageError(f"{message}\nhint: see '{command} --help'")


def run() -> None:
    """Entry point of the installed command."""
    hold_streams()
    use_one_thread()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
