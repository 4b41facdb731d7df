"""Cases that one test checks together: all are called, and each that fails is told by name."""

from __future__ import annotations

import os

import pytest
from support.cases import every_case


def test_every_case_is_called_and_all_that_fail_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[int, str]] = []

    @every_case("number", [1, 2, 3])
    @every_case("word", ["a", "b"], ids=str.upper)
    def check(number: int, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "WORKBENCH_CASE" not in os.environ, "patches of the case before"
        monkeypatch.setenv("WORKBENCH_CASE", word)
        called.append((number, word))
        assert (number, word) != (2, "b")
        if number == 3:
            pytest.fail("never three")

    with pytest.raises(ExceptionGroup, match="2 of 3 cases failed") as caught:
        check(monkeypatch=monkeypatch)
    assert called == [(number, word) for number in (1, 2, 3) for word in "ab"]
    told = [
        (*outer.__notes__, *(note for inner in outer.exceptions for note in inner.__notes__))
        for outer in caught.value.exceptions
    ]
    assert told == [("case: number = 2", "case: word = B"), ("case: number = 3", "case: word = A", "case: word = B")]
    assert "WORKBENCH_CASE" not in os.environ


def test_a_case_for_an_argument_that_a_test_does_not_take_is_refused() -> None:
    with pytest.raises(AssertionError, match="has no argument"):
        every_case("other", [1])(lambda number: None)
    with pytest.raises(AssertionError, match="no case"):
        every_case("number", [])
