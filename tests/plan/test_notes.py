"""Notes: what a file says that is accepted and yet worth telling, at the line that says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.commands import SMALL, answer, workbench

from workbench.circuit.projections import Dense
from workbench.cli.faults import SHOWN_PROBLEMS, note_lines
from workbench.errors import Problem
from workbench.plan import plan
from workbench.scenario.load import load_scenario
from workbench.scenario.text.document import Document


def _notes(cls: type, fields: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if (fields["spread"] or 0.0) > 0.25:
        yield "spread", f"{fields['spread']:g} is wide"


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A scenario whose dense projections note a wide start, in the file and at the end of a sweep."""
    monkeypatch.setattr(Dense, "notes", classmethod(_notes), raising=False)
    file = tmp_path / "wide.toml"
    file.write_text(SMALL, encoding="utf-8")
    yield file


def test_a_component_notes_what_a_sweep_makes_of_its_numbers_at_the_axis(wide: Path) -> None:
    notes = plan(load_scenario(wide)).notes
    line = next(
        n for n, text in enumerate(SMALL.splitlines(), 1) if text.startswith('"projection.input_output.spread"')
    )
    assert [(note.line, note.key) for note in notes] == [(line, "projection.input_output.spread")]
    assert "0.3 is wide" in notes[0].message


def test_a_note_of_the_file_itself_stands_at_its_line_once_for_all_arms_and_points(wide: Path) -> None:
    wide.write_text(SMALL.replace("spread = 0.2", "spread = 0.4"), encoding="utf-8")
    notes = plan(load_scenario(wide), studies=["arms"]).notes
    line = next(n for n, text in enumerate(SMALL.splitlines(), 1) if text.startswith("spread"))
    assert [(note.line, note.key) for note in notes] == [(line, "projection.input_output.spread")]


@pytest.mark.parametrize("words", [("check",), ("sweep", "--dry-run"), ("sweep",)])
def test_commands_tell_notes_and_go_on(wide: Path, words: tuple[str, ...], tmp_path: Path) -> None:
    done = workbench(*words, "wide.toml", cwd=tmp_path)
    assert done.returncode == 0
    told = done.stdout if words == ("check",) else done.stderr
    assert sum(line.startswith("note: wide.toml:") and "is wide" in line for line in told.splitlines()) == 1
    found = answer(workbench(*words, "wide.toml", "--json", cwd=tmp_path))
    notes = found["scenarios"][0]["notes"] if words == ("check",) else found["notes"]
    assert [note["key"] for note in notes] == ["projection.input_output.spread"]


def test_a_file_without_anything_to_note_gets_none(tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text(SMALL, encoding="utf-8")
    assert "note:" not in workbench("check", "plain.toml", cwd=tmp_path).stdout


def test_notes_of_reading_stand_at_their_place_with_a_hint() -> None:
    document = Document(b'schema = 1\ntitle = "x"\n', "a.toml", [])
    document.note(("title",), "is short", hint="say more")
    assert list(note_lines(document.notes)) == ["note: a.toml:2:9: title: is short", "hint: say more"]
    assert not document.problems


def test_many_notes_end_in_a_count() -> None:
    many = [Problem("a.toml", line, 1, "", "odd") for line in range(1, SHOWN_PROBLEMS + 4)]
    assert list(note_lines(many))[-1] == f"note: 3 more notes ({SHOWN_PROBLEMS + 3} in all)"
