"""Doses that visits raise, hold and stop: against the rules worked out by hand, the drug, and the order of a moment."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from support.circuits import equal, joined, only, replaced
from support.therapies import THERAPY

from workbench.solver.batch import Batch, BatchResult
from workbench.solver.run import solve

VISITS, DOSES = (1.0, 4.5, 8.0, 11.5), (0.0, 72.0, 144.0, 216.0, 288.0)
SEEN = """
[assessment.twice]
phase = "care"
scale = "madrs"
first = "1 day"
every = "3.5 day"
count = 4
"""
RULES = """
[adjustment.up]
form = "titrate"
dose = "infusion"
assessment = "twice"
compared_with = "baseline"
step = "17.5 mg"
maximum = "50 mg"
[adjustment.pause]
form = "hold"
dose = "infusion"
assessment = "twice"
[adjustment.futile]
form = "stop"
dose = "infusion"
assessment = "twice"
condition = "no_response"
compared_with = "baseline"
consecutive = 3
"""
GIVEN = "".join(
    f'[outcome.{name}]\nreadout = "{readout}"\ndose = "infusion"\n{more}\n'
    for name, readout, more in (
        ("last", "dose_amount", ""),
        ("total", "dose_amount", 'take = "total"'),
        ("number", "doses_given", ""),
        ("stopped", "doses_stopped", ""),
    )
)
READ = '[outcome.base]\nreadout = "symptom_score"\nassessment = "baseline"\n' + "".join(
    f'[outcome.visit_{k}]\nreadout = "symptom_score"\nassessment = "twice"\nvisit = {k}\n' for k in (1, 2, 3, 4)
)
LEVEL = '[outcome.level]\nreadout = "concentration"\ndrug = "ketamine"\nwindow = "290 h into care"\n'
FEW = '[study.s]\narms = ["ketamine_alone", "placebo"]\n'
REPEATED = replaced(
    THERAPY,
    ("count = 2", "count = 40"),
    ("count = 1\nduring", "count = 5\nduring"),
    ('every = "48 h"', 'every = "72 h"'),
    ('amount = "35 mg"', 'amount = "17.5 mg"'),
    ('"30 h into care"', '"293 h into care"'),
)
MADE = (
    '[drug.nor]\nmodel = "metabolite"\nparent = "ketamine"\nformed = 0.8\nclearance = "60 L/h"\nvolume = "90 L"\n'
    '[outcome.made]\nreadout = "concentration"\ndrug = "nor"\nwindow = "293 h into care"\n'
)
ADAPTIVE = REPEATED + SEEN + RULES + GIVEN + READ + LEVEL + MADE + FEW


@pytest.fixture(scope="module")
def batch() -> Batch:
    return only(ADAPTIVE)


@pytest.fixture(scope="module")
def result(batch: Batch) -> BatchResult:
    return solve(batch)


def dosed(batch: Batch) -> np.ndarray:
    return np.flatnonzero(np.asarray(batch.values["dose.infusion.amount"]) > 0.0)


def by_hand(scores: list[float], base: float) -> tuple[list[float], bool]:
    """Return the amounts of the five doses as a clinic would write them down, and whether the doses were ended."""
    amount, in_a_row, held, ended, given = 17.5, 0, False, False, []
    for before, time in zip((np.inf, *DOSES), DOSES, strict=False):
        for day, score in zip(VISITS, scores, strict=True):
            if before <= 24.0 * day < time:
                answered = score <= 0.5 * base
                amount = amount if answered else min(amount + 17.5, 50.0)
                in_a_row = 0 if answered else in_a_row + 1
                ended = ended or in_a_row == 3
                held = score <= 10.0
        given.append(0.0 if held or ended else amount)
    return given, ended


def amounts(result: BatchResult, run: int) -> tuple[list[float], bool]:
    scores = [float(result.outcomes[f"visit_{k}"][run]) for k in (1, 2, 3, 4)]
    return by_hand(scores, float(result.outcomes["base"][run]))


def test_each_person_gets_what_the_visits_decide(batch: Batch, result: BatchResult) -> None:
    found = result.outcomes
    ways = set()
    for run in dosed(batch):
        given, ended = amounts(result, run)
        ways.add(tuple(given))
        assert found["total"][run] == pytest.approx(sum(given), rel=1e-12)
        assert found["last"][run] == pytest.approx(given[-1], rel=1e-12)
        assert found["number"][run] == sum(amount > 0.0 for amount in given)
        assert found["stopped"][run] == ended
    assert len(ways) > 8
    assert {0.0, 1.0} == set(found["stopped"][dosed(batch)])


def test_the_drug_in_plasma_is_that_of_what_was_given(batch: Batch, result: BatchResult) -> None:
    k10, k12, k21 = 80.0 / 120.0, 1.1, 0.8
    for run in dosed(batch)[:3]:
        state = np.zeros(2)
        edges = sorted({290.0, *DOSES, *(t + 2.0 / 3.0 for t in DOSES)})
        for start, stop in pairwise(edges):
            flows = sum(1.5 * a for t, a in zip(DOSES, amounts(result, run)[0], strict=True) if t <= start < t + 0.6)

            def slope(t: float, x: np.ndarray, flows: float = flows) -> list[float]:
                return [flows - (k10 + k12) * x[0] + k21 * x[1], k12 * x[0] - k21 * x[1]]

            state = solve_ivp(slope, (start, stop), state, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
        assert result.outcomes["level"][run] == pytest.approx(1000.0 * state[0] / 120.0, rel=1e-6, abs=1e-9)


def test_window_and_metabolite_are_those_of_the_same_amounts_in_a_fixed_schedule(
    batch: Batch, result: BatchResult
) -> None:
    varied = [run for run in dosed(batch) if len(set(amounts(result, run)[0])) > 2][:2]
    for run in varied:
        text = replaced(REPEATED, ('amount = "17.5 mg"', "amount = 0.0"), ("amount = 0.0", 'amount = "0 mg"'))
        for k, amount in enumerate(amounts(result, run)[0]):
            text += f'[dose.fixed_{k}]\ndrug = "ketamine"\namount = "{amount!r} mg"\nduration = "40 min"\n'
            text += f'count = 1\nfirst = "{DOSES[k]} h"\nduring = "care"\n'
        fixed = solve(only(text + MADE + '[study.s]\narms = ["ketamine_alone"]\n', subjects=2))
        for name in ("window", "made"):
            assert result.outcomes[name][run] == pytest.approx(fixed.outcomes[name][0], rel=1e-9)


def test_alone_in_a_block_and_turned_round_the_bits_are_the_same(batch: Batch, result: BatchResult) -> None:
    alone = [solve(batch.take(np.array([i]))) for i in range(0, len(batch), 19)]
    part = batch.take(np.arange(0, len(batch), 19))
    assert equal(joined(alone), solve(part))
    assert equal(solve(batch.take(np.arange(len(batch))[::-1])), result)


def test_what_else_is_read_changes_no_bit(batch: Batch, result: BatchResult) -> None:
    more = '[course.level]\nreadout = "concentration"\ndrug = "ketamine"\ninterval = "6.3 h"\n'
    more += '[course.window]\nreadout = "level"\nsignal = "window.plasticity"\ninterval = "5.1 h"\n'
    more += '[outcome.area]\nreadout = "area_under_curve"\ndrug = "ketamine"\nwindow = "100 h into care"\n'
    watched = solve(only(ADAPTIVE + more))
    for name, values in result.outcomes.items():
        assert watched.outcomes[name].tobytes() == values.tobytes()


def test_rules_that_nothing_meets_leave_the_fixed_schedule_bit_for_bit(batch: Batch) -> None:
    plain = solve(only(REPEATED + SEEN + GIVEN + READ + LEVEL + MADE + FEW))
    never = replaced(RULES, ('form = "hold"', 'form = "hold"\ncondition = "at_or_above"\ncut = 61.0'), ('step =', "cut = -1.0\nstep ="), ("consecutive", "cut = -1.0\nconsecutive"),
                     ('condition = "no_response"', 'condition = "at_or_below"'),
                     ('form = "titrate"', 'form = "titrate"\ncondition = "at_or_below"'),
                     ('compared_with = "baseline"\n', ""))  # fmt: skip
    found = solve(only(REPEATED + SEEN + never + GIVEN + READ + LEVEL + MADE + FEW))
    assert all(found.outcomes[name].tobytes() == values.tobytes() for name, values in plain.outcomes.items())


ALL_HELD = '[adjustment.pause]\nform = "hold"\ndose = "infusion"\nassessment = "once"\ncut = 60.0\n'


@pytest.mark.parametrize(
    ("visit", "given"),
    [
        ("71.6 h", 1.0),  # taken at the edge of its step, at 72 h: with the dose, which comes first
        ("71.4 h", 0.0),
        ("72 h", 1.0),
        ("72.2 h", 1.0),  # in the infusion, which goes on
        ("0 h", 0.0),
    ],
)
def test_a_dose_at_the_moment_of_a_visit_comes_before_it(visit: str, given: float) -> None:
    text = replaced(REPEATED, ("count = 40", "count = 2"), ("count = 5", "count = 3"))
    text += f'[assessment.once]\nphase = "care"\nscale = "madrs"\nfirst = "{visit}"\n' + ALL_HELD + GIVEN
    area = '[outcome.area]\nreadout = "area_under_curve"\ndrug = "ketamine"\n'
    for name, start, stop in (("second", 72, 144), ("third", 144, 216)):
        text += area.replace("area]", f"{name}]") + f'since = "{start} h"\nwindow = "{stop} h into care"\n'
    whole = replaced(text, ("cut = 60.0", "cut = -1.0"))
    held, fixed = (solve(only(t + '[study.s]\narms = ["ketamine_alone"]\n')).outcomes for t in (text, whole))
    assert np.all(held["number"] == 1.0 + given)
    share = held["second"] / fixed["second"]
    assert share == pytest.approx(1.0, rel=1e-12) if given else np.all(share < 1e-3)
    assert np.all(held["third"] < 1e-3 * fixed["third"])


def test_a_dose_that_was_swallowed_is_taken_although_it_has_not_come_in() -> None:
    text = replaced(REPEATED, ("count = 40", "count = 2"), ('model = "two_compartment_intravenous"', 'model = "two_compartment_oral"\nlag = "2 h"'),
                    ('duration = "40 min"\n', ""), ("count = 5", "count = 3"))  # fmt: skip
    text += '[assessment.once]\nphase = "care"\nscale = "madrs"\nfirst = "73 h"\n' + ALL_HELD
    text += '[outcome.c]\nreadout = "concentration"\ndrug = "ketamine"\nwindow = "75 h into care"\n'
    text += '[outcome.late]\nreadout = "concentration"\ndrug = "ketamine"\nwindow = "148 h into care"\n'
    held, fixed = (
        solve(only(t + '[study.s]\narms = ["ketamine_alone"]\n')).outcomes
        for t in (text, replaced(text, ("cut = 60.0", "cut = -1.0")))
    )
    assert held["c"].tobytes() == fixed["c"].tobytes() and np.all(held["late"] < 0.01 * fixed["late"])


@pytest.mark.parametrize("who", ["responder", "non_responder"])
def test_maintenance_is_for_who_is_chosen_at_the_visit(who: str) -> None:
    text = REPEATED + SEEN + READ + GIVEN.replace('"infusion"', '"more"') + FEW
    text += '[dose.more]\ndrug = "ketamine"\namount = "35 mg"\nfirst = "216.5 h"\nevery = "48 h"\nduring = "care"\n'
    text += f'only_if = "{who}"\ndecided_at = "gate"\ncompared_with = "baseline"\n'
    text += '[assessment.gate]\nphase = "care"\nscale = "madrs"\nfirst = "9 day"\n'
    text += '[outcome.gate]\nreadout = "response"\nassessment = "gate"\ncompared_with = "baseline"\n'
    found = solve(only(text)).outcomes
    chosen = found["gate"] == (1.0 if who == "responder" else 0.0)
    assert 5 < chosen.sum() < len(chosen) - 5
    assert np.array_equal(found["number"], np.where(chosen, 3.0, 0.0))
    assert np.array_equal(found["last"], np.where(chosen, 35.0, 0.0))


def test_amounts_by_weight_a_pause_above_a_cut_and_a_stop_in_remission() -> None:
    """Each person's own weight counts; a remission ends the doses for good, a score of 30 or more holds the next ones."""
    text = replaced(REPEATED, ('amount = "17.5 mg"', 'amount_per_weight = "0.25 mg/kg"')) + SEEN + READ + GIVEN + FEW
    text += '[subjects.trait.weight]\non = "dose.infusion.body_weight"\ndistribution = "lognormal"\nmedian = 1.0\ncv = 0.2\n'
    text += '[adjustment.up]\nform = "titrate"\ndose = "infusion"\nassessment = "twice"\ncondition = "at_or_above"\ncut = 20.0\n'
    text += 'step_per_weight = "0.25 mg/kg"\nmaximum_per_weight = "0.6 mg/kg"\n'
    text += '[adjustment.pause]\nform = "hold"\ndose = "infusion"\nassessment = "twice"\ncondition = "at_or_above"\ncut = 30.0\n'
    text += '[adjustment.well]\nform = "stop"\ndose = "infusion"\nassessment = "twice"\ncondition = "at_or_below"\n'
    batch = only(text)
    found = solve(batch).outcomes
    weight = np.broadcast_to(batch.values["dose.infusion.body_weight"], len(batch))
    seen = np.stack([found[f"visit_{k}"] for k in (1, 2, 3, 4)])
    raised = np.cumsum(seen >= 20.0, axis=0)
    ended = np.cumsum(seen <= 10.0, axis=0) > 0
    after = np.where(ended | (seen >= 30.0), 0.0, np.minimum(0.25 + 0.25 * raised, 0.6))
    given = 0.25 + after.sum(axis=0)  # one visit between each two doses
    runs = np.flatnonzero(found["total"] > 0.0)
    assert len(runs) == len(batch) // 2
    assert found["total"][runs] == pytest.approx((given * weight)[runs], rel=1e-12)
    assert np.array_equal(found["stopped"][runs], ended[-1][runs]) and 0.0 < found["stopped"][runs].mean() < 1.0


