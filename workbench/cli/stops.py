"""Signals that end a command: after the first it tidies up, after the second it does not; neither shows a traceback.

Commands that store what they compute listen with `StopSignal` while they do, which asks before it ends them.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

from workbench.execution.signals import ENDING, StoppedAtOnce

_asked = 0


def listen() -> None:
    """Install handlers: the first signal raises StoppedAtOnce wherever the command is, the second ends the process."""
    for number in _signals_not_ignored():
        signal.signal(number, _stop)
    sys.unraisablehook = _unraisable


def received_signal() -> int:
    """Return the signal that ended the command, 0 if none did."""
    return _asked


def finish() -> None:
    """Ignore signals from now on: the command has ended, and the interpreter should shut down undisturbed."""
    for number in _signals_not_ignored():
        signal.signal(number, signal.SIG_IGN)


def _signals_not_ignored() -> list[signal.Signals]:
    """Return the signals that the caller did not set to be ignored, as nohup does."""
    return [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]


def _stop(number: int, _: FrameType | None) -> None:
    global _asked
    if _asked:
        # Not sys.exit: the second signal means now, whatever is being cleaned up.
        os._exit(128 + number)
    _asked = number
    raise StoppedAtOnce(number)


def _unraisable(fault: Any) -> None:
    """End a command that would go on: Python drops exceptions raised while an object is destroyed."""
    # Raised inside __del__ or a callback of C code, the exception would only be printed, and the command would go on.
    if isinstance(fault.exc_value, StoppedAtOnce):
        os._exit(128 + fault.exc_value.number)
    sys.__unraisablehook__(fault)
