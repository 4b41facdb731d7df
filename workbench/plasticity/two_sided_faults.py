"""What a two-sided rule cannot do: partners that do not fit, and marks that nobody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.circuit.populations import size_of
from workbench.plasticity.competition import competition_faults
from workbench.plasticity.synapses import postsynaptic_fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Fields = Mapping[str, Any]
    Tables = Mapping[str, Mapping[str, Any]]


def two_sided_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, why) for each partner of the rule that does not fit it."""
    projection = tables["projection"].get(fields["projection"], {})
    if fields.get("stabiliser", "soft_bounds") == "soft_bounds" and not projection.get("bounds"):
        yield "stabiliser", "soft_bounds needs bounds = [low, high] on the projection"
    yield from postsynaptic_fault(fields, tables)
    yield from _homeostat_faults(fields, projection, tables)
    yield from competition_faults(fields, projection, tables)
    yield from _mark_faults(fields, tables)
    yield from _third_factor_faults(fields, projection, tables)


def _homeostat_faults(fields: Fields, projection: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a homeostat of another population, and why a score cannot drive the rule."""
    watched = tables.get("homeostat", {}).get(fields.get("homeostat") or "", {}).get("population")
    post = fields.get("postsynaptic") or projection.get("post")
    if watched is not None and watched != post:
        yield "homeostat", f"it watches population {watched!r}, but this rule's postsynaptic population is {post!r}"
    if fields.get("drive") == "score":
        yield from _score_faults(fields, tables["population"].get(post or "", {}))


def _score_faults(fields: Fields, post: Fields) -> Iterator[tuple[str, str]]:
    """Yield why a score cannot drive the rule: it needs a policy, and it is as often below zero as above."""
    if post.get("kind") != "softmax":
        yield "drive", f"a score is what a softmax population has, and {post.get('name', 'it')} is none"
    if fields.get("stabiliser", "soft_bounds") == "soft_bounds":
        yield "stabiliser", "a score falls below zero, where soft bounds would push outwards: use hard_bounds"
    if fields.get("homeostat") or fields.get("ltp_threshold"):
        yield "drive", "a score has no threshold: leave homeostat and ltp_threshold out"


def _mark_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield what is missing between events, and marks that are carried from step to step."""
    happens = sorted(event["phase"] for event in tables.get("event", {}).values())
    missing = [key for key in ("third_factor", "ltp_trace", "ltd_trace") if not fields.get(key)]
    if happens and missing:
        yield missing[0], f"is missing: between the events of phase {happens[0]} activity leaves marks to be read"
    for side in ("ltp_trace", "ltd_trace"):
        kind = tables.get("eligibility", {}).get(fields.get(side) or "", {}).get("kind")
        if kind in ("cleared", "discounted"):
            yield side, f"{fields[side]} is {kind}, a mark that is carried from step to step: use a three_factor rule"


def _third_factor_faults(fields: Fields, projection: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a signal of single units where weights are not one-to-one, and a pulse that lingers."""
    third = tables.get("modulator", {}).get(fields.get("third_factor") or "", {})
    if third.get("source") == "threshold_crossing":
        units, many = (size_of(tables, p) for p in (third["population"], projection["post"]))
        if projection["wiring"] != "one_to_one" or units != many:
            yield "third_factor", f"signs {units} units apart: it needs one-to-one weights onto as many"
    if third.get("source") == "pulse" and third.get("decay"):
        yield "third_factor", "reads a pulse as it comes; one that lingers (decay) needs a three_factor rule"
