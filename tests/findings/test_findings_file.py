"""Findings that cannot be read, each told at its line, column and key, with the nearest name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import answer, workbench
from support.small_findings import STILL, finding, folder

STRENGTH = 'study = "strength"\nat = { "projection.input_output.spread" = 0.2 }'
SLOW = STILL.replace("still", "slow")


@dataclass(frozen=True)
class Bad:
    """A criterion or head with one mistake: the key at which it is told, and words of the message."""

    key: str
    words: str
    criterion: str = STILL
    more: str = ""
    change: tuple[str, str] = ("", "")
    hint: str = ""


FORM = "expected = { closed_form = 'norm_at_rest', decay = 4.0 }"
RANGE = STILL.replace("accept = [-0.1, 0.1]", f"within = 0.6\n{FORM}").replace("'", '"')

CORPUS = (
    Bad("outcome", 'no outcome "nrm" in small (defined: norm, mean)', STILL.replace("norm", "nrm"), hint="norm"),
    Bad("outcome", "is missing: a criterion is about an outcome or a course", STILL.replace('outcome = "norm"\n', "")),
    Bad("arms[0]", 'no arm "stil" in small', STILL.replace("still", "stil"), hint="still"),
    Bad("arms", "mean takes 1 arms, got 2", STILL.replace('["still"]', '["still", "slow"]')),
    Bad("arms", "difference takes 2 arms", STILL.replace('"mean"', '"difference"')),
    Bad("statistic", 'unknown: "maen"', STILL.replace('"mean"', '"maen"'), hint="mean"),
    Bad("accept", "is missing", STILL.replace("\naccept = [-0.1, 0.1]", "")),
    Bad("accept", "the range is empty, got [0.1, 0.1]", STILL.replace("-0.1", "0.1")),
    Bad("accept", "accepts anything", STILL.replace("[-0.1, 0.1]", '["open", "open"]')),
    Bad("accept[0]", '"0.1 mg": ', STILL.replace("[-0.1,", '["0.1 mg",')),
    Bad("accept", "the list is too short", STILL.replace("[-0.1, 0.1]", "[0.1]")),
    Bad("above", "has no meaning for mean", STILL + "\nabove = 1.0"),
    Bad("above", "is missing (share needs above or below", STILL.replace('"mean"', '"share"')),
    Bad("of", "is missing (a share of pairs of arms", STILL.replace('"mean"', '"share"').replace('["still"]', '["still", "slow"]') + "\nbelow = 0.5"),
    Bad("study", 'no study "strenght"', SLOW + '\nstudy = "strenght"', hint="strength"),
    Bad("study", "does not have the arms still", STILL + f"\n{STRENGTH}"),
    Bad("at", "is missing (study strength sweeps projection.input_output.spread", SLOW + '\nstudy = "strength"'),
    Bad('at."projection.input_output.spread"', "0.25 is not a value of", SLOW + "\n" + STRENGTH.replace("0.2 ", "0.25 ")),
    Bad('at."projection.input_output.spred"', "does not sweep", SLOW + "\n" + STRENGTH.replace("spread", "spred")),
    Bad("over", "does not sweep", SLOW.replace('"mean"', '"slope"') + '\nstudy = "strength"\nover = "no.such.path"'),
    Bad("outcomes", "a time is asked of several outcomes", STILL.replace('"mean"', '"last_time"').replace('["still"]', '["still", "slow"]') + "\nabove = 1"),
    Bad("outcomes[0]", '"norm" is not read at a visit', STILL.replace('"mean"', '"last_time"').replace('["still"]', '["still", "slow"]').replace('outcome = "norm"', 'outcomes = ["norm", "mean"]') + "\nabove = 1"),
    Bad("of", 'unknown: "ratio" (one of: difference, hedges_g)', STILL.replace('"mean"', '"last_time"').replace('["still"]', '["still", "slow"]').replace('outcome = "norm"', 'course = "norm"') + '\nabove = 1\nof = "ratio"'),
    Bad("outcomes", "has no meaning for mean", STILL + '\noutcomes = ["norm", "mean"]'),
    Bad("arms", "interaction takes 4 arms, got 1", STILL.replace('"mean"', '"interaction"')),
    Bad("error", "goes with a target", STILL + "\nerror = 0.1"),
    Bad("error", "an error must be above 0", STILL + "\ntarget = 0\nerror = 0"),
    Bad("among.trait", 'no trait "age"', STILL + '\namong = { trait = "age", above = 3 }'),
    Bad("time", "is missing (mean needs one moment", STILL.replace('outcome = "norm"', 'course = "norm"')),
    Bad("course", "slope is taken of outcomes", SLOW.replace('"mean"', '"slope"').replace("outcome", "course") + "\nover = 'x'"),
    Bad("against", "is missing (a correlation is with", SLOW.replace('"mean"', '"correlation"').replace("outcome", "course")),
    Bad("expected", "give one of the two", f"{STILL}\n{FORM}"),
    Bad("expected", 'no closed form "norm_at_ret"', RANGE.replace("at_rest", "at_ret"), hint="norm_at_rest"),
    Bad("expected", "needs decay (decay)", RANGE.replace("decay", "dcay")),
    Bad("expected", "needs its tolerance", RANGE.replace("within = 0.6\n", "")),
    Bad("expected.decay", "has no field", RANGE.replace("4.0", '"plasticity.input_output.dekay"')),
    Bad("expected.decay", "is not a number", RANGE.replace("4.0", '"plasticity.input_output.stabiliser"')),
    Bad("expected.decay", "expected a number or a path, got true", RANGE.replace("4.0", "true")),
    Bad("expected.decay", 'no section "plastcity" (a path begins with one of: population,', RANGE.replace("4.0", '"plastcity.input_output.decay"'), hint="plasticity"),
    Bad("expected.decay", 'no table "plasticity.input_outptu" in small (of plasticity it has: input_output)', RANGE.replace("4.0", '"plasticity.input_outptu.decay"'), hint="input_output"),
    Bad("expected.decay", "(its numbers: rate, ", RANGE.replace("4.0", '"plasticity.input_output.dekay"'), hint="decay"),
    Bad("expected.decay", "is not a list: it has no entry", RANGE.replace("4.0", '"plasticity.input_output.decay.2"')),
    Bad("expected.decay", "expected a number, got a task, for the covariance of its inputs", RANGE.replace("4.0", '"task.inputs"')),
    Bad("expected.inputs", "expected a task, for the covariance of its inputs, got a number", RANGE.replace("norm_at_rest", "leading_eigenvalue").replace("decay = 4.0", "inputs = 4.0")),
    Bad("expected.pattern", "expected a list of numbers, got a number", RANGE.replace("norm_at_rest", "scaled_hebb_rate").replace("decay = 4.0", "target = 1, rate = 1, time = 1, pattern = 4")),
    Bad("expected.as_in", 'no arm "stil" in small (defined: ', RANGE.replace("decay = 4.0", 'as_in = "stil", decay = 4.0'), hint="still"),
    Bad("expected.decay", "there is no second term (the criterion has one arm at one point)", RANGE.replace("4.0", '"against.plasticity.input_output.decay"')),
    Bad("expected.decay", 'no value "half" for small in this file (it has: none)', RANGE.replace("4.0", '"value.half"')),
    Bad("expected", "needs a closed_form (one of: ", RANGE.replace("closed_form = ", "closed_from = ")),
    Bad("expected", "norm_at_rest has no value for these numbers (", RANGE.replace("4.0", "0.0")),
    Bad("expected", "permission has no value for these numbers (", RANGE.replace("norm_at_rest", "permission").replace("decay = 4.0", "active = -1, threshold = 1, exponent = 2.5")),
    Bad("expected.as_in", 'no arm ["slow"] in small', RANGE.replace("decay = 4.0", 'as_in = ["slow"], decay = 4.0')),
    Bad("within", "goes with expected", STILL + "\nwithin = 0.1"),
    Bad("acept", "unknown key", STILL + "\nacept = 3", hint="accept"),
)  # fmt: skip

HEADS = (
    Bad("source", 'unknown source "Oja1928"', change=("Oja1982", "Oja1928"), hint="Oja1982"),
    Bad("scenario", 'no scenario "smal"', change=('"small"', '"smal"'), hint="small"),
    Bad("checked", 'unknown: "seen"', change=('"page"', '"seen"')),
    Bad("published", "is missing", change=('published = "no change"\n', "")),
    Bad("expected_failure", "cannot be expected to fail", more='by_construction = "a"\nexpected_failure = "b"'),
    Bad("must_fail", "only theory can say", more='must_fail = "a"'),
    Bad("publisher", "unknown key", more='publisher = "x"', hint="published"),
)


@every_case("bad", CORPUS, ids=lambda bad: f"{bad.key}: {bad.words[:30]}")
def test_a_criterion_that_cannot_be_is_told_at_its_place(bad: Bad, tmp_path: Path) -> None:
    told(folder(tmp_path, finding("X1", bad.criterion)), f"finding.X1.criterion[0].{bad.key}", bad)


@pytest.mark.parametrize("bad", HEADS, ids=lambda bad: bad.key)
def test_a_finding_that_cannot_be_is_told_at_its_place(bad: Bad, tmp_path: Path) -> None:
    told(folder(tmp_path, finding("X1", more=bad.more).replace(*bad.change)), f"finding.X1.{bad.key}", bad)


QUARTER = '[value.small.quarter]\nclosed_form = "ratio"\nover = 1\nunder = 4'
BEHIND = RANGE.replace('closed_form = "norm_at_rest", decay = 4.0', 'value = "quarter"')

VALUES = (
    Bad("value.small.quarter", 'no closed form "ration"', QUARTER.replace("ratio", "ration"), hint="ratio"),
    Bad("value.small.quarter", "ratio, over / under, needs over (numerator)", QUARTER.replace("over", "oven")),
    Bad("value.small.quarter.under", "is not a number", QUARTER.replace("4", '"plasticity.input_output.stabiliser"')),
    Bad("value.small.quarter.under", "a value cannot need itself", QUARTER.replace("4", '"value.quarter"')),
    Bad("value.small.quarter.under", "a named value is of one arm", QUARTER.replace("4", '"against.value.quarter"')),
    Bad("value.smal", 'is about a scenario "smal" (they are about: small)', QUARTER.replace("small", "smal"), hint="small"),
    Bad("value.small.quarter", "expected a table with a closed_form, got 0.25", "[value.small]\nquarter = 0.25"),
    Bad("finding.X1.criterion[0].expected.value", 'no value "quarter" for small', QUARTER.replace("quarter", "quartet"), hint="quartet"),
)  # fmt: skip


@pytest.mark.parametrize("bad", VALUES, ids=lambda bad: bad.words[:30])
def test_a_named_value_that_cannot_be_is_told_at_its_place(bad: Bad, tmp_path: Path) -> None:
    root = folder(tmp_path, finding("X1", f"{BEHIND}\n{bad.criterion}"))
    (error,) = answer(workbench("findings", "scenarios/small.toml", "--json", cwd=root))["errors"]
    assert (error["file"], error["key"]) == ("data/findings/small.toml", bad.key)
    assert bad.words in error["message"] and bad.hint in error["hint"]
    assert error["line"] and error["column"]


def test_a_value_that_stands_for_a_form_stands_alone(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("X1", f"{BEHIND.replace('value =', 'decay = 1, value =')}\n{QUARTER}"))
    (error,) = answer(workbench("findings", "scenarios/small.toml", "--json", cwd=root))["errors"]
    assert "goes alone or with as_in; got decay as well" in error["message"]


def told(root: Path, key: str, bad: Bad) -> None:
    """Check that the command refuses with one problem, at the line that holds the key."""
    done = workbench("findings", "scenarios/small.toml", "--json", cwd=root)
    said = answer(done)
    assert done.returncode == 2, done.stdout
    (error,) = said["errors"]
    assert (error["file"], error["key"]) == ("data/findings/small.toml", key)
    assert bad.words in error["message"]
    assert bad.hint in error["hint"]
    line = (root / error["file"]).read_text().splitlines()[error["line"] - 1]
    own = bad.key.partition(".")[0].partition("[")[0]
    assert line.startswith(own) if "is missing" not in error["message"] else line.startswith("[")
    assert error["column"] >= 1


def test_all_mistakes_of_all_findings_are_told_at_once(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("X1", STILL.replace("norm", "nrm")), finding("X2", STILL.replace("still", "stil")))
    said = answer(workbench("findings", "--json", cwd=root))
    assert [error["key"].split(".")[1] for error in said["errors"]] == ["X1", "X2"]


def test_a_name_may_stand_in_one_file_only(tmp_path: Path) -> None:
    root = folder(tmp_path, finding("X1"))
    (root / "data" / "findings" / "again.toml").write_text((root / "data" / "findings" / "small.toml").read_text())
    said = answer(workbench("findings", "--json", cwd=root))
    assert "a finding of this name already exists, in data/findings/again.toml" in said["errors"][0]["message"]


def test_bounds_may_carry_the_unit_of_the_outcome(tmp_path: Path) -> None:
    from support.small_findings import SCENARIO

    drug = (
        SCENARIO
        + '[drug.pill]\nmodel = "one_compartment_oral"\nabsorption = "1 1/h"\nclearance = "20 L/h"\nvolume = "100 L"\n[dose.pill]\ndrug = "pill"\namount = "1 mg"\nevery = "8 h"\nduring = "learning"\n[outcome.plasma]\nreadout = "concentration"\ndrug = "pill"\nwindow = "end of learning"\n'
    )
    wanted = 'statistic = "mean"\noutcome = "plasma"\narms = ["slow"]\naccept = ["0 ng/mL", "1 mg/L"]'
    root = folder(tmp_path, finding("X1", wanted), scenario=drug)
    (row,) = answer(workbench("findings", "scenarios/small.toml", "--workers", "1", "--json", cwd=root))["findings"]
    assert (row["accept"], row["criteria"][0]["unit"]) == ([0.0, 1000.0], "ng/mL")
