"""Learning rules that make no sense are refused at their line, with the rule of thumb that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cases import every_case
from support.circuits import shipped_rule

from workbench.errors import ScenarioError
from workbench.scenario.load import parse_scenario
from workbench.scenario.shipped_files import scenarios_folder

SINGULAR = "values = [1.0, 0.5, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0, 1.5, 1.5, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]"
INDEPENDENT = "values = [1.0, 0.39, 0.34, 0.44, 0.34, 0.9, 0.44, 0.39, 0.44, 0.34, 1.0, 0.34, 0.39, 0.44, 0.34, 0.95]"

NONSENSE = {
    "dependent patterns for BCM": ("bcm", INDEPENDENT, SINGULAR, "rule", "have rank 3"),
    "a BCM step that overshoots": ("bcm", '"plasticity.w.rate" = 0.0001', '"plasticity.w.rate" = 0.006', "rate", "overshoots the threshold (here rate below 0.001"),
    "probabilities that do not sum to 1": ("bcm", "[0.4, 0.3, 0.2, 0.1]", "[0.4, 0.3, 0.2, 0.2]", "probabilities", "must sum to 1, got 1.1"),
    "too few probabilities": ("bcm", "[0.4, 0.3, 0.2, 0.1]", "[0.5, 0.5]", "probabilities", "needs one for each of the 4 patterns, got 2"),
    "a pattern that is never shown": ("bcm", "[0.4, 0.3, 0.2, 0.1]", "[0.5, 0.3, 0.2, 0.0]", "probabilities", "never shown"),
    "half a pattern": ("bcm", INDEPENDENT, "values = [1.0, 0.5, 0.0]", "values", "whole patterns of 4 inputs each, got 3"),
    "another population's threshold": ("bcm", 'population = "output"\ntarget', 'population = "input"\ntarget', "homeostat", "watches population 'input'"),
    "no spectral gap": ("oja", "[4.0, 2.0, 1.0, 0.5]", "[4.0, 3.9, 1.0, 0.5]", "component", "nearer than a factor 1.05"),
    "a step beyond stability": ("oja", "\nrate = 0.002", "\nrate = 0.05", "rate", "must stay below 0.1: a longer step overshoots (here rate below 0.0133)"),
    "more units than directions": ("principal_components", "[population.output]\nsize = 2", "[population.output]\nsize = 5", "stabiliser", "4 inputs have no more than 4 directions"),
    "a budget that no weights can hold": ("sum_budget", "total = 1.0", "total = 17.0", "total", "16 weights between 0 and 1 cannot sum to 17"),
    "a budget without bounds": ("sum_budget", "bounds = [0.0, 1.0]\n", "", "stabiliser", "needs bounds"),
    "a ring of two": ("sum_budget", "size = 16", "size = 2", "inputs", "at least 3 units, but input has 2"),
    "a ring that closes on itself": ("sum_budget", "width = 3.0", "width = 9.0", "width", "too wide for a ring of 16"),
    "excitation toward a rate": ("inhibitory_balance", 'sign = "inhibitory"\n', "", "rule", "is excitatory"),
    "unequal numbers of sources and mixtures": ("independent_components", "laplace = 2", "laplace = 3", "inputs", "5 sources, 4 inputs"),
    "colour instead of white": ("independent_components", 'kind = "mixture"', 'kind = "mixture"\nwhitened = false', "rule", "needs white input"),
    "Amari's index of too few units": ("independent_components", "[population.output]\nsize = 4", "[population.output]\nsize = 3", "projection", "input and output differ in size, got 4 and 3"),
    "a taught rate population": ("association", '[population.taste]\nkind = "source"\n', "[population.taste]\n", "targets", "set from outside the circuit, by a task or a constant (source), but taste is rate"),
    "answers that do not fit": ("association", "0.6, 0.8, 0.0]\n\n[outcome", "0.6, 0.8]\n\n[outcome", "answers", "needs 12 numbers"),
    "steps in which spikes get lost": ("inhibitory_spikes", 'step = "0.5 ms"', 'step = "1 ms"', "step", "at most 0.5 ms"),
    "spikes onto a unit that does not spike": ("inhibitory_spikes", 'kind = "escape_rate"\nspikes = "trains"\nsize = 1\ndrive = 1.5\nrate_at_rest = "5 Hz"', "size = 1", "rule", "needs postsynaptic spikes"),
    "excitation by spikes": ("inhibitory_spikes", 'sign = "inhibitory"\n', "", "rule", "balances through dense inhibition"),
    "a bound that is not there": ("runaway", "bounds = [0.0, 1.0]\n", "", "projection", "needs bounds = [low, high]"),
    "a postsynaptic side of another size": ("hebb", '\nrule = "hebb"', '\nrule = "hebb"\npostsynaptic = "input"', "postsynaptic", "output and input differ in size"),
    "a length that no weights have": ("runaway", '\nrule = "hebb"', '\nrule = "hebb"\nstabiliser = "l2"\nnorm = 100.0', "norm", "have a length between 0 and "),
}  # fmt: skip


@every_case("name", list(NONSENSE))
def test_nonsense_is_refused_at_its_line(name: str) -> None:
    file, old, new, field, words = NONSENSE[name]
    text = shipped_rule(file)
    assert old in text, "the file has changed: this row says nothing"
    bad = text.replace(old, new)
    with pytest.raises(ScenarioError) as caught:
        found = parse_scenario(bad.encode(), f"{file}.toml", Path(scenarios_folder() / "rules"))
        from workbench.plan import plan

        plan(found)
    told = [p for p in caught.value.problems if p.key.endswith(f".{field}") and words in p.message]
    assert told, [f"{p.key}: {p.message}" for p in caught.value.problems]
    assert all(p.line > 0 and p.column > 0 for p in told)
