"""Any drive with any stabiliser: it runs and does what its equation says, or is refused with the reason."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from support.cases import every_case
from support.circuits import HEAD, equal, joined, only, replaced, solved

from workbench.errors import ScenarioError
from workbench.plasticity.bcm import BCM
from workbench.plasticity.cubic import Cubic
from workbench.plasticity.hebb import Hebb
from workbench.plasticity.rate_error import RateError
from workbench.plasticity.stabilisers import EQUATIONS, project
from workbench.solver.run import solve

DRIVES = {c.name: c for c in (Hebb, BCM, Cubic, RateError)}
PATTERNS = 'kind = "patterns"\ninputs = "x"\nvalues = [0.9, 0.1, 0.3, 0.2, 0.1, 0.8, 0.2, 0.4, 0.3, 0.1, 0.7, 0.1, 0.2, 0.3, 0.1, 0.8]\n'
MIXTURE = 'kind = "mixture"\ninputs = "x"\n'
GRID = (
    HEAD
    + """
[population.x]
kind = "source"
size = 4
[population.y]
size = 3
baseline = 0.3
[projection.w]
pre = "x"
post = "y"
weight = 0.4
spread = 0.1
bounds = [0.0, 2.0]
[plasticity.w]
rule = "hebb"
rate = 0.01
[task.inputs]
"""
    + PATTERNS
    + """[phase.learning]
