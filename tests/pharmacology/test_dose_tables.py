"""What a dose table says, column by column: read, ignored with a note, or refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import every_case
from support.circuits import HEAD, only, replaced
from support.commands import workbench

from workbench.component.registry import registry
from workbench.errors import Problem, ScenarioError
from workbench.execution.fitness import refuse_unfit
from workbench.inspection.dose_records import dose_records
from workbench.plan import Plan, plan
from workbench.protocol.dose_record import DoseRecord
from workbench.scenario import to_text
from workbench.scenario.dose_words import PASSED, READ, REFUSED, SINGLE, UNITS, word
from workbench.scenario.dosing import read_dosing
from workbench.scenario.load import parse_scenario
from workbench.scenario.model import Scenario
from workbench.scenario.text.document import Document
from workbench.solver.run import solve

VEIN = '[drug.d]\nmodel = "one_compartment_intravenous"\nclearance = "3 L/h"\nvolume = "24 L"\n'
GUT = VEIN.replace("intravenous", "oral") + 'absorption = "0.9 1/h"\n'
OBSERVED = '[phase.obs]\nclock = "event"\nlength = "48 h"\n'
DOSE = '[dose.x]\nregimen = "table"\ndrug = "d"\nduring = "obs"\ntable = """\n'


def text(table: str, *times: float, drug: str = VEIN, people: int = 1) -> str:
    """Return a scenario with a dose table and the concentration at some hours."""
    read = "".join(
        f'[outcome.c{i}]\nreadout = "concentration"\ndrug = "d"\nwindow = "{time} h into obs"\n'
        for i, time in enumerate(times or (1.0,))
    )
    return replaced(HEAD, ("count = 6", f"count = {people}")) + drug + OBSERVED + read + f'{DOSE}{table}"""\n'


def parsed(table: str, people: int = 1, drug: str = VEIN) -> Scenario:
    return parse_scenario(text(table, drug=drug, people=people).encode(), "t.toml", Path(), registry())


def problems(table: str, people: int = 1) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        parsed(table, people)
    return list(caught.value.problems)


def records(table: str, people: int = 1) -> tuple[DoseRecord, ...]:
    found = parsed(table, people).tables["dose"]["x"].fields["table"]
    assert isinstance(found, tuple)
    return found


def note(table: str, people: int = 1) -> str:
    (found,) = (n for n in parsed(table, people).notes if n.key == "dose.x.table")
    return found.message


@every_case(
    ("table", "drug", "times", "right"),
    [
        (
            "TIME,AMT,RATE\n0,60,10\n",
            GUT + "bioavailability = 0.4\n",
            (1, 3, 5, 9),
            (135.802, 653.617, 679.084, 438.422),
        ),
        ("ID,TIME,AMT,TINF\n1,0,90,4.5\n", VEIN, (1, 3, 5, 9), (783.354, 2084.74, 2694.34, 1634.2)),
        ("ID,TIME,AMT,DUR\n1,0,90,4.5\n1,12,90,0\n", VEIN, (1, 3, 13, 15), (783.354, 2084.74, 4300.56, 3349.28)),
        ("ID,TIME,AMT,CMT\n1,0,90,2\n", GUT, (1, 3, 5, 9), (3309.36, 2577.33, 2007.23, 1217.45)),
        ("C,ID,TIME,AMT\n.,1,0,100\nC,1,6,500\n", VEIN, (1, 9), (3677.07, 1352.72)),
        ("ID,TIME,AMT\n#1,0,500\n1,0,100\n", VEIN, (1, 9), (3677.07, 1352.72)),
        ("ID,TIME,AMT\n1,0,100\n1.0,6,60\n", VEIN, (1, 9), (3677.07, 3070.94)),
        ("ID,TIME,AMT,CMT\n1,0,90,1\n1,12,90,1.0\n1,24,90,.\n", GUT, (13, 25), (2930.07, 3121.41)),
        ("ID,TIME,AMT,EVID\n1,0,90,1\n1,6,50,4\n", VEIN, (3, 7, 12), (2577.33, 1838.54, 984.097)),
        ("ID,TIME,AMT,SS,II,ADDL\n1,0,50,0,0,0\n1,0,100,1,12,2\n", VEIN, (1, 9, 13), (4733.19, 1741.24, 4733.19)),
        ("ID,TIME,AMT,RATE,SS,II\n1,0,0,30,1,0\n1,6,50,0,0,0\n", VEIN, (1, 5, 8), (8824.97, 5352.61, 5301.3)),
        (
            "ID,TIME,AMT,CMT\n1,0,60,2\n1,6,90,1\n1,18,90,1\n",
            GUT + "bioavailability = 0.7\n",
            (1, 9, 20),
            (2206.24, 2701.89, 2605.12),
        ),
    ],
)
def test_the_concentration_is_that_of_whoever_wrote_the_table(
    table: str, drug: str, times: tuple[float, ...], right: tuple[float, ...]
) -> None:
    """Values to six digits, from closed forms of the words' own meaning: rates kept, resets, compartments, people."""
    outcomes = solve(only(text(table, *times, drug=drug))).outcomes
    assert [outcomes[f"c{i}"][0] for i in range(len(times))] == pytest.approx(right, rel=5e-6)


