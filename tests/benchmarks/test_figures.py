"""The report on speed: checkouts take turns, medians count, and a part that is not measured stays as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import dystonia, figures
from benchmarks.dystonia import ROOT, Checkout


def test_checkouts_take_turns_and_their_medians_count() -> None:
    asked: list[str] = []
    costs = iter([3.0, 30.0, 1.0, 10.0, 2.0, 20.0])

    def measure(checkout: Checkout) -> dict[str, float]:
        asked.append(checkout.folder.name)
        return {"cost": next(costs)}

    both = [Checkout(Path("old")), Checkout(Path("new"))]
    assert dystonia.in_turns(measure, both, 3) == [{"cost": 2.0}, {"cost": 20.0}]
    assert asked == ["old", "new"] * 3


def test_a_block_is_measured_in_the_package_of_its_checkout() -> None:
    found = Checkout(ROOT).block("shared_row", 20)
    assert found["runs"] == 20
    assert found["steps"] == 20 * 12_000
    assert found["cost"] == pytest.approx(found["cpu"] / found["steps"] * 1e9)


def test_a_part_that_is_not_measured_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "benchmarks.md"
    report.write_text("# Speed\n\n## Beside other programs\n\nkept\n\n### A topic\n\nits table\n", encoding="utf-8")
    monkeypatch.setattr(figures, "REPORT", report)
    monkeypatch.setattr(figures.dystonia, "tables", lambda beside, **options: "measured\n")
    assert figures.main(["--only", "dystonia"]) == 0
    parts = figures.written()
    assert list(parts) == ["One scenario", "Beside other programs"]
    assert parts["One scenario"].endswith("measured")
    assert parts["Beside other programs"] == "kept\n\n### A topic\n\nits table"
