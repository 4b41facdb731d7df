"""Doses in the words of NONMEM, in a table, and written down: the same doses, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.cases import every_case
from support.circuits import HEAD, batches, equal, less, only, replaced, solved
from support.commands import workbench
from support.therapies import THERAPY

from workbench.component.registry import registry
from workbench.errors import CheckFailed, ScenarioError, UsageError
from workbench.execution.replays import replay
from workbench.execution.runner import run_sweep
from workbench.inspection.dose_records import dose_records
from workbench.plan import plan
from workbench.scenario import load_scenario, to_text
from workbench.scenario.dosing import written
from workbench.scenario.load import parse_scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import BatchResult
from workbench.solver.run import solve

BODY = """
[drug.d]
model = "multi_compartment_intravenous"
clearance = "79 L/h"
volume = "40 L"
[compartment.deep]
drug = "d"
flow = "60 L/h"
volume = "152 L"
[phase.given]
clock = "event"
length = "60 h"
[outcome.peak]
readout = "peak_concentration"
drug = "d"
window = "end of given"
[outcome.at]
readout = "concentration"
drug = "d"
window = "20.2 h into given"
[outcome.area]
readout = "area_to_infinity"
drug = "d"
window = "end of given"
"""
PLAIN = '[dose.one]\ndrug = "d"\nduring = "given"\n'
RECORD = '[dose.one]\nregimen = "nonmem"\ndrug = "d"\nduring = "given"\n'
TABLE = '[dose.one]\nregimen = "table"\ndrug = "d"\nduring = "given"\ntable = """\n'


def same(one: str, other: str) -> bool:
    results: list[BatchResult] = [solved(HEAD + BODY + dose) for dose in (one, other)]
    return all(results[0].outcomes[n].tobytes() == results[1].outcomes[n].tobytes() for n in results[0].outcomes)


@pytest.mark.parametrize(
    ("plain", "record", "rows"),
    [
        ('amount = "10 mg"\ncount = 1\n', 'amt = "10 mg"\n', "0,10,.,.,.,."),
        (
            'amount = "20 mg"\nduration = "0.5 h"\nevery = "8 h"\ncount = 4\nfirst = "1 h"\n',
            'amt = "20 mg"\nrate = "40 mg/h"\nii = "8 h"\naddl = 3\ntime = "1 h"\n',
            "1,20,40,8,3,0",
        ),
        (
            'amount = "20 mg"\nduration = "2 h"\nevery = "8 h"\nsteady_state = true\n',
            'amt = "20 mg"\nrate = "10 mg/h"\nii = "8 h"\naddl = 99\nss = 1\n',
            "0,20,10,8,99,1",
        ),
    ],
)
def test_records_say_the_same_as_plain_words(plain: str, record: str, rows: str) -> None:
    assert same(PLAIN + plain, RECORD + record)
    assert same(PLAIN + plain, f'{TABLE}TIME,AMT,RATE,II,ADDL,SS\n{rows}\n"""\n')


def test_several_records_are_several_doses_and_observations_are_passed_over() -> None:
    plain = PLAIN + 'amount = "10 mg"\ncount = 1\n' + PLAIN.replace("one", "two")
    plain += 'amount = "30 mg"\nfirst = "2 h"\nduration = "1.5 h"\nevery = "20 h"\ncount = 2\n'
    table = "ID,TIME,DV,AMT,RATE,II,ADDL,EVID\n7,0,.,10,0,.,.,1\n7,1,52.1,.,.,.,.,0\n7,2,.,30,20,20,1,1\n"
    assert same(plain, f'{TABLE}{table}"""\n')


def test_each_subject_has_its_own_records() -> None:
    """Subject i is the i-th ID in order of appearance; what it is given does not depend on the others in the block."""
    rows = "".join(
        f"{9 - i},{t},{5 * (i + 1) + t},{r},.,.\n" for i in range(6) for t, r in ((0, 0), (3 + i, 10))[: 1 + i % 2]
    )
    batch = only(f'{HEAD}{BODY}{TABLE}ID,TIME,AMT,RATE,II,ADDL\n{rows}"""\n')
    found = solve(batch).outcomes
    for i in range(6):
        mine = [(0.0, 5.0 * (i + 1))] + ([(3.0 + i, 8.0 + 6.0 * i)] if i % 2 else [])
        assert found["area"][i] == pytest.approx(1000.0 * sum(a for _, a in mine) / 79.0, rel=1e-12)
    alone = solve(batch.take(np.array([3]))).outcomes
    assert all(alone[name][0].tobytes() == found[name][3].tobytes() for name in found)
    with pytest.raises(ScenarioError) as caught:
        only(f'{replaced(HEAD, ("count = 6", "count = 7"))}{BODY}{TABLE}ID,TIME,AMT,RATE,II,ADDL\n{rows}"""\n')
    assert "6 IDs for 7 subjects" in caught.value.problems[0].message