@every_case(
    "heading", ["SUBJID", "USUBJID", "subj", "Subject", "PATIENT", "#ID", "CID", "Subject ID", "patient_id", "id"]
)
@every_case("names", [("1", "2"), ("1.0", "02"), ("B-17", "A-03"), ("C1", "C2")])
def test_people_are_found_under_the_headings_that_are_written(heading: str, names: tuple[str, str]) -> None:
    table = f"{heading},TIME,AMT\n{names[0]},0,100\n{names[1]},0,40\n"
    outcomes = solve(only(text(table, 1.0, 9.0, people=2))).outcomes
    assert [*outcomes["c0"], *outcomes["c1"]] == pytest.approx([3677.07, 1470.83, 1352.72, 541.087], rel=5e-6)
    with pytest.raises(ScenarioError, match="2 IDs for 3 subjects"):
        parsed(table, 3)
    with pytest.raises(ScenarioError, match="2 IDs for 1 subjects"):
        parsed(table, 1)


def test_people_written_in_one_way_and_another_are_one() -> None:
    table = "ID,TIME,AMT\n1,0,10\n1.0,2,10\n01,4,10\n1e0,5,10\n2,0,10\n"
    assert [record.subject for record in records(table, 2)] == [0, 0, 0, 0, 1]
    long = "ID,TIME,AMT\n90071992547409921,0,10\n90071992547409923,0,10\n"
    assert [record.subject for record in records(long, 2)] == [0, 1], "numbers are told apart to their last digit"
    for missing in (".", "", "NA"):
        (problem,) = problems(f"ID,TIME,AMT\n1,0,100\n{missing},12,40\n")
        assert problem.message.startswith("ID is empty")
    (problem,) = problems("ID,TIME,AMT\n1,0,100\nanna,12,40\n")
    assert "anna beside IDs that are numbers" in problem.message
    (problem,) = problems("ID,USUBJID,TIME,AMT\n1,S-1,0,100\n2,S-1,0,40\n", 2)
    assert "USUBJID separates people differently" in problem.message
    assert "USUBJID (ID is read)" in note("ID,USUBJID,TIME,AMT\n1,S-1,0,100\n2,S-2,0,40\n", 2)


@pytest.mark.parametrize(
    ("row", "mark"),
    [
        ("C,1,6,500", "C"),
        ("I,1,6,500", "I"),
        ("c,1,6,500", "C"),
        ("#,1,6,500", "#"),
        ("@,1,6,500", "@"),
        (".,1,6,500", ""),
    ],
)
def test_rows_are_left_out_by_the_usual_marks_and_counted(row: str, mark: str) -> None:
    table = f"C,ID,TIME,AMT\n.,1,0,100\n{row}\n"
    assert len(records(table)) == (1 if mark else 2)
    assert (f"1 row marked {mark}" in note(table)) == bool(mark)


