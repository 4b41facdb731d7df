"""Synaptic tagging and capture: what is learned fades within a day unless proteins reach a tagged synapse.

One step of early and late weights, tags and capture: the exact flow of each while the others hold still.

Order of a step of length dt, each part exact for the coefficients that it sees:

1. choice p at the weights expected in the middle of the step, by the drift of the step before;
2. tags over dt, and their mean;
3. late weights over dt / 2, with the early weights of the start;
4. early weights over dt, with the late weights of the middle;
5. late weights over dt / 2, with the early weights of the end.

The whole is of second order in dt, once dt is shorter than a tag takes to be set (minutes, in a session).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.component.arrays import select_runs
from workbench.component.declaration import Component, number
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.circuit.projections import Pairs, Shares
    from workbench.component.arrays import Array, Value
    from workbench.component.assembly import Assembly
    from workbench.component.tables import Fields, Tables
    from workbench.protocol.sessions import Training


@dataclass(frozen=True, kw_only=True)
class TagAndCapture(Component):
    """Early weights that learn and fade, late weights that last, and tags that let one become the other.

    Everyday life trains the channel that is chosen, so a habit sustains itself. A session teaches its cues one channel
    and weakens the other. Both leave tags for an hour or two; tagged early weight is captured as proteins allow. Links
    carry a window onto `rate` and `session_rate` (learning) or `supply` (proteins).
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "tag_and_capture"
    offers: ClassVar[frozenset[str]] = frozenset({"late weight", "sessions"})
    requires: ClassVar[Mapping[str, str]] = MappingProxyType({"projection": "all pairs", "projection.post": "channels"})
    revision: ClassVar[int] = 2
    equation: ClassVar[str] = (
        "W = L + E;  dE_cj/dt = rate events p_cj (asymptote_c - W_cj) + sessions - E / early_decay - cap E\n"
        "sessions: +k (1 - W) on the one taught, -unlearning k W on the other;  k = session_rate fidelity trials/h\n"
        "dT/dt = -T / tag_decay + (events p + trials/h) (1 - T);  cap = capture supply T\n"
        "dL/dt = cap E - (L - late_rest) / late_decay"
    )
    sources: ClassVar[tuple[str, ...]] = ("FreyMorris1997", "RedondoMorris2011", "Clopath2008")

    rate: Value = number(0.0058, "1", "learning per occasion of everyday life", low=0.0, high=1.0)
    events: Value = number(0.5, "1/h", "occasions of everyday life", low=0.0, high=1e3)
    asymptote_adaptive: Value = number(0.85, "1", "what life teaches the adaptive channel", low=0.0, high=10.0)
    asymptote_maladaptive: Value = number(1.0, "1", "what life teaches the maladaptive channel", low=0.0, high=10.0)
    start_adaptive: Value = number(0.43, "1", "late weight of the adaptive channel at the start, added to that of the "
                                   "projection", low=-10.0, high=10.0)  # fmt: skip
    start_maladaptive: Value = number(0.61, "1", "the same of the maladaptive channel", low=-10.0, high=10.0)
    session_rate: Value = number(0.0128, "1", "learning per trial of a session", low=0.0, high=10.0)
    unlearning: Value = number(
        0.5, "1", "how much a trial weakens the channel that it does not teach", low=0.0, high=10.0
    )
    tag_decay: Value = number(1.5, "h", "time constant of a tag", low=1e-3, high=1e4)
    capture: Value = number(0.026, "1/h", "rate of capture at a whole tag and supply 1", low=0.0, high=1e3)
    supply: Value = number(0.46, "1", "plasticity-related proteins", low=0.0, high=1e3)
    early_decay: Value = number(17.0, "h", "time constant of early weight", low=1e-3, high=1e5)
    late_decay: Value = number(97.0, "day", "time constant of forgetting", low=1e-3, high=1e6)
    late_rest: Value = number(0.3, "1", "late weight that forgetting tends to", low=-10.0, high=10.0)

    @classmethod
    def check(cls, fields: Fields, tables: Tables) -> Iterable[tuple[str, str]]:
        """Refuse synapses onto another choice than one of two channels, and bounds."""
        way = tables["projection"][fields["projection"]]
        post = tables["population"][way["post"]]
        if size_of(tables, way["post"]) != 2:
            yield "rule", f"needs an adaptive and a maladaptive channel, but {way['post']} has {post['size']}"
        elif way.get("bounds"):
            yield "rule", f"this rule keeps the weights of {fields['projection']} bounded; leave bounds out"

    def build(self, block: Assembly, name: str) -> None:
        """Register the step of the tick clock."""
        projection = block.component("projection", name)
        weight = block.update(f"projection.{name}.weight")
        late, early, tag, drift = (
            block.state(f"plasticity.{name}.{part}", *weight.shape[:-1]) for part in ("late", "early", "tag", "drift")
        )
        weight[ADAPTIVE] += self.start_adaptive
        weight[MALADAPTIVE] += self.start_maladaptive
        late[...] = weight
        shares = block.component("population", projection.post).shares(block)
        synapse, holds = Synapse(late, early, tag, drift, weight), self._coefficients(block)
        lessons = Lessons(block, name, self.session_rate, self.unlearning)

        def learn(t: int) -> None:
            start, stop = block.span
            taught = lessons.among(start, stop)
            own = synapse.of(taught) if len(taught[0]) else None
            synapse.step(stop - start, holds, shares)
            if own is not None:
                lessons.hold(own, taught, (start, stop), holds, shares)
                synapse.put(taught, own)

        block.step("rule", learn, clock="tick")

    def _coefficients(self, block: Assembly) -> Coefficients:
        """Return what life does; what drugs move is an array that is kept up to date."""
        asymptotes = np.zeros((2, 1, block.runs))
        asymptotes[ADAPTIVE], asymptotes[MALADAPTIVE] = self.asymptote_adaptive, self.asymptote_maladaptive
        # One column where all runs agree: the products of a step then read far less memory.
        same = bool(np.all(asymptotes == asymptotes[..., :1]))
        return Coefficients(
            life=block.derived(lambda rate, events: rate * events, self.rate, self.events),
            asymptotes=asymptotes[..., :1] if same else asymptotes,
            events=self.events,
            tag_decay=self.tag_decay,
            capture=block.derived(lambda rate, supply: rate * supply, self.capture, self.supply),
            early_decay=self.early_decay,
            late_decay=block.derived(lambda days: days * HOURS_PER_DAY, self.late_decay),
            late_rest=self.late_rest,
        )


