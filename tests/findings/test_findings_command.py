"""``workbench findings`` as users meet it: real processes, one JSON form, exit codes, and what is run first."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import SMALL, answer, process, workbench
from support.fabricated import accounted
from support.small_findings import AWAY, PLAUSIBLE, SCENARIO, SET, STILL, finding, folder, swept

import workbench as api
from workbench.store.result_digest import digest

PLAIN = {"id", "role", "published", "accept", "model", "mc_error", "interval", "met", "source"}
SLOW = 'statistic = "mean"\noutcome = "norm"\narms = ["slow"]\naccept = [0.0, 5.0]'
OTHER = STILL.replace("norm", "mean")
FORMULA = (
    'statistic = "mean"\noutcome = "norm"\narms = ["still"]\nwithin = 0.6\n'
    'expected = { closed_form = "norm_at_rest", decay = 4.0 }'
)


def theory(name: str, criterion: str, more: str = "") -> str:
    """Return one finding that is derived, not observed."""
    return finding(name, criterion, more).replace('checked = "page"', 'checked = "theory"')


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finding of each kind, and its results."""
    root = tmp_path_factory.mktemp("known")
    numbers = SET.replace(
        'meaning = "learning rate"', 'status = "fitted"\nfitted_to = ["F1"]\nmeaning = "learning rate"'
    )
    built, stress = 'by_construction = "nothing moves"', 'expected_failure = "nothing can move"'
    rows = [
        finding("T1"), finding("T2", AWAY), finding("F1", OTHER), finding("B1", more=built), finding("S1", AWAY, stress),
        finding("M1").replace('checked = "page"', 'checked = "memory"'), finding("T3", SLOW),
        theory("H1", FORMULA), theory("H2", AWAY, 'must_fail = "nothing moves"'), theory("H3", STILL, 'must_fail = "x"'),
    ]  # fmt: skip
    folder(root, *rows, scenario=SCENARIO + PLAUSIBLE, numbers=numbers)
    swept(root)
    return root


def test_one_object_with_every_finding_and_counts_by_role(known: Path) -> None:
    done = process("findings", "--json", cwd=known)
    said = answer(done)
    assert (done.returncode, said["schema"], said["ok"]) == (0, 1, True)
    assert set(said) == {"schema", "ok", "findings", "counts"}
    rows = {row["id"]: row for row in said["findings"]}
    assert all(set(row) >= PLAIN for row in rows.values())
    assert {name: (row["role"], row["met"]) for name, row in rows.items()} == {
        "T1": ("test", True), "T2": ("test", False), "T3": ("test", True), "F1": ("fit", True),
        "B1": ("built_in", True), "S1": ("stress", False), "M1": ("unchecked", True),
        "H1": ("theory", True), "H2": ("theory", True), "H3": ("theory", False),
    }  # fmt: skip
    assert said["counts"]["successes"] == 2
    assert said["counts"]["test"] == {"missed": 1, "undecided": 0, "not run": 0, "fails as it must": 0, "met": 2}
    assert said["counts"]["theory"] == {"missed": 1, "undecided": 0, "not run": 0, "fails as it must": 1, "met": 1}
    assert (rows["H2"]["verdict"], rows["H3"]["verdict"]) == ("fails as it must", "missed")
    assert rows["H1"]["accept"] == pytest.approx([0.5 - 0.6, 0.5 + 0.6]), "1 / sqrt(decay) within 0.6, decay 4"
    still = rows["T1"]
    assert (still["accept"], still["model"], still["mc_error"], still["source"]) == ([-0.1, 0.1], 0.0, 0.0, ["Oja1982"])


def test_misses_come_first_and_the_interval_over_parameters_holds_the_value(known: Path) -> None:
    said = answer(workbench("findings", "data/results/small.db", "--json", cwd=known))
    assert [row["id"] for row in said["findings"]][:2] == ["T2", "S1"]
    slow = next(row for row in said["findings"] if row["id"] == "T3")
    low, high = slow["interval"]
    assert 0 < low < slow["model"] < high, "the scenario's own rate lies inside the range that the design spreads"
    away = said["findings"][0]
    assert away["interval"] is None and "does not have these arms" in away["criteria"][0]["no_interval"]


