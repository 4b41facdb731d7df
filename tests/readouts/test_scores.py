"""A relapse needs its confirmation."""

from __future__ import annotations

import numpy as np
from support.circuits import replaced
from support.therapies import THERAPY, arm, by_arm


def test_a_relapse_needs_its_confirmation() -> None:
    visits = '[assessment.weekly]\nphase = "care"\nscale = "madrs"\nfirst = "1 day"\nevery = "1 day"\ncount = 13\n'
    once, twice = (
        f'[outcome.{name}]\nreadout = "relapse_time"\nassessment = "weekly"\ncompared_with = "baseline"\nconsecutive = {n}\n'
        f'[outcome.{name}_seen]\nreadout = "relapsed"\nassessment = "weekly"\ncompared_with = "baseline"\nconsecutive = {n}\n'
        for name, n in (("once", 1), ("twice", 2))
    )
    found = arm(by_arm(replaced(THERAPY, ("count = 2", "count = 60")) + visits + once + twice), "ketamine_alone")
    assert np.all(found["once"] <= found["twice"]) and found["once"].mean() < found["twice"].mean() - 1.0
    assert np.all(found["twice_seen"] <= found["once_seen"])
    assert np.all(found["twice"][found["twice_seen"] == 0.0] == 13.0)
