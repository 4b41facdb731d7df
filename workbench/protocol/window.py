"""A stretch of the protocol in words: ``last 200 trials of treatment``."""

from __future__ import annotations

import re
from dataclasses import dataclass

FORMS = (
    "'PHASE', 'first N trials of PHASE', 'last N trials of PHASE', 'trials A-B of PHASE', 'trials A-B', "
    "'end of PHASE', 'N h into PHASE'"
)
_PATTERN = re.compile(
    r"(?:(?P<edge>first|last) (?P<count>\d+) trials of (?P<p1>\S+)"
    r"|trials (?P<start>\d+)\s*-\s*(?P<stop>\d+)(?: of (?P<p2>\S+))?"
    r"|(?P<hours>\d+(?:\.\d+)?) h into (?P<p5>\S+)"
    r"|end of (?P<p3>\S+)|(?P<p4>[A-Za-z0-9_.-]+))"
)


@dataclass(frozen=True)
class Window:
    """Trials from `start` to before `stop`, counted inside `phase` ("" counts over the whole protocol).

    Negative `start` counts from the end of the phase; a `stop` of None is the end of the phase. On the event clock a
    window is a moment: `hours` into the phase, or its end.
    """

    phase: str
    start: int
    stop: int | None
    hours: float | None = None

    def bounds(self, length: int) -> tuple[int, int]:
        """Return (start, stop) in steps for a phase of `length` steps.

        Raises
        ------
        ValueError
            If the window does not fit into the phase.
        """
        start = length + self.start if self.start < 0 else self.start
        stop = length if self.stop is None else self.stop
        if not 0 <= start < stop <= length:
            raise ValueError(f"window {start}-{stop} does not fit into {length} trials")
        return start, stop


def parse_window(text: str) -> Window:
    """Read the words; ValueError names the accepted forms."""
    match = _PATTERN.fullmatch(" ".join(text.split()))
    if not match:
        raise ValueError(f"a window is one of {FORMS}")
    part = match.groupdict()
    if part["edge"]:
        size = int(part["count"])
        if size == 0:
            raise ValueError("a window needs at least one trial")
        return Window(part["p1"], 0, size) if part["edge"] == "first" else Window(part["p1"], -size, None)
    if part["start"]:
        if int(part["start"]) >= int(part["stop"]):
            raise ValueError("a window ends after it starts")
        return Window(part["p2"] or "", int(part["start"]), int(part["stop"]))
    if part["hours"]:
        return Window(part["p5"], -1, None, float(part["hours"]))
    if part["p3"]:
        return Window(part["p3"], -1, None)
    return Window(part["p4"], 0, None)