@dataclass
class Coefficients:
    """What holds over one step, per hour.

    Attributes
    ----------
    life : Value
        Learning per occasion, times occasions.
    asymptotes : array (channels, 1, 1 or runs)
        What each channel is taught to by being chosen.
    events : Value
        Occasions.
    teach, pull : array (channels, cues, runs) or None
        What sessions add to the early weights, ``teach - pull * W``.
    tagged : array (cues, runs) or None
        Trials in sessions, which set tags on both channels.
    """

    life: Value
    asymptotes: Array
    events: Value
    tag_decay: Value
    capture: Value
    early_decay: Value
    late_decay: Value
    late_rest: Value
    teach: Any = None
    pull: Any = None
    tagged: Any = None

    def of(self, runs: NDArray[np.intp]) -> Coefficients:
        """Return those of some runs."""
        return replace(self, **{item.name: select_runs(getattr(self, item.name), runs) for item in fields(self)})


class Synapse:
    """Late and early weights and tags, ``(channels, cues, runs)`` each, and the work space of a step.

    `drift` (per hour) is how fast the weights moved in the last step.
    """

    def __init__(self, late: Array, early: Array, tag: Array, drift: Array, weight: Array) -> None:
        self.late, self.early, self.tag, self.drift, self.weight = late, early, tag, drift, weight
        self._p, self._gain, self._loss, self._work, self._mean = (np.empty_like(weight) for _ in range(5))

    def of(self, pairs: Pairs) -> Synapse:
        """Return an independent copy of some synapses, ``(channels, 1, synapses)``."""
        cues, runs = pairs
        return Synapse(*(array[:, None, cues, runs] for array in self._state))

    def put(self, pairs: Pairs, other: Synapse) -> None:
        """Take some synapses over from `other`."""
        cues, runs = pairs
        for mine, theirs in zip(self._state, other._state, strict=True):
            mine[:, cues, runs] = theirs[:, 0]

    @property
    def _state(self) -> tuple[Array, ...]:
        return self.late, self.early, self.tag, self.drift, self.weight

    def step(self, hours: Value, c: Coefficients, shares: Shares, pairs: Pairs | None = None) -> None:
        """Advance by `hours`; `pairs` says which synapses these are, None is all of the block."""
        p, gain, loss, work, before = self._p, self._gain, self._loss, self._work, self._mean
        # Choice at the middle of the step, by the last drift: second order without a second evaluation.
        np.multiply(self.drift, 0.5 * hours, out=work)
        shares(np.add(work, self.weight, out=work), p, pairs)
        self._drives(c)
        capture = self._tags(hours, c)
        # Late weights fade over months: over one step 1 - exp would lose digits.
        faded = -np.expm1(-0.5 * hours / c.late_decay)
        self._later(faded, c, capture)
        leaving = np.add(loss, capture, out=work)
        np.add(leaving, 1.0 / c.early_decay, out=leaving)
        np.multiply(loss, self.late, out=loss)
        np.subtract(gain, loss, out=gain)
        np.divide(gain, leaving, out=gain)
        np.multiply(leaving, -hours, out=leaving)
        np.exp(leaving, out=leaving)
        np.subtract(self.early, gain, out=self.early)
        np.multiply(self.early, leaving, out=self.early)
        np.add(self.early, gain, out=self.early)
        self._later(faded, c, capture)
        np.copyto(before, self.weight)
        np.add(self.late, self.early, out=self.weight)
        np.subtract(self.weight, before, out=self.drift)
        np.multiply(self.drift, 1.0 / hours, out=self.drift)

    def _drives(self, c: Coefficients) -> None:
        """Fill gain and loss of the early weights, ``gain - loss * W``, from the present choice."""
        np.multiply(self._p, c.life, out=self._loss)
        np.multiply(self._loss, c.asymptotes, out=self._gain)
        if c.pull is not None:
            np.add(self._loss, c.pull, out=self._loss)
            np.add(self._gain, c.teach, out=self._gain)

    def _tags(self, hours: Value, c: Coefficients) -> Array:
        """Advance the tags; return the rate of capture at their mean over the step."""
        rate, decay, mean = np.multiply(self._p, c.events, out=self._p), self._work, self._mean
        if c.pull is not None:
            np.add(rate, c.tagged, out=rate)
        np.add(rate, 1.0 / c.tag_decay, out=decay)
        np.divide(rate, decay, out=rate)  # where tags tend
        np.multiply(decay, hours, out=decay)
        np.subtract(self.tag, rate, out=self.tag)
        # expm1 serves both the mean and the end of the step, and keeps the digits of a short step.
        fading = np.expm1(np.negative(decay, out=mean), out=mean)
        np.divide(fading, decay, out=decay)
        np.multiply(decay, self.tag, out=decay)
        np.add(fading, 1.0, out=fading)
        np.multiply(self.tag, fading, out=self.tag)
        np.add(self.tag, rate, out=self.tag)
        np.subtract(rate, decay, out=mean)
        return np.multiply(mean, c.capture, out=mean)

    def _later(self, faded: Value, c: Coefficients, capture: Array) -> None:
        """Advance the late weights with early weights held; `faded` is the share of their distance that is lost."""
        tends = np.multiply(capture, self.early, out=self._p)
        np.multiply(tends, c.late_decay, out=tends)
        np.add(tends, c.late_rest, out=tends)
        np.subtract(tends, self.late, out=tends)
        np.multiply(tends, faded, out=tends)
        np.add(self.late, tends, out=self.late)