def test_marks_before_the_first_cell_leave_a_row_out() -> None:
    table = "# made by hand\nID,TIME,AMT\n1,0,100\nC1,2,500\n#1,3,500\nI 1,4,500\nID,TIME,AMT\n"
    assert len(records(table)) == 1
    said = note(table)
    assert all(part in said for part in ("1 row marked C", "2 rows marked #", "1 row marked I", "repeated header line"))
    (problem,) = problems("C,ID,TIME,AMT\nx,1,0,100\n")
    assert problem.message.startswith("C: ") or problem.message.startswith("a C marks a row")


def test_a_table_says_what_was_read_passed_over_and_not_understood(tmp_path: Path) -> None:
    table = "ID,TIME,DV,AMT,EVID,WT,Foo,II\n1,0,.,100,1,70,3,12\n1,1,5.2,.,0,70,3,.\n"
    said = note(table)
    assert said == (
        "read 1 dose record of 1 person from ID, TIME, AMT, EVID, II; every subject gets it; "
        "ignored: 1 observation, II of 1 record without ADDL or SS, DV (observations), WT (covariates); "
        "not recognised and ignored: Foo"
    )
    file = tmp_path / "t.toml"
    file.write_text(text(table))
    assert f"dose.x.table: {said}" in workbench("check", str(file), cwd=tmp_path).stdout
    done = workbench("doses", str(file), cwd=tmp_path)
    assert said in done.stderr and "100" in done.stdout
    assert said in workbench("doses", str(file), "--json", cwd=tmp_path).stdout
    assert said in workbench("check", "--json", str(file), cwd=tmp_path).stdout


BASE = {"ID": "1", "TIME": "0", "AMT": "100"}
OTHER = {
    "ID": "2",
    "TIME": "3",
    "AMT": "70",
    "RATE": "7",
    "TINF": "2",
    "II": "8",
    "ADDL": "1",
    "SS": "1",
    "EVID": "4",
    "CMT": "1",
    "C": "C",
}
"""A cell that says something else than nothing, by what the column is read as."""
BESIDE = {"II": {"ADDL": "2"}, "ADDL": {"II": "8"}, "SS": {"II": "8"}}
KNOWN = [w for words in (READ, PASSED, REFUSED, UNITS) for group in words.values() for w in group.split()] + [*SINGLE]


def cells(heading: str, cell: str, **more: str) -> str:
    """Return a table of two rows, the second plain, with a column of this heading."""
    base = {name: value for name, value in {**BASE, **more}.items() if name != word(heading).name}
    names = [*base, heading]
    plain = "9" if word(heading).name == "TIME" else "."
    plain = {"ID": "1", "AMT": "100"}.get(word(heading).name, plain)
    second = {**base, "TIME": "9", **dict.fromkeys(more, ".")}
    rows = [[*base.values(), cell], [*(second[name] for name in base), plain]]
    return "\n".join(",".join(row) for row in (names, *rows)) + "\n"


def read(table: str) -> tuple[tuple[DoseRecord, ...] | None, Document]:
    """Return what a table is read as, None where it is refused, and the document with problems and notes."""
    document = Document(f'table = """\n{table}"""\n'.encode(), "t.toml", [])
    return read_dosing(document, Path(), document.content["table"], ("table",)), document


def fate(heading: str, cell: str, nothing: str, **more: str) -> str:
    """Return what becomes of a cell: "changes", "told" or "refused"."""
    (before, _), (after, document) = read(cells(heading, nothing, **more)), read(cells(heading, cell, **more))
    if before is None or after is None:
        assert (before is None) <= (after is None)
        assert all(problem.line > 0 and problem.message for problem in document.problems)
        return "refused"
    if before != after:
        return "changes"
    (told,) = document.notes
    return "told" if word(heading).text in told.message.partition("ignored")[2] else "silence"


