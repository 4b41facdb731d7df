"""Circuits are computed from input to output: units in series, loops refused, and names without influence."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from support.cases import every_case
from support.circuits import HEAD, HEBB

from workbench import simulate
from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario

GPI = (
    HEAD
    + """
[population.cortex]
kind = "source"
[population.d1]
activation = "relu"
[population.gpi]
baseline = 1.0
activation = "relu"
[population.thalamus]
baseline = 1.0
activation = "relu"
[projection.cortex_d1]
pre = "cortex"
post = "d1"
weight = 0.4
bounds = [0.0, 1.0]
[projection.d1_gpi]
pre = "d1"
post = "gpi"
sign = "inhibitory"
weight = 1.0
[projection.gpi_thalamus]
pre = "gpi"
post = "thalamus"
sign = "inhibitory"
weight = 1.0
[plasticity.cortex_d1]
rule = "hebb"
postsynaptic = "thalamus"
rate = 0.1
[task.go]
kind = "patterns"
inputs = "cortex"
values = [1.0]
[phase.p]
trials = 1
[outcome.w]
readout = "weight_mean"
projection = "cortex_d1"
window = "end of p"
"""
)

BACK = '[projection.back]\npre = "output"\npost = "output"\nweight = 0.5\n'


def simulated(text: str) -> pd.DataFrame:
    return simulate(parse_scenario(text.encode(), "circuit.toml", Path()), subjects=1)


@pytest.mark.parametrize("activation", ["linear", "relu", "clip"])
def test_the_direct_pathway_disinhibits_the_thalamus(activation: str) -> None:
    """D1 = 0.4, output nucleus 1 - 0.4 = 0.6, thalamus 1 - 0.6 = 0.4: W = 0.4 + 0.1 * 0.4 * 1."""
    assert simulated(GPI.replace('"relu"', f'"{activation}"'))["w"].tolist() == [pytest.approx(0.44, rel=1e-15)]


@every_case("names", list(itertools.permutations("abc")))
@every_case("activation", ["linear", "relu", "clip"])
def test_units_in_series_answer_one_after_the_other_whatever_they_are_called(
    activation: str, names: tuple[str, ...]
) -> None:
    """Three units that halve what they get pass 1/8 on; the rule multiplies it with the input, 1."""
    chain = "".join(f'[population.{name}]\nactivation = "{activation}"\n' for name in names)
    for pre, post in itertools.pairwise(("input", *names, "output")):
        chain += f'[projection.to_{post}]\npre = "{pre}"\npost = "{post}"\nweight = 0.5\n'
    text = HEBB.replace('pre = "input"\npost = "output"\n', f'pre = "input"\npost = "{names[0]}"\n').replace(
        "[plasticity.w]", f"{chain}\n[plasticity.w]\npostsynaptic = 'output'"
    )
    text = text.replace("trials = 3", "trials = 1")
    first = text.replace(f'[projection.to_{names[0]}]\npre = "input"\npost = "{names[0]}"\nweight = 0.5\n', "")
    assert simulated(first)["weight"].tolist() == [pytest.approx(0.5 + 0.1 * 0.0625)]


def test_a_unit_reads_a_linear_population_after_its_surround() -> None:
    """Inputs 1 and 0, surround 0.5: the units end at 1 and -0.5, and the reader gets their sum."""
    text = HEBB.replace('kind = "source"', 'kind = "source"\nsize = 2').replace("values = [1.0]", "values = [1.0, 0.0]")
    around = (
        '[population.ring]\nsize = 2\n[projection.map]\nwiring = "one_to_one"\npre = "input"\npost = "ring"\n'
        '[projection.zz]\nwiring = "surround"\npre = "ring"\npost = "ring"\nweight = 0.5\n'
        '[projection.read]\npre = "ring"\npost = "output"\nweight = 1.0\n'
    )
    text = text.replace("weight = 0.5", "weight = 0.0").replace("trials = 3", "trials = 1") + around
    assert simulated(text)["weight"].tolist() == [pytest.approx(0.1 * 0.5)]


def test_a_second_surround_of_one_population_is_refused() -> None:
    ring = '[projection.NAME]\nwiring = "surround"\npre = "ring"\npost = "ring"\n'
    text = HEBB + "[population.ring]\nsize = 2\n" + ring.replace("NAME", "a") + ring.replace("NAME", "b")
    with pytest.raises(ScenarioError, match=r"projection\.b\.wiring: ring already has its surround in projection\.a"):
        simulated(text)


@pytest.mark.parametrize("name", ["back", "zback"])
def test_a_unit_that_excites_itself_is_refused_at_its_line(name: str) -> None:
    text = HEBB + BACK.replace("back", name)
    with pytest.raises(ScenarioError, match=rf"a loop: output -> output by projection\.{name}") as raised:
        simulated(text)
    assert raised.value.problems[0].line == text.splitlines().index(f"[projection.{name}]") + 1


def test_a_long_loop_is_spelled_out() -> None:
    more = "".join(f'[population.{n}]\nactivation = "relu"\n' for n in "xyz")
    for name, pre, post in (("p1", "output", "x"), ("p2", "x", "y"), ("p3", "y", "z"), ("p4", "z", "output")):
        more += f'[projection.{name}]\npre = "{pre}"\npost = "{post}"\n'
    spelled = "output -> x by projection.p1, x -> y by projection.p2, y -> z by projection.p3, z -> output by"
    with pytest.raises(ScenarioError, match=spelled):
        simulated(HEBB + more)


def test_a_loop_that_one_arm_closes_is_refused_there() -> None:
    """The middle population feeds the output until an arm turns the projection round."""
    middle = '[population.middle]\n[projection.up]\npre = "output"\npost = "middle"\n'
    down = '[projection.down]\npre = "middle"\npost = "output"\n'
    with pytest.raises(ScenarioError, match=r"a loop: middle -> output by projection\.down, .*in arm looped"):
        simulated(HEBB + middle + down + '[arm.cut]\nwithout = ["projection.up"]\n[arm.looped]\n')
    fed = middle.replace("output", "input") + down
    turned = HEBB + fed + '[arm.one]\n[arm.looped.set]\n"projection.down.pre" = "output"\n'
    turned += '"projection.up.post" = "output"\n'
    with pytest.raises(ScenarioError, match=r"a loop: output -> output by projection\.down;.*in arm looped") as raised:
        simulated(turned)
    assert raised.value.problems[0].line == turned.splitlines().index('"projection.down.pre" = "output"') + 1


@pytest.mark.parametrize("sign", ["excitatory", "inhibitory"])
def test_names_do_not_decide_in_which_order_projections_add_up(sign: str) -> None:
    """Four projections of one kind: floating-point sums depend on the order, the weight must not on the names."""
    found = set()
    for names in itertools.permutations("abcd"):
        sources = "".join(
            f'[population.{n}{i}]\nkind = "source"\n'
            f'[projection.{n}]\npre = "{n}{i}"\npost = "output"\nweight = {w}\nsign = "{sign}"\n'
            for i, (n, w) in enumerate(zip(names, (0.1, 0.2, 0.3, 0.7), strict=True))
        )
        found.add(float(simulated(HEBB.replace("weight = 0.5", "weight = 0.6") + sources)["weight"].iloc[0]))
    assert len(found) == 1
