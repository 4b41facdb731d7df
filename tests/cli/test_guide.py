"""``workbench guide``: the documentation in a terminal."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import ROOT, answer, process, workbench

from workbench.cli.guide_text import Topic, markdown, terminal, topics
from workbench.component.registry import registry

PAGES = sorted(file.stem for file in (ROOT / "docs" / "guide").glob("*.md"))


def test_without_a_topic_all_are_listed_in_reading_order(tmp_path: Path) -> None:
    said = workbench("guide", cwd=tmp_path).stdout
    listed = re.findall(r"^  (\w+) {2,}(\S.*)$", said, flags=re.MULTILINE)
    assert [name for name, _ in listed] == [topic.name for topic in topics()]
    assert sorted(name for name, _ in listed) == PAGES, "each page has its line in docs/index.md"
    assert listed[0] == ("start", "Start in ten minutes")


@every_case("topic", topics(), ids=lambda topic: topic.name)
def test_a_topic_is_plain_text_in_eighty_columns(topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = workbench("guide", topic.name, cwd=tmp_path)
    said = done.stdout
    assert done.returncode == 0 and said.startswith(f"{topic.title}\n{'=' * len(topic.title)}\n\n")
    assert [line for line in said.splitlines() if len(line) > 80] == []
    prose = "\n".join(line for line in said.splitlines() if not line.startswith("    "))
    for mark in ("<!--", "```", "](", "{toctree}", "**", "| ---"):
        assert mark not in prose


def test_what_the_code_knows_is_filled_in() -> None:
    menu = markdown("components")
    assert all(f"`{component.name}`" in menu for component in registry())
    assert "`workbench guide`" in markdown("commands") and "`workbench.run_sweep`" in markdown("commands")
    assert "`pharmacology`" in markdown("architecture")
    assert "`outcomes_wide`" in markdown("database") and "`rules/hebb.toml`" in markdown("scenarios")


def test_marks_lists_and_tables_become_text() -> None:
    text = "# A title\n\nSee [arms](arms.md) and `code`,\n**now**.\n\n- one\n- two\n  words\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
    assert terminal(text + "```sh\nworkbench  check\n```\n", 80) == (
        "A title\n=======\n\nSee arms (workbench guide arms) and `code`, now.\n\n- one\n- two words\n\n"
        "a  b\n1  2\n\n    workbench  check"
    )
    wide = f"| a | b | c |\n| --- | --- | --- |\n| {'one ' * 12} | two | three |\n"
    assert terminal(wide, 60) == f"{'one ' * 11}one\n  b:  two\n  c:  three"
    assert terminal("words " * 9, 24) == "words words words words\nwords words words words\nwords"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("scenaro", "hint: did you mean 'scenario'?"),
        ("two_sided", "hint: see 'workbench describe two_sided'"),
        ("zzzzzz", "hint: 'workbench guide' lists all topics"),
    ],
)
def test_an_unknown_topic_is_refused_with_what_is_near(asked: str, hint: str, tmp_path: Path) -> None:
    done = workbench("guide", asked, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert repr(asked) in done.stderr and hint in done.stderr


def test_objects_instead_of_text(tmp_path: Path) -> None:
    listed = answer(workbench("guide", "--json", cwd=tmp_path))
    assert (
        listed["ok"] and {"name": "start", "title": "Start in ten minutes", "part": "First steps"} in listed["topics"]
    )
    one = answer(workbench("guide", "arms", "--json", cwd=tmp_path))
    assert (one["name"], one["text"]) == ("arms", markdown("arms"))
    wrong = answer(workbench("guide", "nothing_like_it", "--json", cwd=tmp_path))
    assert not wrong["ok"]


def test_an_installed_package_has_the_same_pages(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shutil.copytree(ROOT / "workbench", tmp_path / "workbench", ignore=shutil.ignore_patterns("__pycache__", "_share"))
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items():
        place, file = tmp_path / target, ROOT / source
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(file, place) if file.is_dir() else shutil.copy(file, place)
    done = process("guide", "trust", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == workbench("guide", "trust", cwd=tmp_path).stdout