@pytest.mark.parametrize("part", sorted({word(heading).fate for heading in KNOWN}))
def test_no_known_column_is_silent(part: str) -> None:
    """A cell that says something changes what is given, or its column is named as ignored, or it is refused."""
    for heading in KNOWN:
        known = word(heading)
        if known.fate != part:
            continue
        if part == "read":
            nothing = {"ID": "1", "TIME": "0", "AMT": "100", "II": "6"}.get(known.name, ".")
            if known.name == "CMT":
                found, _ = read(cells(heading, "2"))
                assert found is not None and found[0].cmt == "2", heading
            else:
                assert fate(heading, OTHER[known.name], nothing, **BESIDE.get(known.name, {})) == "changes", heading
        elif part == "passed":
            assert fate(heading, "70", ".") == "told", heading
        else:
            assert fate(heading, "7.5" if part != "single" else "a", ".") in ("refused", "told"), heading
            if part != "single":
                assert fate(heading, "7.5", ".") == "refused", heading


def test_no_unknown_column_is_silent() -> None:
    """Headings that nobody has thought of are named, whatever stands in them."""
    random.seed(5)
    for _ in range(25):
        heading = "".join(random.choices("QXZJKVW", k=random.randint(2, 9)))
        if word(heading).fate == "unknown":
            assert fate(heading, random.choice(["3", "yes", "-1.5"]), ".") == "told"
            assert f"not recognised and ignored: {heading}" in read(cells(heading, "3"))[1].notes[0].message


@every_case(
    ("table", "said"),
    [
        ("ID,DATE,TIME,AMT\n1,2020-01-01,0,100\n", "DATE: dates are not supported"),
        ("ID,DAY,TIME,AMT\n1,2,8,100\n", "DAY: days are not supported"),
        ("ID,TIME,AMT\n1,8:30,100\n", "TIME: 8:30 is a time of day"),
        ("ID,TIME,AMT\n1,1_0,100\n", "TIME: expected a number"),
        ("ID,TIME,AMT\n1,.,100\n", "TIME: a dose needs its time"),
        ("ID,TIME (min),AMT\n1,30,100\n", "TIME is read in h, and not in min"),
        ("ID,TIME,DOSE (ug)\n1,0,100\n", "AMT is read in mg, and not in ug"),
        ("ID,TIME,AMT,UNIT\n1,0,100,mg/kg\n", "UNIT: AMT is read in mg, and not in mg/kg"),
        ("ID,TIME,AMT,RATE\n1,0,100,-1\n", "RATE: a rate that a model estimates (-1)"),
        ("ID,TIME,AMT,RATE\n1,0,100,-2\n", "RATE: a duration that a model estimates (-2)"),
        ("ID,TIME,AMT,RATE,TINF\n1,0,100,10,5\n", "TINF: RATE and a duration are both given"),
        ("ID,TIME,AMT,TINF,DUR\n1,0,100,10,5\n", "a column appears twice: TINF and DUR"),
        ("ID,TIME,HOURS,AMT\n1,0,0,100\n", "a column appears twice: TIME and HOURS"),
        ("ID,TIME,AMT,EVID\n1,0,100,0\n", "AMT: 100 in a record of EVID 0, which gives no dose"),
        ("ID,TIME,AMT,EVID\n1,0,100,3\n", "AMT: 100 in a record of EVID 3"),
        ("ID,TIME,AMT,EVID\n1,0,100,5\n", "EVID: 5 is not supported"),
        ("ID,TIME,AMT,SS,II\n1,0,100,3,12\n", "SS: 3, a steady state as initial"),
        ("ID,TIME,AMT,ADDL,II\n1,0,100,-3,12\n", "ADDL: doses until steady state"),
        ("ID,TIME,AMT,RATE\n1,0,0,30\n1,1,10,.\n", "RATE: 30 in a record of EVID 0"),
        ("ID,TIME,AMT,RATE,EVID\n1,0,0,30,1\n", "AMT: a dose is above 0 mg; 0 with a RATE"),
        ("ID,TIME,AMT,RATE,SS,II\n1,0,0,30,1,12\n", "II: an endless infusion (AMT 0) has no interval"),
        ("ID,TIME,AMT,CMT\n1,0,100,-2\n", "CMT: the number of a compartment"),
        ("ID,TIME,AMT,CMT,EVID\n1,0,100,1,1\n1,5,.,-1,2\n", "CMT: the number of a compartment"),
        ("ID,TIME,AMT,RATE_MLH\n1,0,100,10\n", "RATE_MLH: is not read, but looks like RATE"),
        ("ID,TIME,AMT,CMT\n1,0,100,1.5\n", "CMT: the number of a compartment"),
        ("ID,TIME,AMT,F\n1,0,100,0.5\n", "F: belongs to the drug"),
        ("ID,TIME,AMT,LAGT\n1,0,100,0.5\n", "LAGT: belongs to the drug"),
        ("ID,TIME,AMT,UNTIL\n1,0,100,48\n", "UNTIL: is not supported"),
        ("ID,TIME,AMT,ADM\n1,0,100,2\n", "ADM: is not supported"),
        ("ID,TIME,AMT,DRUG\n1,0,100,a\n1,1,100,b\n", "DRUG: a table is about one drug, but this one names a and b"),
        ("ID,TIME,AMT,EVID\n1,0,0,3\n", "the table gives no dose"),
    ],
)
def test_what_is_not_followed_is_refused_with_the_reason(table: str, said: str) -> None:
    assert [said in problem.message for problem in problems(table)] == [True]


