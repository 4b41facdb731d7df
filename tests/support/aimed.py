"""A made-up sweep whose scenario names its population, its benefit, a cost and what speaks against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.fabricated import TEXT, StudyRow, fabricate, patients, studies

REPORT = """
[[use.contrary]]
text = {contrary}
source = "Xing2022"

[report]
population = {population}
influence = "none on care"
consequence = "a wrong answer costs an experiment"

[report.benefit]
title = "Spilling into the wrong place"
outcome = "overflow"
arm = "ill_30"
course = "overflow_course"

[report.cost.healthy]
title = "Spilling in healthy people who take the drug"
outcome = "overflow"
arm = "healthy_30"

[report.glossary]
blocker = {meaning}
"""
DESIGN = '\n[study.plausible]\ndesign = "lhs"\nn = 30\n'
SETS = tuple(
    {"gate.brake.threshold": 0.2 + 0.02 * k, "modulator.tone.level": 1.0 + (k * 7 % 30) / 30} for k in range(30)
)


def toml(text: str) -> str:
    """Return a text as a TOML string."""
    return json.dumps(text, ensure_ascii=False)


def aimed(
    path: Path,
    *,
    design: bool = False,
    population: str = "made-up dystonia",
    contrary: str = "In some mice it is the other way round.",
    meaning: str = "A drug that stops what is too loud.",
    slope: float = 1.0,
    extra: str = "",
    **made: Any,
) -> Path:
    """Write the sweep of `fabricated`, with `[report]`, and with plausible parameters if wanted."""
    text = (
        TEXT
        + REPORT.format(population=toml(population), contrary=toml(contrary), meaning=toml(meaning))
        + DESIGN * design
        + extra
    )
    arms = made.pop("arms", patients())

    def cell(arm: str, point: Mapping[str, Any], subject: int) -> float:
        relief = slope * (point["gate.brake.threshold"] - 0.45)
        return 0.5 - (relief if arm == "ill_30" else 0.0) + 0.01 * subject

    plan = made.pop("plan", studies(arms))
    if design:
        plan = (*plan, StudyRow("plausible", ("ill", "ill_30"), SETS, cell, title="Plausible"))
    return fabricate(path, arms, plan, text=text, **made)
