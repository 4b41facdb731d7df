"""Where a table of arms has no room for their names, it calls them by their short ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import SMALL, workbench

LONG = "an_arm_whose_name_is_longer_than_any_terminal_has_room_for"
TEXT = (
    SMALL.replace("[arm.fast]\n", f'[arm.{LONG}]\nshort = "Fast one"\n')
    .replace("[arm.fast.set]", f"[arm.{LONG}.set]")
    .replace("[arm.slow]\n", '[arm.slow]\nshort = "Slower than its name"\n')
)


def test_a_short_name_stands_for_an_arm_only_where_room_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.toml").write_text(TEXT)
    assert workbench("sweep", "a.toml", "--db", "a.db", "--workers", "0", cwd=tmp_path).returncode == 0
    for words in ((), ("--outcome", "norm")):
        monkeypatch.setenv("COLUMNS", "80")
        narrow = workbench("compare", "a.db", *words, cwd=tmp_path).stdout
        assert "Fast one" in narrow
        assert "against slow (" in narrow  # a title of its own has room
        assert all(len(line) <= 80 for line in narrow.splitlines())
        monkeypatch.setenv("COLUMNS", "200")
        wide = workbench("compare", "a.db", *words, cwd=tmp_path).stdout
        assert LONG in wide
        assert "Fast one" not in wide
