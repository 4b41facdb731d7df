"""What sessions teach the synapses of one projection: run by run, cut at its edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.circuit.projections import picked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.circuit.projections import Pairs, Shares
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.plasticity.tag_and_capture import Coefficients, Synapse
    from workbench.protocol.sessions import Training

ADAPTIVE, MALADAPTIVE = 0, 1
"""The two channels, in order."""
_NONE = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
PARTS = 8
"""A session is cut into pieces of at most a step over this: halving the step halves them too."""


class Lessons:
    """The sessions of one projection in one block; `rate` and `unlearning` are those of the rule.

    Only the synapses that a session teaches during a step take the way through its edges, each its own; all others take
    the step in one go. So no run, and no cue, notices which others are taught.
    """

    def __init__(self, block: Assembly, projection: str, rate: Value, unlearning: Value) -> None:
        self._block, self._rate, self._unlearning = block, rate, unlearning
        own = [s for _, s in block.all("session") if s.projection == projection and s.content != "sham"]
        self._sessions = [(s, _targets(s), s.timetable(block), s.entering(block)) for s in own]

    def among(self, start: float, stop: float) -> Pairs:
        """Return the synapses (cues, runs) that a session teaches at any time of a step, in order."""
        taught: list[NDArray[np.intp]] = []
        for session, targets, times, entering in self._sessions:
            if session.phase == self._block.phase:
                runs = times.among(start, stop)
                if len(runs):
                    runs = runs[entering()[runs]]
                    taught += [cue * self._block.runs + runs for cue in targets]
        if not taught:
            return _NONE
        cues, runs = np.divmod(np.unique(np.concatenate(taught)), self._block.runs)
        return cues, runs

    def hold(self, synapse: Synapse, pairs: Pairs, span: tuple[float, float], c: Coefficients, shares: Shares) -> None:
        """Advance `synapse`, a copy of `pairs`, over a step from edge to edge of their sessions."""
        (start, stop), (cues, runs) = span, pairs
        left, time = np.arange(len(runs)), np.full(len(runs), start)
        while len(left):
            now = time[left]
            on, edge = self._edges(now, (cues[left], runs[left]))
            until = np.minimum(np.minimum(edge, stop), np.where(on, now + (stop - start) / PARTS, stop))
            for some in (np.flatnonzero(on), np.flatnonzero(~on)):
                if len(some):
                    here, who = (np.zeros_like(some), left[some]), (cues[left[some]], runs[left[some]])
                    piece, mine = synapse.of(here), c.of(who[1])
                    if on[some[0]]:
                        mine = replace(mine, **self._taught(now[some], who))
                    piece.step((until - now)[some], mine, shares, who)
                    piece.drift[..., (until == edge)[some]] = 0.0  # what a session did says nothing of what follows
                    synapse.put(here, piece)
            time[left] = until
            left = left[until < stop]

    def _edges(self, time: Array, pairs: Pairs) -> tuple[NDArray[np.bool_], Array]:
        """Return whether a session teaches each synapse now, and the next moment at which one begins or ends."""
        on, edge = np.zeros(len(time), dtype=bool), np.full(len(time), np.inf)
        for _, held, until in self._now(time, pairs):
            on |= held
            edge = np.minimum(edge, until)
        return on, edge

    def _taught(self, time: Array, pairs: Pairs) -> dict[str, Any]:
        """Return what the sessions that are on add for each synapse."""
        runs = pairs[1]
        teach, pull, tagged = np.zeros((2, 1, len(runs))), np.zeros((2, 1, len(runs))), np.zeros((1, len(runs)))
        for session, on, _ in self._now(time, pairs):
            learner = MALADAPTIVE if session.content == "stressor" else ADAPTIVE
            pace = np.where(on, picked(session.trials / session.duration, runs), 0.0)
            strength = picked(self._rate, runs) * pace * picked(session.fidelity, runs)
            teach[learner] += strength
            pull[learner] += strength
            pull[1 - learner] += picked(self._unlearning, runs) * strength
            tagged += pace
        return {"teach": teach, "pull": pull, "tagged": tagged}

    def _now(self, time: Array, pairs: Pairs) -> Iterator[tuple[Training, NDArray[np.bool_], Array]]:
        """Yield each table of this phase: which synapses it teaches now, and when it next begins or ends for them."""
        cues, runs = pairs
        for session, targets, times, entering in self._sessions:
            if session.phase == self._block.phase:
                held, until = times.at(time, runs)
                mine = entering()[runs] & np.isin(cues, targets)
                yield session, held & mine, np.where(mine, until, np.inf)


def _targets(session: Training) -> list[int]:
    return [int(target) - 1 for target in session.targets]
