"""Names that differ only in case, and names that are given twice: each is reported, with both lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, workbench
from support.sound_scenario import PARAMETERS, SOUND

from workbench.component.registry import SECTIONS
from workbench.errors import ScenarioError
from workbench.scenario import load_scenario
from workbench.scenario.names import NAMED, NAMED_IN_SET


def faults(folder: Path, scenario: str, parameters: str = PARAMETERS) -> list[tuple[str, int, str, str]]:
    (folder / "small.toml").write_text(parameters)
    (folder / "base.toml").write_text(scenario)
    with pytest.raises(ScenarioError) as error:
        load_scenario(folder / "base.toml")
    return [(Path(p.file).name, p.line, p.key, p.message) for p in error.value.problems]


def test_whatever_has_names_is_looked_at() -> None:
    told = {"finding", "value", "use"}
    assert {keys[0] for keys in NAMED} >= {*SECTIONS, "arm", "study", "interaction"} - told


@every_case("keys", [*NAMED, *NAMED_IN_SET], ids=".".join)
def test_names_that_differ_by_letter_case_only_are_refused_with_the_lines_of_all(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    place, ours = ".".join(keys), keys in NAMED
    text = SOUND if ours else PARAMETERS
    more = "".join(f"[{place}.{name}]\n" for name in ("abc", "Abc", "other", "ABC"))
    first = text.count("\n") + 1
    found = faults(tmp_path, text + more) if ours else faults(tmp_path, SOUND, text + more)
    told = [(file, line, key) for file, line, key, message in found if "lower case" in message]
    file = "base.toml" if ours else "small.toml"
    assert told == [(file, first + 1, f"{place}.Abc"), (file, first + 3, f"{place}.ABC")]
    same = "a database or a disk may take them for the same name"
    said = f"differs from {place}.abc (line {first}) only in upper and lower case; {same}"
    assert [message for *_, message in found if "lower case" in message] == [said, said]


def test_every_key_and_table_that_stands_twice_is_told_with_the_line_of_the_first(tmp_path: Path) -> None:
    text = 'title = "a"\n[arm.x]\nshort = "s"\nshort = "t"\n"short" = "u"\n[arm.y]\ncondition = "c"\n[arm.x]\n[arm.y]\n'
    assert [(line, message) for _, line, _, message in faults(tmp_path, text)] == [
        (4, "TOML syntax: the key short is defined twice; first in line 3"),
        (5, 'TOML syntax: the key "short" is defined twice; first in line 3'),
        (8, "TOML syntax: the table [arm.x] is defined twice; first in line 2"),
        (9, "TOML syntax: the table [arm.y] is defined twice; first in line 6"),
    ]


RATE = "plasticity.map.rate"
TWICE = {
    "values of an axis": (
        f'[study.s.sweep]\n"{RATE}" = {{ values = [0.1, 0.2, 0.1, 0.2, 0.1] }}\n',
        "",
        ["the value 0.1 is listed twice", "the value 0.2 is listed twice", "the value 0.1 is listed twice"],
    ),
    "arms of a study": (
        '[study.s]\narms = ["plain", "plain", "treated", "plain"]\n',
        "",
        ['arm "plain" is listed twice', 'arm "plain" is listed twice'],
    ),
    "points of zipped axes": (
        f'[study.s.sweep]\n"{RATE}" = {{ values = [0.1, 0.1, 0.1], zip = "z" }}\n'
        '"projection.map.overlap" = { values = [0.2, 0.2, 0.2], zip = "z" }\n',
        "",
        ["point 2 of the axes zipped as 'z' repeats point 1, point 3 repeats point 1"],
    ),
    "columns of points": (
        '[study.s]\ntable = "data.csv"\n',
        f"{RATE},{RATE},{RATE}\n1,2,3\n",
        [f"two columns are called {RATE}", f"two columns are called {RATE}"],
    ),
    "rows of points": (
        '[study.s]\ntable = "data.csv"\n',
        f"{RATE}\n0.1\n0.1\n0.1\n",
        ["row 2 of the points repeats row 1", "row 3 of the points repeats row 1"],
    ),
    "columns of doses": (
        '[dose.more]\ndrug = "thp"\nregimen = "table"\ntable = "data.csv"\nduring = "treatment"\n',
        "TIME,AMT,TIME,AMT\n0,1,0,1\n",
        ["a column appears twice: AMT and AMT", "a column appears twice: TIME and TIME"],
    ),
}


@pytest.mark.parametrize("what", TWICE)
def test_all_that_is_given_twice_is_told_not_the_first_alone(tmp_path: Path, what: str) -> None:
    more, data, said = TWICE[what]
    (tmp_path / "data.csv").write_text(data)
    told = [message for *_, message in faults(tmp_path, SOUND + more)]
    assert len(told) == len(said) and all(part in message for part, message in zip(said, told, strict=True)), told


def test_settings_given_twice_and_files_in_the_way_are_all_told(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    words = [word for name in ("a.b.c", "d.e.f") for word in ("--set", f"{name}=1", "--set", f"{name}=2")]
    done = workbench("sweep", "small.toml", "--dry-run", *words, cwd=tmp_path)
    assert done.returncode == 2 and "--set a.b.c: given twice; --set d.e.f: given twice" in done.stderr
    done = workbench("sweep", "small.toml", "--dry-run", "--arm", "a", "--arm", "b", "--study", "c", cwd=tmp_path)
    assert done.returncode == 2 and all(f"no {name} in" in done.stderr for name in ("arm 'a'", "arm 'b'", "study 'c'"))
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "doses.toml").write_text("mine")
    done = workbench("init", ".", cwd=tmp_path)
    assert done.returncode == 3 and "already exists (and 1 more file)" in done.stderr