def test_runs_with_visits_and_doses_of_their_own_keep_their_bits_in_one_block() -> None:
    text = replaced(
        ADAPTIVE, ('first = "1 day"\nevery = "3.5 day"', 'first = "1 day"\nafter = "dose.infusion"\nevery = "3.5 day"')
    )
    text = replaced(
        text, ('arms = ["ketamine_alone", "placebo"]', 'arms = ["ketamine_alone"]'), ("count = 40", "count = 2")
    )
    text += '[study.s.sweep]\n"dose.infusion.first" = { values = ["0 h", "7.3 h", "20 h"] }\n'
    batch = only(text)
    together = solve(batch)
    assert equal(
        joined([solve(batch.take(np.array([i]))) for i in range(0, 6, 2)]), solve(batch.take(np.arange(0, 6, 2)))
    )
    assert equal(solve(batch.take(np.arange(6)[::-1])), together)
    for run in range(6):  # the same visits after the first dose: the same rules
        given, _ = amounts(together, run)
        assert together.outcomes["total"][run] == pytest.approx(sum(given), rel=1e-12)


RECORDS = '[dose.infusion]\ndrug = "ketamine"\nregimen = "{}"\n{}during = "care"\n'
ONE = 'amt = "17.5 mg"\nrate = "26.25 mg/h"\nii = "72 h"\naddl = 4\n'
LINES = 'table = """TIME,AMT,RATE\n' + "".join(f"{time},17.5,26.25\n" for time in DOSES) + '"""\n'
KEPT = RULES[RULES.index("[adjustment.pause]") :]


