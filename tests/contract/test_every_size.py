"""Whatever can be declared too large: refused by arithmetic at its line, or accepted, within 2 s and 300 MB."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL
from support.lean import Ended, Lean, lean
from support.shipped_texts import whole_text

from workbench.component.declaration import Component, Parameter
from workbench.component.registry import registry
from workbench.scenario.load import load_scenario
from workbench.scenario.shipped_files import data_folder, scenarios_folder

SECONDS, MEGABYTES = 2.0, 300
SLOWNESS = float(os.environ.get("WORKBENCH_TEST_SLOWNESS", "2"))
"""How much longer a second of a processor is that is shared with other tests."""
EVERY = os.environ.get("WORKBENCH_EVERY_SIZE") == "1"
"""Whether every scenario is tried, and every count: a minute more."""
LARGE = ("population", "task", "phase", "assessment", "event", "stimulus", "homeostat")
"""Sections whose counts are sizes and lengths."""
FILES = sorted(scenarios_folder().rglob("*.toml"))
RULES = [file for file in FILES if file.parent.name == "rules"]


def named(parameter: Parameter) -> bool:
    """Whether a count names one of several things, or the pace of a record: these are never as large as they could be."""
    return "from 1" in parameter.doc or "from 0" in parameter.doc or parameter.name == "every"


COUNTS = [
    (component, parameter)
    for component in registry()
    for parameter in component.parameters().values()
    if parameter.kind == "count" and (EVERY or (not named(parameter) and component.section in LARGE))
]


@pytest.fixture(scope="module")
def process() -> Iterator[Lean]:
    with lean() as found:
        yield found


@pytest.fixture(scope="module")
def uses() -> dict[type[Component], list[tuple[Path, str, str]]]:
    """Return where shipped scenarios use each component; small files come first."""
    found: dict[type[Component], list[tuple[Path, str, str]]] = {}
    for file in sorted(FILES, key=lambda file: file.stat().st_size):
        if not EVERY and set(found) >= {component for component, _ in COUNTS}:
            break
        for tables in load_scenario(file).tables.values():
            for table in tables.values():
                found.setdefault(table.component, []).append((file, table.section, table.name))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what shipped scenarios find beside them."""
    found = tmp_path_factory.mktemp("sizes")
    shutil.copytree(scenarios_folder(), found / "scenarios")
    shutil.copytree(data_folder(), found / "data", ignore=shutil.ignore_patterns("results"))
    return found


def written(folder: Path, file: Path, text: str) -> Path:
    """Write a changed scenario beside the one that it comes from."""
    changed = folder / file.relative_to(scenarios_folder().parent).with_stem("changed")
    changed.write_text(text, encoding="utf-8")
    return changed


def within_limits(process: Lean, folder: Path, file: Path) -> Ended:
    ended = process("check", file, cwd=folder)
    assert ended.code in (0, 2), (ended.code, ended.err)
    if ended.code == 2:
        assert all(
            re.match(r"(error: [^\n:]+\.\w+:[1-9]\d*:|hint: |error: \d+ more)", one) for one in ended.err.splitlines()
        )
    assert ended.seconds < SECONDS * SLOWNESS, ended
    assert ended.megabytes < MEGABYTES, ended
    return ended


@every_case(("component", "parameter"), COUNTS, ids=lambda v: getattr(v, "name", ""))
def test_p08_a_count_at_the_end_of_its_range_is_checked_within_the_limits(
    component: type[Component],
    parameter: Parameter,
    process: Lean,
    uses: dict[type[Component], list[tuple[Path, str, str]]],
    folder: Path,
) -> None:
    file, section, name = uses[component][0]
    head, table, rest = whole_text(file).partition(f"[{section}.{name}]\n")
    assert table
    own, bracket, after = rest.partition("\n[")
    kept = [line for line in own.splitlines() if not re.match(rf"{parameter.name}\s*=", line)]
    text = "\n".join([head + table + f"{parameter.name} = {int(parameter.high)}", *kept]) + bracket + after
    within_limits(process, folder, written(folder, file, text))


