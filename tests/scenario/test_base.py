"""A scenario that says only what its question adds, and takes the rest from its base."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, answer, workbench
from support.shipped_texts import whole_text

from workbench.errors import ScenarioError
from workbench.scenario import load_scenario, parse_scenario
from workbench.scenario.base import WRITTEN_WHOLE
from workbench.scenario.model import Scenario
from workbench.scenario.shipped_files import scenarios_folder

Read = Callable[..., Scenario]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write files (name, text, name, text ...) and read the last; the base is there as ``small.toml``."""
    (tmp_path / "small.toml").write_text(SMALL)

    def written(*files: str) -> Scenario:
        for name, text in zip(files[::2], files[1::2], strict=True):
            (tmp_path / name).write_text(text)
        return load_scenario(tmp_path / files[-2])

    return written


def refused(read: Read, *files: str) -> list[str]:
    """Return the problems of the last file, each in one line with the names of files only."""
    with pytest.raises(ScenarioError) as error:
        read(*files)
    return [
        str(p).replace(f"{Path(p.file).parent}/", "") + (f" | {p.hint}" if p.hint else "") for p in error.value.problems
    ]


VARIANT = """
base = "small"
title = "With less of it"
without = ["study.strength", "course"]
[subjects]
count = 4
[plasticity.input_output]
rate = 0.001                     # half of what the base has
[arm.still]
compare_with = "slow"
[arm.still.set]
"plasticity.input_output.rate" = 0.0001
"""


def test_what_is_not_said_comes_from_the_base(read: Read) -> None:
    found = read("variant.toml", VARIANT)
    assert (found.name, found.title, found.use.context) == ("variant", "With less of it", "tests")
    assert (found.subjects.count, found.subjects.seed) == (4, 7)
    assert list(found.arms) == ["slow", "fast", "still"]
    assert list(found.studies) == ["arms"]
    assert "course" not in found.tables
    rule = found.tables["plasticity"]["input_output"]
    assert rule.component.name == "hebb"
    assert rule.fields["rate"].number == 0.001  # type: ignore[union-attr]
    assert rule.fields["stabiliser"] == "oja"


def test_several_levels_and_paths(read: Read, tmp_path: Path) -> None:
    (tmp_path / "further").mkdir()
    deep = 'base = "../variant.toml"\ntitle = "Deeper"\nwithout = ["arm.fast"]\n'
    found = read("variant.toml", VARIANT, "further/deep.toml", deep)
    assert found.title == "Deeper"
    assert list(found.arms) == ["slow", "still"]
    assert found.subjects.count == 4
    named = read("again.toml", f'base = "{tmp_path / "small.toml"}"\ntitle = "By its whole path"\n')
    assert named.tables == load_scenario(tmp_path / "small.toml").tables


def test_a_list_and_an_inline_table_are_one_value(read: Read) -> None:
    more = '[task.inputs]\nspectrum = [1.0, 1.0, 1.0, 1.0]\n[study.strength.sweep]\n"projection.input_output.spread" = { values = [0.5] }\n'
    found = read("variant.toml", 'base = "small"\ntitle = "Flat"\n' + more)
    assert found.tables["task"]["inputs"].fields["spectrum"] == (1.0, 1.0, 1.0, 1.0)
    assert found.studies["strength"].axes[0].values == (0.5,)


def test_a_table_of_another_kind_takes_nothing_from_the_base(read: Read) -> None:
    text = 'base = "small"\ntitle = "By another rule"\n[plasticity.input_output]\nrule = "bcm"\n'
    (problem,) = refused(read, "variant.toml", text + "[homeostat.slow]\n")[:1]
    assert "variant.toml:" in problem
    found = read("variant.toml", text.replace('"bcm"', '"hebb"') + 'stabiliser = "l2"\n')
    assert found.tables["plasticity"]["input_output"].fields["rate"].number == 0.002  # type: ignore[union-attr]
    ended = '[outcome.norm]\nreadout = "weight_mean"\nprojection = "input_output"\n'
    other = read("variant.toml", f'base = "small"\ntitle = "Another readout"\n{ended}')
    assert "window" not in other.tables["outcome"]["norm"].fields
    (note,) = [n for n in other.notes if n.key == "outcome.norm.readout"]
    assert note.line == 4
    assert "another readout than in the base" in note.message
    assert "window" in note.message


