"""What is wrong with a scenario file is said at its place, in words that say what is allowed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.cases import every_case

from workbench.errors import ScenarioError
from workbench.scenario import load_scenario, parse_scenario


def line_of(folder: Path, text: str) -> int:
    """Return the line on which `text` stands in the scenario that was just loaded."""
    content = (folder / "small.toml").read_text(encoding="utf-8")
    return content[: content.index(text)].count("\n") + 1


def only_problem(path: Path | str):
    with pytest.raises(ScenarioError) as error:
        load_scenario(path)
    (found,) = error.value.problems
    return found


def test_sound_scenario_loads(load):
    scenario = load()
    assert list(scenario.arms) == ["plain", "treated", "low"]
    assert scenario.tables["dose"]["thp"].fields["titration_each"].number == 3.0
    assert scenario.parameters.conditions["ill"]["clearance"].number == 24.0


def test_S01_missing_file_and_folder_are_named(tmp_path):
    assert "no such file" in only_problem(tmp_path / "gone.toml").message
    assert "folder" in only_problem(tmp_path).message


def test_S02_empty_file_names_what_is_required(folder):
    for text in ("", "# only a comment\n"):
        (folder / "empty.toml").write_text(text)
        with pytest.raises(ScenarioError) as error:
            load_scenario(folder / "empty.toml")
        missing = {found.key for found in error.value.problems}
        assert {"schema", "title", "use", "phase", "outcome"} <= missing


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("seed = 7", "seed = = 7", "seed = = 7"),
        ("seed = 7", "seed = 7\nseed = 8", "seed = 8"),
        ("[population.muscle]", "[population.cue]", "size = 4\nnoise"),
        ("seed = 7", "seed = 2024-13-45", "seed = 2024"),
    ],
)
def test_S03_syntax_fault_has_its_line(problem, folder, old, new, at):
    found = problem(old, new)
    assert abs(found.line - line_of(folder, at)) <= 1
    assert found.column > 0
    assert "TOML syntax" in found.message


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b'schema = 1\ntitle = "\xff"\n', 2, "not UTF-8"),
        (b"schema = 1\n\x00\n", 2, "NUL"),
        (b"schema = 1\r\n\n# a\rb\n", 3, "carriage return"),
    ],
)
def test_S04_encoding_fault_has_its_line(tmp_path, data, line, words):
    (tmp_path / "odd.toml").write_bytes(data)
    found = only_problem(tmp_path / "odd.toml")
    assert found.line == line
    assert words in found.message


def test_S04_byte_order_mark_is_accepted(load, folder):
    load()
    plain = (folder / "small.toml").read_bytes()
    (folder / "marked.toml").write_bytes(b"\xef\xbb\xbf" + plain)
    assert load_scenario(folder / "marked.toml").arms == load_scenario(folder / "small.toml").arms


@pytest.mark.parametrize(
    ("old", "new", "key", "nearest"),
    [
        ("kind = ", "kindd = ", "population.cue.kindd", "kind"),
        ("[drug.thp]", "[drugs.thp]", "drugs", "drug"),
        ("count = 5", "counts = 5\ncount = 5", "subjects.counts", "count"),
        ('compare_with = "plain"', 'compare_wiht = "plain"', "arm.treated.compare_wiht", "compare_with"),
        ("note =", "notes =", "projection.map.overlap.notes", "note"),
    ],
)
def test_S05_unknown_key_hints_at_the_nearest(problems, folder, old, new, key, nearest):
    found = next(p for p in problems(old, new) if p.key == key)
    assert found.line == line_of(folder, new.partition("\n")[0])
    assert found.hint == f'did you mean "{nearest}"?'


@every_case(
    ("old", "new", "words"),
    [
        ("rate = 0.05", 'rate = "0.05"', "a bare number"),
        ("rate = 0.05", "rate = true", "a bare number"),
        ("trials = 50", "trials = 1.5", "whole number"),
        ("trials = 50", "trials = true", "whole number"),
        ("trials = 50", 'trials = "50"', "whole number"),
        ("seed = 7", "seed = 7.0", "whole number"),
        ("rate = 0.05", "rate = [0.05]", "a bare number"),
        ("rate = 0.05", "rate = 2024-01-01", "a bare number"),
        ('pre = "cue"', "pre = 3", "text in quotes"),
        ('without = ["dose.thp"]', 'without = "dose.thp"', "list"),
        ("[arm.low.set]", "[arm.low]\nset = 3\n[x]", "TOML syntax"),
    ],
)
def test_S06_wrong_type_is_not_converted(problems, folder, old, new, words):
    found = problems(old, new)[0]
    assert words in found.message
    assert found.line >= line_of(folder, new.partition("\n")[0])


@every_case(
    "number", ["nan", "inf", "-inf", "1e400", "1e26", "1" + "0" * 26, "1" + "0" * 350, "9" * 5000, "0." + "1" * 5000]
)
@every_case("field", ["rate = 0.05", "trials = 50", "seed = 7"])
def test_S07_huge_and_undefined_numbers_are_refused(problem, field, number):
    found = problem(field, f"{field.partition(' ')[0]} = {number}")
    assert any(word in found.message for word in ("finite", "out of range", "longer than", "whole number"))


def test_S07_quoted_number_is_refused_too(problem):
    assert "out of range" in problem('amount = "10 mg"', 'amount = "1e26 mg"').message
    assert "out of range" in problem('amount = "10 mg"', f'amount = "{"9" * 300} mg"').message


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("rate = 0.05", "rate = -0.05", "0 to 10"),
        ("overlap = { value = 0.1", "overlap = { value = 1.2", "0 to 1"),
        ('amount = "10 mg"', 'amount = "-1 mg"', "0 to 1e+06 mg"),
        ("range = [0.0, 0.3]", "range = [0.2, 0.3]", "outside its own range"),
        ("range = [0.0, 0.3]", "range = [0.3, 0.0]", "ends below its start"),
        ("last 20 trials", "last 51 trials", "has 50 trials"),
        ("last 20 trials of treatment", "trials 30-20 of treatment", "must end after it starts"),
        ("count = 5", "count = 0", "at least 1"),
    ],
)
def test_S08_value_outside_its_range_names_the_rule(problem, folder, old, new, rule):
    found = problem(old, new)
    assert rule in found.message
    assert found.line == line_of(folder, new)


def test_S08_parameter_is_checked_where_it_lands(problem, folder):
    file = folder / "parameters" / "small.toml"
    file.write_text(file.read_text().replace("noise = 0.15", "noise = -0.15"))
    found = problem()
    assert found.key == "population.muscle.noise.ref"
    assert "condition.ill.noise is -0.15" in found.message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"10 mg"', '"10 mgg"', "unknown unit 'mgg' (units: mg, ng, ug, g, kg)"),
        ('"10 mg"', '"10 h"', "'h' is not a unit of this kind (units: mg"),
        ('"10 mg"', '"0.1 mg/kg"', "not a unit of this kind"),
        ('"10 mg"', '"10"', "the unit is missing"),
        ('"10 mg"', "10", 'a quantity in quotes, such as "2 mg"'),
        ('"10 mg"', '"ten mg"', "not a quantity"),
    ],
)
def test_S09_wrong_unit_lists_accepted_ones(problem, old, new, words):
    assert words in problem(old, new).message


def test_short_name_of_an_arm_is_at_most_24_letters_and_its_own(problem, load):
    named = 'compare_with = "plain"\nshort = '
    assert load('compare_with = "plain"', named + f'"{"x" * 24}"').arms["treated"].short == "x" * 24
    assert "at most 24 letters" in problem('compare_with = "plain"', named + f'"{"x" * 25}"').message
    assert "empty" in problem('compare_with = "plain"', named + '""').message
    twice = named + '"High"\n[arm.copy]\nextends = "treated"\nshort = "high"\n[arm.treated.set]\n'
    found = problem('compare_with = "plain"', twice)
    assert found.key == "arm.copy.short" and "also the short name of arm 'treated'" in found.message


def test_S09_parameter_of_another_kind_is_refused_at_the_reference(problem):
    found = problem('clearance = { ref = "clearance" }', 'clearance = { ref = "noise" }')
    assert "'1'" in found.message
    assert "'L/h'" in found.message


@every_case(
    ("old", "new", "defined"),
    [
        ('pre = "cue"', 'pre = "cues"', "cue, muscle"),
        ('third_factor = "dopamine"', 'third_factor = "dopamin"', "dopamine"),
        ("[plasticity.map]", "[plasticity.mop]", "map"),
        ('drug = "thp"\namount', 'drug = "tph"\namount', "thp"),
        ('compare_with = "plain"', 'compare_with = "plane"', "plain, treated, low"),
        ('condition = "ill"', 'condition = "il"', "ill"),
        ('extends = "treated"', 'extends = "traeted"', "plain, treated, low"),
        ("trials of treatment", "trials of traetment", "practice, treatment"),
        ('{ ref = "noise" }', '{ ref = "noize" }', "noise, clearance"),
        ('"dose.thp.amount" =', '"dose.thp.amonut" =', "amount"),
        ('"dose.thp.amount" =', '"dose.tph.amount" =', "thp"),
        ('without = ["dose.thp"]', 'without = ["thp"]', "dose.NAME"),
        ('parameters = "small"', 'parameters = "smal"', "small"),
    ],
)
def test_S10_undefined_name_lists_the_defined(problems, folder, old, new, defined):
    found = problems(old, new)[0]
    assert defined in found.message
    assert found.line == line_of(folder, new.partition("\n")[0])
    assert found.hint.startswith("did you mean")


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ('"plasticity.map.rate" = { from = 0.1, to = 1, steps = 1_000_000_000 }', "1,000,000,000 values"),
        (
            "\n".join(
                f'"{path}" = {{ from = 0.1, to = 1.0, steps = 1000 }}'
                for path in ("plasticity.map.rate", "plasticity.map.balance", "projection.map.overlap")
            ),
            "1,000,000,000 points",
        ),
        ('"plasticity.map.rate" = { from = 0.1, to = 0.1, steps = 3 }', "ends where it starts"),
        ('"plasticity.map.rate" = { from = 0.1, to = 1, steps = 0 }', "at least 2"),
        ('"plasticity.map.rate" = { from = 0.1, to = 1, step = 0 }', "unknown key"),
        ('"plasticity.map.rate" = { from = 0.0, to = 1, steps = 3, scale = "log" }', "above 0"),
        ('"plasticity.map.rate" = { values = [] }', "at least 1"),
        ('"plasticity.map.rate" = { values = [0.1, 0.1] }', "listed twice"),
        ('"outcome.overflow.window" = { values = ["practice"] }', "cannot be set or swept"),
    ],
)
def test_S11_impossible_axes_are_refused_at_once(problems, axes, words):
    start = time.process_time()
    found = problems(more=f"\n[study.big]\n[study.big.sweep]\n{axes}\n")
    assert time.process_time() - start < 2.0
    assert any(words in p.message for p in found)


def test_S11_more_points_can_be_allowed(load, folder):
    axis = '[study.s]\n[study.s.sweep]\n"plasticity.map.rate" = { from = 0.1, to = 1, steps = 11 }\n'
    load(more=axis)
    assert len(load_scenario(folder / "small.toml").studies["s"].axes[0].values) == 11
    with pytest.raises(ScenarioError, match="--max-points"):
        load_scenario(folder / "small.toml", max_points=10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 900 + "]" * 900, "nested deeper than 16"),
        ("a = " + "{a=" * 900 + "1" + "}" * 900, "nested deeper than 16"),
        (".".join("a" * 30_000) + " = 1", "more than 16 parts"),
        ("[" + " . ".join("a" * 30_000) + "]", "more than 16 parts"),
        ("a = " + "1" * 401, "longer than 400"),
        ("a = [" + "1," * 400_000 + "]", "more than 20,000 keys"),
        ("a = {" + ",".join(f"k{i} = 1" for i in range(50_000)) + "}", "more than 20,000 keys"),
        ("[[a]]\n" * 100_000, "more than 20,000 keys"),
        ("# " + "x" * (1 << 20), "larger than"),
    ],
)
def test_S12_prescan_refuses_before_parsing(tmp_path, text, words):
    (tmp_path / "big.toml").write_text(text)
    start = time.process_time()
    found = only_problem(tmp_path / "big.toml")
    assert time.process_time() - start < 1.0
    assert words in found.message


def test_S12_brackets_and_dots_inside_strings_do_not_count(load):
    dots = "[" * 50 + "." * 50 + "{" * 50
    text = f"title = '''{dots}'''  # {dots}"
    assert load('title = "Does a drug slow learning?"', text).title == dots


@pytest.mark.parametrize("name", ["CON", "a b", "x" * 65, "-a", ".a", "aux.old", "a;b", "é"])
def test_S13_file_name_that_cannot_be_a_name_is_refused(tmp_path, name):
    assert "cannot be a name" in only_problem(tmp_path / f"{name}.toml").message


def test_S13_parameter_set_outside_the_folders_is_refused(problems):
    for name in ("../x", "/etc/passwd", "a/b", ""):
        found = problems('parameters = "small"', f'parameters = "{name}"')
        assert "cannot be a name" in next(p for p in found if p.key == "parameters").message


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "x'); DROP TABLE points;--", "🧠 \u202eabc e\u0301", "x" * 10_000]
)
def test_S14_S15_S16_titles_are_kept_exactly(load, title):
    assert load('title = "Does a drug slow learning?"', f"title = '''{title}'''").title == title


def test_S15_arm_with_sql_is_no_name(problems):
    found = problems("[arm.plain]", """[arm."x'); DROP TABLE points;--"]""")
    assert any("cannot be a name" in p.message for p in found)


def test_S16_columns_count_characters(problems):
    found = problems('title = "Does a drug slow learning?"', 'title = "é🧠"', "rate = 0.05", '"x🧠é" = 1')
    assert found[0].column == 1
    axis = '[study.s]\n[study.s.sweep]\n"plasticity.map.rate" = { zip = "🧠é", values = [-1.0] }\n'
    found = problems(more=axis)
    assert found[0].key == 'study.s.sweep."plasticity.map.rate".values[0]'
    assert found[0].column == axis.splitlines()[2].index("-1.0") + 1


def test_S17_newer_format_names_the_supported_version(problem):
    found = problem("schema = 1", "schema = 2", "seed = 7", "sead = 7")
    assert (found.key, found.line) == ("schema", 1)
    assert "reads version 1" in found.message


def test_S18_all_mistakes_are_found_in_order(folder):
    wrong = "\n".join(f"[population.p{i}]\nsize = -{i}" for i in range(1, 201))
    with pytest.raises(ScenarioError) as error:
        parse_scenario(f'schema = 1\ntitle = "t"\n{wrong}\n'.encode(), "many.toml", folder)
    found = [p for p in error.value.problems if p.key.startswith("population")]
    assert len(found) == 200
    assert [p.line for p in found] == sorted(p.line for p in found)


def test_S18_a_hopeless_file_is_answered_soon(folder):
    text = "schema = 1\n" + "\n".join(f"[a{i}]" for i in range(15_000))
    start = time.process_time()
    with pytest.raises(ScenarioError) as error:
        parse_scenario(text.encode(), "hopeless.toml", folder)
    assert len(error.value.problems) > 15_000
    assert time.process_time() - start < 2.0


def test_S18_endless_extends_is_no_crash(folder):
    text = "schema = 1\n" + "\n".join(f'[arm.a{i}]\nextends = "a{i + 1}"' for i in range(5_000))
    with pytest.raises(ScenarioError, match="longer than 50"):
        parse_scenario(text.encode(), "deep.toml", folder)


@pytest.mark.parametrize(
    "more",
    [
        '"parameter.noise" = 0.2\n',
        '"dose.thp.every" = "6 h"\n[study.s]\n[study.s.sweep]\n"parameter.noise" = { values = [0.1] }\n',
    ],
)
def test_S08_another_value_for_a_parameter_that_nothing_refers_to_is_refused(problem, more):
    found = problem('noise = { ref = "noise" }', "noise = 0.1", more=more)
    assert found.message == "no field refers to parameter.noise, so a new value would have no effect"


def test_S10_a_set_that_cannot_be_found_is_told_once(problem):
    assert "no parameter set" in problem('parameters = "small"', 'parameters = "smaller"').message


def test_S10_a_parameter_written_as_text_is_told_how_to_refer_to_it(problem):
    assert problem('{ ref = "noise" }', '"noise"').hint == 'a value of the parameter set is written { ref = "noise" }'