def test_a_subject_without_a_dose_counts(tmp_path: Path) -> None:
    """One of three is on placebo: observations only. Read, written and read again the same three."""
    table = "ID,TIME,AMT,EVID\n5,0,10,1\n9,0,.,0\n9,2,.,0\n7,0,30,1\n"
    three = replaced(HEAD, ("count = 6", "count = 3")) + BODY
    scenario = parse_scenario(f'{three}{TABLE}{table}"""\n'.encode(), "t.toml", Path(), registry())
    again = f'{three}{TABLE}{written(dose_records(scenario, "default"))}"""\n'
    for text in (f'{three}{TABLE}{table}"""\n', again):
        assert solved(text).outcomes["area"].tolist() == pytest.approx([10_000.0 / 79.0, 0.0, 30_000.0 / 79.0])


def test_a_file_is_read_beside_the_scenario_and_is_part_of_every_key(tmp_path: Path) -> None:
    scenario = HEAD + BODY + RECORD.replace("nonmem", "table") + 'table = "doses.csv"\n'

    def keys() -> tuple[bytes, ...]:
        parsed = parse_scenario(scenario.encode(), str(tmp_path / "s.toml"), tmp_path, registry())
        (chunk,) = plan(parsed).chunks(lambda structure: 99)
        again = parse_scenario(to_text(parsed).encode(), "t.toml", tmp_path / "elsewhere", registry())
        (other,) = plan(again).chunks(lambda structure: 99)
        assert chunk.batch.keys == other.batch.keys  # the canonical text holds the table itself
        return chunk.batch.keys

    (tmp_path / "doses.csv").write_text("#ID,TIME,AMT,EVID\n1,0,10,1\n1,4,.,0\n")
    first = keys()
    (tmp_path / "doses.csv").write_text("ID,TIME,AMT\n1,0,10\n")
    assert keys() == first, "another spelling of the same doses is the same run"
    (tmp_path / "doses.csv").write_text("ID,TIME,AMT\n1,0,11\n")
    assert keys() != first


def test_a_stored_run_is_seen_again_with_the_table_beside_its_database(tmp_path: Path) -> None:
    scenario = HEAD + BODY + RECORD.replace("nonmem", "table") + 'table = "doses.csv"\n'
    (tmp_path / "s.toml").write_text(scenario)
    (tmp_path / "doses.csv").write_text("ID,TIME,AMT\n1,0,10\n")
    run_sweep(tmp_path / "s.toml", db=tmp_path / "s.db", workers=1)
    seen = replay(tmp_path / "s.db", 1)
    assert seen.equal and set(seen.series) == {"concentration"}
    (tmp_path / "doses.csv").write_text("ID,TIME,AMT\n1,0,11\n")
    with pytest.raises(CheckFailed):
        replay(tmp_path / "s.db", 1)


@pytest.mark.parametrize("arm", ["pooled", "six_infusions", "push", "records", "spray_84"])
def test_what_is_written_reads_back_as_the_same_doses(arm: str, tmp_path: Path) -> None:
    source = scenarios_folder() / "ketamine_pk.toml"
    scenario = load_scenario(source)
    records = dose_records(scenario, arm, subjects=5)
    (tmp_path / "doses.csv").write_text(written(records))
    drug = "esketamine" if arm.startswith("spray") else "ketamine"
    kept = less(source.read_text(), "arm", "study").replace("count = 60", "count = 5")
    kept = kept.replace("[dose.", "[dose.old_").replace('"dose.', '"dose.old_')
    olds = [
        f"dose.{name}"
        for name in ("old_infusion", "old_push", "old_record", "old_records", "old_spray", "old_swallowed")
    ]
    kept += f'[dose.new]\nregimen = "table"\ntable = "doses.csv"\ndrug = "{drug}"\nduring = "observation"\n'
    kept += f"[arm.again]\nwithout = {olds}\n[arm.with_the_old]\n".replace("'", '"')
    again = parse_scenario(kept.encode(), str(tmp_path / "s.toml"), tmp_path, registry())
    found = {}
    for name, known in ((arm, scenario), ("again", again)):
        chunk = next(plan(known, subjects=5, arms=(name,)).chunks(lambda structure: 99))
        found[name] = solve(chunk.batch).outcomes
    skipped = {"esketamine_area", "esketamine_peak", "esketamine_time"} if arm == "spray_84" else set()  # its own share
    for name in found[arm].keys() - skipped:
        assert found[arm][name].tobytes() == found["again"][name].tobytes(), name