CUBED = ("feedback_alignment", "sum_budget", "td_chain", "hebb")
SIZES = [
    (file, size)
    for file in (FILES if EVERY else RULES)
    for size in (4096, 512)
    if EVERY or size == 4096 or file.stem in CUBED
]


@every_case(("file", "size"), SIZES, ids=lambda v: getattr(v, "stem", v))
def test_p08_a_scenario_whose_populations_are_as_large_as_may_be_is_checked_within_the_limits(
    file: Path, size: int, process: Lean, folder: Path
) -> None:
    text = re.sub(r"(?m)^size = \d+", f"size = {size}", file.read_text(encoding="utf-8"))
    within_limits(process, folder, written(folder, file, text))


@pytest.mark.parametrize("inputs", [4096, 512])
def test_p08_a_covariance_too_large_to_be_taken_apart_is_refused_by_its_size(
    inputs: int, process: Lean, folder: Path
) -> None:
    file = scenarios_folder() / "rules" / "hebb.toml"
    spectrum = ", ".join(f"{4.0 - i / 5000}" for i in range(inputs))
    text = re.sub(r"(?m)^size = 4\b", f"size = {inputs}", file.read_text(encoding="utf-8"))
    changed = written(folder, file, re.sub(r"(?m)^spectrum = .*$", f"spectrum = [{spectrum}]", text))
    told = within_limits(process, folder, changed).err
    refused = f"input has {inputs:,} units, and a matrix of all pairs of them is taken apart: 512 at most"
    assert (refused in told) == (inputs > 512)


def test_p08_what_a_run_would_take_is_counted_before_it_is_there(process: Lean, folder: Path) -> None:
    file = scenarios_folder() / "rules" / "inhibitory_spikes.toml"
    text = re.sub(r"(?m)^size = \d+", "size = 4096", file.read_text(encoding="utf-8"))
    told = process("check", written(folder, file, text), cwd=folder).err
    assert re.search(r":\d+:1: projection\.w: asks for 4,096 x 4,096 numbers in each run, .* \(at most 32\)", told), (
        told
    )


def test_p08_a_table_of_points_with_a_fault_in_its_last_row_is_refused_within_the_limits(
    process: Lean, folder: Path
) -> None:
    head = SMALL[: SMALL.index("[study.arms]")]
    (folder / "small.toml").write_text(f'{head}[study.points]\ntable = "points.csv"\n', encoding="utf-8")
    with (folder / "points.csv").open("w") as table:
        table.write("projection.input_output.spread\n")
        table.writelines(f"{row / 1e6}\n" for row in range(1, 990_000))
        table.write("x\n")
    ended = within_limits(process, folder, folder / "small.toml")
    assert "points.csv:990001:1: projection.input_output.spread: expected a number such as 12" in ended.err


@pytest.mark.parametrize(
    "cells",
    [["zeroblob(100000000)"] * 4, ["a from (select zeroblob(12000000) as a) union all select zeroblob(50000000)"]],
)
def test_p08_an_answer_too_large_to_be_held_is_refused_within_the_limits(
    cells: list[str], process: Lean, folder: Path
) -> None:
    (folder / "rows.toml").write_text(SMALL, encoding="utf-8")
    assert process("sweep", "rows.toml", "--db", "rows.db", "--workers", "1", "--subjects", "1", cwd=folder).code == 0
    for form in ("--json", "--format=text"):
        ended = process(
            "query", "rows.db", f"select {', '.join(cells)} union all select {', '.join(cells)}", form, cwd=folder
        )
        assert ended.code == 2 and "MiB" in ended.err + ended.out
        assert ended.seconds < SECONDS * SLOWNESS and ended.megabytes < MEGABYTES
