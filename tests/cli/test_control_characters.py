"""No command writes a control character of a name, a path, a title, a cell or a setting to the terminal."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, workbench

from workbench.cli.main import app

HOSTILE = "\x1b[31m\r\x07\x9b2J\u202etxt\u2028\u2066\x7f"
ESCAPES = HOSTILE.encode("unicode_escape").decode()
TOML = "".join(f"\\u{ord(c):04x}" if not c.isprintable() else c for c in HOSTILE)
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="paths with control characters")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a hostile name, with a scenario full of hostile titles and its database."""
    place = tmp_path_factory.mktemp("names") / f"f{HOSTILE}\nerror: x"
    place.mkdir()
    text = SMALL.replace('"Small and quick"', f'"{TOML}\\nerror: planted"')
    text = text.replace("[arm.slow]", f'[arm.slow]\ntitle = "slow {TOML}"')
    text = text.replace('context = "tests"', f'context = "{TOML}"\nquestion = "{TOML}?"\nlimits = ["{TOML}"]')
    text = text.replace("[outcome.norm]", f'[outcome.norm]\ntitle = "{TOML}"')
    (place / "odd.toml").write_text(text, encoding="utf-8")
    (place / "bad.toml").write_text(
        text.replace("[arm.fast]", f'[arm."{TOML}"]\n[arm.fast]')
        .replace('pre = "input"', f'pre = "{TOML}"')
        .replace('"plasticity.input_output.rate" = 0.004', f'"plasticity.input_output.{TOML}" = "{TOML}"')
        .replace("[study.arms]", f'[study.arms]\ntable = "points.csv"\n["{TOML}"]\nx = 1'),
        encoding="utf-8",
    )
    (place / "cut.toml").write_text(f'title = "{TOML}" {TOML}', encoding="utf-8")
    (place / "points.csv").write_text(f"plasticity.input_output.rate,{HOSTILE}\n{HOSTILE},=1\n", encoding="utf-8")
    done = workbench("sweep", "odd.toml", "--db", "a.db", "--workers", "0", "--subjects", "2", cwd=place)
    assert done.returncode == 0 and not ACTS.search(done.stdout + done.stderr), done.stderr
    return place


ASKED = f'select \'{HOSTILE}\' as "head {HOSTILE}", title as "two\nlines" from sweeps'
LINES: dict[str, list[list[str]]] = {
    "sweep": [
        ["{}/odd.toml", "--dry-run", "--set", f"{HOSTILE}=1"],
        ["{}/odd.toml", "--dry-run", "--set", f"plasticity.input_output.rate={HOSTILE}"],
        ["{}/odd.toml", "--dry-run", "--set", HOSTILE],
        ["{}/odd.toml", "--dry-run", "--arm", HOSTILE],
        ["{}/odd.toml", "--dry-run", "--study", HOSTILE],
                ["{}/odd.toml", "--db", "{}/a.db", "--subjects", "2", "--workers", "0"],
        ["{}/odd.toml", "--db", "{}/gone/a.db"],
        ["{}/bad.toml", "--dry-run"],
        [f"--{HOSTILE}"],
    ],
    "check": [["{}/odd.toml"], ["{}/bad.toml"], ["{}/cut.toml"], [f"{HOSTILE}.toml"], ["{}"], ["{}/points.csv"]],
    "doses": [["{}/odd.toml"], ["{}/odd.toml", "--arm", HOSTILE]],
    "windows": [["{}/odd.toml"], ["{}/odd.toml", "--arm", HOSTILE]],
    "runs": [["{}/a.db"], ["{}/a.db", "--format", "markdown"], [f"{HOSTILE}.db"], ["{}/odd.toml"]],
    "compare": [["{}/a.db"], ["{}/a.db", "--baseline", HOSTILE], ],
    "query": [["{}/a.db", ASKED], ["{}/a.db", ASKED, "--format", "markdown"], ["{}/a.db", HOSTILE],
              ["{}/a.db", f'select 1 as "{HOSTILE}" where 0'], ["{}/a.db", f"select {HOSTILE}"]],
    "why": [["{}/a.db"], ["{}/a.db", "--run", "1"], ["{}/a.db", "--sweep", "1", "--against", "1"], [HOSTILE]],
    "digest": [["{}/points.csv"]],
    "merge": [["{}/a.db", "--into", "{}/all.db"], ["{}/points.csv", f"{HOSTILE}.db", "--into", "{}/no.db"],
              ["{}/a.db", "--into", f"{HOSTILE}/no.db"]],
    "migrate": [["{}/a.db"], ["{}/points.csv"], [f"{HOSTILE}.db"]],
    "findings": [["{}/odd.toml"], [HOSTILE]],
    "assay": [["{}/odd.toml", "--arm", HOSTILE], ["{}/odd.toml", "--synapse", HOSTILE]],
    "rounding": [["{}/odd.toml", "--arm", HOSTILE]],
    "calibrate": [["{}/odd.toml"], ["{}/odd.toml", "--to", "{}/a.db"], ["{}/odd.toml", "--parameter", HOSTILE]],
    "report": [["{}/a.db", "--output", "{}/points.csv"], [f"{HOSTILE}.db"]],
    "gallery": [["{}/odd.toml", "--output", "{}/points.csv"], ["{}/none"]],
    "replay": [["{}/a.db", "--run", "1"], ["{}/a.db", "--run", "99999"]],
    "verify": [["{}/a.db"], ["{}/a.db", "--digest", HOSTILE], ["{}/a.db", "--sample", HOSTILE], ["{}/odd.toml"]],
    "describe": [["{}/odd.toml"], ["{}/odd.toml", "--arm", HOSTILE], [HOSTILE]],
    "init": [["{}/points.csv"]],
    "schema": [[HOSTILE]],
    "doctor": [[HOSTILE]],
}  # fmt: skip