ADAPTIVE, MALADAPTIVE = 0, 1
"""The two channels, in order."""
_NONE = np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
PARTS = 8
"""A session is cut into pieces of at most a step over this: halving the step halves them too."""


class Lessons:
    """The sessions of one projection in one block; `rate` and `unlearning` are those of the rule.

    Only the synapses that a session teaches during a step are advanced from edge to edge, each by itself; all others
    take the step at once. So no run and no cue depends on which others are taught.
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
        # Each once: two sessions may teach the same synapse in one step.
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
            for chosen in (np.flatnonzero(on), np.flatnonzero(~on)):
                if len(chosen):
                    here, who = (np.zeros_like(chosen), left[chosen]), (cues[left[chosen]], runs[left[chosen]])
                    piece, mine = synapse.of(here), c.of(who[1])
                    if on[chosen[0]]:
                        mine = replace(mine, **self._taught(now[chosen], who))
                    piece.step((until - now)[chosen], mine, shares, who)
                    piece.drift[..., (until == edge)[chosen]] = 0.0  # what a session did says nothing of what follows
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
            pace = np.where(on, select_runs(session.trials / session.duration, runs), 0.0)
            strength = select_runs(self._rate, runs) * pace * select_runs(session.fidelity, runs)
            teach[learner] += strength
            pull[learner] += strength
            pull[1 - learner] += select_runs(self._unlearning, runs) * strength
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
