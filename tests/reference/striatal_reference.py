"""An independent reference of the cued-muscle striatum, one arm at a time, written as the equations stand.

Plain NumPy, vectorised over subjects only, and nothing from the package: what the engine computes from
declared components is computed here a second time from the equations. Arrays keep subjects last.

Symbols: ``A`` acetylcholine, ``M1`` share of active M1 receptors, ``G_dep`` permission for depression and
depotentiation, ``G_pot`` permission for potentiation, ``W1``/``W2`` direct and indirect pathway weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Value = float | Array

BLOCK = 250
"""Trials of noise drawn at once; streams are read in order, so its size does not matter."""


@dataclass(frozen=True)
class Kinetics:
    """Two-compartment oral kinetics: per hour and litres, apparent (bioavailability unknown)."""

    absorption: float = 2.07
    clearance: Value = 16.0
    volume: float = 502.0
    k12: float = 0.0328
    k21: float = 0.0867


@dataclass(frozen=True)
class Arm:
    """Numbers of one arm; those that differ between subjects are arrays ``(subjects,)``."""

    tone: Value = 1.0
    d2_efficacy: Value = 1.0
    d2_recruitment: Value = 0.8
    k_ach: float = 1.0
    th_d: Value = 0.30
    h_d: float = 5.0
    th_p: float = 0.08
    restraint: float = 0.56
    dopamine: Value = 1.0
    m4_gain: Value = 0.0
    d2_signal: Value = 1.0
    balance: Value = 1.0
    ec50: Value = 18.3
    m4_ratio: float = 1.6
    surround: Value = 0.35
    overlap: Value = 0.25
    drive: float = 0.25
    baseline: float = 0.3
    penalty: float = 0.3
    target: float = 0.6
    rate: Value = 0.08
    depotentiation: Value = 0.004
    noise: Value = 0.12
    initial: float = 0.5
    value_rate: float = 0.1
    homeostat: Value = 0.0
    homeostat_target: float = 0.1
    homeostat_window: float = 500.0
    refresh: int = 1
    up_factor: float = 1.0
    down_factor: float = 1.0
    shared_row: bool = False


@dataclass
class State:
    """What one arm carries from trial to trial; the last axis is the subject."""

    direct: Array
    indirect: Array
    value: Array
    theta: Array
    brake: Array


@dataclass(frozen=True)
class Gates:
    """Factors that stay fixed during a trial, each broadcastable to ``(subjects,)``."""

    potentiation: Value
    depression: Value
    restraint: Value
    dopamine: Value


@dataclass(frozen=True)
class Course:
    """What is kept: motor output on and off the target and success, each ``(trials, subjects)``, and final weights."""

    on: Array
    off: Array
    success: Array
    final: State = field(repr=False)

    def overflow(self, start: int, stop: int) -> Array:
        """Overflow index per subject: mean off-target over mean target activity of trials ``start`` to ``stop``."""
        return self.off[start:stop].mean(axis=0) / self.on[start:stop].mean(axis=0)

    def selectivity(self, start: int, stop: int, size: int) -> Array:
        """Mean over trials of the target's share of all output (trials without output do not count)."""
        total = self.on[start:stop] + (size - 1) * self.off[start:stop]
        share = np.divide(self.on[start:stop], total, out=np.full_like(total, np.nan), where=total > 0)
        return np.asarray(np.nanmean(share, axis=0))


def gates(arm: Arm, concentration: Value) -> Gates:
    """Return the permission factors at one plasma concentration (ng/mL)."""
    m1_occupancy = concentration / (concentration + arm.ec50)
    m4_occupancy = concentration / (concentration + arm.m4_ratio * arm.ec50)
    ach = arm.tone * (1 - arm.d2_efficacy * arm.d2_recruitment)
    m1 = ach / (ach + arm.k_ach / (1 - m1_occupancy))
    return Gates(
        potentiation=m1**2 / (m1**2 + arm.th_p**2),
        depression=1 / (1 + (m1 / arm.th_d) ** arm.h_d),
        restraint=1 + arm.restraint * (1 - np.maximum(arm.d2_efficacy, 0.0)),
        dopamine=arm.dopamine * (1 + arm.m4_gain * m4_occupancy),
    )


def start(arm: Arm, size: int, subjects: int) -> State:
    """Return the naive state of `size` muscles and cues for `subjects` subjects."""
    rows = 1 if arm.shared_row else size
    weights = np.full((rows, size, subjects), arm.initial)
    theta = np.full((size, subjects), arm.homeostat_target)
    return State(weights, weights.copy(), np.zeros((rows, subjects)), theta, np.ones((size, subjects)))


