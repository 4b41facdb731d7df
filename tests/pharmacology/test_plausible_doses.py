"""Doses outside what labels and trials know are told, whichever way the amount is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import answer, workbench
from support.shipped_runs import SCENARIOS
from support.shipped_texts import shipped_text

from workbench.errors import ScenarioError
from workbench.plan import plan
from workbench.scenario import load_scenario
from workbench.scenario.bibliography import bibliography_file, read_bibliography
from workbench.scenario.dose_ranges import range_of, shipped_ranges
from workbench.scenario.shipped_files import data_folder, scenarios_folder

MADE_UP = {"tracer", "tracer_one", "tracer_mouth", "strong", "opener"}
"""Drugs that stand for nothing that people take: they carry a closed form, or open a window in a test of a rule."""
ON_PURPOSE = {"dystonia_dose", "rules/anticholinergic_core"}
"""A sweep beyond all doses, to see the ceiling; and amounts chosen so that a concentration is a round number."""

Change = tuple[str, str, str]
DOORS: dict[str, tuple[str, list[tuple[str, str]], dict[str, str], str]] = {
    # what says it: scenario, replacements, --set, the key that is blamed
    "plain": ("dystonia", [('amount = "10 mg"', 'amount = "10 g"')], {}, "dose.thp.amount"),
    "arm": ("dystonia", [('"dose.thp.amount" = "2 mg"', '"dose.thp.amount" = "2 g"')], {}, "dose.thp.amount"),
    "interval": ("dystonia", [('every = "8 h"', 'every = "1 h"')], {}, "dose.thp.amount"),
    "command line": ("dystonia_retraining", [], {"dose.thp.amount": "10 g", "dose.thp.every": "12 h"}, "dose.thp.amount"),
    "sweep": ("trihexyphenidyl", [('"10 mg", "20 mg"]', '"10 mg", "20 g"]')], {}, "dose.single.amount"),
    "inner point": ("trihexyphenidyl", [('"5 mg", "10 mg", "20 mg"]', '"5 g", "10 mg", "20 mg"]')], {}, "dose.single.amount"),
    "titration": (
        "trihexyphenidyl_regimens",
        [('maximum" = "30 mg/day"', 'maximum" = "300 mg/day"\n"dose.daily.amount" = "100 mg"')],
        {},
        "dose.daily.amount",
    ),
    "by weight": ("ketamine_timing", [('weight = "0.5 mg/kg"', 'weight = "5 mg/kg"')], {}, "dose.infusion.amount_per_weight"),
    "swept by weight": ("ketamine_dose", [('"1 mg/kg"], arms', '"10 mg/kg"], arms')], {}, "dose.infusion.amount_per_weight"),
    "for a person's weight": ("ketamine_pk", [('amount = "10 mg"', 'amount = "1 g"')], {}, "dose.push.amount"),
    "record": ("ketamine_pk", [('amt = "35 mg"', 'amt = "35 g"')], {}, "dose.record.amt"),
    "table": ("ketamine_pk", [("1,0.5,24,24,24,2", "1,0.5,2400,2400,24,2")], {}, "dose.records.table"),
    "factor of a table": ("ketamine_pk", [], {"dose.records.amount_factor": "100"}, "dose.records.table"),
    "other name": ("ketamine_pk", [('amount = "84 mg"\n', 'amount = "84 g"\n')], {}, "dose.swallowed.amount"),
    "ceiling": (
        "ketamine_adaptive",
        [('maximum_per_weight = "1 mg/kg"', 'maximum_per_weight = "9 mg/kg"')],
        {},
        "adjustment.titrate.maximum_per_weight",
    ),
    "two tables": (
        "dystonia",
        [("[dose.thp.titration]", '[dose.more]\ndrug = "trihexyphenidyl"\namount = "40 mg"\nduring = "treatment"\n[dose.thp.titration]')],
        {},
        "dose.thp.amount",
    ),
    "too small": ("trihexyphenidyl", [('"dose.single.amount" = "2 mg"', '"dose.single.amount" = "2 ug"')], {}, "dose.single.amount"),
    "trait": (
        "ketamine_pk",
        [("[drug.ketamine]", '[subjects.trait.slip]\non = "dose.push.amount"\ndistribution = "choice"\nvalues = [1.0, 1000.0]\n[drug.ketamine]')],
        {},
        "dose.push.amount",
    ),
}  # fmt: skip


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, list[tuple[str, str]]], Path]:
    """Write a shipped scenario with some text replaced."""

    def write(name: str, changes: list[tuple[str, str]]) -> Path:
        text = shipped_text(name)
        for old, new in changes:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return tmp_path / f"{name}.toml"

    return write


@every_case("door", DOORS)
def test_a_dose_beyond_what_is_known_is_told_through_every_door(door: str, changed: Callable[..., Path]) -> None:
    name, changes, settings, key = DOORS[door]
    notes = plan(load_scenario(changed(name, changes)), settings=settings, subjects=4).notes
    new = [note for note in notes if note.key == key and "what is plausible" in note.message]
    assert new  # that there is none before the change is told of every shipped scenario below
    word = "below" if door == "too small" else "above"
    assert all(f"is {word} what is plausible" in note.message for note in new)
    assert all(note.line > 0 for note in new) or settings


def test_what_is_told_is_the_amount_the_substance_the_range_and_its_source(changed: Callable[..., Path]) -> None:
    file = changed("dystonia", [('amount = "10 mg"', 'amount = "10 g"')])
    done = workbench("check", file, cwd=file.parent)
    assert done.returncode == 0
    line = file.read_text().splitlines().index('amount = "10 g"') + 1
    said = f"note: {file}:{line}:1: dose.thp.amount: 30,000 mg/day of trihexyphenidyl is above what is plausible, "
    assert said + "1 to 60 mg/day (TrihexyphenidylLabel, Jabbari1989), in arm " in done.stdout
    dry = workbench("sweep", file, "--dry-run", "--arm", "dyt1_thp30", cwd=file.parent)
    assert dry.returncode == 0 and "30,000 mg/day" in dry.stderr
    listed = answer(workbench("check", file, "--json", cwd=file.parent))["scenarios"][0]["notes"]
    assert [note["key"] for note in listed if "30,000" in note["message"]] == ["dose.thp.amount"]


DOSED = [name for name in SCENARIOS if "\n[dose." in shipped_text(name)]


@every_case("name", DOSED)
def test_every_shipped_drug_that_is_given_has_a_range_with_its_source(name: str) -> None:
    scenario = load_scenario(scenarios_folder() / f"{name}.toml")
    works = read_bibliography(bibliography_file(data_folder()))
    drugs = scenario.tables.get("drug", {})
    for drug in {str(dose.fields["drug"]) for dose in scenario.tables.get("dose", {}).values()} - MADE_UP:
        known = range_of(drugs[drug])
        assert known is not None and (known.single or known.daily), f"nothing is known of doses of {drug}"
        assert known.source and set(known.source) <= set(works)
    told = [note for note in plan(scenario, subjects=4).notes if "plausible" in note.message]
    assert bool(told) == (name in ON_PURPOSE)


@pytest.mark.parametrize(
    ("late", "key"),
    [
        (("1,2,.,.,.,.,.,0\n", "1,2,.,.,.,.,.,0\n1,400,24000,.,.,.,.,1\n"), "dose.records.table"),
        (("1,2,.,.,.,.,.,0\n", "1,2,.,.,.,.,.,0\n1,300,.,.,.,.,.,3\n1,300,24000,.,400,9,.,1\n"), "dose.records.table"),
        (('amount = "28 mg"\n', 'amount = "28 g"\nfirst = "335 h"\nuntil = "336 h"\n'), ""),
    ],
)
def test_a_dose_after_the_end_of_its_phase_is_not_told_as_given(
    late: tuple[str, str], key: str, changed: Callable[..., Path]
) -> None:
    """Two weeks are over at 336 h: what would come later is never given, what comes an hour before is."""
    told = plan(load_scenario(changed("ketamine_pk", [late])), subjects=2).notes
    big = [note for note in told if "what is plausible" in note.message]
    assert bool(big) == ("400,24000" not in late[1])
    assert all(key in ("", note.key) for note in big)
    assert not any("240,000" in note.message or "216,000" in note.message for note in big)


def test_shipped_ranges_rise_and_are_found_by_other_names() -> None:
    ranges = shipped_ranges()
    assert ranges["thp"] is ranges["trihexyphenidyl"]
    for known in ranges.values():
        for span in (known.single, known.daily):
            assert span is None or 0.0 < span.low < span.high


def test_a_scenario_says_the_range_of_its_own_drug(changed: Callable[..., Path]) -> None:
    own = '[drug.tracer]\nplausible = {{ single = ["{}", "{}"], source = "{}" }}'
    file = changed("routes", [("[drug.tracer]", own.format("1 mg", "5 mg", "Fava2020"))])
    (note, *_) = plan(load_scenario(file)).notes
    assert "12 mg of tracer at one time is above what is plausible, 1 to 5 mg (Fava2020)" in note.message
    for low, high, source, words in (
        ("5 mg", "1 mg", "Fava2020", "must be below"),
        ("1 mg/kg", "5 mg", "Fava2020", "per kg of body weight"),
        ("1 h", "2 h", "Fava2020", "not a unit of this kind"),
        ("1 mg", "5 mg", "Fava2022", "the bibliography has no entry"),
    ):
        with pytest.raises(ScenarioError) as error:
            load_scenario(changed("routes", [("[drug.tracer]", own.format(low, high, source))]))
        assert words in str(error.value)
    with pytest.raises(ScenarioError) as error:
        load_scenario(changed("routes", [("[drug.tracer]", '[drug.tracer]\nsubstance = "ketamin"')]))
    assert error.value.problems[0].hint == 'did you mean "ketamine"?'
