"""The peers as tables: what was asked, whether all say the same, and how fast each says it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.peers import kinetics, projection, striatum
from benchmarks.peers.peer import Timing, compare


@dataclass(frozen=True)
class Topic:
    """One question to several programs: `module` has ask, answer and peers; `sizes` and `short` are what it asks."""

    title: str
    text: str
    module: Any
    sizes: tuple[int, ...]
    short: tuple[int, ...]
    step: str = "run-steps"


TOPICS = (
    Topic(
        "The 4-muscle striatum",
        "{0} subjects at {1} values of the LTP/LTD balance, {2} trials in each of three phases, untreated, one outcome."
        " Draws are handed to all programs and not timed.",
        striatum,
        (64, 33, 1000),
        (3, 3, 410),
    ),
    Topic(
        "A plastic projection",
        "Oja's rule on four inputs: {0} subjects, {1} trials. Inputs are handed to both programs and not timed.",
        projection,
        (512, 4000),
        (16, 130),
    ),
    Topic(
        "Kinetics",
        "A gut and two compartments, three doses a day for a week: {0} people, the concentration at the end. A step is"
        " one dosing interval of one person.",
        kinetics,
        (128,),
        (8,),
        "intervals",
    ),
)


def tables(*, short: bool = False, note: Callable[[str], object] = lambda line: None) -> str:
    """Return all topics as Markdown.

    Parameters
    ----------
    short : bool
        Ask small questions: enough to see that all agree, too few to time.
    note : callable
        Told the title of each topic before it is measured.

    Raises
    ------
    AssertionError
        If a program computes something else than the reference.
    """
    parts = []
    for topic in TOPICS:
        note(topic.title)
        sizes = topic.short if short else topic.sizes
        question = topic.module.ask(*sizes)
        timings = compare(topic.module.peers(question), topic.module.answer(question))
        text = topic.text.format(*(f"{size:,}" for size in sizes))
        parts.append(f"### {topic.title}\n\n{text}\n\n" + "\n".join(_lines(topic, timings)) + "\n")
    return "\n".join(parts)


def _lines(topic: Topic, timings: list[Timing]) -> Iterator[str]:
    """Yield the table's lines; the first program is this one, to which the others are compared."""
    yield f"| program | differs at most by | s to the first result | million {topic.step} a second | times ours |"
    yield "| --- | --- | --- | --- | --- |"
    own = timings[0].rate
    for told in timings:
        if told.missing:
            yield f"| {told.name} | left out: {told.missing} | | | |"
            continue
        differs = f"{told.difference:.0e}" if told.difference else "0"
        numbers = (differs, _short(told.first), _short(told.rate / 1e6), _short(told.rate / own))
        yield f"| {told.name} | {' | '.join(numbers)} |"


def _short(number: float) -> str:
    """Return a number with two digits that count."""
    digits = max(0, 1 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{digits}f}"
