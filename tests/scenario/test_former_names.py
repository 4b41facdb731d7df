"""A name of before, of a component or of a field, is read as today's: with a note, and with the same runs and digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.commands import SMALL

import workbench
from workbench.component import Component, number, reference
from workbench.component.registry import registry
from workbench.errors import ScenarioError
from workbench.plasticity.synapses import bound_and_store, synapses_of
from workbench.readouts.weights import WeightMean
from workbench.scenario.load import load_scenario
from workbench.store.result_digest import digest


@dataclass(frozen=True, kw_only=True)
class Fading(Component):
    """Weights that fade."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "fading"
    former_names: ClassVar[tuple[str, ...]] = ("forgetting",)
    former_fields: ClassVar[dict[str, str]] = {"loss": "share"}
    equation: ClassVar[str] = "dW = -share W"

    share: Any = number(0.01, "1", "share lost a trial", low=0.0, high=1.0)
    postsynaptic: str | None = reference("population", "population whose activity is y", None)

    def build(self, block: Any, name: str) -> None:
        weight = synapses_of(block, name, self.postsynaptic).weight

        def fade(t: int) -> None:
            weight[...] *= 1.0 - self.share

        block.step("rule", fade, clock="trial")
        bound_and_store(block, name)


@dataclass(frozen=True, kw_only=True)
class Average(WeightMean):
    """The mean weight, under another name."""

    name: ClassVar[str] = "average_weight"
    former_names: ClassVar[tuple[str, ...]] = ("weight_average",)
    former_fields: ClassVar[dict[str, str]] = {"of": "projection"}


KNOWN = registry().extended([Fading, Average])
TODAY = (
    SMALL.replace('rule = "hebb"\nstabiliser = "oja"\nrate = 0.002', 'rule = "fading"\nshare = 0.002')
    .replace('"plasticity.input_output.rate" = 0.004', '"plasticity.input_output.share" = 0.004')
    .replace('"projection.input_output.spread" = { values', '"plasticity.input_output.share" = { values')
    .replace("subjects = 3\n", 'subjects = 3\narms = ["slow"]\n')
    .replace('readout = "weight_mean"', 'readout = "average_weight"')
    + '[course.mean]\nreadout = "average_weight"\nprojection = "input_output"\nevery = 100\n'
)
BEFORE = (
    TODAY.replace('"fading"', '"forgetting"')
    .replace("\nshare =", "\nloss =")
    .replace("output.share", "output.loss")
    .replace('"average_weight"\nprojection', '"weight_average"\nof')
)
ELSEWHERE = {
    "inline tables": lambda text: text.replace(
        '[plasticity.input_output]\nrule = "forgetting"\nloss = 0.002',
        "[plasticity]\ninput_output = { loss = 0.002, rule = 'forgetting' } # loss",
    ).replace('[arm.fast.set]\n"plasticity.input_output.loss" = 0.004', 'set = {"plasticity.input_output.loss" = 0.004}'),
    "a header": lambda text: text.replace(
        '[study.strength.sweep]\n"plasticity.input_output.loss" = { values = [0.1, 0.2, 0.3] }',
        '[study.strength.sweep."plasticity.input_output.loss"]\nvalues = [0.1, 0.2, 0.3]',
    ),
    "another rule in an arm": lambda text: text.replace(
        '"plasticity.input_output.loss" = 0.004',
        '"plasticity.input_output.loss" = 0.004\n"plasticity.input_output.rule" = "forgetting"',
    ),
}  # fmt: skip


def _written(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_old_name_is_noted_at_its_place_and_told_the_new_one(tmp_path: Path) -> None:
    assert not load_scenario(_written(tmp_path, "today", TODAY), registry=KNOWN).notes
    found = load_scenario(_written(tmp_path, "before", BEFORE), registry=KNOWN)
    lines = BEFORE.splitlines()
    old = re.compile(r"forgetting|loss|weight_average|^of\b")
    assert sorted(note.line for note in found.notes) == [i for i, line in enumerate(lines, 1) if old.search(line)]
    rule = next(note for note in found.notes if "forgetting" in note.message)
    assert rule.message == "forgetting is now called fading; the old name still works"
    assert (rule.key, rule.hint) == ("plasticity.input_output.rule", "write fading")


def test_a_file_with_old_names_has_the_runs_and_the_digest_of_one_with_new_ones(tmp_path: Path) -> None:
    components = [Fading, Average]
    today = workbench.run_sweep(_written(tmp_path, "today", TODAY), tmp_path / "a.db", components=components)
    again = workbench.run_sweep(_written(tmp_path, "before", BEFORE), tmp_path / "a.db", components=components)
    assert (today.stored > 0, again.stored, again.missing) == (True, 0, 0)
    other = workbench.run_sweep(tmp_path / "before.toml", tmp_path / "b.db", components=components)
    assert other.stored == today.stored
    assert digest(other.db) == digest(today.db)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_old_names_are_read_wherever_a_file_may_have_them(tmp_path: Path, place: str) -> None:
    text = ELSEWHERE[place](BEFORE)
    assert text != BEFORE
    found = load_scenario(_written(tmp_path, "before", text), registry=KNOWN)
    fields = found.tables["plasticity"]["input_output"]
    assert (fields.component, fields.fields["share"].number) == (Fading, 0.002)
    assert "plasticity.input_output.share" in found.arms["fast"].set
    assert [axis.path for axis in found.studies["strength"].axes] == ["plasticity.input_output.share"]


def test_a_table_of_the_base_may_have_new_names_and_its_variant_old_ones(tmp_path: Path) -> None:
    _written(tmp_path, "today", TODAY)
    variant = _written(tmp_path, "variant", 'base = "today"\n[plasticity.input_output]\nloss = 0.003\n')
    found = load_scenario(variant, registry=KNOWN)
    assert found.tables["plasticity"]["input_output"].fields["share"].number == 0.003
    assert [(note.file, note.line) for note in found.notes if "is now called" in note.message] == [(str(variant), 3)]


def test_a_field_under_both_names_is_refused(tmp_path: Path) -> None:
    twice = _written(tmp_path, "twice", BEFORE.replace("\nloss =", "\nshare = 0.1\nloss ="))
    with pytest.raises(ScenarioError, match="loss: is the former name of share, which is also given"):
        load_scenario(twice, registry=KNOWN)


def test_a_former_name_has_one_owner_and_a_former_field_leads_to_a_field() -> None:
    class Other(Fading):
        name: ClassVar[str] = "other"

    with pytest.raises(ValueError, match="'forgetting' is a former name of 'fading' already"):
        KNOWN.extended([Other])

    class Lost(Fading):
        name: ClassVar[str] = "lost"
        former_names: ClassVar[tuple[str, ...]] = ()
        former_fields: ClassVar[dict[str, str]] = {"loss": "no_field"}

    with pytest.raises(ValueError, match="'loss' cannot have become 'no_field'"):
        KNOWN.extended([Lost])
