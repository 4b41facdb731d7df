"""Driven rules averaged over their inputs: the weights as a flow, by exact solution where there is one.

Every solution starts from the weights at the beginning of the phase, and steps lie on a grid of their own, so what
is read on the way changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plasticity.simplex import project
from workbench.plasticity.stepping import Advance, on_grid, runge_kutta

if TYPE_CHECKING:
    from workbench.arrays import Array
    from workbench.assembly import Assembly
    from workbench.plasticity.bcm import BCM
    from workbench.plasticity.driven import Driven

EXACT = ("none", "oja", "l2", "sum_divisive")
"""Stabilisers of Hebb's rule for which the flow has a solution in closed form."""
STEPPED = ("oja", "sanger", "subspace", "none", "l2", "sum_divisive", "sum_subtractive")
HALVINGS = 60
"""Halvings of the interval in which a weight meets a bound."""


def faults(rule: type[Driven], fields: Mapping[str, Any], tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield why a rule has no mean field here, if a phase is on the flow clock."""
    flowing = sorted(name for name, phase in tables["phase"].items() if phase["clock"] == "flow")
    if not flowing:
        return
    projection = tables["projection"].get(fields["projection"], {})
    pre, post = projection.get("pre"), projection.get("post")
    task = next((t for t in tables.get("task", {}).values() if t.get("inputs") == pre), None)
    stabiliser, unit = fields.get("stabiliser", "none"), tables["population"].get(post, {})
    incoming = [n for n, p in tables["projection"].items() if p.get("post") == post]
    if task is None or task["kind"] not in ("gaussian", "ring", "patterns"):
        yield (
            "rule",
            f"phase {flowing[0]} (flow clock) averages over a gaussian, ring or patterns task",
        )
    elif rule.name == "bcm" and task["kind"] != "patterns":
        yield (
            "rule",
            f"the mean field of bcm is a sum over patterns, but {pre} shows a {task['kind']}",
        )
    elif task.get("changes_in") and rule.name != "bcm":
        yield "rule", "the gain of its patterns changes on the way, which its exact solution does not follow"
    if unit.get("kind") != "rate" or unit.get("activation", "linear") != "linear" or unit.get("noise", 0.0) != 0.0:
        yield "rule", f"the flow clock needs linear units without noise, which {post} are not"
    elif len(incoming) != 1 or unit.get("baseline", 0.0) != 0.0 or projection.get("wiring", "dense") != "dense":
        yield "rule", f"the flow clock needs {fields['projection']} (dense) to be the only input of {post}"
    elif stabiliser not in (STEPPED if rule.name == "hebb" else ("none",)):
        yield "stabiliser", f"{rule.name} with {stabiliser} has no mean field here; use the trial clock"

    for name in flowing:
        phase, known = tables["phase"][name], rule.name == "hebb" and stabiliser in EXACT
        step = 1 if known and phase["solution"] == "exact" else phase["step"]
        for course, recorded in sorted(tables.get("course", {}).items()):
            if recorded.get("every", 0) % step:
                every = recorded["every"]
                yield "rule", f"phase {name} goes in steps of {step} trials, but course {course} is read every {every}"


def build(rule: Driven, block: Assembly, name: str) -> None:
    """Register the step of the flow clock; `block.span` is the interval, in trials of the phase."""
    weight = block.update(f"projection.{name}.weight")
    block.signal(f"projection.{name}.bound_time")
    task = next(t for t, made in block.all("task") if getattr(made, "inputs", None) == _pre(block, name))
    if rule.name == "bcm":
        ways: dict[str, Advance] = {"stepped": _bcm(rule, block, weight, task)}  # type: ignore[arg-type]
    else:
        ways = {"stepped": _stepped(rule, block, name, weight, task)}
        if rule.stabiliser in EXACT:
            ways["exact"] = _exact(rule, block, name, weight, task)

    def flow(t: int) -> None:
        phase = block.component("phase", block.phase)
        way = "exact" if phase.solution == "exact" and "exact" in ways else "stepped"
        ways[way](*block.span)

    block.step("rule", flow, clock="flow")


def _pre(block: Assembly, name: str) -> str:
    pre: str = block.component("projection", name).pre
    return pre


def _exact(rule: Driven, block: Assembly, name: str, weight: Array, task: str) -> Advance:
    """Return the solution through ``u = exp(rate C t) W(0)`` in the eigenvectors of C.

    none: W = u. oja, with W scaled by ``sqrt(decay)``: ``u / sqrt(1 - |W(0)|^2 + |u|^2)``. l2 and sum_divisive: the
    direction of u at the fixed size. Where a weight meets a bound the solution ends, and the run stops there.
    """
    vectors, values = block.signals[f"task.{task}.eigenvectors"], block.signals[f"task.{task}.eigenvalues"]
    reached, start = block.signals[f"projection.{name}.bound_time"], np.zeros_like(weight)
    bounds = block.component("projection", name).bounds
    clock = {"before": 0.0, "now": 0.0}
    above = values - values[:1]

    def along(time: Any) -> tuple[Array, Array]:
        """Return u without its growth along the leading eigenvector, and that growth."""
        part = np.einsum("kir,jir->jkr", vectors, start) * np.exp(rule.rate * above * time)
        return np.einsum("jkr,kir->jir", part, vectors), np.asarray(rule.rate * values[0] * time)

    def solution(time: Any) -> Array:
        u, growth = along(time)
        match rule.stabiliser:
            case "oja":
                first, last = (np.einsum("jir,jir->jr", w, w) for w in (start, u))
                left = np.exp(-2.0 * growth) * (1.0 - rule.decay * first) + rule.decay * last
                return np.asarray(u / np.sqrt(left)[:, None])
            case "l2":
                return np.asarray(u * (rule.norm / np.sqrt(np.einsum("jir,jir->jr", u, u)))[:, None])
            case "sum_divisive":
                return np.asarray(u * (rule.total / np.einsum("jir->jr", u))[:, None])
            case _:
                return np.asarray(u * np.exp(growth))

    def outside(w: Array) -> Any:
        low, high = bounds
        return ((w > high) | (w < low)).any(axis=(0, 1))

    def meet(stop: float) -> None:
        """Stop runs at the moment at which a weight meets its bound."""
        out = outside(weight) & (reached == 0.0)
        early, late = np.zeros(block.runs), np.full(block.runs, stop)
        for _ in range(HALVINGS):
            middle = 0.5 * (early + late)
            beyond = outside(solution(middle))
            early, late = np.where(beyond, early, middle), np.where(beyond, middle, late)
        np.copyto(reached, np.where(out, clock["before"] + early, reached))
        weight[...] = np.where(out, np.clip(solution(early), *bounds), weight)

    def advance(begin: float, stop: float) -> None:
        if begin == stop == 0.0:
            start[...] = weight
            clock["before"], clock["now"] = clock["before"] + clock["now"], 0.0
            return
        clock["now"] = stop
        moving = reached == 0.0
        weight[...] = np.where(moving, solution(stop), weight)
        if bounds is not None and outside(weight)[moving].any():
            meet(stop)

    return advance


def _stepped(rule: Driven, block: Assembly, name: str, weight: Array, task: str) -> Advance:
    """Return classical Runge-Kutta steps, of fourth order; projected Euler steps, of first, for sum_subtractive."""
    vectors, values = block.signals[f"task.{task}.eigenvectors"], block.signals[f"task.{task}.eigenvalues"]
    covariance = np.einsum("kir,kr,kmr->imr", vectors, values, vectors)
    bounds, reached = block.component("projection", name).bounds, block.signals[f"projection.{name}.bound_time"]
    elapsed = [0.0]

    def drift(state: tuple[Array, ...]) -> tuple[Array, ...]:
        (w,) = state
        drive = np.einsum("imr,jmr->jir", covariance, w)
        power = np.einsum("jir,kir->jkr", drive, w)
        match rule.stabiliser:
            case "oja":
                back = np.einsum("jjr->jr", power)[:, None] * w * rule.decay
            case "sanger" | "subspace":
                if rule.stabiliser == "sanger":
                    power = power * np.tri(len(w))[:, :, None]
                back = np.einsum("jkr,kir->jir", power, w) * rule.decay
            case "l2":
                back = (np.einsum("jjr->jr", power) / np.einsum("jir,jir->jr", w, w))[:, None] * w
            case "sum_divisive":
                back = (np.einsum("jir->jr", drive) / np.einsum("jir->jr", w))[:, None] * w
            case _:
                return (rule.rate * drive,)
        return (rule.rate * (drive - back),)

    def note(span: float) -> None:
        """Keep the end of the step in which a weight first met its bound."""
        low, high = bounds
        elapsed[0] += span
        met = ((weight >= high) | (weight <= low)).any(axis=(0, 1))
        np.copyto(reached, np.where(met & (reached == 0.0), elapsed[0], reached))

    def euler(span: float) -> None:
        weight[...] += rule.rate * span * np.einsum("imr,jmr->jir", covariance, weight)
        project(weight, rule.total, *bounds)
        note(span)

    if rule.stabiliser == "sum_subtractive":
        return on_grid(block, euler)

    def step(span: float) -> None:
        (weight[...],) = runge_kutta(drift, (weight,), span)
        if bounds is not None:
            weight.clip(*bounds, out=weight)
            note(span)

    return on_grid(block, step)


def _bcm(rule: BCM, block: Assembly, weight: Array, task: str) -> Advance:
    """Return Runge-Kutta steps of weights and threshold together, averaged over the patterns."""
    theta = block.update(f"homeostat.{rule.homeostat}.theta")
    window = block.component("homeostat", rule.homeostat).window
    shown, patterns = block.component("task", task), block.signals[f"task.{task}.patterns"]
    level = [1.0]

    def drift(state: tuple[Array, ...]) -> tuple[Array, ...]:
        w, threshold = state
        y = np.einsum("jir,kir->jkr", w, patterns * level[0])
        f = y * (y - (threshold / rule.set_point)[:, None])
        shares = shown.shares(block)[None, :, None]
        grown = np.einsum("jkr,kir->jir", f * shares, patterns * level[0])
        return rule.rate * grown, (np.add.reduce(shares * y**2, axis=1) - threshold) / window

    def step(span: float) -> None:
        level[0] = shown.gain_in(block)
        weight[...], theta[...] = runge_kutta(drift, (weight, theta), span)

    return on_grid(block, step)
