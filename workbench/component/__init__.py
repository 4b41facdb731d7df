"""The contract for people who write components: a rule, a readout, a task, a drug of one's own.

A component is one frozen dataclass. Its fields say what a file may set and what each number means; its methods say
what it does while the model runs. A rule in a package of your own is one file::

    @dataclass(frozen=True, kw_only=True)
    class Fading(Component):
        "Weights that fade."

        section: ClassVar[str] = "plasticity"
        name: ClassVar[str] = "fading"
        equation: ClassVar[str] = "dW = -share W"

        share: Any = number(0.01, "1", "share lost a trial", low=0.0, high=1.0)

        def build(self, block, name):
            weight = synapses_of(block, name, None).weight
            block.step("rule", lambda t: np.multiply(weight, 1.0 - self.share, out=weight), clock="trial")
            bound_and_store(block, name)

and one line of its `pyproject.toml` makes it known: an entry point of the group ``workbench.components``.
What a kind can do for others its declaration says, so that a new kind works with every rule and readout that needs
it, and no other file changes: a task with ``offers = frozenset({"episodes"})`` clears traces as the tasks here do, an
eligibility trace that offers ``"decay by steps"`` is carried along on the trial clock, a readout that offers
``"batches"`` reads weights between layers. What it needs of others it says as well: ``reference("task", "...",
requires="episodes")``, ``requires = {"projection.post": "channels"}`` for a table further off, ``clocks = ("trial",)``;
what a task shows to whom, ``reference("population", "...", shows="pattern")``. `workbench.component.capabilities`
lists the words; ``workbench describe NAME`` prints those of a component.

What fields must be to each other is declared as well. It is then checked in every arm and at the ends of every sweep,
and told at its line in the words that all components have in common: ``above="rise"``,
``not_above="projection.post"``, ``same_size_as="cues"``, ``within="bounds"`` and the others of
`workbench.component.declaration.Rules`; between fields ``one_of = (("drug", "signal"),)``, ``any_of``,
``at_most_one_of``, ``together``, ``same_size`` and ``needs_bounds``. Only what no such word says is left to a
component's own ``check(fields, tables)``, which yields (field, message).

From the declaration alone come the grammar, the JSON Schema, ``workbench describe``, every range check, the
component reference and what a page says of it. The names below, and
`workbench.plasticity.synapses` for rules, are the contract: they change only with a
deprecation warning first. Everything else in `workbench` may change with any version.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from workbench.component.arrays import Array as Array
    from workbench.component.arrays import Value as Value
    from workbench.component.arrays import power as power
    from workbench.component.assembly import Assembly as Assembly
    from workbench.component.declaration import BOUNDS as BOUNDS
    from workbench.component.declaration import NOT_NEGATIVE as NOT_NEGATIVE
    from workbench.component.declaration import Component as Component
    from workbench.component.declaration import Rules as Rules
    from workbench.component.declaration import anchor as anchor
    from workbench.component.declaration import count as count
    from workbench.component.declaration import dosing as dosing
    from workbench.component.declaration import gathered as gathered
    from workbench.component.declaration import interval as interval
    from workbench.component.declaration import named as named
    from workbench.component.declaration import number as number
    from workbench.component.declaration import numbers as numbers
    from workbench.component.declaration import option as option
    from workbench.component.declaration import path as path
    from workbench.component.declaration import reference as reference
    from workbench.component.declaration import references as references
    from workbench.component.declaration import signal as signal
    from workbench.component.declaration import switch as switch
    from workbench.component.declaration import window as window

_HOMES = {
    "arrays": ("Array", "Value", "power"),
    "assembly": ("Assembly",),
    "declaration": (
        "BOUNDS", "NOT_NEGATIVE", "Rules",
        "Component", "anchor", "count", "dosing", "gathered", "interval", "named", "number", "numbers", "option",
        "path", "reference", "references", "signal", "switch", "window",
    ),
}  # fmt: skip

__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"workbench.component.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
