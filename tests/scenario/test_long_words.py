"""However long a word of a file is, no message repeats more than 80 letters of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sound_scenario import PARAMETERS, SOUND

from workbench.errors import SHOWN, ScenarioError
from workbench.plan import plan
from workbench.scenario import load_scenario

LONG = "zy" * 150
TABLES = {
    "doses": (
        '[dose.more]\ndrug = "thp"\nregimen = "table"\ntable = "data.csv"\nduring = "treatment"\n',
        [
            f"TIME,AMT,{LONG}\n0,1,1\n",
            f"TIME,AMT\n{LONG},1\n",
            f"ID,TIME,AMT\n{LONG},0,1\n{LONG}x,0,{LONG}\n",
            f"TIME [{LONG}],AMT\n0,1\n",
            f"TIME,AMT,CMT\n0,1,{LONG}\n",
            f"TIME,AMT,DRUG\n0,1,{LONG}\n0,1,{LONG}x\n",
            f"TIME,AMT,UNIT\n0,1,{LONG}\n",
            f"{LONG},{LONG},TIME,AMT\n1,1,0,1\n",
        ],
    ),
    "points": (
        '[study.s]\ntable = "data.csv"\n',
        [
            f"plasticity.map.rate,{LONG}\n0.1,1\n",
            f"plasticity.map.rate\n{LONG}\n",
            f"plasticity.map.rate [{LONG}]\n1\n",
            f"plasticity.map.third_factor\n{LONG}\n",
        ],
    ),
    "people": (
        '[subjects.trait.a]\non = "plasticity.map.rate"\ndistribution = "table"\ntable = "data.csv"\ncolumn = "A"\n',
        [f"A,{LONG}\n" + 5 * "1,1\n", f"A\n{LONG}\n", f"ID,A\n{LONG},1\n{LONG},2\n", f"ID,A\n1,{LONG}\n"],
    ),
}
WORDS = ['rule = "two_sided"', 'ref = "noise"', '"200 L"', "last 20 trials of treatment", 'drug = "thp"\nec50',
         "modulator.dopamine.release", 'extends = "treated"', '"dose.thp.amount"', '"5 mg"', 'condition = "ill"',
         'without = ["dose.thp"]', 'note = "a guess"', 'third_factor = "dopamine"', '"one_to_one"', "[0.0, 1.0]"]  # fmt: skip


def said(folder: Path, text: str) -> list[str]:
    (folder / "small.toml").write_text(PARAMETERS)
    (folder / "base.toml").write_text(text)
    try:
        return [str(note) for note in plan(load_scenario(folder / "base.toml")).notes]
    except ScenarioError as error:
        return [f"{problem} {problem.hint}" for problem in error.problems]


def check(lines: list[str]) -> None:
    assert not any("zy" * (SHOWN // 2 + 1) in line for line in lines), lines


@pytest.mark.parametrize("what", TABLES)
def test_a_long_cell_or_heading_is_cut(tmp_path: Path, what: str) -> None:
    more, tables = TABLES[what]
    text = SOUND.replace('without = ["dose.thp"]', 'without = ["dose.thp", "dose.more"]') if what == "doses" else SOUND
    for table in tables:
        (tmp_path / "data.csv").write_text(table)
        lines = said(tmp_path, text + more)
        assert lines
        check(lines)


def test_a_long_word_of_the_file_is_cut(tmp_path: Path) -> None:
    for word in WORDS:
        assert word in SOUND
        key, sign, _ = word.partition(" = ")
        check(said(tmp_path, SOUND.replace(word, f'{key} = "{LONG}"\nec50' if "ec50" in word else f'{key} = "{LONG}"' if sign else f'"{LONG}"' if word[0] in '"[' else LONG, 1)))  # fmt: skip
