"""The work of a check grows with the file and not with its square: calls are counted, so that no clock decides."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cases import every_case
from support.commands import SMALL, workbench

from workbench.scenario.text import document

FEW, MANY = 30, 120
MOST_CALLS = 15_000
"""Calls that one table or arm may cost."""
BASE = SMALL[: SMALL.index("[arm.slow]")]
END = "[arm.one]\n[study.arms]\n"


def arms(body: str) -> Callable[[int], str]:
    """Return many arms, each with these lines."""
    return lambda n: BASE + "".join(f"[arm.a{i:04d}]\n{body.format(i=i)}\n" for i in range(n)) + "[study.arms]\n"


def tables(body: str) -> Callable[[int], str]:
    """Return many tables of a kind beside one arm."""
    return lambda n: BASE + "".join(body.format(i=i, before=i - 1) + "\n" for i in range(n)) + END


KINDS = {
    "arms": arms("title = 'x'"),
    "arms that set": arms('set = {{ "plasticity.input_output.rate" = 0.00{i} }}'),
    "arms of an unknown condition": arms("condition = 'b{i}'"),
    "arms against unknown ones": arms("compare_with = 'b{i:04d}'"),
    "arms out of range": arms('set = {{ "plasticity.input_output.rate" = -1.0 }}'),
    "arms on unknown paths": arms('set = {{ "plasticity.inputs.rate" = 1.0 }}'),
    "arms without unknown tables": arms("without = ['projection.nothing{i}']"),
    "arms that differ by case": lambda n: arms("")(n) + arms("")(n).replace(".a", ".A").replace(BASE, ""),
    "studies": tables("[study.s{i}]"),
    "studies of unknown arms": tables("[study.s{i}]\narms = ['two']"),
    "outcomes": tables(
        "[outcome.o{i}]\nreadout = 'weight_norm'\nprojection = 'input_output'\nwindow = 'end of learning'"
    ),
    "outcomes of nothing": tables("[outcome.o{i}]\nreadout = 'weight_norm'\nprojection = 'input_outpu'"),
    "phases": tables("[phase.p{i}]\norder = 1{i:03d}\ntrials = 2"),
    "phases at one place": tables("[phase.p{i}]\norder = 2\ntrials = 2"),
    "populations that nothing reads": tables("[population.p{i}]\nsize = 2"),
    "projections that nothing reads": tables(
        "[population.p{i}]\nsize = 2\n[projection.q{i}]\npre = 'input'\npost = 'p{i}'"
    ),
    "projections of nothing": tables("[projection.q{i}]\npre = 'inpt'\npost = 'outpt'"),
    "links of nothing": tables("[link.l{i}]\nsignal = 'x.y'\nonto = 'y.z'"),
    "drugs of an unknown kind": tables("[drug.d{i}]\nkind = 'one_compartmen'"),
    "sources without an end": tables("[[use.contrary]]\ntext = 'x'"),
    "unknown tables": tables("[bogus{i}.x]"),
    "levels": lambda n: (
        BASE
        + END
        + f"[study.arms.sweep]\n'projection.input_output.spread' = {{ values = {[0.1 + i / 999 for i in range(n)]} }}\n"
    ),
}


def calls(text: str, folder: Path) -> int:
    """Return how many functions one check calls."""
    (folder / "many.toml").write_text(text)
    counter = cProfile.Profile()
    counter.enable()
    done = workbench("check", "many.toml", cwd=folder)
    counter.disable()
    assert done.returncode in (0, 2) and "internal fault" not in done.stderr
    return sum(entry.callcount for entry in counter.getstats())


@every_case("kind", KINDS)
def test_S18_four_times_the_file_is_four_times_the_work(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "_SUGGESTIONS", 0)  # the search for nearest names has a budget of its own
    write = KINDS[kind]
    calls(write(2), tmp_path)  # what is loaded once
    few, many = calls(write(FEW), tmp_path), calls(write(MANY), tmp_path)
    assert many < few * 1.3 * MANY / FEW, f"{few:,} calls for {FEW}, {many:,} for {MANY}"
    assert many < MANY * MOST_CALLS, f"{many:,} calls for {MANY}"


def test_S18_nearest_names_are_looked_for_within_a_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def counting(got: str, known: list[str]) -> str:
        compared.append(len(known))
        return "did you mean that?"

    monkeypatch.setattr(document, "suggestion", counting)
    calls(KINDS["arms against unknown ones"](1000), tmp_path)
    assert len(compared) >= 100 and sum(compared) <= document._SUGGESTIONS + 1000
