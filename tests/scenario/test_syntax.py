"""Positions: every key and value of a TOML text, in lines and characters."""

from __future__ import annotations

import pytest

from workbench.scenario.text.document import Document, spell, suggestion
from workbench.scenario.text.syntax import read_positions

TEXT = """\
title = "é"   # naïve
[a.b]
"x y".z = 1
é.list = [ "é", { k = 2 },
  3 ]
"""
TABLES = """\
[[item]]
n = 1
[[item]]
n = 2
[item.sub]
m = 3
"""


@pytest.mark.parametrize(
    ("keys", "key", "value"),
    [
        (("title",), (1, 1), (1, 9)),
        (("a",), (2, 1), (2, 1)),
        (("a", "b"), (2, 1), (2, 1)),
        (("a", "b", "x y"), (3, 1), (3, 1)),
        (("a", "b", "x y", "z"), (3, 1), (3, 11)),
    ],
)
def test_keys_and_values_have_their_place(keys, key, value):
    found = read_positions(TEXT.replace("é.list", "e.list"))
    assert found.key(keys) == key
    assert found.value(keys) == value


def test_columns_count_characters_not_bytes():
    found = read_positions(TEXT.replace("é.list", '"é".list'))
    assert found.value(("a", "b", "é", "list", 1, "k")) == (4, 25)
    assert found.value(("a", "b", "é", "list", 2)) == (5, 3)


def test_lists_of_tables_are_counted():
    found = read_positions(TABLES)
    assert found.value(("item", 0, "n")) == (2, 5)
    assert found.value(("item", 1, "n")) == (4, 5)
    assert found.value(("item", 1, "sub", "m")) == (6, 5)


def test_what_is_missing_is_placed_at_the_table_around_it():
    found = read_positions(TEXT.replace("é.list", "e.list"))
    assert found.key(("a", "b", "gone")) == (2, 1)
    assert found.key(("gone",)) == (1, 1)


def test_places_are_spelled_as_users_write_them():
    assert spell(("arm", "x", "set", "dose.thp.amount")) == 'arm.x.set."dose.thp.amount"'
    assert spell(("study", "s", "values", 2)) == "study.s.values[2]"
    assert spell(("evil\n\x1b[31m",)) == '"evil\\n\\x1b[31m"'


def test_one_place_is_reported_once():
    document = Document(b"a = 1\n", "x.toml", [])
    document.report(("a",), "first")
    document.report(("a",), "second")
    assert [p.message for p in document.problems] == ["first"]


def test_a_far_name_is_not_suggested():
    assert suggestion("zzz", ["cortex"]) == ""
    assert suggestion("cortx", ["cortex", "muscle"]) == 'did you mean "cortex"?'
