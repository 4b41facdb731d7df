"""Names of arms that are cut for want of room: different arms stay different."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cases import every_case
from support.shipped_runs import SCENARIOS
from support.shipped_texts import shipped_content

from workbench.report.drawing import distinct_labels
from workbench.scenario.shapes import SHORT

LONG = ["Ketamine 0.5 mg/kg once, then four weeks of A", "Ketamine 0.5 mg/kg once, then four weeks of B"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a slow strategy
@given(st.lists(st.text("ab c", max_size=14), max_size=9), st.integers(6, 10))
def test_labels_fit_and_are_as_many_as_the_texts(texts: list[str], letters: int) -> None:
    labels, lines = distinct_labels(texts, letters), [" ".join(text.split()) for text in texts]
    assert max(map(len, labels), default=0) <= letters
    assert len(set(labels)) == len(set(lines)) == len(set(zip(lines, labels, strict=True)))


def test_what_fits_is_left_as_it_is_and_what_differs_at_the_end_keeps_its_end() -> None:
    assert distinct_labels(["Saline", "Ketamine"], 24) == ["Saline", "Ketamine"]
    assert distinct_labels(["A long arm that nobody shares", "Saline"], 10) == ["A long ar…", "Saline"]
    one, other = distinct_labels(LONG, 24)
    assert one.endswith("A") and other.endswith("B")
    assert one != other and one.startswith("Ketamine") and other.startswith("Ketamine")


@every_case("name", SCENARIOS)
def test_no_two_arms_of_a_shipped_scenario_look_alike_at_any_width(name: str) -> None:
    arms = shipped_content(name).get("arm", {})
    titles = [arm.get("title") or key.replace("_", " ") for key, arm in arms.items()]
    labels = [arm.get("short") or title for arm, title in zip(arms.values(), titles, strict=True)]
    assert len(set(titles)) == len(set(labels)) == len(arms)
    for letters in (14, 24, 34, 46, 60):
        for texts in (titles, labels):
            assert len(set(distinct_labels(texts, letters))) == len(arms)
    if "/" not in name:  # the pages' own scenarios; those of the rules are drawn small, on one page
        assert max(map(len, labels), default=0) <= SHORT
