"""Ctrl-C, SIGTERM and SIGHUP: the first asks to finish what is in flight, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

ENDING = (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)]))
"""Signals that ask a command to end: Ctrl-C, whoever shuts the system down, a terminal that is closed."""


class StoppedAtOnce(KeyboardInterrupt):
    """A second signal: nothing more is awaited. What was acknowledged as stored stays stored."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"stopped at once by signal {number}")


class StopSignal:
    """Listens for signals while a sweep runs; outside the main thread it only answers `request`.

    Attributes
    ----------
    limit : str
        Which limit asked to stop, in words; "" if it was a signal, or nothing did.
    """

    def __init__(
        self, on_request: Callable[[int], None] | None = None, limit_reached: Callable[[], str] | None = None
    ) -> None:
        self._requested = 0
        self.limit = ""
        self._on_request = on_request
        self._limit_reached = limit_reached
        self._before: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> int:
        """Number of the signal that asked to stop, 0 while none did; a limit that is reached counts as SIGTERM."""
        if not self._requested and self._limit_reached is not None:
            self.limit = self._limit_reached()
            if self.limit:
                self._requested = int(signal.SIGTERM)
        return self._requested

    def request(self, number: int) -> None:
        """Ask to stop; asked twice, raise StoppedAtOnce."""
        # The first signal only sets a flag, which the sweep looks at between blocks: a block in flight is finished
        # and stored.
        if self._requested:
            raise StoppedAtOnce(number)
        self._requested = number
        if self._on_request is not None:
            self._on_request(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.request(number)

    def __enter__(self) -> Self:
        # Python lets only the main thread set handlers; elsewhere the caller must use `request`.
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:  # nohup: go on without us
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
