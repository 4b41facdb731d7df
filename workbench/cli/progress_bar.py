"""How a running sweep looks: a bar on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

import os
import signal
import sys
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from workbench.cli.output import print_note, print_note_in_handler
from workbench.errors import shorten
from workbench.quantities import SECONDS_PER_HOUR
from workbench.text_tables import wrap_lines

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from workbench.execution.pilot import RunForecast
    from workbench.execution.progress import Counts, Forecast, RunCounts
    from workbench.plan import Plan

LINE_SHARE = 0.1
LINE_SECONDS = 600.0
"""A plain line for every tenth of the runs, and every ten minutes: a log stays short however long the sweep."""
SHOWN_CAUSES = 5
"""Reasons for new runs that a sweep prints; `workbench why` prints all."""
SETTLED = 1.0
"""Seconds from the first stored block on before a speed is shown: workers finish their first blocks together."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 point``, ``2,600 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a duration for people: ``0.4 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < SECONDS_PER_HOUR:
        return f"{whole // 60} min {whole % 60:02d} s"
    hours, seconds_left = divmod(whole, int(SECONDS_PER_HOUR))
    return f"{hours} h {seconds_left // 60:02d} min"


def size(number: float) -> str:
    """Return a size in bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def forecast_lines(forecast: RunForecast) -> list[str]:
    """Return what will run (as products), what is already stored, and the forecast of the pilot."""
    plan = forecast.plan
    width = max(len(study.name) for study in plan.studies)
    lines = [f"{plan.scenario.file}: {shorten(plan.scenario.title)}"]
    lines += [f"  {study:<{width}}  {product}" for study, product in products(plan)]
    total = counted(plan.expected, "run")
    lines.append(f"  {total} in all, {forecast.reused:,} already stored, {forecast.left:,} to compute")
    if forecast.why is not None:
        from workbench.cli.why import why_lines

        lines += why_lines(forecast.why, SHOWN_CAUSES)
    if forecast.rate:
        lines.append(
            f"pilot: {forecast.rate / 1e6:.3g} million run-steps/s with {counted(forecast.workers, 'worker')}: "
            f"about {duration(forecast.seconds)} and {size(forecast.database_bytes)} of database"
        )
    return wrap_lines(lines)


def products(plan: Plan) -> list[tuple[str, str]]:
    """Return each study with its product: arms x points x subjects."""
    return [
        (
            s.name,
            f"{counted(len(s.arms), 'arm')} x {counted(len(s.points), 'point')} x {counted(s.subjects, 'subject')}"
            f" = {counted(len(s.arms) * len(s.points) * s.subjects, 'run')}",
        )
        for s in plan.studies
    ]


F = TypeVar("F", bound="Forecast", contravariant=True)
C = TypeVar("C", bound="Counts", contravariant=True)


class ProgressWords(Protocol[F, C]):
    """Words for a forecast and for counts."""

    def before(self, forecast: F) -> list[str]:
        """Say what will be done."""

    def already(self, forecast: F) -> tuple[int, int]:
        """Return how much is asked for, and how much of it is stored."""

    def now(self, counts: C) -> str:
        """Say where things stand."""


class RunWords:
    """Words for a sweep."""

    def __init__(self) -> None:
        self._pace = Speed()

    def before(self, forecast: RunForecast) -> list[str]:
        """Say what will run."""
        self._pace = Speed(forecast.rate * forecast.seconds)
        return forecast_lines(forecast)

    def already(self, forecast: RunForecast) -> tuple[int, int]:
        """Return runs asked for and stored."""
        return forecast.expected, forecast.reused

    def now(self, counts: RunCounts) -> str:
        """Say how many runs are done, and how fast."""
        done = counts.expected - counts.missing
        return f"{done:,} of {counts.expected:,} runs, {self._pace.words(counts)}, {counts.failed:,} failed"


def watcher(quiet: bool) -> Display[RunForecast, RunCounts]:
    """Return the display of a sweep that standard error can show."""
    return display(RunWords(), quiet)


def display(words: ProgressWords[F, C], quiet: bool) -> Display[F, C]:
    """Return the display that standard error can show: a bar on a terminal, else plain lines; nothing if `quiet`."""
    without_bar = not sys.stderr.isatty() or os.environ.get("TERM", "") in ("dumb", "") or "NO_COLOR" in os.environ
    return Lines(words, quiet) if without_bar or quiet else Bar(words)


class Lines(Generic[F, C]):
    """Plain lines on standard error."""

    def __init__(self, words: ProgressWords[F, C], quiet: bool = False) -> None:
        self._words, self._quiet = words, quiet
        self._next_share, self._next_time = LINE_SHARE, monotonic() + LINE_SECONDS

    def __enter__(self) -> Lines[F, C]:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def forecast(self, forecast: F) -> None:
        """Say what will be done."""
        self._talk(*self._words.before(forecast))

    def advance(self, counts: C) -> None:
        """Say where things stand, now and then."""
        share = 1 - counts.missing / counts.expected
        if share < self._next_share and monotonic() < self._next_time:
            return
        self._next_share, self._next_time = share + LINE_SHARE, monotonic() + LINE_SECONDS
        self._talk(f"{share:4.0%}  {self._words.now(counts)}")

    def stopping(self, number: int) -> None:
        """Say what happens now, and what another signal would do."""
        if not self._quiet:
            print_note_in_handler(stopping_line(number))

    def _talk(self, *lines: str) -> None:
        if not self._quiet:
            for line in lines:
                print_note(line)


class Bar(Generic[F, C]):
    """A progress bar with rate, time left and failures."""

    def __init__(self, words: ProgressWords[F, C]) -> None:
        self._words = words
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Bar[F, C]:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def forecast(self, forecast: F) -> None:
        """Say what will be done and start the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        for line in self._words.before(forecast):
            print_note(line)
        self._bar = Progress(
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
        )
        total, done = self._words.already(forecast)
        self._task = self._bar.add_task("starting workers", total=total, completed=done)
        self._bar.start()

    def advance(self, counts: C) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            done = counts.expected - counts.missing
            self._bar.update(self._task, completed=done, description=self._words.now(counts))

    def stopping(self, number: int) -> None:
        """Say what happens now, below the bar."""
        print_note_in_handler(stopping_line(number), below=self._bar is not None)


