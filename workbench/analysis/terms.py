"""The words that pages, screens and files share, and the counts below which a range is not printed."""

from __future__ import annotations

CALCULATION_ERROR = "calculation error"
"""How far a mean may be off because only so many subjects were simulated: its 95 % interval."""

ASSUMED = "assumed ranges"
"""Over all sets of parameters that a study spreads over plausible ranges, before any of them saw a finding."""

HELD = "held to the fitted findings"
"""Over those of the sets that also give back the published findings which the shipped numbers were fitted to."""

TOO_FEW = "too few"
FEWEST_PEOPLE = 50
"""Subjects per set of parameters below which a rate, a level or a g has no range over sets: people are in it."""

FEWEST_SETS = 20
"""Sets below which there is no range held to findings."""

BETTER, WORSE, NEITHER = "clearly better", "clearly worse", "neither"
"""Beyond the smallest difference worth naming in one direction, in the other, or within it."""
UNDECIDED, NOT_RUN = "undecided", "not run"
"""The error of the calculation reaches over an end of the accepted range; and: there are no runs to judge by."""