def test_titrated_and_missed_doses_are_written_one_by_one() -> None:
    text = (
        PLAIN
        + 'amount = "10 mg"\nevery = "8 h"\nmissed = [2]\n[dose.one.titration]\nstart = "6 mg/day"\nstep = "6 mg/day"\neach = "1 day"\n'
    )
    scenario = parse_scenario((HEAD + BODY + text).encode(), "t.toml", Path(), registry())
    records = dose_records(scenario, "default")
    assert [(r[1], r[2]) for r in records] == [(0, 2), (16, 2), (24, 4), (32, 4), (40, 4), (48, 6), (56, 6)]
    assert same(text, f'{TABLE}{written(records)}"""\n')


def test_the_command_writes_the_table(tmp_path: Path) -> None:
    source = str(scenarios_folder() / "ketamine_pk.toml")
    said = workbench("doses", source, "--arm", "records", "--format", "csv", cwd=tmp_path).stdout
    assert said.splitlines() == ["ID,TIME,AMT,RATE,II,ADDL,SS,EVID", "1,0,10,0,0,0,0,1", "1,0.5,24,24,24,2,0,1"]
    with pytest.raises(UsageError, match="gives no dose"):
        dose_records(load_scenario(Path(source)), "spray", drug="ketamine")


HEADED = "ID,TIME,AMT,RATE,II,ADDL,SS,EVID\n"


@every_case(
    ("table", "place", "said"),
    [
        ("ID,TIME,RATE\n1,0,2\n", (1, 1), "no column AMT"),
        (HEADED + "1,0,10,.,.,.,.,1\n1,2,ten,.,.,.,.,1\n", (3, 5), "AMT: expected a number or a point, got ten"),
        (HEADED + "1,0,10,-2,.,.,.,1\n", (2, 8), "RATE: a duration that a model estimates"),
        (HEADED + "1,0,10,.,.,3,.,1\n", (2, 10), "II: 0.1 to 8760 h"),
        (HEADED + "1,4,10,.,8,.,3,1\n", (2, 14), "SS: 3, a steady state as initial"),
        (HEADED + "1,4,10,.,.,.,.,1\n1,2,10,.,.,.,.,1\n", (3, 3), "TIME: goes back"),
        (HEADED + "1,0,10,.,.,.,.,5\n", (2, 16), "EVID: 5 is not supported"),
        (HEADED + "1,0,10\n", (2, 1), "3 cells, but there are 8 columns"),
        (HEADED + "1,0,.,.,.,.,.,0\n", (1, 1), "the table gives no dose"),
        (HEADED + "1,0,inf,.,.,.,.,1\n", (2, 5), "AMT: expected a number"),
    ],
)
def test_a_bad_cell_is_found_at_its_place(table: str, place: tuple[int, int], said: str, tmp_path: Path) -> None:
    (tmp_path / "doses.csv").write_text(table)
    text = HEAD + BODY + RECORD.replace("nonmem", "table") + 'table = "doses.csv"\n'
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.encode(), str(tmp_path / "s.toml"), tmp_path, registry())
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.column) == (str(tmp_path / "doses.csv"), *place)
    assert problem.message.startswith(said)
    inside = HEAD + BODY + f'{TABLE}{table}"""\n'
    with pytest.raises(ScenarioError) as caught:
        batches(inside)
    (problem,) = caught.value.problems
    assert problem.line == inside[: inside.index('table = """')].count("\n") + 1 + place[0]


