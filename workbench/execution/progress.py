"""What a sweep reports while it runs; the command line shows it, a notebook may ignore it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from workbench.execution.pilot import Forecast


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Where every run of a sweep stands; ``expected == stored + failed + reused + missing``.

    Attributes
    ----------
    stored : int
        Computed and stored by this command.
    failed : int
        Could not be finished, now or earlier; stored as failed with their reason.
    lost : int
        Those of the failed that were lost with the process that computed them; the next command tries them again.
    reused : int
        Found in the database, complete.
    run_steps : int
        Steps of all runs computed by this command.
    """

    expected: int
    stored: int = 0
    failed: int = 0
    lost: int = 0
    reused: int = 0
    run_steps: int = 0
    seconds: float = 0.0

    @property
    def missing(self) -> int:
        """Runs not computed yet."""
        return self.expected - self.stored - self.failed - self.reused


class Progress(Protocol):
    """Whoever wants to know."""

    def forecast(self, forecast: Forecast) -> None:
        """Say what will run and how long it should take; called once, before the first block."""

    def advance(self, counts: Counts) -> None:
        """Say where things stand; called after each stored block."""

    def stopping(self, number: int) -> None:
        """Say that signal `number` asked to stop; called inside a signal handler."""


class Silent:
    """Reports nothing."""

    def forecast(self, forecast: Forecast) -> None:
        """Ignore it."""

    def advance(self, counts: Counts) -> None:
        """Ignore it."""

    def stopping(self, number: int) -> None:
        """Ignore it."""
