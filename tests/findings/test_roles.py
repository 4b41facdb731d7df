"""Roles follow from the data: the same finding changes its role when a copy of the numbers changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import answer, workbench
from support.small_findings import SCENARIO, SET, finding, folder, swept

from workbench.findings.finding import Finding
from workbench.findings.ledger import LedgerRow
from workbench.report.published import findings_summary

FITTED = 'status = "fitted"\nfitted_to = ["K7"]\n'
IN_SET = SET.replace("meaning", FITTED + "meaning")
IN_CONDITION = SET + '\n[condition.ill]\nrate = { value = 0.003, status = "fitted", fitted_to = ["K7"] }\n'
IN_SCENARIO = SCENARIO.replace("spread = 0.2", 'spread = { value = 0.2, status = "fitted", fitted_to = ["K7"] }')


def role(root: Path) -> str:
    rows = answer(workbench("findings", "--json", cwd=root))["findings"]
    return str(next(row["role"] for row in rows if row["id"] == "K7"))


@pytest.mark.parametrize(
    ("expected", "more", "numbers", "scenario"),
    [
        ("test", "", SET, SCENARIO),
        ("fit", "", IN_SET, SCENARIO),
        ("fit", "", IN_CONDITION, SCENARIO),
        ("fit", "", SET, IN_SCENARIO),
        ("built_in", 'by_construction = "it says so"', SET, SCENARIO),
        ("fit", 'by_construction = "it says so"', IN_SET, SCENARIO),
        ("stress", 'expected_failure = "it cannot"', SET, SCENARIO),
    ],
)
def test_the_role_follows_the_numbers(expected: str, more: str, numbers: str, scenario: str, tmp_path: Path) -> None:
    root = folder(tmp_path, finding("K7", more=more), numbers=numbers, scenario=scenario)
    assert role(root) == expected


def test_what_is_quoted_from_memory_is_no_target_whatever_was_fitted_to_it(tmp_path: Path) -> None:
    recalled = finding("K7").replace('checked = "page"', 'checked = "memory"')
    assert role(folder(tmp_path, recalled, numbers=IN_SET)) == "unchecked"


def test_a_stored_sweep_keeps_the_role_that_its_own_numbers_gave(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("K7"), numbers=IN_SET)
    swept(root)
    (root / "data" / "parameters" / "numbers.toml").write_text(SET)
    assert role(root) == "fit", "the stored parameter set was fitted to it"
    swept(root)
    assert role(root) == "test"


def test_a_role_cannot_be_typed(tmp_path: Path) -> None:
    done = workbench("findings", cwd=folder(tmp_path, finding("K7", more='role = "test"')))
    assert done.returncode == 2
    assert "data/findings/small.toml:11:1: finding.K7.role: unknown key" in done.stderr


def test_a_page_counts_theory_apart_from_published_findings() -> None:
    def row(role: str, verdict: str) -> LedgerRow:
        head = Finding("X", "t", "s", (), "p", "p", "1", "theory", must_fail="m" if "must" in verdict else "")
        return LedgerRow(head, role, verdict, ())  # type: ignore[arg-type]

    theory = [row("theory", "met"), row("theory", "fails as it must"), row("theory", "missed")]
    assert findings_summary(theory) == "Of 3 checks against theory 2 are right, 1 are not."
    both = findings_summary([*theory[:1], row("test", "met"), row("fit", "missed")])
    assert (
        both.startswith("Of 2 published findings about this scenario 1 can test it")
        and "1 met, 0 missed. The other 1" in both
    )
    assert both.endswith("Of 1 checks against theory 1 are right, 0 are not.")
