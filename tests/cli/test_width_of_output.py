"""What commands print fits the terminal: no line wider than it, no word broken, whatever the width."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, process, workbench
from support.every_command import commands, example, writes_files, writes_rows

from workbench.scenario.shipped_files import scenarios_folder
from workbench.text_tables import align_prose, fit_table, fold, line_width, wrap_lines

LONG = "a_name_that_somebody_gave_to_an_arm_and_that_is_long"
WIDE = (
    "select r.*, o.outcome, o.value, 'some words that are said of each run, longer than any terminal is wide' as words"
    " from runs r join outcomes o on o.run = r.run limit 3"
)
COMMANDS: dict[str, tuple[str, ...]] = {
    "runs": ("runs", "small.db"),
    "compare": ("compare", "small.db"),
    "compare --all": ("compare", "small.db", "--all"),
    "compare --study": ("compare", "small.db", "--study", "strength"),
    "query, narrow": ("query", "small.db", "select arm, count(*) as n from runs group by arm"),
    "query, wide": ("query", "small.db", WIDE),
    "why": ("why", "small.db"),
    "why --run": ("why", "small.db", "--run", "1"),
    "replay": ("replay", "small.db", "--run", "1", "--record", "all"),
    "check": ("check", "small.toml"),
    "sweep": ("sweep", "small.toml", "--db", "small.db", "--workers", "0"),
    "sweep --dry-run": ("sweep", "small.toml", "--dry-run"),
    "rounding": ("rounding", "small.toml", "--subjects", "1"),
    "doctor": ("doctor",),
    "guide": ("guide",),
    "guide, a topic": ("guide", "scenario"),
    "migrate": ("migrate", "small.db"),
    "runs --history": ("runs", "small.db", "--history"),
    "describe, a component": ("describe", "plasticity"),
    "describe, a file": ("describe", "{dystonia}"),
    "describe, a drug": ("describe", "ketamine"),
    "describe, a set": ("describe", "dystonia-1"),
    "windows": ("windows", "{ketamine_therapy}"),
    "assay": ("assay", "{dystonia}", "--arm", "dyt1", "--arm", "healthy"),
    "doses": ("doses", "{ketamine_pk}", "--arm", "records"),
    "doses by subject": ("doses", "{ketamine_pk}", "--arm", "pooled", "--subjects", "3"),
}
ELSEWHERE = {"findings", "schema", "verify"}
"""A ledger has its own tests; a schema is data, and a digest stays whole on its line."""
OTHERS = commands().keys() - {words[0] for words in COMMANDS.values()} - ELSEWHERE - writes_files() - writes_rows()
COMMANDS |= {name: (name, *example(name)) for name in sorted(OTHERS)}
"""Whatever else prints for people, on what it cannot do without; what is written is named by one line."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small scenario, one arm of a long name in it, and its results."""
    place = tmp_path_factory.mktemp("width")
    (place / "small.toml").write_text(SMALL.replace("arm.fast", f"arm.{LONG}"))
    done = process("sweep", "small.toml", "--db", "small.db", "--workers", "0", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def printed(folder: Path, name: str) -> str:
    words = (word.format_map(_Files()) if word.startswith("{") else word for word in COMMANDS[name])
    done = workbench(*words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


class _Files(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return str(scenarios_folder() / f"{name}.toml")


@every_case("name", COMMANDS)
def test_output_fits_and_breaks_no_word(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[int, set[str]] = {}
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        text = printed(folder, name)
        snippet = text.find("\nimport pandas")  # to be copied, so left as it is
        lines = text[: snippet if snippet >= 0 else None].splitlines()
        told = [line for line in lines if not line.startswith(("note: ", "hint: "))]  # begin with a place, for editors
        assert [line for line in told if len(line) > width and len(line.split()) > 1] == []
        said[width] = {word for line in told for word in line.split()}
    timed = ("million", "run-steps", "min", "s", "timing") if name.startswith(("sweep", "doctor")) else ()
    if not timed:
        assert said[120] == said[80], "another width breaks lines elsewhere, and no word"


def test_piped_output_is_eighty_wide_unless_told_otherwise(folder: Path) -> None:
    piped = process("compare", "small.db", cwd=folder, COLUMNS="").stdout
    assert max(map(len, piped.splitlines())) <= 80
    assert LONG in piped


def test_a_table_too_wide_gives_its_first_column_a_line_and_then_becomes_a_list() -> None:
    header, rows = ("name", "one", "two"), [("first", "1" * 10, "2" * 10), ("a longer name", "3", "words and words")]
    assert len(fit_table(header, rows, 80)) == 3
    assert fit_table(header, rows, 30) == [
        "name",
        "  one         two",
        "first",
        "  1111111111  2222222222",
        "a longer name",
        "  3           words and words",
    ]
    assert fit_table(header, rows, 24)[:4] == ["name  first", "one   1111111111", "two   2222222222", ""]


def test_prose_is_broken_between_words_and_a_long_word_stays_whole() -> None:
    assert fold("one two three", "  ", 9) == ["  one two", "  three"]
    assert fold("a" * 30, "", 9) == ["a" * 30]
    assert wrap_lines(["    indented words go on further in"], 20) == [
        "    indented words",
        "      go on further",
        "      in",
    ]
    assert align_prose([("a", "b", "words of prose that go on")], width=40) == ["a  b  words of prose that go on"]
    assert align_prose([("a", "b" * 30, "words of prose")], width=40) == [f"a  {'b' * 30}", "    words of prose"]
    assert line_width() >= 40