@every_case(
    ("files", "problem"),
    [
        (("a.toml", 'base = "smal"\n'), 'a.toml:1:8: base: no scenario "smal" to take as the base'),
        (("a.toml", 'base = "no/such.toml"\n'), 'a.toml:1:8: base: no file "no/such.toml" to take as the base'),
        (("a.toml", "base = 3\n"), "a.toml:1:8: base: expected the name of a scenario or the path of its file, got 3"),
        (("a.toml", 'base = ""\n'), "a.toml:1:8: base: expected the name of a scenario"),
        (("a.toml", 'base = "x\\u0000y"\n'), "a.toml:1:8: base: no scenario"),
        (("a.toml", 'base = "a"\n'), "a.toml:1:8: base: files are based on each other in a circle: a.toml -> a.toml"),
        (
            ("b.toml", 'title = "b"\nbase = "a"\n', "a.toml", 'base = "b"\n'),
            "b.toml:2:8: base: files are based on each other in a circle: a.toml -> b.toml -> a.toml",
        ),
        (("b.toml", "schema = 2\n", "a.toml", 'base = "b"\n'), "b.toml:1:10: schema: format version 2"),
        (("b.toml", "title = \n", "a.toml", 'base = "b"\n'), "b.toml:1:9: TOML syntax"),
        (("b.toml", "x = 1\n" * 2, "a.toml", 'base = "b"\n'), "b.toml:2:1: TOML syntax: the key x is defined twice"),
        (("a.toml", 'without = ["arm"]\n'), "a.toml:1:1: without: takes tables away from a base, but the file names no base"),
        (
            ("a.toml", 'base = "small"\nwithout = "arm"\n'),
            'a.toml:2:11: without: expected a list of tables such as ["arm", "dose.thp"], got "arm"',
        ),
        (
            ("a.toml", 'base = "small"\nwithout = ["arm.slo"]\n'),
            'a.toml:2:12: without[0]: "arm.slo" is not a table of the base | did you mean "arm.slow"?',
        ),
        (
            ("a.toml", 'base = "small"\nwithout = ["title"]\n'),
            'a.toml:2:12: without[0]: "title" is a value, not a table',
        ),
        (("a.toml", 'base = "small"\nwithout = [2]\n'), "a.toml:2:12: without[0]: expected the path of a table"),
        (
            ("a.toml", 'base = "small"\nwithout = ["arm.slow"]\n'),
            'small.toml:44:16: arm.fast.compare_with: no arm "slow" (defined: fast) | a.toml takes this from its base',
        ),
        (
            ("a.toml", 'base = "small"\nwithout = ["population.output"]\n'),
            'small.toml:16:8: projection.input_output.post: no population "output" (defined: input)',
        ),
        (("a.toml", 'base = "small"\n[phase.learning]\ntrials = 0\n'), "a.toml:3:10: phase.learning.trials: 0 is out"),
        (
            ("a.toml", 'base = "small"\n[arm.slow.set]\n"projection.input_output.spread" = 0.1\n'),
            "a.toml:3:1: arm.slow.set.",
        ),
        (
            ("a.toml", 'base = "small"\n[arm.slow.set]\n"projection.input_output.spread" = 0.1\n'),
            "small.toml:52:1: study.strength.sweep.",
        ),
        (("a.toml", 'base = "small"\n[arm.Slow]\n'), "a.toml:2:1: arm.Slow: differs from arm.slow (small.toml:42)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(
    read: Read, tmp_path: Path, files: tuple[str, ...], problem: str
) -> None:
    found = [line.replace(f"{tmp_path}/", "") for line in refused(read, *files)]
    assert any(line.startswith(problem) for line in found), found


def test_a_base_that_cannot_be_read_is_told_at_its_line(read: Read, tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"##")
    (tmp_path / "bytes.toml").write_bytes(b'title = "\xff"\n')
    for name, told in (("folder", "this is a folder"), ("large", "larger than 1,048,576 bytes")):
        (problem,) = refused(read, "a.toml", f'title = "x"\nbase = "{name}"\n')
        assert problem.startswith("a.toml:2:8: base: its base")
        assert told in problem
    assert refused(read, "a.toml", 'base = "bytes"\n')[0].startswith("bytes.toml:1:1: byte 0xff is not UTF-8")
    if os.name != "nt":
        os.mkfifo(tmp_path / "pipe.toml")
        assert "it is a pipe, not a file" in refused(read, "a.toml", 'base = "pipe"\n')[0]


def test_too_many_files_in_a_row_and_too_much_in_all(read: Read, tmp_path: Path) -> None:
    for level in range(12):
        (tmp_path / f"level{level}.toml").write_text(f'base = "level{level + 1}"\n')
    (problem,) = refused(read, "a.toml", 'base = "level0"\n')
    assert problem.startswith("level9.toml:1:8: base: a chain of files based on each other is longer than 10")
    entries = "[use]\nlimits = [" + '"x",' * 12_000 + "]\n"
    (problem,) = refused(
        read, "b.toml", f'base = "small"\n{entries}', "a.toml", f'base = "b"\n{entries.replace("use", "report")}'
    )
    assert problem.startswith(
        "a.toml:1:8: base: the scenario with all its bases is larger than a scenario may be: more than 20,000"
    )


def test_a_row_of_full_files_is_refused_soon(read: Read, tmp_path: Path) -> None:
    full = "[use]\n" + "".join(f"key{i} = 1\n" for i in range(19_000))
    for level in range(9):
        (tmp_path / f"level{level}.toml").write_text(f'base = "level{level + 1}"\n{full}')
    started = time.process_time()
    (problem,) = refused(read, "a.toml", 'base = "level0"\n')
    assert problem.startswith(
        "level0.toml:1:8: base: the scenario with all its bases is larger than a scenario may be: more than 20,000"
    )
    assert time.process_time() - started < 2  # 8 s when all of them were taken apart


def test_the_whole_is_printed_and_is_the_same_scenario(read: Read, tmp_path: Path) -> None:
    variant = read("variant.toml", VARIANT)
    printed = workbench("check", "--expand", "variant.toml", cwd=tmp_path)
    assert printed.returncode == 0
    assert "rate = 0.001                     # half of what the base has" in printed.stdout
    assert not {"base", "without"} & tomllib.loads(printed.stdout).keys()
    assert answer(workbench("check", "--expand", "--json", "variant.toml", cwd=tmp_path))["text"] == printed.stdout
    again = read("variant.toml", printed.stdout)
    assert again == variant
    assert workbench("check", "--expand", "variant.toml", cwd=tmp_path).stdout == printed.stdout
    two = workbench("check", "--expand", "variant.toml", "small.toml", cwd=tmp_path)
    assert (two.returncode, two.stderr) == (2, "error: --expand prints one scenario, but 2 were given\n")


def test_a_variant_uses_the_runs_of_its_base_and_needs_no_base_once_stored(read: Read, tmp_path: Path) -> None:
    read(
        "variant.toml",
        VARIANT.replace("[plasticity.input_output]\nrate = 0.001 ", "[plasticity.input_output]\nrate = 0.002 "),
    )
    first = answer(workbench("sweep", "small.toml", "--db", "x.db", "--workers", "0", "--json", cwd=tmp_path))
    assert (first["stored"], first["reused"]) == (24, 6)
    second = answer(workbench("sweep", "variant.toml", "--db", "x.db", "--workers", "0", "--json", cwd=tmp_path))
    assert (second["stored"], second["reused"]) == (4, 8)  # the new arm alone
    whole = workbench("check", "--expand", "variant.toml", cwd=tmp_path).stdout
    (tmp_path / "small.toml").unlink()
    (tmp_path / "variant.toml").unlink()
    for words in (
        ("replay", "x.db", "--run", "25"),
        ("verify", "x.db", "--sample", "24"),
        ("why", "x.db"),
        ("report", "x.db", "--sweep", "2", "--output", "page.html"),
    ):
        done = workbench(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    (tmp_path / "variant.toml").write_text(whole)
    third = answer(workbench("sweep", "variant.toml", "--db", "x.db", "--workers", "0", "--json", cwd=tmp_path))
    assert (third["stored"], third["sweep"]) == (0, 2)


def test_what_makes_runs_new_is_told_at_its_line_in_its_file(read: Read, tmp_path: Path) -> None:
    read("variant.toml", VARIANT)
    workbench("sweep", "variant.toml", "--db", "x.db", "--workers", "0", cwd=tmp_path)
    (tmp_path / "small.toml").write_text(SMALL.replace('stabiliser = "oja"', 'stabiliser = "l2"'))
    done = workbench("sweep", "variant.toml", "--db", "x.db", "--workers", "0", cwd=tmp_path)
    assert "stabiliser oja -> l2 (small.toml:40)" in done.stderr
    assert "stabiliser oja -> l2 (variant.toml as stored:" in workbench("why", "x.db", cwd=tmp_path).stdout


DOSED = (
    SMALL
    + """
[drug.d]
model = "one_compartment_oral"
absorption = "1.2 1/h"
clearance = "20 L/h"
volume = "200 L"
[dose.one]
title = "One tablet of 10 mg"
drug = "d"
amount = "10 mg"
every = "24 h"
count = 1
during = "learning"
[outcome.level]
readout = "concentration"
drug = "d"
window = "end of learning"
"""
)


def test_words_of_the_base_that_no_longer_hold_are_noted(read: Read, tmp_path: Path) -> None:
    (tmp_path / "dosed.toml").write_text(DOSED)
    raised = '[use]\nquestion = "Q?"\n[dose.one]\namount = "20 mg"\n'
    notes = [(n.line, n.key, n.message) for n in read("a.toml", f'base = "dosed"\n{raised}').notes]
    assert (1, "base", "the title is inherited from the base: say what this file asks") in notes
    old = 'was 10 mg in the base, and the inherited dose.one.title still says so: "One tablet of 10 mg"'
    assert (5, "dose.one.amount", old) in notes
    said = f'base = "dosed"\ntitle = "More"\n{raised}title = "Two tablets of 10 mg"\n'
    assert not [n for n in read("a.toml", said).notes if "the base" in n.message]
    assert "question" not in str(read("a.toml", 'base = "small"\ntitle = "More"\n').notes)  # it has none itself


def test_check_and_describe_name_the_base_and_what_a_list_stands_for(read: Read, tmp_path: Path) -> None:
    listed = '[outcome.size]\nreadout = "weight_norm"\nprojection = "input_output"\nat = ["learning"]\n'
    read("variant.toml", VARIANT + listed)
    printed = workbench("check", "variant.toml", cwd=tmp_path).stdout.splitlines()
    assert printed[1:3] == ["  base: small.toml", "  outcome.size: size_learning"]
    (one,) = answer(workbench("check", "variant.toml", "--json", cwd=tmp_path))["scenarios"]
    assert (one["bases"], one["made"]) == (["small.toml"], {"outcome.size": ["size_learning"]})
    described = workbench("describe", "variant.toml", cwd=tmp_path).stdout
    assert "base: small.toml\noutcome.size: size_learning\n" in described


SHIPPED = sorted(scenarios_folder().rglob("*.toml"))


def test_every_shipped_scenario_written_whole_is_the_same_scenario(tmp_path: Path) -> None:
    """Its text and hash are those of the stored one, so that a sweep of it is the same sweep, with the same digest."""
    several = [file for file in SHIPPED if whole_text(file).startswith(WRITTEN_WHOLE)]
    assert len(several) >= 14
    for file in several:
        text = whole_text(file)
        again = parse_scenario(text.encode(), str(file), file.parent)
        assert again.text.decode() == text
        assert again == load_scenario(file)