def test_the_table_says_what_counts_and_the_other_formats_hold_all_rows(known: Path) -> None:
    text = workbench("findings", cwd=known).stdout
    assert text.splitlines()[1].startswith("T2")
    assert "successes: 2 of 3 test findings (no other row counts as one)" in text
    assert "S1: expected to fail: nothing can move" in text
    assert "H2: must fail: nothing moves" in text and "fails as it must" in text
    csv = workbench("findings", "--format", "csv", cwd=known).stdout.splitlines()
    assert len(csv) == 11 and csv[0].startswith("id,role,verdict")


def test_strict_fails_on_a_miss_but_not_on_one_that_was_expected(known: Path, tmp_path: Path) -> None:
    failed = process("findings", "--strict", "--json", cwd=known)
    assert (failed.returncode, answer(failed)["ok"]) == (5, False)
    stress = finding("S1", AWAY, 'expected_failure = "nothing can move"')
    fine = folder(tmp_path / "fine", finding("T1"), stress)
    assert workbench("findings", "scenarios/small.toml", "--strict", "--workers", "1", cwd=fine).returncode == 0


def test_a_scenario_is_run_first_and_only_once(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1"))
    before = answer(workbench("findings", "--json", cwd=root))
    assert [row["verdict"] for row in before["findings"]] == ["not run"]
    assert before["findings"][0]["met"] is None and before["ok"]
    first = workbench("findings", "scenarios/small.toml", "--workers", "1", cwd=root)
    assert "30 runs in all" in first.stderr or "to compute" in first.stderr
    again = workbench("findings", "scenarios", "--workers", "1", cwd=root)
    assert " 0 to compute" in again.stderr
    assert first.stdout == again.stdout
    assert (root / "data" / "results" / "small.db").is_file()


def test_more_subjects_run_only_what_the_findings_are_about(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1"))
    asked = ("findings", "scenarios/small.toml", "--subjects", "9", "--db", "nine.db", "--workers", "1", "--json")
    (row,) = answer(workbench(*asked, cwd=root))["findings"]
    assert row["criteria"][0]["subjects"] == 9
    runs = api.open_results(root / "nine.db").runs()
    assert set(runs.study) == {"arms"} and set(runs.arm) == {"still"} and len(runs) == 9
    refused = workbench("findings", "scenarios/small.toml", "--subjects", "0", cwd=root)
    assert refused.returncode == 2 and "--subjects" in refused.stderr


def test_what_an_older_sweep_does_not_hold_was_not_run(known: Path, tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1"), finding("T2", AWAY.replace("still", "gone")), finding("T3", SLOW))
    found = answer(workbench("findings", known / "data" / "results" / "small.db", "--json", cwd=root))
    gone = next(row for row in found["findings"] if row["id"] == "T2")
    assert (gone["verdict"], gone["met"], gone["model"]) == ("not run", None, None)
    assert 'no arm "gone" in small' in gone["remark"]


def test_an_arm_left_out_of_the_sweep_was_not_run(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1"), finding("T3", SLOW))
    assert (
        workbench("sweep", "scenarios/small.toml", "--arm", "slow", "--workers", "1", "--json", cwd=root).returncode
        == 0
    )
    rows = {row["id"]: row for row in answer(workbench("findings", "--json", cwd=root))["findings"]}
    assert (rows["T1"]["verdict"], rows["T3"]["verdict"]) == ("not run", "met")
    assert "outcome norm of arm still" in rows["T1"]["criteria"][0]["note"]


def test_a_sweep_with_changed_numbers_says_so(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1"), finding("T3", SLOW))
    swept(root)
    changed = (
        "sweep",
        "scenarios/small.toml",
        "--set",
        "projection.input_output.weight=0.5",
        "--workers",
        "1",
        "--json",
    )
    assert workbench(*changed, cwd=root).returncode == 0
    done = workbench("findings", cwd=root)
    assert "T1, T3: run with --set projection.input_output.weight=0.5" in done.stdout


def test_a_sweep_that_was_cut_off_is_not_shown_as_whole(tmp_path: Path) -> None:
    import sqlite3

    root = folder(tmp_path, finding("T1"))
    with sqlite3.connect(db := swept(root)) as connection:
        connection.execute("delete from sweep_run where subject = 5")
    connection.close()
    accounted(db)
    done = workbench("findings", cwd=root)
    assert "T1: the sweep is not finished: 3 of 36 runs are missing" in done.stdout


def test_a_mistake_is_told_before_anything_runs(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1", AWAY.replace("still", "stil")))
    done = workbench("findings", "scenarios/small.toml", "--json", cwd=root)
    said = answer(done)
    assert (done.returncode, said["ok"], said["exit"]) == (2, False, 2)
    (error,) = said["errors"]
    assert (error["file"], error["line"], error["hint"]) == ("data/findings/small.toml", 15, 'did you mean "still"?')
    assert not (root / "data" / "results").exists()


def test_a_target_without_a_file_is_refused(known: Path) -> None:
    assert workbench("findings", "nothing.db", cwd=known).returncode == 3
    assert workbench("findings", "scenarios/nothing.toml", cwd=known).returncode == 2


def test_a_target_without_findings_shows_those_on_its_parameter_set(known: Path) -> None:
    other, alone = known / "scenarios" / "other.toml", known / "scenarios" / "alone.toml"
    other.write_text(SCENARIO)
    alone.write_text(SMALL)
    done, lone = (workbench("findings", file.relative_to(known), cwd=known) for file in (other, alone))
    other.unlink()
    alone.unlink()
    assert (done.returncode, lone.returncode) == (0, 0)
    assert "no finding is about scenarios/other.toml itself" in done.stdout and "numbers, findings are about small" in (
        " ".join(done.stdout.split())
    )
    assert "successes: 2 of 3" in done.stdout
    assert lone.stdout == "no finding is about scenarios/alone.toml itself: nothing here tests it\n"


def test_python_gives_the_same_rows_and_the_ledger_of_a_database(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.findings.collection import ledger

    monkeypatch.chdir(known)
    found, rows = api.findings(), ledger("data/results/small.db")
    assert [row.finding.name for row in found.rows] == [row.finding.name for row in rows]
    assert found.successes == 2 and not found.strictly_met
    assert rows[0].deciding is not None and rows[0].deciding.value == 0.0


def test_people_are_added_until_it_is_decided_within_a_budget_and_apart(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("T1", SLOW))
    asked = ("findings", "scenarios/small.toml", "--workers", "1", "--json")
    (row,) = answer(workbench(*asked, cwd=root))["findings"]
    error = row["mc_error"]
    narrow = SLOW.replace("[0.0, 5.0]", f"[{row['model'] - 4 * error}, {row['model'] + 4 * error}]")
    folder(tmp_path, finding("T1", narrow))
    (open_,) = answer(workbench(*asked, cwd=root))["findings"]
    needed = open_["criteria"][0]["subjects_needed"]
    assert open_["verdict"] == "undecided" and 6 < needed < 12, "an error of a tenth of eight errors"
    own = digest(root / "data" / "results" / "small.db")
    (short,) = answer(workbench(*asked, "--decide", "7", cwd=root))["findings"]
    (decided,) = answer(workbench(*asked, "--decide", "400", cwd=root))["findings"]
    assert short["criteria"][0]["subjects"] == 7
    assert decided["verdict"] in ("met", "missed") and decided["criteria"][0]["subjects"] >= needed
    assert decided["db"].endswith("small.decided.db")
    assert digest(root / "data" / "results" / "small.db") == own, "the scenario's own runs stay as they are"
