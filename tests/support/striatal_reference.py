"""An independent reference of the cued-muscle striatum, one arm at a time, written as the equations stand.

Plain NumPy, vectorised over subjects only, and nothing from the package: what the engine computes from
declared components is computed here a second time from the equations. Arrays keep subjects last.

Symbols: ``A`` acetylcholine, ``M1`` share of active M1 receptors, ``G_dep`` permission for depression and
depotentiation, ``G_pot`` permission for potentiation, ``W1``/``W2`` direct and indirect pathway weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

Array = NDArray[np.float64]
Value = float | Array

PIECE = 250
"""Trials of noise asked for at once; the caller's streams are read in order, so its size does not matter."""
HOURS_A_DAY = 24


@dataclass(frozen=True)
class Arm:
    """Numbers of one arm; those that differ between subjects are arrays ``(subjects,)``."""

    tone: Value = 1.0
    d2_efficacy: Value = 1.0
    d2_recruitment: Value = 0.8
    k_ach: Value = 1.0
    th_d: Value = 0.30
    h_d: Value = 5.0
    th_p: Value = 0.08
    restraint: Value = 0.56
    dopamine: Value = 1.0
    m4_gain: Value = 0.0
    d2_signal: Value = 1.0
    balance: Value = 1.0
    ec50_m1: Value = 18.3
    ec50_m4: Value = 1.6 * 18.3
    surround: Value = 0.35
    overlap: Value = 0.25
    drive: Value = 0.25
    baseline: Value = 0.3
    penalty: Value = 0.3
    target: Value = 0.6
    rate: Value = 0.08
    depotentiation: Value = 0.004
    noise: Value = 0.12
    initial: Value = 0.5
    value_rate: Value = 0.1
    homeostat: Value = 0.5
    homeostat_target: Value = 0.1
    homeostat_window: Value = 500.0
    refresh: int = 1
    one_row: bool = False


CONDITIONS = {
    "wild_type": Arm(m4_gain=0.65),
    "dyt1": Arm(tone=1.5, d2_efficacy=-0.2, dopamine=0.5, d2_signal=0.5, m4_gain=0.35),
    "dyt1_xing": Arm(tone=1.5, d2_efficacy=0.3, dopamine=0.5, d2_signal=0.5, m4_gain=0.35),
}


@dataclass
class State:
    """What one arm carries from trial to trial; the last axis is the subject."""

    direct: Array
    indirect: Array
    value: Array
    theta: Array
    brake: Array

    @classmethod
    def naive(cls, arm: Arm, size: int, subjects: int) -> State:
        """Return the state before any practice: even weights, nothing expected, a neutral threshold."""
        rows = 1 if arm.one_row else size
        weights = np.broadcast_to(arm.initial, (rows, size, subjects)).astype(float)
        theta = np.broadcast_to(arm.homeostat_target, (size, subjects)).astype(float)
        return cls(weights, weights.copy(), np.zeros((rows, subjects)), theta, np.ones((size, subjects)))


@dataclass(frozen=True)
class Gates:
    """Factors that a drug level fixes; each broadcasts to ``(subjects,)``."""

    potentiation: Value
    depression: Value
    dopamine: Value


@dataclass(frozen=True)
class Course:
    """Activity on and off the target, each ``(trials, subjects)``, and the state at the end."""

    on: Array
    off: Array
    size: int
    final: State = field(repr=False)

    def overflow(self, start: int, stop: int) -> Array:
        """Mean over trials ``start`` to ``stop`` of off-target over target activity, per subject."""
        ratios = self.off[start:stop] / np.maximum(self.on[start:stop], 0.01)
        overflow: Array = ratios.mean(axis=0)
        return overflow

    def overflow_of_means(self, start: int, stop: int) -> Array:
        """The same as a ratio of means over the window."""
        ratio: Array = self.off[start:stop].mean(axis=0) / self.on[start:stop].mean(axis=0)
        return ratio

    def selectivity(self, start: int, stop: int) -> Array:
        """Target activity as a share of all activity over the window, per subject."""
        on, off = self.on[start:stop].sum(axis=0), self.off[start:stop].sum(axis=0)
        share: Array = on / (on + (self.size - 1) * off)
        return share

    def success(self, start: int, stop: int) -> Array:
        """Share of trials with the target at 0.54 or more and the others below half of it, per subject."""
        on, off = self.on[start:stop], self.off[start:stop]
        share: Array = ((on >= 0.54) & (off < 0.5 * on)).mean(axis=0)
        return share


def gates(arm: Arm, concentration: Value) -> Gates:
    """Return the factors at one plasma concentration (ng/mL)."""
    m1_free = 1 - concentration / (concentration + arm.ec50_m1)
    m4_occupancy = concentration / (concentration + arm.ec50_m4)
    ach = arm.tone * (1 - arm.d2_efficacy * arm.d2_recruitment)
    m1 = ach / (ach + arm.k_ach / m1_free)
    l_gain = 1 + arm.restraint * (1 - np.maximum(arm.d2_efficacy, 0.0))
    return Gates(
        potentiation=l_gain * m1**2 / (m1**2 + arm.th_p**2) * np.sqrt(arm.balance),
        depression=1 / (1 + (m1 / arm.th_d) ** arm.h_d),
        dopamine=arm.dopamine * (1 + arm.m4_gain * m4_occupancy),
    )


