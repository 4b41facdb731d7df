"""The flow clock: mean fields, from one reading to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.errors import AssemblyError

if TYPE_CHECKING:
    from workbench.solver.block import Block
    from workbench.solver.recorder import Recorder
    from workbench.solver.watch import Watch


class Flows:
    """Walks from reading to reading; rules advance their weights by exact solution, or on a grid of their own."""

    def __init__(self, block: Block, recorder: Recorder, watch: Watch) -> None:
        self._block, self._recorder, self._watch = block, recorder, watch
        ordered = block.steps("flow")
        flowing = [s for s in ordered if s.clock == "flow"]
        self._slow = [s.function for s in ordered if s.stage == "drive"]
        self._functions = [s.function for s in flowing]
        able = {s.owner for s in flowing}
        for name in block.names("plasticity"):
            if f"plasticity.{name}" not in able:
                raise AssemblyError(f"plasticity.{name}", "its rule has no mean field, which the flow clock needs")

    def run(self, name: str, phase: Any, done: int) -> int:
        """Run one phase; `done` trials of the protocol went before. Return the trials done after it."""
        block, after = self._block, self._recorder.after
        block.phase = name
        for function in self._slow:  # what drives from outside stands still during a flow
            function(0)
        self._advance(0.0, 0.0)
        edges = sorted({at - done for at in after if done < at <= done + phase.trials} | {phase.trials})
        begin = 0
        for edge in edges:
            self._advance(float(begin), float(edge))
            self._watch.look(done + edge, f"trial {edge} of {name}")
            for read in after.get(done + edge, ()):
                read()
            begin = edge
        return done + int(phase.trials)

    def _advance(self, begin: float, stop: float) -> None:
        self._block.span = (begin, stop)
        for function in self._functions:
            function(0)
