"""Swept paths get short names that stay unambiguous."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.circuits import STRIATUM

from workbench.execution.runner import run_sweep
from workbench.store.read import open_results
from workbench.store.views import KEYS, short_names

PARTS = st.sampled_from(["d1", "D1", "tone", "run", "a-b", "a_b", "order", "2nd", "x.y"])
PATHS = st.lists(st.lists(PARTS, min_size=2, max_size=3).map(".".join), unique=True, max_size=8)


def test_the_shortest_tail_that_no_other_path_shares() -> None:
    paths = ["plasticity.d1.balance", "plasticity.d2.balance", "modulator.ach.tone", "parameter.th_d"]
    assert short_names(paths) == ("d1_balance", "d2_balance", "tone", "th_d")


def test_a_taken_name_grows_by_a_part() -> None:
    assert short_names(["dose.thp.run"], KEYS) == ("thp_run",)


@given(PATHS)
def test_names_differ_also_when_case_is_ignored(paths: list[str]) -> None:
    names = short_names(paths, KEYS)
    assert len({name.lower() for name in (*names, *KEYS)}) == len(paths) + len(KEYS)
    assert all(name.isidentifier() for name in names)


@given(PATHS, st.randoms())
def test_names_do_not_depend_on_the_order_of_paths(paths: list[str], random) -> None:
    shuffled = random.sample(paths, len(paths))
    assert dict(zip(paths, short_names(paths), strict=True)) == dict(zip(shuffled, short_names(shuffled), strict=True))


def test_an_outcome_with_the_name_of_a_whole_number_of_ours_keeps_its_fractions(tmp_path: Path) -> None:
    """Columns of runs and outcomes_wide that a scenario named are typed by what they hold."""
    text = STRIATUM.replace("[outcome.overflow]", "[outcome.expected]", 1)
    assert text != STRIATUM
    (tmp_path / "named.toml").write_text(text, encoding="utf-8")
    run_sweep(tmp_path / "named.toml", tmp_path / "named.db", workers=1)
    with open_results(tmp_path / "named.db") as results:
        wide, tidy = results.outcomes_wide(), results.outcomes()
    assert wide["expected"].dtype == "float64" and wide["expected"].mod(1.0).ne(0.0).any()
    assert sorted(wide["expected"]) == sorted(tidy[tidy.outcome == "expected"]["value"])