@pytest.mark.parametrize(
    ("dose", "key", "said"),
    [
        (PLAIN + 'amount = "1 mg"\nduration = "0 min"\n', "dose.one.duration", "a bolus) leaves duration out"),
        (RECORD + 'amt = "1 mg"\nrate = "0 mg/h"\n', "dose.one.rate", "a bolus) leaves rate out"),
        (RECORD + 'amt = "1 mg"\naddl = 2\n', "dose.one.addl", "needs an interval (ii)"),
        (RECORD + 'amt = "1 mg"\nss = 1\ntime = "2 h"\n', "dose.one.ss", "needs an interval (ii)"),
        (RECORD + 'amt = "1 mg"\nevid = 2\n', "dose.one.evid", "gives no dose (2)"),
        (RECORD + 'amt = "1 mg"\nevid = 3\n', "dose.one.evid", "gives no dose; 4"),
        (RECORD + 'rate = "5 mg/h"\nss = 1\nii = "8 h"\n', "dose.one.amt", "an endless infusion"),
        (RECORD.replace("nonmem", "table") + 'table = "none.csv"\n', "dose.one.table", "none.csv cannot be read"),
        (PLAIN + 'amount = "40 nmol"\n', "dose.one.amount", "drug.d has no molar_mass (g/mol) to turn it into mg"),
    ],
)
def test_what_cannot_be_given_is_one_line(dose: str, key: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        batches(HEAD + BODY + dose)
    (problem,) = caught.value.problems
    assert problem.key == key and said in problem.message and problem.line > 0 and problem.column > 0


def test_an_axis_may_start_at_a_bolus_where_no_infusion_is_declared() -> None:
    sweep = '[study.s.sweep]\n"dose.one.duration" = { values = ["0 h", "1 h"] }\n'
    found = only(HEAD + BODY + PLAIN + 'amount = "1 mg"\ncount = 1\n' + sweep)
    bolus = solved(HEAD + BODY + PLAIN + 'amount = "1 mg"\ncount = 1\n')
    assert solve(found.take(np.flatnonzero(np.asarray(found.values["dose.one.duration"]) == 0.0))).keys == bolus.keys
    with pytest.raises(ScenarioError, match="leaves duration out"):
        only(HEAD + BODY + PLAIN + 'amount = "1 mg"\nduration = "2 h"\n' + sweep)


def test_molar_values_weigh_what_their_drug_says() -> None:
    """900 nM of a drug of 237.7 g/mol are 213.93 ng/mL, wherever they are written; a bath's own nM stay as they are."""
    occupied = '[occupancy.o]\ndrug = "d"\nec50 = "{}"\n[outcome.o]\nreadout = "occupancy"\noccupancy = "o"\nwindow = "1 h into given"\n'
    occupied += '[outcome.above]\nreadout = "time_above"\ndrug = "d"\nthreshold = "{}"\nwindow = "end of given"\n'
    text = replaced(HEAD + BODY, ('volume = "40 L"', 'volume = "40 L"\nmolar_mass = "237.7 g/mol"'))
    text += PLAIN + 'amount = "35 mg"\ncount = 1\n'
    mass, moles = (solved(text + occupied.format(*pair)) for pair in (["213.93 ng/mL"] * 2, ["900 nM", "0.9 uM"]))
    assert equal(mass, moles)
    arm = text + occupied.format("1 ng/mL", "0.9 uM") + '[arm.a]\n[arm.a.set]\n"occupancy.o.ec50" = "0.9 uM"\n'
    assert solved(arm).outcomes["o"].tobytes() == mass.outcomes["o"].tobytes()
    swept = only(text + occupied.format("1 ng/mL", "0.9 uM"), settings={"occupancy.o.ec50": "900 nM"})
    assert solve(swept).keys == mass.keys
    for spelling in ("900 nM", "0.9 uM"):
        with pytest.raises(ScenarioError) as caught:
            batches(HEAD + BODY + PLAIN + 'amount = "35 mg"\n' + occupied.format(spelling, "1 ng/mL"))
        (problem,) = caught.value.problems
        assert problem.key == "occupancy.o.ec50" and "drug.d has no molar_mass (g/mol)" in problem.message


def test_what_visits_will_change_has_no_table_before() -> None:
    """Neither of doses in plain words nor of a record."""
    hold = '[adjustment.pause]\nform = "hold"\ndose = "infusion"\nassessment = "later"\n'
    plain = 'amount = "35 mg"\nduration = "40 min"\nevery = "48 h"\ncount = 1\n'
    record = 'regimen = "nonmem"\namt = "35 mg"\nii = "48 h"\naddl = 4\n'
    for given in (plain.replace("count = 1", "count = 5"), record):
        scenario = parse_scenario((replaced(THERAPY, (plain, given)) + hold).encode(), "t.toml", Path(), registry())
        with pytest.raises(UsageError, match="visits decide on dose"):
            dose_records(scenario, next(iter(scenario.arms)))