def test_a_compartment_that_is_not_there_is_refused_at_its_table() -> None:
    for cmt, drug in (("3", GUT), ("2", VEIN), ("liver", GUT)):
        with pytest.raises(ScenarioError) as caught:
            refuse_unfit(plan(parsed(f"ID,TIME,AMT,CMT\n1,0,90,{cmt}\n", drug=drug)))
        (problem,) = caught.value.problems
        assert problem.key == "dose.x.table" and problem.line > 0 and f"CMT {cmt}: drug.d has" in problem.message
    for name, number in (("central", "2"), ("depot", "1"), ("gut", "0"), ("CENT", "2.0")):
        one, two = (
            solve(only(text(f"ID,TIME,AMT,CMT\n1,0,90,{cmt}\n", drug=GUT))).outcomes["c0"] for cmt in (name, number)
        )
        assert one.tobytes() == two.tobytes()


def test_what_is_written_of_a_loading_dose_survives_the_steady_state() -> None:
    """SS 2, which adds, and a RATE that lasts as long although half is absorbed."""
    plain = """
[dose.loading]
drug = "d"
during = "obs"
amount = "50 mg"
count = 1
[dose.regular]
drug = "d"
during = "obs"
amount = "100 mg"
duration = "5 h"
every = "12 h"
count = 3
steady_state = true
"""
    read = '[outcome.c0]\nreadout = "concentration"\ndrug = "d"\nwindow = "1 h into obs"\n'
    scenario = replaced(HEAD, ("count = 6", "count = 1")) + GUT + "bioavailability = 0.5\n" + OBSERVED + read + plain
    assert solve(only(scenario)).outcomes["c0"][0] == pytest.approx(1563.02, rel=5e-6)
    found = dose_records(parse_scenario(scenario.encode(), "t.toml", Path(), registry()), "default")
    assert [(r.time, r.amt, r.rate, r.ii, r.addl, r.ss) for r in found] == [(0, 100, 10, 12, 2, 2), (0, 50, 0, 0, 0, 0)]


def test_an_arm_without_a_table_has_none_of_its_records() -> None:
    """Neither doses nor resets nor a steady state, in a block that it shares with arms that have them."""
    plain = '[dose.y]\ndrug = "d"\nduring = "obs"\namount = "30 mg"\nevery = "8 h"\n'
    table = "TIME,AMT,RATE,SS,II,EVID\n0,0,30,1,.,1\n5,20,.,1,6,1\n11,.,.,.,.,3\n"
    whole = text(table, 1.0, 6.0, 20.0) + plain
    for dose in (
        "",
        '[dose.z]\nregimen = "nonmem"\ndrug = "d"\nduring = "obs"\namt = "0 mg"\nrate = "9 mg/h"\nss = 1\n',
    ):
        off = '["dose.x", "dose.z"]' if dose else '["dose.x"]'
        arms = f"[arm.with]\n[arm.without]\nwithout = {off}\n"
        both = solve(only(whole + dose + arms))
        bare = solve(only(replaced(whole, (f'{DOSE}{table}"""\n', "")))).outcomes
        other = [both.outcomes[f"c{i}"][1] for i in range(3)]
        assert other == pytest.approx([bare[f"c{i}"][0] for i in range(3)], rel=1e-14)
        assert abs(both.outcomes["c1"][0] / other[1] - 1.0) > 0.1