def trial(arm: Arm, state: State, gate: Gates, cue: NDArray[np.int64], xi: Array, count: int) -> tuple[Array, Array, Array]:
    """Advance `state` by one trial; return target activity, mean off-target activity, and success (0 or 1).

    `cue` is ``(subjects,)``, `xi` standard normal noise ``(muscles, subjects)``, `count` the trial's number.
    """
    size, subjects = xi.shape
    who = np.arange(subjects)
    row = np.zeros_like(cue) if arm.shared_row else cue
    w1, w2 = state.direct[row, :, who].T, state.indirect[row, :, who].T
    shown = np.arange(size)[:, None] == cue
    drive = np.where(shown, 1.0, arm.overlap)

    u = arm.baseline + arm.drive * drive + w1 - w2 + arm.noise * xi
    others = (u.sum(axis=0) - u) / (size - 1)
    m = np.clip(u - arm.surround * others, 0.0, 1.0)
    on = m[cue, who]
    off = (m.sum(axis=0) - on) / (size - 1)
    reward = np.clip(on / arm.target, 0.0, 1.0) - arm.penalty * off
    delta = reward - state.value[row, who]
    state.value[row, who] += arm.value_rate * delta

    if count % arm.refresh == 0:
        state.brake = (state.theta / arm.homeostat_target) ** arm.homeostat
    f = state.brake
    burst = arm.up_factor * np.maximum(gate.dopamine * delta, 0.0)
    burst_down = arm.down_factor * np.maximum(gate.dopamine * delta, 0.0)
    dip = arm.up_factor * np.maximum(-gate.dopamine * delta, 0.0)
    dip_down = arm.down_factor * np.maximum(-gate.dopamine * delta, 0.0)
    ltp = gate.restraint * gate.potentiation * np.sqrt(arm.balance)
    ltd = gate.depression / np.sqrt(arm.balance)
    rest = arm.depotentiation * gate.depression
    new1 = w1 + arm.rate * (ltp * burst * m * (1 - w1) / f - ltd * dip_down * m * w1 * f) - rest * (w1 - arm.initial)
    new2 = w2 + arm.rate * (arm.d2_signal * ltp * dip * m * (1 - w2) / f - ltd * burst_down * m * w2 * f) - rest * (
        w2 - arm.initial
    )
    state.direct[row, :, who] = np.clip(new1, 0.0, 1.0).T
    state.indirect[row, :, who] = np.clip(new2, 0.0, 1.0).T
    state.theta += (m**2 - state.theta) / arm.homeostat_window
    return on, off, ((on >= 0.9 * arm.target) & (off < 0.5 * on)).astype(float)


def simulate(
    arm: Arm,
    concentration: Callable[[int], Value],
    cues: NDArray[np.int64],
    noise: Callable[[int, int], Array],
    size: int = 4,
) -> Course:
    """Run one arm over all trials.

    Parameters
    ----------
    concentration : callable
        Trial number to plasma concentration in ng/mL, a float or ``(subjects,)``.
    cues : array (trials, subjects)
        Which cue is shown.
    noise : callable
        ``noise(start, stop)`` returns standard normals ``(stop - start, muscles, subjects)``.
    """
    trials, subjects = cues.shape
    state = start(arm, size, subjects)
    kept = np.empty((3, trials, subjects))
    level: Value | None = None
    gate = gates(arm, 0.0)
    for begin in range(0, trials, BLOCK):
        xi = noise(begin, min(begin + BLOCK, trials))
        for step in range(len(xi)):
            now = concentration(begin + step)
            if now is not level:
                level, gate = now, gates(arm, now)
            kept[:, begin + step] = trial(arm, state, gate, cues[begin + step], xi[step], begin + step)
    return Course(kept[0], kept[1], kept[2], state)


def saturation(state: State) -> Array:
    """Share of muscles with any weight outside 0.1-0.9, per subject."""
    outside = (np.abs(state.direct - 0.5) > 0.4) | (np.abs(state.indirect - 0.5) > 0.4)
    return np.asarray(outside.any(axis=0).mean(axis=0))


def steady_concentration(daily: float, kinetics: Kinetics) -> Value:
    """Average steady concentration (ng/mL) at `daily` mg a day: dose rate over clearance."""
    return daily * 1000.0 / 24.0 / kinetics.clearance


def with_condition(arm: Arm, name: str) -> Arm:
    """Return `arm` in a named condition: wild_type, dyt1 or dyt1_xing (D2 efficacy reduced, not inverted)."""
    if name == "wild_type":
        return arm
    sign = {"dyt1": -0.2, "dyt1_xing": 0.3}[name]
    return replace(arm, tone=1.5, d2_efficacy=sign, dopamine=0.5, d2_signal=0.5)
