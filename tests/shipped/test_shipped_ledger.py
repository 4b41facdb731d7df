"""The ledger of the shipped scenarios, from their own sweeps: every row evaluated, roles as the science sheet derives them."""

from __future__ import annotations

from typing import Any

import pytest
from support.commands import answer, workbench
from support.shipped_runs import SCENARIOS, Shipped
from support.shipped_texts import shipped_drafts

from workbench import open_results

DRAFTS = shipped_drafts()
ABOUT = {draft.head.name: draft.head.scenario for draft in DRAFTS}
THEORY = {draft.head.name for draft in DRAFTS if draft.head.checked == "theory"}
FIT = {"DY01", "DY02", "DY03", "DY04", "DY05", "DY10", "DY14", "DY15", "DY15B", "DY15C", "DY16", "DY17", "DY21"}
FIT |= {"K03", "K04", "K05", "K08", "K10", "K11", "K12", "K13", "K14", "K15"}
BUILT_IN = {"DY12", "DY13", "DY18", "DY20", "K19"}
COULD_NOT_FAIL = {"DY08", "DY09"}
"""Nothing was fitted to them, and yet they hold in nearly all assumed parameter sets."""
STRESS = {"DY22", "K20"}
MUST_FAIL = {draft.head.name for draft in DRAFTS if draft.head.must_fail}
"""Controls of the learning rules: arms that are held to a theory that they must miss."""
EXPLAINED = {"R12D", "R27D", "R28D"}
"""Statements of theory that the engine misses, each with its reason."""
SLICE_TESTS = {"DY06", "DY07", "DY08", "DY09", "DY11"}


@pytest.fixture(scope="module")
def rows(shipped: Shipped) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for scenario in SCENARIOS:
        if scenario.rpartition("/")[2] in ABOUT.values():
            said = answer(workbench("findings", shipped.db(scenario), "--json", cwd=shipped.folder))
            found |= {row["id"]: row for row in said["findings"]}
    return found


def test_every_finding_is_evaluated(rows: dict[str, dict[str, Any]]) -> None:
    assert set(rows) == set(ABOUT)
    assert [row["id"] for row in rows.values() if row["verdict"] == "not run"] == []
    for row in rows.values():
        assert row["model"] is not None and row["mc_error"] is not None
        assert all(c["subjects"] > 1 for c in row["criteria"])


def test_roles_are_those_that_the_numbers_give(rows: dict[str, dict[str, Any]]) -> None:
    expected = dict.fromkeys(THEORY, "theory") | dict.fromkeys(FIT, "fit")
    expected |= dict.fromkeys(BUILT_IN | COULD_NOT_FAIL, "built_in") | dict.fromkeys(STRESS, "stress")
    assert {name: row["role"] for name, row in rows.items()} == {name: expected.get(name, "test") for name in ABOUT}


def test_the_slice_keeps_its_rows_and_fails_where_it_must(rows: dict[str, dict[str, Any]]) -> None:
    slice_fit = {name for name in FIT if ABOUT[name] == "dystonia_slice"}
    assert {name: rows[name]["verdict"] for name in SLICE_TESTS | slice_fit} == dict.fromkeys(
        SLICE_TESTS | slice_fit, "met"
    )
    biperiden = rows["DY22"]
    assert biperiden["met"] is False, "M1 occupancy is all that the model knows of biperiden"
    assert biperiden["why"]


def test_learning_rules_meet_their_theory_and_their_controls_fail_as_they_must(rows: dict[str, dict[str, Any]]) -> None:
    theory = THEORY - MUST_FAIL - EXPLAINED
    assert {name: rows[name]["verdict"] for name in theory} == dict.fromkeys(theory, "met")
    assert {name: rows[name]["verdict"] for name in MUST_FAIL} == dict.fromkeys(MUST_FAIL, "fails as it must")
    assert {name: rows[name]["verdict"] for name in EXPLAINED} == dict.fromkeys(EXPLAINED, "missed")
    assert all("Missed" in rows[name]["note"] for name in EXPLAINED) and all(rows[name]["why"] for name in MUST_FAIL)


def test_rows_of_the_slice_say_how_many_parameter_sets_meet_them(rows: dict[str, dict[str, Any]]) -> None:
    for name in SLICE_TESTS:
        for criterion in rows[name]["criteria"]:
            assert criterion["severity"]["sets"] >= 200
            assert criterion["counts"] is not (criterion["severity"]["label"] == "could not fail here")
            if criterion["interval"] is None:
                assert "2 subjects a set, too few for a level" in criterion["no_interval"]
            else:
                low, high = criterion["interval"]
                assert low <= high
    assert all(row["counts"] == (row["role"] == "test") for name in COULD_NOT_FAIL for row in rows[name]["criteria"])


def test_untreated_people_change_as_the_limits_of_addiction_say(shipped: Shipped) -> None:
    rows = open_results(shipped.db("ketamine_addiction")).outcomes(study="arms").query("arm == 'neither'")
    mean = rows.groupby("outcome", observed=True)["value"].mean()
    assert mean["abstinent_month_1"] < mean["abstinent_month_3"] < mean["abstinent"]


def test_responders_are_read_after_twelve_weeks_and_at_every_pace(rows: dict[str, dict[str, Any]]) -> None:
    for name in ("DY16", "DY17"):
        assert rows[name]["treatment_days"] == 84
        judged = [c for c in rows[name]["criteria"] if not c["beside"]]
        assert all([p["pace"] for p in c["paces"]] == [1, 2, 5, 10, 20, 50] for c in judged)
        assert any(c["beside"] for c in rows[name]["criteria"]), "the untreated twin stands beside"
    (own, twin) = rows["DY16"]["criteria"]
    assert own["paces"][-1]["model"] < twin["paces"][-1]["model"], "a twin who gets worse makes more responders"


def test_a_starter_folder_holds_all_findings_and_none_is_met_before_it_is_run(shipped: Shipped, tmp_path: Any) -> None:
    assert workbench("init", ".", cwd=tmp_path).returncode == 0
    said = answer(workbench("findings", "--json", cwd=tmp_path))
    assert {row["id"]: row["met"] for row in said["findings"]} == dict.fromkeys(ABOUT, None)
    assert said["counts"]["successes"] == 0