Display = Lines[F, C] | Bar[F, C]


def stopping_line(number: int) -> str:
    """Say what the first signal does."""
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    return f"{name}: finishing and storing what is in flight; send it again to stop at once"


class Speed:
    """Speed and time left, as last measured: from the first stored block on, before which workers were still starting.

    Later only the newer half of the time counts, so the forecast follows a machine that gets busy or free. `steps`
    are the run-steps that there are to compute; where they are not known, runs are taken to be equally long.
    """

    def __init__(self, steps: float = 0.0) -> None:
        self._steps = steps
        self._seen: list[RunCounts] = []
        self._began = float("inf")

    def words(self, counts: RunCounts) -> str:
        """Return the speed and about how much time is left, as far as they are known."""
        seen = self._seen
        seen.append(counts)
        self._began = min(self._began, counts.seconds)
        # The newer half of the time: a speed over all of it would lag behind a machine that gets busy.
        recent = max((counts.seconds - self._began) / 2, SETTLED)
        while len(seen) > 2 and counts.seconds - seen[1].seconds >= recent:
            del seen[0]
        seconds, done = counts.seconds - seen[0].seconds, seen[0].missing - counts.missing
        stepped = counts.run_steps - seen[0].run_steps
        if done <= 0 or seconds < SETTLED:
            return "timing"
        # Measured in run-steps, since runs of different studies may differ in length by orders of magnitude.
        steps = self._steps - counts.run_steps
        share = steps / stepped if steps > 0 and stepped > 0 and counts.missing else counts.missing / done
        return f"{stepped / seconds / 1e6:.3g} million run-steps/s, about {duration(seconds * share)} left"