ANY = [[HOSTILE], ["{}/points.csv"], ["{}/odd.toml"], ["{}/none.db"]]
"""What every other command is tried on."""


@every_case("name", [c.name or c.callback.__name__ for c in app.registered_commands if c.callback])
def test_nothing_that_is_said_acts_on_the_terminal(folder: Path, name: str) -> None:
    for words in LINES.get(name, ANY):
        done = workbench(name, *(word.replace("{}", str(folder)) for word in words), cwd=folder.parent)
        said = done.stdout + done.stderr
        assert said and not ACTS.search(said), (name, words, said)
        assert "\nerror: planted" not in said and "\nerror: x" not in said, said
        assert done.returncode != 1, said


def test_json_holds_the_exact_text_and_no_character_that_acts(folder: Path) -> None:
    done = workbench("query", "a.db", ASKED, "--json", cwd=folder)
    assert not ACTS.search(done.stdout)
    assert json.loads(done.stdout)["rows"] == [{f"head {HOSTILE}": HOSTILE, "two\nlines": f"{HOSTILE}\nerror: planted"}]
    failed = workbench("check", "bad.toml", "--json", cwd=folder)
    assert failed.returncode == 2 and not ACTS.search(failed.stdout) and json.loads(failed.stdout)["errors"]


def test_csv_is_exact_but_for_formulas(folder: Path) -> None:
    asked = "select '=1+1' as \"=head\", '-5' as number, -5 as whole, '+x' as text, '@a,b' as list, title from sweeps"
    done = workbench("query", "a.db", asked, "--format", "csv", cwd=folder)
    head, _, row = done.stdout.partition("\n")
    assert head == "'=head,number,whole,text,list,title"
    assert row.startswith("'=1+1,-5,-5,'+x,\"'@a,b\",") and HOSTILE in row


def test_what_a_message_repeats_is_cut(folder: Path) -> None:
    for words in (["query", "a.db", "select 1", "--format", "z" * 5000], ["sweep", "odd.toml", "--set", "z" * 5000 + "=1"],
                  ["compare", "a.db", "--baseline", "z" * 5000], ["describe", "z" * 5000]):  # fmt: skip
        done = workbench(*words, cwd=folder)
        assert done.returncode == 2 and len(done.stderr) < 2000, done.stderr
