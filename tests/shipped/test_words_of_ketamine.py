"""What every scenario of ketamine with people says of itself, and the harm it shows beside each benefit."""

from __future__ import annotations

import html
import re

import pytest
from support.shipped_runs import SCENARIOS, Shipped, shipped_scenario
from support.shipped_texts import shipped_text

from workbench.scenario.model import Scenario

DEVICE = (
    "Research simulation of published group data. Not a medical device; not for diagnosis, dosing, scheduling or any"
    " decision about a patient. Numbers describe virtual populations and have not been validated prospectively."
)
HARM = (
    "The same mechanism that could strengthen helpful learning could strengthen harmful learning; the model has no"
    " evidence on how often this happens."
)
NOT_IN = (
    "suicidality", "mania", "psychosis", "blood pressure", "bladder", "liver", "cognition", "misuse", "dependence",
    "tolerance", "benzodiazepines", "lamotrigine", "naltrexone", "pregnancy", "age", "organ function", "comorbidity",
    "drop-out", "therapist", "consent", "sex", "ethnicity", "cost", "access",
)  # fmt: skip
REFUSED = (
    "patients will",
    "people will",
    "will respond",
    "will relapse",
    "depressives",
    "measured occupancy",
    "proven",
)


def with_a_scale(name: str) -> bool:
    """Whether a scenario is about people whose choices therapy and ketamine change."""
    scenario = shipped_scenario(name)
    rules = {table.component.name for table in scenario.tables.get("plasticity", {}).values()}
    return "ketamine" in scenario.tables.get("drug", {}) and "tag_and_capture" in rules


TRIALS = tuple(
    f"ketamine_{name}" for name in ("adaptive", "addiction", "dose", "followup", "parts", "therapy", "timing")
)
every = pytest.mark.parametrize("name", TRIALS)


def read(name: str) -> Scenario:
    return shipped_scenario(name)


def arms_given(scenario: Scenario, content: str) -> list[str]:
    """Return the arms that have the drug and a session of a content."""
    sessions = scenario.tables.get("session", {})
    return [
        arm.name
        for arm in scenario.arms.values()
        if "dose.infusion" not in arm.without
        and any(
            arm.set.get(f"session.{name}.content", table.fields.get("content", "adaptive")) == content
            for name, table in sessions.items()
            if f"session.{name}" not in arm.without
        )
    ]


def test_none_of_them_is_left_out() -> None:
    assert tuple(name for name in SCENARIOS if name.startswith("ketamine_") and with_a_scale(name)) == TRIALS


@every
def test_it_says_what_it_is_not_and_what_it_lacks(name: str) -> None:
    use = read(name).use
    assert DEVICE in use.limits
    missing = " ".join(line for line in use.limits if line.startswith(("Not in the model:", "Nor:")))
    assert [word for word in NOT_IN if word not in missing] == []
    limits = " ".join(use.limits)
    for words in (
        "off-label",
        "needs help now",
        "estimated from plasma",
        "may be inflated by unblinding",
        "small samples",
    ):
        assert words in limits
    assert "The maladaptive channel is a variable of the model, not a description of a person." in use.limits
    assert "the model predicts" in use.context and "people with depression" in use.context


@every
def test_its_words_promise_nothing(name: str) -> None:
    text = shipped_text(name).casefold()
    assert [words for words in REFUSED if words in text] == []


@every
def test_it_types_no_result_of_the_model_into_its_limits(name: str) -> None:
    """Numbers of the model stand among the findings, where they are recomputed: no decimal in a sentence of limits."""
    assert [line for line in read(name).use.limits if re.search(r"\d\.\d|\d ?%|\d points", line)] == []


@every
def test_beside_a_benefit_of_both_stands_the_harm_of_both(name: str) -> None:
    scenario = read(name)
    if not arms_given(scenario, "adaptive"):
        assert not scenario.interactions
        return
    assert HARM in scenario.use.limits
    harmful = arms_given(scenario, "stressor")
    assert harmful and "stressor" in scenario.arms, "a stressor in the window, and the same without the drug"
    crossed = [arm for one in scenario.interactions.values() for arm in one.arms]
    assert set(crossed) & set(harmful) and "both" in crossed, "the harm is crossed as the benefit is"
    spread = [study for study in scenario.studies.values() if study.design != "grid"]
    assert all(set(harmful) & set(study.arms) for study in spread), "over parameters too"
    shown = next(study for study in scenario.studies.values() if not study.axes)
    assert {"both", "stressor"} <= set(shown.arms) and set(harmful) & set(shown.arms)


@every
def test_relapse_is_told_with_its_rule(name: str) -> None:
    for table in read(name).tables["outcome"].values():
        if table.component.name in ("relapsed", "relapse_time"):
            for words in ("20 points or more", "less than half improved", "two weekly visits in a row"):
                assert words in table.title


@every
def test_its_arms_have_titles_with_doses_as_prescribed(name: str) -> None:
    for arm in read(name).arms.values():
        assert arm.title
        given = "dose.infusion" not in arm.without and "swept" not in arm.title
        assert bool(re.search(r"Ketamine [\d.]+ mg/kg", arm.title)) == given, arm.title


@every
def test_its_page_says_so(shipped: Shipped, name: str) -> None:
    page = html.unescape(shipped.page(name).read_text(encoding="utf-8"))
    assert DEVICE in page and "the model predicts" in page