@pytest.mark.parametrize(("regimen", "fields", "rules"), [("nonmem", ONE, RULES), ("table", LINES, KEPT)])
def test_records_of_doses_follow_the_same_rules(regimen: str, fields: str, rules: str) -> None:
    """Doses one by one in a table, or one record of five, are what the regimen gives: in the body and when counted."""
    old = REPEATED[REPEATED.index("[dose.infusion]") : REPEATED.index("[window.plasticity]")]
    rest = SEEN + rules + GIVEN + READ + LEVEL + MADE + '[study.s]\narms = ["ketamine_alone"]\n'
    one, other = (
        solve(only(text + rest, subjects=20)).outcomes
        for text in (REPEATED, replaced(REPEATED, (old, RECORDS.format(regimen, fields))))
    )
    assert one["stopped"].any() and np.unique(one["total"]).size > 3
    for name in one:
        assert other[name] == pytest.approx(one[name], rel=1e-9, abs=1e-9), name


def test_a_metabolite_follows_what_visits_made_of_its_parents_doses(batch: Batch, result: BatchResult) -> None:
    """Over the whole phase it is formed from what was given, not from what was prescribed."""
    made = (
        '[drug.made]\nmodel = "metabolite"\nparent = "ketamine"\nformed = 0.5\nclearance = "40 L/h"\nvolume = "100 L"\n'
    )
    read = '[outcome.formed]\nreadout = "area_to_infinity"\ndrug = "made"\nwindow = "end of care"\n'
    found = solve(only(ADAPTIVE + made + read)).outcomes
    given = {amounts(result, run)[0][-1] for run in dosed(batch)}
    assert len(given) > 1
    for run in dosed(batch):
        assert found["formed"][run] == pytest.approx(1000.0 * 0.5 * sum(amounts(result, run)[0]) / 40.0, rel=1e-6)
