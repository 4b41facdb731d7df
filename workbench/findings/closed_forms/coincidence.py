"""NMDA receptors as detectors of coincidence: the window, the charge of a train, and ten pairings towards a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from math import exp, prod

from workbench.findings.closed_forms.form import ClosedForm

MG_HALF, MG_SLOPE = 3.57, 0.062
"""Constants of the block as printed: mM, and 1/mV."""

PIECES = (1.0, 8.0, 40.0)
"""Time constants between which a quadrature is cut; of an exponential the last leaves less than 1e-17."""
MIXTURE = {"share_2a": "f, share of GluN2A", "decay_2a": "tau_A, s", "decay_2b": "tau_B, s"}
PAIRINGS = {"input": "time of the first, s", "spike": "time of the first, s", "every": "interval, s", "pairs": "N"}


def _held(delay: float, share_2a: float, decay_2a: float, decay_2b: float) -> float:
    return share_2a * exp(-delay / decay_2a) + (1.0 - share_2a) * exp(-delay / decay_2b)


def _unblocked(magnesium: float, potential: float) -> float:
    half = MG_HALF * exp(MG_SLOPE * potential)
    return half / (half + magnesium)


def _area(height: Callable[[float], float], over: float, *decays: float) -> float:
    """Integrate from 0 on, in pieces as long as what decays in them."""
    from scipy.integrate import quad

    cuts = sorted({part * decay for decay in decays for part in PIECES if part * decay < over})
    return sum(float(quad(height, a, b, epsabs=1e-15, epsrel=1e-13)[0]) for a, b in pairwise([0.0, *cuts, over]))


def _mean_open(peak: float, decay: float, rate: float) -> float:
    return rate * _area(lambda t: peak * exp(-t / decay), 1.0 / rate, decay)


def _mixture_area(share_2a: float, decay_2a: float, decay_2b: float) -> float:
    end = PIECES[-1] * max(decay_2a, decay_2b)
    return _area(lambda s: _held(s, share_2a, decay_2a, decay_2b), end, decay_2a, decay_2b)


def _pair_change(
    rate: float, amplitude: float, input: float, spike: float, share_2a: float, decay_2a: float, decay_2b: float  # noqa: A002
) -> float:  # fmt: skip
    return rate * amplitude * (_held(spike - input, share_2a, decay_2a, decay_2b) if spike >= input else 0.0)


def _left(rate: float, lag: float, every: float, pairs: float, mark: Callable[[float], float]) -> float:
    """Return the product over pairings of 1 - what all traces so far leave at each."""
    sums = (sum(mark(lag + every * j) for j in range(k + 1)) for k in range(int(pairs)))
    return float(prod(1.0 - rate * total for total in sums))


def _left_by_mixture(
    rate: float, share_2a: float, decay_2a: float, decay_2b: float, input: float, spike: float, every: float, pairs: float  # noqa: A002, E501
) -> float:  # fmt: skip
    return _left(rate, spike - input, every, pairs, lambda delay: _held(delay, share_2a, decay_2a, decay_2b))


def _left_by_exponential(
    rate: float, decay: float, input: float, spike: float, every: float, pairs: float  # noqa: A002
) -> float:  # fmt: skip
    return _left(rate, spike - input, every, pairs, lambda delay: exp(-delay / decay))


def _percent_by_sign(
    sign: float, start: float, bound_if_above: float, left_if_above: float, bound_if_below: float, left_if_below: float
) -> float:
    bound, left = (bound_if_above, left_if_above) if sign > 0.0 else (bound_if_below, left_if_below)
    return 100.0 * ((bound + (start - bound) * left) / start - 1.0)


FORMS: Mapping[str, ClosedForm] = {
    "mean_open": ClosedForm(
        "f integral_0^(1 / f) P exp(-t / tau) dt, by quadrature: mean open share under a train that opens anew",
        "Erreger2005", {"peak": "P", "decay": "tau, s", "rate": "f, Hz"}, _mean_open,
    ),
    "magnesium_block": ClosedForm(
        "K / (K + [Mg]),  K = 3.57 mM exp(0.062 V): the share that magnesium leaves", "JahrStevens1990",
        {"magnesium": "[Mg], mM", "potential": "V, mV"},
        _unblocked,
    ),
    "mixture_area": ClosedForm(
        "integral_0^inf (f exp(-s / tau_A) + (1 - f) exp(-s / tau_B)) ds, by quadrature: the area of the window, s",
        "Erreger2005", MIXTURE, _mixture_area,
    ),
    "pair_change": ClosedForm(
        "rate amplitude (f exp(-s / tau_A) + (1 - f) exp(-s / tau_B)),  s = spike - input; 0 before it", "Erreger2005",
        {
            "rate": "learning rate", "amplitude": "of the spike", "input": "its time, s", "spike": "its time, s",
            **MIXTURE,
        },
        _pair_change,
    ),
    "left_by_mixture": ClosedForm(
        "prod_k (1 - rate sum_(j <= k) m(spike_k - input_j)),  m(s) = f exp(-s / tau_A) + (1 - f) exp(-s / tau_B):\n"
        "what N pairings leave of the way to a bound", "Erreger2005",
        {"rate": "learning rate", **MIXTURE, **PAIRINGS}, _left_by_mixture,
    ),
    "left_by_exponential": ClosedForm(
        "prod_k (1 - rate sum_(j <= k) exp(-(spike_k - input_j) / decay)): what N pairings leave of the way to a bound",
        "Izhikevich2007",
        {"rate": "learning rate", "decay": "of the trace, s", **PAIRINGS}, _left_by_exponential,
    ),
    "percent_by_sign": ClosedForm(
        "100 ((bound + (start - bound) left) / start - 1): change in % of the start, bound and left by the sign", "",
        {
            "sign": "of the pulse", "start": "weight", "bound_if_above": "where it moves to if the sign is above 0",
            "left_if_above": "what is then left of the way", "bound_if_below": "where to if it is below 0",
            "left_if_below": "what is then left of the way",
        },
        _percent_by_sign,
    ),
}  # fmt: skip