def test_further_doses_that_never_fall_are_told() -> None:
    """ADDL reaches past the end of the phase; nothing is told where a reset has called them off."""
    for rows, told in (("0,10,12,5,1\n", ["4 of 6 doses of records with ADDL"]), ("0,10,12,5,1\n30,1,.,.,4\n", [])):
        notes = plan(parsed(f"TIME,AMT,II,ADDL,EVID\n{rows}")).notes
        assert [said in note.message for note in notes for said in told if "ADDL are" in note.message] == [True] * len(
            told
        )
        assert bool(told) or not any("ADDL are" in note.message for note in notes)


def test_subjects_are_the_people_of_a_table_at_every_door(tmp_path: Path) -> None:
    """In the file, an arm, a study, an axis, a setting, or a number of the command line: more are refused, fewer told."""
    base, three = text("ID,TIME,AMT\n1,0,10\n2,0,20\n", people=2), "ID,TIME,AMT,WT\n1,0,1,70\n2,0,1,70\n3,0,1,70\n"
    (tmp_path / "three.csv").write_text(three)
    (tmp_path / "two.csv").write_text(three.rpartition("3,0")[0])
    arm = f'[arm.a]\n[arm.a.set]\n"dose.x.table" = """\n{three}"""\n'
    axis = '[study.s.sweep]\n"dose.x.table" = { values = ["two.csv", "three.csv"] }\n'

    def planned(more: str = "", **options: object) -> list[str]:
        found = parse_scenario((base + more).encode(), str(tmp_path / "t.toml"), tmp_path, registry())
        asked: Callable[..., Plan] = plan
        return [note.message for note in asked(found, **options).notes]

    for more, options in (
        ("[study.s]\nsubjects = 5\n", {}),
        (arm, {}),
        (axis, {}),
        ("", {"settings": {"dose.x.table": "three.csv"}}),
        ("", {"subjects": 3}),
    ):
        with pytest.raises(ScenarioError, match=r"2 IDs for [35] subjects|3 IDs for 2 subjects"):
            planned(more, **options)
    assert "study s takes the first 1 of the 2 people of this table" in planned("[study.s]\nsubjects = 1\n")
    assert "study arms takes the first 1 of the 2 people of this table" in planned(subjects=1)
    assert any("ignored: WT (covariates)" in said for said in planned(settings={"dose.x.table": "two.csv"}))


def test_a_compartment_that_has_no_flow_takes_no_dose() -> None:
    deep = '[compartment.{}]\ndrug = "d"\nflow = "{} L/h"\nvolume = "4 L"\n'
    drug = VEIN.replace("one_comp", "multi_comp") + deep.format("a", 0) + deep.format("b", 1)
    for cmt, sound in (("2", False), ("a", False), ("3", True), ("b", True)):
        table = f"TIME,AMT,CMT\n0,10,{cmt}\n"
        if sound:
            plan(parsed(table, drug=drug))
        else:
            with pytest.raises(ScenarioError, match=r"compartment\.a has a flow of 0"):
                plan(parsed(table, drug=drug))


def test_a_table_is_written_as_it_was_read() -> None:
    """The canonical text of a scenario holds resets, lengths, compartments by name and endless infusions."""
    table = (
        "ID,TIME,AMT,RATE,TINF,II,ADDL,SS,EVID,CMT\n1,0,10,.,2,8,3,1,1,central\n1,30,.,.,.,.,.,.,3,.\n"
        "1,31,0,5,.,.,.,2,4,1\n1,40,3,1,.,.,.,.,4,2\n"
    )
    one = parsed(table, drug=GUT)
    again = parse_scenario(to_text(one).encode(), "t.toml", Path(), registry())
    assert to_text(again) == to_text(one)
    keys = [[k for chunk in plan(s).chunks(lambda _: 9) for k in chunk.batch.keys] for s in (one, again)]
    assert keys[0] == keys[1]
