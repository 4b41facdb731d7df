"""The words for what is measured and how sure it is: one table for pages and terminal.

Each term is used with the meaning that stands here, in every heading, caption, column and note.
"""

from __future__ import annotations

DIFFERENCE = "difference"
CALCULATION_ERROR = "calculation error"
HEDGES_G = "Hedges' g"
EFFECT_D_AV = "effect size d_av"
BETTER = "did better"
PLAUSIBLE = "assumed ranges"
HELD = "held to the fitted findings"
INTERACTION = "interaction"
FIRST_ALONE, SECOND_ALONE, BOTH = "first alone", "second alone", "both"
FEW, FEWEST = 10, 5
"""Subjects below which an interval of their mean is rough; and below which they show no spread at all."""
CLEARLY_BETTER, CLEARLY_WORSE, NEITHER = "clearly better", "clearly worse", "neither"
TOO_FEW = "too few"

FEWEST_PEOPLE = 50
"""Simulated people per set of parameters below which a rate, a level or a g has no range over sets."""

FEWEST_HELD = 20
"""Sets that give back the fitted findings below which no range over them is relied on."""

ENOUGH_SETS = 200
"""Sets from which a range is believed even where it does not hold the shipped set's own figure."""


def spread(who: str) -> str:
    """Return the term for the spread between those who are simulated (``simulated patients``)."""
    return f"range across {who}"


MEANINGS = {
    DIFFERENCE: "Arm minus the arm it is compared with, in the same simulated one; the mean over all of them.",
    CALCULATION_ERROR: "How far a mean may be off because only so many were simulated: its 95 % interval.",
    spread("{who}"): "Where the middle 80 % of them lie. Simulating more of them does not narrow it.",
    PLAUSIBLE: "What becomes of a mean difference when all that is assumed or fitted moves at once over its range, "
    "before anything published is looked at: the middle 90 % of the sets of parameters.",
    HELD: "The same over those sets alone that also give back the published findings which the numbers were fitted to.",
    HEDGES_G: "The difference as a trial of two separate groups would see it, in standard deviations.",
    EFFECT_D_AV: "Mean difference over the root mean square of the two arms' standard deviations.",
    BETTER: "Share of those simulated whose own value is better than under the arm it is compared with.",
    INTERACTION: "What two treatments do together beyond the sum of what each does alone; 0 if effects add.",
}
"""What each term means; ``{who}`` stands for patients, slices or subjects."""
IN_A_LINE = {
    DIFFERENCE: "arm minus the arm compared with, in the same subject; mean of all",
    CALCULATION_ERROR: "95 % interval of the mean of those simulated",
    spread("subjects"): "the middle 80 % of them; more of them do not make it narrower",
    HEDGES_G: "the two arms as independent groups, as a trial would see it",
    BETTER: "share of subjects who did better than in the arm compared with",
}
"""The same for a line below a table on a terminal."""


def heading(term: str) -> str:
    """Return a term as the heading of a column: with a capital.

    >>> heading(CALCULATION_ERROR)
    'Calculation error'
    """
    return term[:1].upper() + term[1:]
