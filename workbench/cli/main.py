"""The ``workbench`` command: its commands, and how every error ends in one line and an exit code."""

from __future__ import annotations

import io
import itertools
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any

import typer
from typer.main import get_command

from workbench import __version__, cli
from workbench.cli import lost_pages, stops
from workbench.cli.faults import describe_outer_fault, internal_fault, print_error
from workbench.cli.output import (
    forget_printed_object,
    has_printed_object,
    hold_streams,
    print_note,
    print_object,
    print_text,
)
from workbench.component.offers import blame_package
from workbench.errors import SHOWN, Note, UsageError, WorkbenchError, shorten
from workbench.execution.signals import StoppedAtOnce
from workbench.execution.threads import use_one_thread

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
ORDER = (
    "sweep", "check", "doses", "windows", "runs", "compare", "query", "digest", "why", "findings", "assay",
    "rounding", "calibrate", "report", "gallery", "replay", "merge", "verify", "migrate", "describe", "guide",
    "init", "doctor",
)  # fmt: skip
"""Files of commands in the order of the help, that of a day's work. Others follow by name."""


def _register_commands() -> None:
    """Add the commands of every file beside this one that has `register`."""
    files = (file.name for file in iter_modules(cli.__path__) if file.name != "main")
    for name in sorted(files, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER)):
        register = getattr(import_module(f"workbench.cli.{name}"), "register", None)
        if register is not None:
            register(app)


_register_commands()


@app.callback(invoke_without_command=True)
def workbench(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, and that of the engine, and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks; may be anywhere on the line.")] = False,
) -> None:
    """Disease models of brain circuits: one text file in, one database and one page out."""
    if version:
        from workbench.solver.batch import ENGINE_REVISION

        print_text(f"workbench {__version__} (engine revision {ENGINE_REVISION})")
    elif context.invoked_subcommand is None:
        print_text(context.get_help())


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; every message has been written."""
    debug = DEBUG in arguments
    given = [a for a in arguments if a != DEBUG]
    as_json = _wants_json(given)
    forget_printed_object()
    try:
        _refuse_swallowed(given)
        with _notes():
            code = _call_command(given, as_json)
    except typer.Exit as end:  # nobody listens any more
        code = end.exit_code
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        # A signal may arrive here as any error: a library that it interrupts may turn it into one of its own, and
        # before the command is called nobody turns it into one at all.
        if stops.received_signal() and getattr(error, "exit_code", 0) < 128:
            return _report_stop(as_json)
        if hasattr(error, "format_message"):  # typer's own complaint about the arguments
            return print_error(_usage(error), as_json)
        if debug:
            raise
        if (known := _explain_error(error)) is not None:
            return print_error(known, as_json)
        return internal_fault(error, arguments, as_json)
    return _report_stop(as_json) if stops.received_signal() else code if isinstance(code, int) else 0


def _call_command(arguments: list[str], as_json: bool) -> Any:
    """Run the command that the words name; help goes through our own output instead of typer's."""
    call = partial(_family(), prog_name="workbench", standalone_mode=False, obj=arguments)
    if "--help" not in arguments:
        return call(arguments)
    # Caught and printed by our own function, so that a closed pipe and control characters are handled as everywhere
    # else.
    with redirect_stdout(io.StringIO()) as said:
        code = call([word for word in arguments if word != "--json"])
    if as_json:
        print_object({"ok": True, "help": said.getvalue()})
    else:
        print_text(said.getvalue())
    return code


@cache
def _family() -> Any:
    return get_command(app)


def _refuse_swallowed(arguments: list[str]) -> None:
    """Refuse an option in the place of another one's missing value: it would be taken for that value."""
    # `--db --force` would name a database "--force": the parser accepts any word as a value.
    close = [(a, b) for a, b in itertools.pairwise(arguments) if a.startswith("--") and b.startswith("--")]
    if not close:
        return
    command = _family().commands.get(arguments[0])
    options = [p for p in command.params if p.param_type_name == "option"] if command else []
    names = {name for p in options for name in p.opts}
    valued = {name for p in options if not p.is_flag for name in p.opts}
    for option, value in close:
        if option in valued and value in names:
            raise UsageError(f"Option '{option}' requires an argument\nhint: see 'workbench {arguments[0]} --help'")


def _wants_json(arguments: list[str]) -> bool:
    """Whether one object is expected on standard output, on failure too."""
    pairs = itertools.pairwise(arguments)
    return "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairs


def _explain_error(error: BaseException) -> WorkbenchError | None:
    """Return an error in words: a user's, the machine's or another package's; None for a bug of the workbench."""
    return error if isinstance(error, WorkbenchError) else describe_outer_fault(error) or blame_package(error)


def _report_stop(as_json: bool) -> int:
    """Report that a signal stopped the command where an object is expected; people have seen it happen."""
    number = stops.received_signal()
    error = WorkbenchError(f"stopped by {signal.Signals(number).name}")
    error.exit_code = 128 + number
    return print_error(error, as_json) if as_json and not has_printed_object() else error.exit_code


@contextmanager
def _notes() -> Iterator[None]:
    """Show the library's warnings, one line each; the library itself never prints."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Note)
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            if issubclass(category, Note):
                print_note(f"note: {message}")
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield


def _usage(error: BaseException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "workbench"
    message = LONG.sub(lambda word: shorten(word[0]), error.format_message())  # type: ignore[attr-defined]
    return UsageError(f"{message}\nhint: see '{command} --help'")


def run() -> None:
    """Entry point of the installed command."""
    hold_streams()
    # Before anything imports NumPy, whose libraries read these settings once.
    use_one_thread()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name of a file that the terminal cannot spell must not end a command that has worked for an hour.
            stream.reconfigure(errors="backslashreplace")
    lost_pages.listen(partial(_wants_json, sys.argv[1:]))
    try:
        stops.listen()
        code = main(sys.argv[1:])
        stops.finish()
    except StoppedAtOnce as stop:  # between the lines above, or once more while an earlier one was being reported
        stops.finish()
        code = 128 + stop.number
    sys.exit(code)
