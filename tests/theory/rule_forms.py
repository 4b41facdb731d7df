"""Closed forms of the learning rules beneath, written down without the engine: what findings and tests hold it to."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log

import numpy as np
from scipy.special import ndtr

# --- policies ---------------------------------------------------------------------------------------------------------


def policy(preferences: tuple[float, ...]) -> np.ndarray:
    """Return softmax probabilities."""
    weight = np.exp(np.asarray(preferences))
    return np.asarray(weight / weight.sum())


def reward_gradient(preferences: tuple[float, ...], rewards: tuple[float, ...]) -> np.ndarray:
    """Return dJ/dtheta_a = p_a (R_a - J) of the expected reward J = sum p R."""
    p, worth = policy(preferences), np.asarray(rewards)
    return np.asarray(p * (worth - p @ worth))


def score_variance(preferences: tuple[float, float], rewards: tuple[float, float], baseline: float) -> float:
    """Return the variance of (R - b)(1[a] - p) for the first of two actions."""
    p, _ = policy(preferences)
    change = (rewards[0] - baseline) * (1.0 - p), (rewards[1] - baseline) * -p
    return float(p * (1.0 - p) * (change[0] - change[1]) ** 2)


# --- marks ------------------------------------------------------------------------------------------------------------


def lingering_change(rate: float, delay: float, mark: float, dopamine: float) -> float:
    """Return rate exp(-T / tau_e) tau_e tau_d / (tau_e + tau_d), all marks and pulses of size 1."""
    return rate * exp(-delay / mark) * mark * dopamine / (mark + dopamine)


def double_exponential(delay: float, rise: float, decay: float) -> float:
    """Return exp(-d / decay) - exp(-d / rise), not scaled; 0 before the mark."""
    return exp(-delay / decay) - exp(-delay / rise) if delay >= 0.0 else 0.0


def double_exponential_peak(rise: float, decay: float) -> float:
    """Return the delay at which it is largest."""
    return log(decay / rise) * rise * decay / (decay - rise)


def credit(step_from_end: int, steps: int, q: float) -> float:
    """Return the share of one of `steps` equal steps where each keeps q of the one after it (0 is the last)."""
    return q**step_from_end * (1.0 - q) / (1.0 - q**steps)


# --- temporal differences ---------------------------------------------------------------------------------------------


def cue_burst(discount: float, cue: int, outcome: int, reward: float = 1.0) -> float:
    """Return the trained error on arrival of an unannounced cue."""
    return float(reward * discount ** (outcome - cue + 1))


# --- two-sided core ---------------------------------------------------------------------------------------------------


def drives(cue: float, overlap: float, surround: float, channels: int = 4) -> tuple[float, float]:
    """Return the mean drive of the cued channel and of another one, after surround inhibition."""
    on, off = cue, cue * overlap
    others = channels - 1
    return on - surround * off, off - surround * (on + off * (others - 1)) / others


def tail(drive: float, threshold: float, noise: float) -> float:
    """Return Q((threshold - drive) / noise)."""
    return float(ndtr((drive - threshold) / noise))


def settled(up: float, down: float, phi: float) -> float:
    """Return A+ phi / (A+ phi + A- (1 - phi))."""
    return up * phi / (up * phi + down * (1.0 - phi))


def on_the_way(start: float, up: float, down: float, phi: float, trials: int) -> float:
    """Return the weight after `trials`, on the geometric way to `settled`."""
    end = settled(up, down, phi)
    return end + (start - end) * (1.0 - up * phi - down * (1.0 - phi)) ** trials


def activated(acetylcholine: float, occupied: float = 0.0) -> float:
    """Return the share of M1 receptors that are active, half of them at acetylcholine 1."""
    free = acetylcholine * (1.0 - occupied)
    return free / (free + 1.0)


def permitted(active: float, threshold: float = 0.3, exponent: float = 5.0) -> float:
    """Return the opening of the gate that active receptors close."""
    return 1.0 / (1.0 + (active / threshold) ** exponent)


# --- windows and capture ----------------------------------------------------------------------------------------------


def session_in_window(rate: float, gain: float, decay: float, start: float, length: float) -> float:
    """Return 1 - exp(-integral of rate (1 + gain exp(-t / decay))) over one session, hours after the drug."""
    area = decay * (exp(-start / decay) - exp(-(start + length) / decay))
    return 1.0 - exp(-rate * (length + gain * area))


def captured(early: float, lag: float, tag_decay: float, protein_decay: float, *, leaving: float, rise: float,
             trials_an_hour: float, length: float, capture: float = 1.0) -> float:  # fmt: skip
    """Return what a tag captures of `early` weight when proteins begin `lag` hours after the weak event has ended.

    Proteins follow an impulse that leaves the drug's compartment (`leaving`, 1/h) through a rise and a decay; what the
    tag meets of them is the product of three Laplace transforms at 1 / tag_decay.
    """
    s, up, down = 1.0 / tag_decay, 1.0 / rise, 1.0 / protein_decay
    speed = trials_an_hour + s
    tag = trials_an_hour / speed * (1.0 - exp(-speed * length))
    ratio = protein_decay / rise
    peak = exp(-log(ratio) / (ratio - 1.0))
    met = exp(-lag * s) * leaving / (leaving + s) * up / (up + s) / (down + s) / peak
    return early * (1.0 - exp(-capture * tag * met))


def capture_at_once(lag: float, tag_decay: float, protein_decay: float) -> float:
    """Return exp(-lag / tag) tag p / (tag + p): what a tag meets of proteins that are all there at once."""
    return exp(-lag / tag_decay) * tag_decay * protein_decay / (tag_decay + protein_decay)


# --- receptors and regions --------------------------------------------------------------------------------------------


def held(delay: float, share_2a: float, decay_2a: float = 0.087, decay_2b: float = 0.548) -> float:
    """Return what `delay` seconds leave of glutamate on a mixture of GluN2A and GluN2B."""
    return share_2a * exp(-delay / decay_2a) + (1.0 - share_2a) * exp(-delay / decay_2b)


def held_for(share_2a: float, decay_2a: float = 0.087, decay_2b: float = 0.548) -> float:
    """Return the area of the window in seconds."""
    return share_2a * decay_2a + (1.0 - share_2a) * decay_2b


def mean_open(peak: float, decay: float, rate: float) -> float:
    """Return peak decay rate (1 - exp(-1 / (rate decay))), the mean open share under a regular train."""
    return peak * decay * rate * (1.0 - exp(-1.0 / (rate * decay)))


def unblocked(magnesium: float, potential: float) -> float:
    """Return 1 / (1 + [Mg] / 3.57 exp(-0.062 V))."""
    return 1.0 / (1.0 + magnesium / 3.57 * exp(-0.062 * potential))


def left_over(pairs: int, lag: float, every: float, shape: Callable[[float], float]) -> float:
    """Return the product over pairings of 1 - what all marks so far leave at each: the way still to go to a bound."""
    marks = [sum(shape(lag + every * j) for j in range(k + 1)) for k in range(pairs)]
    return float(np.prod([1.0 - mark for mark in marks]))


# --- samples ----------------------------------------------------------------------------------------------------------


def steep(rule: str, inputs: int, outputs: int) -> float:
    """Return D of a rule that hears every output's error, or one number for jittered outputs or weights."""
    judged = {"gradient": 1.0, "node": outputs + 2.0, "weight": inputs * outputs + 2.0}
    return (inputs + 2.0) * judged[rule]


def error_left(rate: float, steep: float, samples: int) -> float:
    """Return (1 - 2 rate + rate^2 D)^samples."""
    return float((1.0 - 2.0 * rate + rate**2 * steep) ** samples)
