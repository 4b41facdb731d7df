"""Synaptic tagging and capture: what is learned fades within a day unless proteins reach a tagged synapse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import Component, number
from workbench.plasticity.capture import Coefficients, Synapse

if TYPE_CHECKING:
    from workbench.arrays import Array, Value
    from workbench.assembly import Assembly
    from workbench.protocol.sessions import Training

ADAPTIVE, MALADAPTIVE = 0, 1
"""The two channels, in order."""
HOURS_PER_DAY = 24.0


@dataclass(frozen=True, kw_only=True)
class TagAndCapture(Component):
    """Early weights that learn and fade, late weights that last, and tags that let one become the other.

    Everyday life trains the channel that is chosen, so a habit holds itself up. A session teaches its cues one channel
    and weakens the other. Both leave tags for an hour or two; tagged early weight is captured as proteins allow. Links
    carry a window onto `rate` and `session_rate` (learning) or `supply` (proteins).
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "tag_and_capture"
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
    def check(cls, fields: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
        """Refuse synapses that are not dense ones onto a choice of two channels, and bounds."""
        way = tables["projection"][fields["projection"]]
        post = tables["population"][way["post"]]
        if way["wiring"] != "dense" or post["kind"] != "choice":
            found = f"{fields['projection']} is {way['wiring']} onto a {post['kind']}"
            yield "rule", f"tag_and_capture needs a dense projection onto a choice, but {found}"
        elif size_of(tables, way["post"]) != 2:
            yield "rule", f"needs an adaptive and a maladaptive channel, but {way['post']} has {post['size']}"
        elif way.get("bounds"):
            yield "rule", f"weights of {fields['projection']} hold themselves; leave bounds out"

    def build(self, block: Assembly, name: str) -> None:
        """Register the step of the tick clock."""
        projection = block.component("projection", name)
        weight = block.update(f"projection.{name}.weight")
        parts = [block.state(f"plasticity.{name}.{part}", *weight.shape[:-1]) for part in ("late", "early", "tag")]
        weight[ADAPTIVE] += self.start_adaptive
        weight[MALADAPTIVE] += self.start_maladaptive
        parts[0][...] = weight
        shares = block.component("population", projection.post).shares(block)
        synapse, numbers, taught = (
            Synapse(parts[0], parts[1], parts[2], weight),
            self._numbers(block),
            self._taught(block, name),
        )

        def learn(t: int) -> None:
            start, stop = block.span
            teach, pull, tagged = taught(start, stop)
            synapse.step(stop - start, numbers(teach, pull, tagged), shares)

        block.step("rule", learn, clock="tick")

    def _numbers(self, block: Assembly) -> Callable[[Any, Any, Any], Coefficients]:
        """Return a function that makes the coefficients of a step; what drugs move is read anew each time."""
        life = block.derived(lambda rate, events: rate * events, self.rate, self.events)
        capture = block.derived(lambda rate, supply: rate * supply, self.capture, self.supply)
        forgetting = block.derived(lambda days: days * HOURS_PER_DAY, self.late_decay)
        asymptotes = np.zeros((2, 1, block.runs))
        asymptotes[ADAPTIVE], asymptotes[MALADAPTIVE] = self.asymptote_adaptive, self.asymptote_maladaptive

        def made(teach: Any, pull: Any, tagged: Any) -> Coefficients:
            return Coefficients(
                life, asymptotes, self.events, teach, pull, tagged, self.tag_decay, capture, self.early_decay,
                forgetting, self.late_rest,
            )  # fmt: skip

        return made

    def _taught(self, block: Assembly, name: str) -> Callable[[float, float], tuple[Any, Any, Any]]:
        """Return a function (start, stop) that gives what sessions teach in a step; None three times without any."""
        cues = block.size(block.component("projection", name).pre)
        own = [s for _, s in block.all("session") if s.projection == name and s.content != "sham"]
        held = [(s, s.held(block), s.entering(block)) for s in own]
        teach, pull, tagged = block.empty(2, cues), block.empty(2, cues), block.empty(cues)

        def taught(start: float, stop: float) -> tuple[Any, Any, Any]:
            shares = [part(start, stop) if s.phase == block.phase else 0.0 for s, part, _ in held]
            if not any(np.any(share) for share in shares):
                return None, None, None
            for array in (teach, pull, tagged):
                array[...] = 0.0
            for (session, _, enters), share in zip(held, shares, strict=True):
                if np.any(share):
                    self._add(session, share * enters(), teach, pull, tagged)
            return teach, pull, tagged

        return taught

    def _add(self, session: Training, share: Value, teach: Array, pull: Array, tagged: Array) -> None:
        """Add one table of sessions to what is taught in a step."""
        learner = MALADAPTIVE if session.content == "stressor" else ADAPTIVE
        pace = session.trials / session.duration * share
        strength = self.session_rate * pace * session.fidelity
        for cue in (int(target) - 1 for target in session.targets):
            teach[learner, cue] += strength
            pull[learner, cue] += strength
            pull[1 - learner, cue] += self.unlearning * strength
            tagged[cue] += pace
