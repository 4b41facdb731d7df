"""A synapse of any scenario under the protocols of a slice: what it shows, measured and not read off its gains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import CheckFailed, UsageError
from workbench.execution.runner import read_scenario
from workbench.execution.simulate import simulate_columns

if TYPE_CHECKING:
    from workbench.component.declaration import Component
    from workbench.scenario.model import Scenario

PROTOCOL = "frequency"
"""The shipped protocol, a file of ``data/assays``."""
WHOLE = 100.0
LEAST = 0.05
"""Percent of control below which nothing fell, so that no balance can be given."""


@dataclass(frozen=True)
class Response:
    """What the synapse of one arm does, in percent of its size before.

    Attributes
    ----------
    ltd, ltp : float
        20 min after high-frequency stimulation with and without magnesium.
    low : float
        After low-frequency stimulation, which follows the one without magnesium.
    """

    synapse: str
    arm: str
    title: str
    ltd: float
    ltp: float
    low: float

    @property
    def balance(self) -> float | None:
        """Rise by potentiation over fall by depression; None where nothing falls."""
        fall = WHOLE - self.ltd
        return (self.ltp - WHOLE) / fall if fall >= LEAST else None


def assay(
    scenario: Scenario | str | Path,
    synapses: Iterable[str] = (),
    *,
    arms: Iterable[str] = (),
    components: Iterable[type[Component]] = (),
) -> list[Response]:
    """Put synapses of a scenario through high-frequency stimulation with and without magnesium, then low frequency.

    Rule, gates, receptors, transmitters, parameters, bounds and start weight are the scenario's own; activity and
    third factor are clamped at 1. Nothing is stored.

    Parameters
    ----------
    synapses
        Learned projections, as ``NAME`` or ``plasticity.NAME``; all that can be assayed if not given.
    arms
        All if not given. Doses are not given in a slice.

    Raises
    ------
    CheckFailed
        If a synapse has no finite response.
    """
    from workbench.scenario.assay import BETWEEN, assayed
    from workbench.scenario.assay import synapses as found_in

    document, registry = read_scenario(scenario, components)
    protocol = protocol_of(PROTOCOL)
    known = document.tables.get("plasticity", {})
    if not known:
        raise UsageError("nothing learns in this scenario (it has no [plasticity.NAME])")
    chosen = tuple(name.removeprefix("plasticity.") for name in synapses) or found_in(document) or tuple(known)[:1]
    responses, asked = [], tuple(arms)
    for synapse in chosen:
        made = assayed(document, synapse, protocol, asked)
        columns = simulate_columns(made, components=() if registry is None else components)
        for name, failure in zip(columns["arm"], columns["failure"], strict=True):
            if failure:
                raise CheckFailed(
                    f"plasticity.{synapse} has no response in arm {name.partition(BETWEEN)[0]}: {failure}"
                )
        values = {
            (arm, outcome): float(value)
            for outcome in ("epsp_hfs", "epsp_lfs")
            for arm, value in zip(columns["arm"], columns[outcome], strict=True)
        }
        for arm in dict.fromkeys(name.rpartition(BETWEEN)[0] for name in made.arms):
            ltd, ltp = f"{arm}{BETWEEN}ltd", f"{arm}{BETWEEN}ltp"
            measured = values[ltd, "epsp_hfs"], values[ltp, "epsp_hfs"], values[ltp, "epsp_lfs"]
            responses.append(Response(synapse, arm, document.arms[arm].title, *measured))
    return responses


def protocol_of(name: str) -> Scenario:
    """Return a shipped protocol."""
    from workbench.scenario import load_scenario
    from workbench.scenario.library import data_folder

    return load_scenario(data_folder() / "assays" / f"{name}.toml")