trials = 1
"""
    + "".join(
        f'[outcome.w{j}{i}]\nreadout = "synapse_weight"\nprojection = "w"\nunit_number = {j}\ninput_number = {i}\n'
        for j in (1, 2, 3)
        for i in (1, 2, 3, 4)
    )
)
HOMEOSTAT = '[homeostat.y]\npopulation = "y"\n'


def pair(drive: str, stabiliser: str, trials: int = 1) -> str:
    more = {"bcm": '\nhomeostat = "y"', "rate_error": "\ntarget = 0.5"}.get(drive, "")
    if (drive, stabiliser) == ("cubic", "none"):
        more = '\nform = "threshold"'
    task = MIXTURE if drive == "cubic" else PATTERNS
    sign = 'post = "y"\nsign = "inhibitory"' if drive == "rate_error" else 'post = "y"'
    both_sides = (drive == "cubic" and stabiliser not in Cubic.unsuited) or stabiliser == "deflation"
    return replaced(
        GRID,
        (PATTERNS, task),
        ("bounds = [0.0, 2.0]", "bounds = [-2.0, 2.0]" if both_sides else "bounds = [0.0, 2.0]"),
        ('rule = "hebb"', f'rule = "{drive}"\nstabiliser = "{stabiliser}"{more}'),
        ('post = "y"', sign),
        ("[task.inputs]", f"{HOMEOSTAT if drive == 'bcm' else ''}[task.inputs]"),
        ("trials = 1\n", f"trials = {trials}\n"),
    )


def weights(text: str) -> np.ndarray:
    """Return all weights (post, pre, runs) at the end."""
    found = solved(text)
    return np.array([[found.outcomes[f"w{j}{i}"] for i in (1, 2, 3, 4)] for j in (1, 2, 3)])


@every_case(("drive", "stabiliser"), [*product(DRIVES, EQUATIONS)])
def test_a_pair_runs_or_is_refused_with_its_reason(drive: str, stabiliser: str) -> None:
    text, reason = pair(drive, stabiliser, trials=40), DRIVES[drive].unsuited.get(stabiliser)
    if reason is None:
        assert np.all(np.isfinite(weights(text)))
        return
    with pytest.raises(ScenarioError) as caught:
        solved(text)
    (problem,) = caught.value.problems
    line = text.splitlines()[problem.line - 1]
    assert problem.key == "plasticity.w.stabiliser" and line == f'stabiliser = "{stabiliser}"'
    assert problem.message == f"{drive} with {stabiliser}: {reason}"


def shown(text: str) -> np.ndarray:
    """Return what the one trial of `text` showed, ``(pre, runs)``, as the change of weights onto units that stay at 1."""
    constant = ('rate = 0.01', 'rate = 1.0\npostsynaptic = "one"'), ("[task.inputs]", '[population.one]\nkind = "source"\nsize = 3\n[task.inputs]')  # fmt: skip
    plain = re.sub(r'rule = "\w+"\nstabiliser = "\w+"\n(homeostat.*\n|target.*\n|form.*\n)?', 'rule = "hebb"\n', text)
    plain = replaced(plain.replace(HOMEOSTAT, ""), ("weight = 0.4\nspread = 0.1", "weight = 0.0"), *constant)
    return np.asarray(weights(plain)[0])


@every_case("drive", DRIVES)
@every_case("stabiliser", ["none", "oja", "sanger", "subspace"])
def test_the_step_in_place_is_the_step_as_it_reads(drive: str, stabiliser: str) -> None:
    if stabiliser in DRIVES[drive].unsuited or (drive, stabiliser) == ("cubic", "none"):
        return
    text = re.sub(r"bounds = .*\n", "", pair(drive, stabiliser))
    before, after, pre = weights(replaced(text, ("rate = 0.01", "rate = 0.0"))), weights(text), shown(text)
    sign = -1.0 if drive == "rate_error" else 1.0
    post = 0.3 + sign * np.einsum("jir,ir->jr", before, pre)
    theta = 0.1 + (post**2 - 0.1) * -np.expm1(-1 / 500)
    f = {"hebb": post, "bcm": post * (post - theta), "cubic": post**3, "rate_error": post - 0.5}[drive]
    more = {"homeostat": "y"} if drive == "bcm" else {}
    rule = DRIVES[drive](rate=0.01, stabiliser=stabiliser, **more)
    assert np.abs(after - before - rule.drift(f, post, pre, before)).max() < 1e-14


def test_soft_bounds_are_approached_and_never_reached() -> None:
    full = weights(replaced(pair("hebb", "soft_bounds", trials=4000), ("rate = 0.01", "rate = 0.05")))
    assert np.all(full < 2.0) and full.min() > 1.9, "potentiation alone fills the room without reaching its end"


def test_one_step_of_soft_bounds_is_the_equation() -> None:
    text = replaced(pair("hebb", "soft_bounds"), ("values = [0.9, 0.1, 0.3, 0.2, 0.1, 0.8, 0.2, 0.4, 0.3, 0.1, 0.7, 0.1, 0.2, 0.3, 0.1, 0.8]", "values = [0.9, -0.5, 0.3, -0.2]"))  # fmt: skip
    before, after = weights(replaced(text, ("rate = 0.01", "rate = 0.0"))), weights(text)
    x = np.array([0.9, -0.5, 0.3, -0.2])[None, :, None]
    d = 0.01 * (0.3 + (before * x).sum(axis=1))[:, None] * x
    expected = before + (2.0 - before) * np.maximum(d, 0.0) - before * np.maximum(-d, 0.0)
    assert np.allclose(after, expected, rtol=1e-14) and (d < 0).any()


@pytest.mark.parametrize(
    ("stabiliser", "size"), [("sum_divisive", 1), ("sum_subtractive", 1), ("l2", 2), ("deflation", 2)]
)
def test_what_is_fixed_stays_fixed(stabiliser: str, size: int) -> None:
    w = weights(pair("hebb", stabiliser, trials=100))
    total = np.abs(w).sum(axis=1) if size == 1 else np.sqrt((w**2).sum(axis=1))
    assert np.allclose(total, 1.0, rtol=1e-12)
    if stabiliser == "deflation":
        gram = np.einsum("jir,kir->jkr", w, w)
        assert np.allclose(gram, np.eye(3)[:, :, None], atol=1e-12)


@pytest.mark.parametrize("held", ["sum_divisive", "l2", "deflation", "scaling"])
def test_bounds_have_the_last_word(held: str) -> None:
    low = -0.505 if held == "deflation" else 0.0
    goal = {"sum_divisive": "total = 2.0", "scaling": "target = 99.0"}.get(held, "norm = 1.0")
    text = replaced(
        pair("hebb", held, trials=2),
        ("bounds = [-2.0, 2.0]" if low else "bounds = [0.0, 2.0]", f"bounds = [{low}, 0.505]"),
        ("rate = 0.01", f"rate = 0.01\n{goal}"),
    )
    w = weights(text)
    assert w.min() >= low and w.max() <= 0.505
    assert (w == 0.505).any(), "the goal drives some of them against their bounds"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**31), st.floats(0.05, 0.95))
def test_the_projection_is_the_nearest_point_of_the_budget(n: int, seed: int, share: float) -> None:
    """Against a root found by SciPy; nothing else of the same sum is nearer."""
    rng = np.random.default_rng(seed)
    v, high = rng.normal(0.3, 0.6, (1, n, 1)), 0.7
    total = share * n * high
    mu = brentq(lambda m: np.clip(v - m, 0.0, high).sum() - total, v.min() - high - 1, v.max() + 1, xtol=1e-14)
    w = v.copy()
    project(w, total, 0.0, high)
    assert w.sum() == pytest.approx(total, abs=1e-12) and w.min() >= 0.0 and w.max() <= high
    assert np.allclose(w, np.clip(v - mu, 0.0, high), atol=1e-10)


def test_scaling_is_the_exact_logistic_step_at_any_time_constant() -> None:
    """A hundred steps of the time constant 50 are as exact as ten of 5: the step is the solution itself."""
    text = replaced(GRID, ('rule = "hebb"\nrate = 0.01', 'rule = "hebb"\nrate = 0.0\nstabiliser = "scaling"\ntarget = 0.9\nscaling_time = "5 trial"'),
                    ("size = 3\nbaseline = 0.3", "size = 3"), ("bounds = [0.0, 2.0]\n", ""), ("spread = 0.1", "spread = 0.0"),
                    ("values = [0.9, 0.1, 0.3, 0.2, 0.1, 0.8, 0.2, 0.4, 0.3, 0.1, 0.7, 0.1, 0.2, 0.3, 0.1, 0.8]", "values = [1.0, 0.0, 0.0, 0.0]"),
                    ("trials = 1\n", "trials = 10\n"))  # fmt: skip
    rate = weights(text)[:, 0]
    assert np.allclose(rate, 0.9 / (1 + (0.9 / 0.4 - 1) * np.exp(-0.9 * 10 / 5)), rtol=1e-13)
    assert np.allclose(weights(text), rate[:, None], rtol=1e-13), "all weights by one factor"


def test_scaling_reaches_the_weights_of_a_shown_cue() -> None:
    text = re.sub(r"\[outcome.w\d4\]\n(.*\n){4}", "", GRID)
    text = replaced(text, ('rule = "hebb"\nrate = 0.01', 'rule = "hebb"\nrate = 0.0\nstabiliser = "scaling"\ntarget = 0.9\nscaling_time = "5 trial"'),
                    ("size = 3\nbaseline = 0.3", "size = 3"), ("size = 4", "size = 3"), ("trials = 1\n", "trials = 300\n"),
                    (PATTERNS, 'kind = "cued_bandit"\ncues = "x"\nanswers = "y"\n'))  # fmt: skip
    found = solved(text).outcomes
    assert np.allclose([found[f"w{j}{i}"] for j in (1, 2, 3) for i in (1, 2, 3)], 0.9, atol=1e-6)


@pytest.mark.parametrize("stabiliser", ["none", "oja", "sanger", "sum_subtractive", "l2", "soft_bounds", "scaling"])
def test_a_subject_alone_has_the_bits_it_has_in_a_block(stabiliser: str) -> None:
    batch = only(pair("hebb", stabiliser, trials=70))
    whole = solve(batch)
    alone = [solve(batch.take(np.array([i]))) for i in range(len(batch))]
    assert equal(whole, joined(alone))
    assert equal(whole, solve(batch)), "solving once leaves nothing behind for the next time"
