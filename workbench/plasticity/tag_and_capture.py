"""Synaptic tagging and capture: what is learned fades within a day unless proteins reach a tagged synapse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from workbench.circuit.populations import size_of
from workbench.declaration import Component, number
from workbench.plasticity.capture import Coefficients, Synapse
from workbench.plasticity.lessons import ADAPTIVE, MALADAPTIVE, Lessons
from workbench.quantities import HOURS_PER_DAY

if TYPE_CHECKING:
    from workbench.arrays import Value
    from workbench.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class TagAndCapture(Component):
    """Early weights that learn and fade, late weights that last, and tags that let one become the other.

    Everyday life trains the channel that is chosen, so a habit holds itself up. A session teaches its cues one channel
    and weakens the other. Both leave tags for an hour or two; tagged early weight is captured as proteins allow. Links
    carry a window onto `rate` and `session_rate` (learning) or `supply` (proteins).
    """

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "tag_and_capture"
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
