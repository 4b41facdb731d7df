"""What a drive and its stabiliser cannot do together: what they need of the projection, bounds, and steps too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

from workbench.circuit.populations import size_of
from workbench.plasticity.shown import Tables, centred, has_trials, input_power
from workbench.plasticity.simplex import sum_faults
from workbench.plasticity.stabilisers import WHOLE

Fields = Mapping[str, Any]
UNSTABLE = 0.1
"""Largest rate * decay * E|x|^2: at 1 a decay would take away more than there is; noise asks for a tenth of that."""


def needs_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what a stabiliser needs of its projection and does not find."""
    declared = tables["projection"].get(fields["projection"], {})
    cues = {task.get("cues") for task in tables.get("task", {}).values()}
    if stabiliser in WHOLE and (declared.get("wiring", "dense") != "dense" or declared.get("pre") in cues):
        yield "stabiliser", f"{stabiliser} needs all weights of a unit: a dense projection, not shown cue by cue"
    bounds = declared.get("bounds")
    if stabiliser in ("soft_bounds", "sum_subtractive") and not bounds:
        yield "stabiliser", f"{stabiliser} needs bounds = [low, high] on the projection"
    elif stabiliser == "sum_divisive" and not (bounds and bounds[0] >= 0.0):
        yield "stabiliser", "sum_divisive divides by the sum: it needs bounds = [low, high] with low at least 0"
    elif stabiliser == "sum_divisive" and _starts_at_zero(declared):
        yield "stabiliser", "sum_divisive divides by the sum, and all weights start at 0: there is no sum to divide by"
    if stabiliser in ("sanger", "subspace", "deflation") and declared.get("pre") in tables["population"]:
        inputs, outputs = (size_of(tables, declared[end]) for end in ("pre", "post"))
        if outputs > inputs:
            yield "stabiliser", f"{inputs} inputs have no more than {inputs} directions, got {outputs} outputs"
        elif stabiliser == "deflation" and outputs > 1 and bounds and not bounds[0] < 0.0 < bounds[1]:
            yield "stabiliser", "deflation puts units at right angles, for which weights need bounds on both sides of 0"
    if stabiliser == "scaling" and has_trials(tables):
        yield from _scaling_faults(fields, declared, tables)


def _starts_at_zero(declared: Fields) -> bool:
    weights = declared.get("weights") or (declared.get("weight"),)
    return declared.get("spread") == 0.0 and all(weight == 0.0 for weight in weights)


def _linear(unit: Fields) -> bool:
    return unit.get("kind") == "rate" and unit.get("activation", "linear") == "linear"


def _scaling_faults(fields: Fields, declared: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield why there is no mean rate that weights could be scaled to."""
    post = fields.get("postsynaptic") or declared.get("post")
    unit = tables["population"].get(post or "", {})
    if declared.get("sign", "excitatory") == "inhibitory":
        yield (
            "stabiliser",
            (
                f"scaling strengthens weights while the rate is below its target, but {fields['projection']} is "
                "inhibitory: there that lowers the rate further"
            ),
        )
    elif _linear(unit) and centred(declared.get("pre"), tables):
        yield (
            "stabiliser",
            f"scaling holds a mean rate, to which inputs of mean 0 add nothing at linear units ({post})",
        )


def reach_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a sum or a length that weights within their bounds cannot have."""
    declared = tables["projection"].get(fields["projection"], {})
    bounds, total, norm = declared.get("bounds"), fields.get("total", 1.0), fields.get("norm", 1.0)
    if not bounds or declared.get("pre") not in tables["population"]:
        return
    n, (low, high) = size_of(tables, declared["pre"]), bounds
    if stabiliser in ("sum_subtractive", "sum_divisive"):
        yield from sum_faults(n, total, bounds)
    if stabiliser in ("l2", "deflation") and norm is not None:
        shortest = sqrt(n) * max(low, -high, 0.0)
        longest = sqrt(n) * max(high, -low)
        if not shortest <= norm <= longest:
            yield (
                "norm",
                (
                    f"{n} weights between {low:g} and {high:g} have a length between {shortest:.4g} and {longest:.4g}, "
                    f"never {norm:g}"
                ),
            )


def decay_faults(fields: Fields, stabiliser: str, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a rate beyond the stability of a decay on the trial clock."""
    declared = tables["projection"].get(fields["projection"], {})
    rate, decay = fields.get("rate", 0.01), fields.get("decay", 1.0)
    power = input_power(declared.get("pre"), tables)
    if stabiliser in ("oja", "sanger", "subspace") and has_trials(tables) and None not in (rate, decay, power):
        step = rate * decay * power
        if step >= UNSTABLE:
            yield (
                "rate",
                (
                    f"rate * decay * E|x|^2 = {step:.3g} must stay below {UNSTABLE:g}: a longer step overshoots "
                    f"(here rate below {UNSTABLE / (decay * power):.3g})"
                ),
            )
