"""The nearest name is one that a slip of the pen may have meant."""

from __future__ import annotations

import pytest

from workbench.scenario.bibliography import read_bibliography
from workbench.scenario.shipped_files import data_folder
from workbench.scenario.text.document import suggestion

KEYS = tuple(read_bibliography(data_folder() / "references.bib"))


def test_a_source_with_a_slip_is_found_and_one_that_is_only_as_old_is_not() -> None:
    for key in KEYS:
        name, year = key.rstrip("0123456789abc"), key[-4:]
        if len(name) > 3 and year.isdigit():
            assert suggestion(name[:2] + name[3:] + year, KEYS), key
            assert suggestion(f"Qxj{year}", KEYS) == "", key


@pytest.mark.parametrize("got", ["Miller2012", "Nobody2020", "Anonymous2021", "Lee2015", "Brown2001"])
def test_an_unlike_author_is_not_suggested_for_the_year(got: str) -> None:
    assert suggestion(got, KEYS) == ""


def test_names_without_a_year_are_as_before() -> None:
    assert suggestion("stil", ["still", "slow"]) == 'did you mean "still"?'
    assert suggestion("madrs_day_3O", ["madrs_day_30", "madrs_day_1"]) == 'did you mean "madrs_day_30"?'
