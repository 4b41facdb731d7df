"""``describe`` answers whatever name a scenario or a parameter set gives something, and offers the nearest otherwise."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import ROOT, answer, workbench
from support.shipped_runs import SCENARIOS
from support.shipped_texts import shipped_content

from workbench.inspection.lookup import NEAREST, block, lookup
from workbench.scenario.shipped_files import data_folder

SETS = sorted((data_folder() / "parameters").glob("*.toml"))


@every_case("name", SCENARIOS)
def test_a_scenario_its_drugs_and_its_arms_are_found_by_name(name: str) -> None:
    content = shipped_content(name)
    (found,) = (one for one in lookup(Path(name).name) if one.kind == "a scenario")
    assert content["title"] in found.said and found.where.endswith(f"{name}.toml")
    for drug, raw in content.get("drug", {}).items():
        kinds = [one.kind for one in lookup(drug)]
        assert any(kind.startswith(f"[drug.{drug}], model = {raw['model']}") for kind in kinds)
    for arm, raw in content.get("arm", {}).items():
        mine = [one for one in lookup(arm) if one.kind == "an arm" and one.where.endswith(f"{name}.toml")]
        assert len(mine) == 1 and (raw.get("title") in mine[0].said or "title" not in raw)


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
def test_a_parameter_set_each_of_its_numbers_and_conditions_are_found_by_name(file: Path) -> None:
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    (whole,) = (one for one in lookup(file.stem) if one.kind == "a parameter set")
    assert [row[0] for row in whole.rows] == list(content["parameter"])
    for name, raw in content["parameter"].items():
        (row,) = next(
            one for one in lookup(name) if one.kind == "a parameter" and one.where.endswith(f"parameters/{file.name}")
        ).rows
        assert row[1].startswith(str(raw["value"])) and row[3] == raw["meaning"]
    for condition in content.get("condition", {}):
        assert any(one.kind == "a condition" for one in lookup(condition))


def test_a_drug_is_told_with_its_doses_its_numbers_and_where_it_is_declared(tmp_path: Path) -> None:
    done = workbench("describe", "trihexyphenidyl", cwd=tmp_path)
    assert done.returncode == 0
    for words in ("plausible doses: 1 to 60 mg/day", "16.0 L/h (14.8 L/h to 18.2 L/h)", "dystonia", "a scenario in"):
        assert words in done.stdout
    assert len(done.stdout.splitlines()) < 60
    found = answer(workbench("describe", "trihexyphenidyl", "--json", cwd=tmp_path))
    assert found["components"] == [] and {one["name"] for one in found["found"]} == {"trihexyphenidyl"}


def test_a_name_of_nothing_gets_the_nearest_names_only(tmp_path: Path) -> None:
    near = workbench("describe", "trihexyphenidil", cwd=tmp_path)
    assert near.returncode == 2 and "did you mean 'trihexyphenidyl'?" in near.stderr
    assert near.stderr.count(",") < NEAREST and len(near.stderr.splitlines()) == 2
    far = workbench("describe", "xyzzyq", cwd=tmp_path)
    assert far.returncode == 2 and len(far.stderr.splitlines()) == 1


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_found_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("trihexyphenidyl", "dystonia", "dystonia-1", "thp", "dyt1", "both", "ketamine"):
        for one in lookup(name):
            assert all(len(line) <= columns or " " not in line.strip() for line in block(one).splitlines())


@pytest.mark.parametrize(("scenario", "told"), [("dystonia.toml", False), ("ketamine_adaptive.toml", True)])
def test_a_field_that_acts_only_with_another_is_told_where_that_stands(
    scenario: str, told: bool, tmp_path: Path
) -> None:
    """A share of people who respond matters only to doses that not everyone is given."""
    done = workbench("describe", ROOT / "scenarios" / scenario, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert bool(re.search(r"^  share ", done.stdout, flags=re.MULTILINE)) is told
