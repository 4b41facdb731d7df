"""A rule that a modeller writes in a notebook: it runs, is stored with its source's hash, and marks its runs."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from support.circuits import STRIATUM
from support.commands import SMALL

import workbench
from workbench.component.declaration import Component, number, reference
from workbench.component.registry import Registry, registry
from workbench.errors import CheckFailed, ScenarioError
from workbench.plasticity.hebb import Hebb
from workbench.plasticity.synapses import bound_and_store, synapses_of


@dataclass(frozen=True, kw_only=True)
class Covariance(Component):
    """Weights follow how far both sides are from their usual activity."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "covariance"
    equation: ClassVar[str] = "dW_ji = rate * (y_j - usual) x_i"

    rate: Any = number(0.002, "1", "learning rate per trial", low=0.0, high=10.0)
    usual: Any = number(0.0, "1", "postsynaptic activity at which nothing changes")
    postsynaptic: str | None = reference("population", "population whose activity is y", None)

    def build(self, block: Any, name: str) -> None:
        synapses = synapses_of(block, name, self.postsynaptic)
        post, pre, weight = synapses.post, synapses.pre, synapses.weight

        def learn(t: int) -> None:
            change = self.rate * (post - self.usual)
            weight[...] += change if pre is None else change[:, None] * pre

        block.step("rule", learn, clock="trial")
        bound_and_store(block, name)


MINE = SMALL.replace('rule = "hebb"\nstabiliser = "oja"', 'rule = "covariance"').replace(
    "rate = 0.002", "rate = 0.0002"
)
NOTEBOOK = inspect.getsource(inspect.getmodule(Covariance)).partition("MINE =")[0]  # type: ignore[arg-type]


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(MINE, encoding="utf-8")
    return tmp_path / "mine.toml"


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], type[Component]]:
    """Return a function that makes the rule as a notebook's cell does: Python cannot show the source of its class."""
    notebook = ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", notebook)

    def run(source: str) -> type[Component]:
        exec(compile(source, "<cell>", "exec", dont_inherit=True), vars(notebook))  # noqa: S102 - what a notebook does
        found: type[Component] = vars(notebook)["Covariance"]
        with pytest.raises((OSError, TypeError)):
            inspect.getsource(found)
        return found

    return run


def test_it_is_stored_with_the_hash_of_its_source_and_marked_unpackaged(scenario: Path) -> None:
    result = workbench.run_sweep(scenario, scenario.with_suffix(".db"), components=[Covariance])
    assert (result.expected, result.failed, result.missing) == (30, 0, 0)
    results = workbench.open_results(result.db)
    source = Covariance.source_sha256()
    known = results.provenance().set_index("key")["value"]
    assert known["unpackaged plasticity.covariance"] == source
    assert {key for key in known.index if key.startswith("unpackaged")} == {"unpackaged plasticity.covariance"}
    for text in results.sql("select specification from structure")["specification"]:
        assert {name: at for _, _, name, _, at, _ in json.loads(text) if at} == {"covariance": source}
    page = workbench.build_report(result.db, scenario.with_suffix(".html")).read_text(encoding="utf-8")
    assert "unpackaged plasticity.covariance" in page and source in page


def test_with_its_usual_activity_at_zero_it_is_hebbs_rule(scenario: Path) -> None:
    mine = workbench.simulate(scenario, arms=["slow"], components=[Covariance])
    scenario.write_text(MINE.replace('"covariance"', '"hebb"'), encoding="utf-8")
    hebb = workbench.simulate(scenario, arms=["slow"])
    assert np.allclose(mine["norm"], hebb["norm"], rtol=1e-12)


def test_its_own_field_can_be_swept_like_any_other(scenario: Path) -> None:
    axis = '[study.usual]\n[study.usual.sweep]\n"plasticity.input_output.usual" = { values = [0.0, 0.1] }\n'
    scenario.write_text(MINE + axis, encoding="utf-8")
    result = workbench.run_sweep(scenario, scenario.with_suffix(".db"), components=[Covariance])
    frame = workbench.open_results(result.db).outcomes_wide(study="usual").pivot_table("norm", ["arm", "usual"])
    assert frame["norm"].nunique() == 4


def test_its_runs_are_replayed_only_with_it(scenario: Path) -> None:
    db = scenario.with_suffix(".db")
    workbench.run_sweep(scenario, db, components=[Covariance])
    assert workbench.replay(db, 1, components=[Covariance]).equal
    with pytest.raises(ScenarioError, match="covariance"):
        workbench.replay(db, 1)


def test_an_edited_rule_is_not_mistaken_for_the_stored_one(
    scenario: Path, cell: Callable[[str], type[Component]]
) -> None:
    db = scenario.with_suffix(".db")
    first, again = cell(NOTEBOOK), cell("\n\n" + NOTEBOOK)
    edited = cell(NOTEBOOK.replace("change[:, None] * pre", "2 * change[:, None] * pre"))
    assert first.source_sha256() == again.source_sha256() != edited.source_sha256()
    workbench.run_sweep(scenario, db, components=[first])
    assert workbench.run_sweep(scenario, db, components=[again]).reused == 30
    with pytest.raises(CheckFailed):
        workbench.replay(db, 1, components=[edited])
    assert workbench.run_sweep(scenario, db, components=[edited]).stored == 24


def test_it_takes_the_place_of_a_pathways_rule(tmp_path: Path) -> None:
    start, end = STRIATUM.index("[plasticity.cortex_d2]"), STRIATUM.index("[eligibility.ltp]")
    table = '[plasticity.cortex_d2]\nrule = "covariance"\npostsynaptic = "muscle"\nusual = 0.3\n'
    file = tmp_path / "striatum.toml"
    file.write_text(STRIATUM[:start] + table + STRIATUM[end:], encoding="utf-8")
    frame = workbench.simulate(file, subjects=2, components=[Covariance])
    assert set(frame["arm"]) == {"healthy", "ill", "treated"} and frame["overflow"].between(0.1, 2.0).all()


def test_a_component_that_is_installed_stays_packaged() -> None:
    known = registry().extended([Hebb, Covariance])
    assert Hebb.packaged and not Covariance.packaged
    assert ("plasticity", "covariance") in known and ("plasticity", "covariance") not in registry()


def test_a_name_that_is_taken_is_refused() -> None:
    class Impostor(Hebb):
        """Another rule under a known name."""

    with pytest.raises(ValueError, match="already Hebb"):
        Registry([Hebb]).extended([Impostor])
