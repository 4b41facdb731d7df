"""What a long command reports while it runs; the command line shows it, a notebook may ignore it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What will be done, and a timed guess of what it costs.

    Attributes
    ----------
    expected : int
        All that is asked for: runs of a sweep, candidates of a refit at most.
    reused : int
        Those of them that are stored already.
    rate, seconds : float
        Speed over all workers, and the time for what is left; 0 where nothing is left to compute.
    """

    expected: int
    reused: int = 0
    workers: int = 1
    rate: float = 0.0
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """What is to be computed."""
        return max(self.expected - self.reused, 0)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How far it is: of `expected`, `reused` were found in the database, and `missing` are not done yet."""

    expected: int
    reused: int = 0
    seconds: float = 0.0

    @property
    def missing(self) -> int:
        """What is not done yet."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class RunCounts(Counts):
    """Where every run of a sweep stands; ``expected == stored + failed + reused + missing``.

    Attributes
    ----------
    stored : int
        Computed and stored by this command.
    failed : int
        Could not be finished, now or earlier; stored as failed with their reason.
    lost : int
        Those of the failed that were lost with the process that computed them; the next command tries them again.
    run_steps : int
        Steps of all runs computed by this command.
    """

    stored: int = 0
    failed: int = 0
    lost: int = 0
    run_steps: int = 0

    @property
    def missing(self) -> int:
        """Runs not computed yet."""
        return self.expected - self.stored - self.failed - self.reused


F = TypeVar("F", bound=Forecast, contravariant=True)
C = TypeVar("C", bound=Counts, contravariant=True)


class Progress(Protocol[F, C]):
    """Whoever wants to know."""

    def forecast(self, forecast: F) -> None:
        """Say what will be done and how long it should take; called once, before anything is computed."""

    def advance(self, counts: C) -> None:
        """Say where things stand; called after each part that was stored."""

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
