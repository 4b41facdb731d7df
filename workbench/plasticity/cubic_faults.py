"""What a cubic rule cannot do: inputs, bounds and tails that do not suit it, and steps too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.plasticity.shown import Tables, has_trials, input_power, task_of
from workbench.tasks.mixture import KURTOSIS, kinds_of

Fields = Mapping[str, Any]
ALONE = {
    "heavy": "a cube grows without limit, faster than any exponential: hold it by l2, deflation or oja",
    "light": "what falls with the cube of activity falls to 0: hold it by l2 or deflation",
}
"""Why a form needs a stabiliser trial by trial, where growth is lost within a few; `threshold` keeps the length of the
weights in continuous time."""
NORMAL = 3.0
"""Fourth moment of a normal unit, to which excess kurtosis adds."""


def cubic_faults(fields: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield (field, why) for each partner of the rule that does not fit it."""
    projection = tables["projection"].get(fields["projection"], {})
    form, stabiliser, bounds = fields.get("form", "heavy"), fields.get("stabiliser", "none"), projection.get("bounds")
    if stabiliser == "oja" and form != "heavy":
        yield "stabiliser", f"cubic with oja: in the {form} form f y is not positive, so the decay cannot hold"
    if stabiliser == "none" and form in ALONE and has_trials(tables):
        yield "stabiliser", f"cubic ({form}) with none: {ALONE[form]}"
    if projection.get("sign", "excitatory") == "inhibitory":
        yield "rule", f"cubic seeks a source by growing along it, but {fields['projection']} is inhibitory"
    if bounds and not bounds[0] < 0.0 < bounds[1]:
        yield "rule", "a source lies in a direction of either sign: the weights of cubic need bounds on both sides of 0"
    shown = task_of(projection.get("pre"), tables)
    if shown.get("kind") == "mixture" and shown.get("whitened", True):
        yield from _source_faults(form, [KURTOSIS[kind] for kind in kinds_of(shown)])
        yield from _step_faults(fields, form, shown, tables)
    elif shown or tables["population"].get(projection.get("pre"), {}).get("kind") == "source":
        yield (
            "rule",
            (
                "cubic needs white input with sources in it, a mixture with whitened = true: otherwise variance leads "
                "it, not tails"
            ),
        )


def _source_faults(form: str, excess: list[float]) -> Iterator[tuple[str, str]]:
    """Yield tails that no source has."""
    if excess and not any((kurtosis < 0.0) == (form == "light") for kurtosis in excess):
        yield "form", f"seeks sources with {'light' if form == 'light' else 'heavy'} tails, and the mixture has none"


def _step_faults(fields: Fields, form: str, shown: Fields, tables: Tables) -> Iterator[tuple[str, str]]:
    """Yield a step that is no small one even on average: of one trial ``rate y^3 x``, of the order of the weights."""
    rate, goal, power = fields.get("rate", 0.01), _length(fields), input_power(shown["inputs"], tables)
    excess = [KURTOSIS[kind] for kind in kinds_of(shown)]
    if None in (rate, goal, power) or not excess or not has_trials(tables):
        return
    fourth = NORMAL + (min(excess) if form == "light" else max(excess))
    if (step := rate * goal * power * fourth) >= 1.0:
        yield (
            "rate",
            (
                f"rate * |W|^2 * E|x|^2 * E[s^4] = {step:.3g} must stay well below 1 (s: the source sought, of fourth "
                f"moment {fourth:.2g}): each trial would throw the weights about (here rate below {rate / step:.3g})"
            ),
        )


def _length(fields: Fields) -> float | None:
    """Return the squared length that the stabiliser holds; 1 where there is none."""
    norm, decay = fields.get("norm", 1.0), fields.get("decay", 1.0)
    match fields.get("stabiliser", "none"):
        case "l2" | "deflation":
            return None if norm is None else norm**2
        case "oja":
            return None if decay is None else 1.0 / decay
        case _:
            return 1.0
