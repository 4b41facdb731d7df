"""Two compartments and a gut, three doses a day for a week, beside a general solver of differential equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.peers.peer import Array, Peer, clocked
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from workbench.plan import plan
from workbench.scenario.load import parse_scenario
from workbench.scenario.shipped_files import scenarios_folder
from workbench.solver.batch import Batch
from workbench.solver.run import solve

ABSORPTION, VOLUME, FLOW, SLOW = 2.0, 500.0, 16.0, 190.0
EVERY, DOSES, AMOUNT, END = 8.0, 21, 2.0, 171.0
SCENARIO = f"""
schema = 1
title = "Three doses a day for a week"
[use]
context = "Kinetics of one drug, to compare solvers"
not_for = "Choosing a dose for anyone"
[subjects]
count = 8
seed = 3
[subjects.trait.clearance]
on = "drug.example.clearance"
distribution = "lognormal"
median = 1.0
cv = 0.3
[drug.example]
model = "multi_compartment_oral"
absorption = "{ABSORPTION} 1/h"
clearance = "20 L/h"
volume = "{VOLUME} L"
plausible = {{ single = ["1 mg", "5 mg"], source = "Fava2020" }}
[compartment.slow]
drug = "example"
flow = "{FLOW} L/h"
volume = "{SLOW} L"
[dose.tablet]
drug = "example"
amount = "{AMOUNT} mg"
every = "{EVERY} h"
count = {DOSES}
during = "week"
[phase.week]
clock = "event"
length = "{END + 1} h"
[outcome.level]
readout = "concentration"
drug = "example"
window = "{END} h into week"
"""
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Question:
    """People who differ in clearance (L/h)."""

    batch: Batch
    clearance: Array


def ask(people: int) -> Question:
    """Return the question for so many people."""
    scenario = parse_scenario(SCENARIO.encode(), "kinetics.toml", scenarios_folder())
    (chunk,) = plan(scenario, subjects=people).chunks(lambda structure: people)
    return Question(chunk.batch, np.broadcast_to(chunk.batch.values["drug.example.clearance"], people))


def flows(clearance: float) -> Array:
    """Return the rates of change of gut, centre and slow compartment by their amounts (1/h)."""
    out, there, back = clearance / VOLUME, FLOW / VOLUME, FLOW / SLOW
    return np.array([[-ABSORPTION, 0.0, 0.0], [ABSORPTION, -out - there, back], [0.0, there, -back]])


def answer(question: Question) -> Array:
    """Return the concentrations at the end (ng/mL) by matrix exponentials from dose to dose."""
    last = END - EVERY * (DOSES - 1)
    levels = []
    for clearance in question.clearance:
        matrix, amounts = flows(clearance), np.zeros(3)
        step = expm(matrix * EVERY)
        for _ in range(DOSES - 1):
            amounts[0] += AMOUNT
            amounts = step @ amounts
        amounts[0] += AMOUNT
        levels.append((expm(matrix * last) @ amounts)[1])
    return np.array(levels) / VOLUME * 1000.0


def peers(question: Question) -> list[Peer]:
    """Return the programs that answer the question; a step is one dosing interval of one person."""
    steps = len(question.clearance) * DOSES
    return [
        Peer("workbench, one core", lambda: clocked(lambda: solve(question.batch).outcomes["level"]), steps),
        Peer("SciPy solve_ivp, person by person", lambda: clocked(lambda: integrated(question)), steps),
    ]


def integrated(question: Question) -> Array:
    """Return the same by DOP853, each person alone, begun anew at each dose."""
    levels = []
    for clearance in question.clearance:
        matrix, amounts = flows(clearance), np.zeros(3)
        for dose in range(DOSES):
            amounts[0] += AMOUNT
            span = EVERY if dose < DOSES - 1 else END - EVERY * (DOSES - 1)
            found = solve_ivp(
                lambda t, x, m=matrix: m @ x, (0.0, span), amounts, "DOP853", rtol=TOLERANCE, atol=TOLERANCE
            )
            amounts = found.y[:, -1]
        levels.append(amounts[1])
    return np.array(levels) / VOLUME * 1000.0