def trial(arm: Arm, state: State, gate: Gates, cue: NDArray[np.int64], xi: Array, count: int) -> tuple[Array, Array]:
    """Advance `state` by one trial; return target activity and mean off-target activity, ``(subjects,)``.

    `cue` is ``(subjects,)``, `xi` standard normal noise ``(muscles, subjects)``, `count` the trial's number in its
    phase. The sliding threshold moves before the weights, and the weights change all at once.
    """
    size, subjects = xi.shape
    who = np.arange(subjects)
    row = np.zeros_like(cue) if arm.one_row else cue
    w1, w2 = state.direct[row, :, who].T, state.indirect[row, :, who].T
    shown = np.where(np.arange(size)[:, None] == cue, 1.0, arm.overlap)

    u = arm.baseline + arm.drive * shown + w1 - w2 + arm.noise * xi
    m = np.clip(u - arm.surround * (u.sum(axis=0) - u) / (size - 1), 0.0, 1.0)
    on = m[cue, who]
    off = (m.sum(axis=0) - on) / (size - 1)
    reward = np.clip(on / arm.target, 0.0, 1.0) - arm.penalty * off
    delta = reward - state.value[row, who]
    state.value[row, who] += arm.value_rate * delta

    state.theta += (m**2 - state.theta) * -np.expm1(-1 / np.asarray(arm.homeostat_window))
    if count % arm.refresh == 0:
        state.brake = (state.theta / arm.homeostat_target) ** arm.homeostat
    f = state.brake
    burst, dip = np.maximum(gate.dopamine * delta, 0.0), np.maximum(-gate.dopamine * delta, 0.0)
    ltp, ltd = arm.rate * gate.potentiation, arm.rate * gate.depression / np.sqrt(arm.balance)
    back = arm.depotentiation * gate.depression
    dw1 = ltp * burst * m * (1 - w1) / f - ltd * dip * m * w1 * f - back * (w1 - arm.initial)
    dw2 = arm.d2_signal * ltp * dip * m * (1 - w2) / f - ltd * burst * m * w2 * f - back * (w2 - arm.initial)
    state.direct[row, :, who] = np.clip(w1 + dw1, 0.0, 1.0).T
    state.indirect[row, :, who] = np.clip(w2 + dw2, 0.0, 1.0).T
    return on, off


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
        ``noise(start, stop)`` returns standard normals ``(stop - start, size, subjects)``.
    """
    trials, subjects = cues.shape
    state = State.naive(arm, size, subjects)
    kept = np.empty((2, trials, subjects))
    level: Value | None = None
    for begin in range(0, trials, PIECE):
        xi = noise(begin, min(begin + PIECE, trials))
        for step in range(len(xi)):
            now = concentration(begin + step)
            if now is not level:
                level, gate = now, gates(arm, now)
            kept[:, begin + step] = trial(arm, state, gate, cues[begin + step], xi[step], begin + step)
    return Course(kept[0], kept[1], size, state)


def saturation(state: State) -> Array:
    """Share of muscles with any weight outside 0.1-0.9, per subject."""
    outside = (np.abs(state.direct - 0.5) > 0.4) | (np.abs(state.indirect - 0.5) > 0.4)
    share: Array = outside.any(axis=0).mean(axis=0)
    return share


@dataclass(frozen=True)
class Kinetics:
    """Two-compartment oral kinetics per hour and litres; apparent values, bioavailability unknown."""

    absorption: float = 2.07
    volume: float = 502.0
    k12: float = 0.0328
    k21: float = 0.0867


def daily_means(doses: Array, every: int, clearance: Array, kinetics: Kinetics) -> Array:
    """Return the mean plasma concentration of each day, ``(days, subjects)`` in ng/mL.

    By matrix exponential of gut, central and peripheral amounts and the integral of the central one.

    Parameters
    ----------
    doses : array (given,)
        Amounts in mg, one every `every` hours from time 0; `every` divides a day.
    clearance : array (subjects,)
        L/h.
    """
    ka, k12, k21 = kinetics.absorption, kinetics.k12, kinetics.k21
    steps = []
    for each in clearance:
        out = each / kinetics.volume
        flow = [[-ka, 0, 0, 0], [ka, -out - k12, k21, 0], [0, k12, -k21, 0], [0, 1, 0, 0]]
        steps.append(expm(np.array(flow) * every))
    step, amounts = np.stack(steps), np.zeros((len(clearance), 4))
    areas = np.empty((len(doses), len(clearance)))
    for i, dose in enumerate(doses):
        amounts[:, 0] += dose
        amounts[:, 3] = 0.0
        amounts = np.einsum("sij,sj->si", step, amounts)
        areas[i] = amounts[:, 3]
    daily = areas.reshape(-1, HOURS_A_DAY // every, len(clearance)).sum(axis=1)
    means: Array = daily / HOURS_A_DAY * 1000.0 / kinetics.volume
    return means
