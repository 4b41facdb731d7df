"""Parameter sets and the bibliography: where they are found, and what they must say."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from workbench.errors import ScenarioError
from workbench.scenario import load_scenario, parse_scenario
from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.shipped_files import data_folder, parameter_sets, scenarios_folder


def test_nearest_parameter_set_wins(load, folder):
    near = (folder / "parameters" / "small.toml").read_text()
    (folder / "small-2.toml").write_text(near.replace('name = "small"', 'name = "small-2"').replace("0.1\n", "0.12\n"))
    assert load().parameters.values["noise"].number == 0.1
    assert load('parameters = "small"', 'parameters = "small-2"').parameters.values["noise"].number == 0.12


def test_shipped_parameter_sets_are_found_from_anywhere(tmp_path):
    shipped = {file.stem for file in (data_folder() / "parameters").glob("*.toml")}
    assert shipped <= set(parameter_sets(tmp_path))


def test_stored_parameter_set_replaces_files(load, folder):
    text = load().text
    stored = (folder / "parameters" / "small.toml").read_bytes().replace(b"0.1\n", b"0.2\n")
    scenario = parse_scenario(text, "small.toml", folder / "gone", parameters=stored)
    assert scenario.parameters.values["noise"].number == 0.2
    assert scenario.parameters.text == stored


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('meaning = "motor noise"', "", "is missing"),
        ('status = "fitted"\nfitted_to = ["K1"]', 'status = "fitted"', "fitted to"),
        ('status = "fitted"\nfitted_to = ["K1"]', 'status = "measured"', "source"),
        ("range = [0.05, 0.2]", "range = [0.15, 0.2]", "outside its own range"),
        ('clearance = "400 mL/min"', 'clearance = "400 mL"', "'mL' is not a unit of this kind"),
        ("noise = 0.15", "nose = 0.15", "unknown parameter"),
        ('value = "20 L/h"', 'value = "20 L/hh"', "unknown unit"),
        ("value = 0.1", "value = { ref = 'x' }", "a bare number"),
        ('name = "small"', 'name = "other"', "must be named other.toml"),
        ("schema = 1", "schema = 2", "the version that this workbench reads"),
    ],
)
def test_fault_in_a_parameter_set_is_placed_in_its_own_file(load, folder, old, new, words):
    file = folder / "parameters" / "small.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(ScenarioError) as error:
        load()
    found = next(p for p in error.value.problems if words in p.message)
    assert found.file == str(file)
    assert found.line > 0


def test_source_must_be_in_the_bibliography(load, folder, problem):
    (folder / "references.bib").write_text("@article{Oja1982, title = {A {simplified} neuron}, year = 1982}\n")
    assert load('status = "assumed"', 'status = "measured", source = "Oja1982"')
    found = problem('status = "assumed"', 'status = "measured", source = "Oja1928"')
    assert found.hint == 'did you mean "Oja1982"?'


def test_bibliography_reads_braces_quotes_and_bare_words(tmp_path):
    file = tmp_path / "x.bib"
    first = '@article{A1,\n title = {The {DYT1} {"}case{"}},\n  author = "Oja, E.",\n year = 1982\n}\n'
    file.write_text(first + "@book{B2, title={x}}")
    found = read_bibliography(file)
    assert found["A1"] == {"type": "article", "title": 'The DYT1 "case"', "author": "Oja, E.", "year": "1982"}
    assert found["B2"]["title"] == "x"


def test_every_source_of_every_component_is_in_the_bibliography():
    from workbench.component.registry import registry

    known = read_bibliography(data_folder() / "references.bib")
    cited = {source for component in registry() for source in component.sources}
    cited |= {p.source for component in registry() for p in component.parameters().values() if p.source}
    assert sorted(cited - set(known)) == []


def test_reading_a_scenario_takes_little_and_imports_nothing_heavy():
    file = scenarios_folder() / "dystonia.toml"
    code = (
        "import sys; from workbench.scenario import load_scenario; load_scenario(sys.argv[1]);"
        "print([m for m in ('pandas', 'matplotlib', 'sqlalchemy', 'scipy.stats', 'typer') if m in sys.modules])"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.monotonic() - start < 5.0


def test_loading_twice_gives_equal_scenarios():
    file = scenarios_folder() / "dystonia.toml"
    assert load_scenario(file) == load_scenario(file)
