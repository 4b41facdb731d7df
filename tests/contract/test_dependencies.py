"""What comes along with an installation may be used freely, and what is known of it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import dependencies as tool


def test_every_distribution_that_comes_along_is_named_and_permissive() -> None:
    parts = {part.name: part for part in tool.needed()}
    assert {"numpy", "sqlalchemy", "pydantic-core", "pytest"} <= set(parts), "what is needed in turn is among them"
    assert [part for part in parts.values() if not part.allowed] == []


def test_what_is_no_more_than_a_tool_comes_along_with_no_installation() -> None:
    assert not set(tool.TOOLS) & {part.name for part in tool.needed(extras=())}


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True), ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("GPL-3.0-only OR MIT", True), ("", False),
        ("GPL-3.0-only", False), ("BSD-3-Clause AND GPL-2.0-only", False), ("see LICENSE.txt", False),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", True), ("LGPL-2.1-only WITH LLVM-exception", False),
    ],
)  # fmt: skip
def test_a_licence_is_allowed_if_all_its_parts_are(licence: str, allowed: bool) -> None:
    assert tool.permissive(licence) is allowed


def made(folder: Path, name: str, *lines: str) -> None:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, ""]))


def test_what_a_distribution_says_is_read_in_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "top", "Requires-Dist: old", "Requires-Dist: silent; extra == 'more'", "Requires-Dist: gone")
    made(
        tmp_path, "old", "Classifier: License :: OSI Approved :: MIT License", "Requires-Dist: free; os_name != 'none'"
    )
    made(tmp_path, "free", "License: GNU General Public License")
    made(tmp_path, "silent", "License: first line", " second line")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {part.name: (part.licence, part.needed_by, part.allowed) for part in tool.needed("top", ["more"])}
    assert found == {
        "old": ("MIT", "top", True), "free": ("GNU General Public License", "old", False), "silent": ("", "top", False),
    }  # fmt: skip
    assert "silent" not in {part.name for part in tool.needed("top", [])}


def test_an_advisory_is_told_and_what_was_not_looked_up_counts_as_unchecked() -> None:
    parts = [tool.Part(name, "1.0", "MIT", "workbench") for name in ("flawed", "unknown", "sound", "forgotten")]
    answer = {
        "dependencies": [
            {"name": "Flawed", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]},
            {"name": "unknown", "skip_reason": "not found"},
            {"name": "sound", "version": "1.0", "vulns": []},
        ]
    }
    known, unchecked = tool.advisories(parts, answer)
    assert known == ["flawed 1.0: PYSEC-1 (mended in 1.1)"]
    assert [line.partition(" ")[0] for line in unchecked] == ["unknown", "forgotten"]
