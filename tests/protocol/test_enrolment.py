"""Who goes on is decided at a visit, by the share that the file names."""

from __future__ import annotations

import numpy as np
from support.circuits import batches, replaced
from support.therapies import THERAPY, arm, by_arm


def test_who_goes_on_is_decided_at_the_visit() -> None:
    entry = 'first = "8 day"\nonly_if = "{}"\ndecided_at = "gate"\ncompared_with = "baseline"'
    gate = '[assessment.gate]\nphase = "care"\nscale = "madrs"\nfirst = "7 day"\n'
    gate += '[outcome.gate]\nreadout = "response"\nassessment = "gate"\ncompared_with = "baseline"\n'
    texts = {who: replaced(THERAPY, ("count = 2", "count = 40"), ('first = "24 h after dose.infusion"', entry.format(who))) + gate
             for who in ("responder", "non_responder")}  # fmt: skip
    for who, text in texts.items():
        found = by_arm(text)
        moved = arm(found, "ketamine")["expected"] != arm(found, "ketamine_alone")["expected"]
        answered = arm(found, "ketamine")["gate"] == 1.0
        assert 5 < answered.sum() < 35
        assert np.array_equal(moved, answered if who == "responder" else ~answered)


def test_what_a_response_is_for_who_goes_on_is_the_file_s_to_say() -> None:
    """Another share sends other people on, those whom the readout of that share names; the default is the same run."""
    entry = 'first = "8 day"\nonly_if = "responder"\ndecided_at = "gate"\ncompared_with = "baseline"'
    gate = '[assessment.gate]\nphase = "care"\nscale = "madrs"\nfirst = "7 day"\n'
    gate += '[outcome.gate]\nreadout = "response"\nassessment = "gate"\ncompared_with = "baseline"\nshare = 0.3\n'
    text = replaced(THERAPY, ("count = 2", "count = 40"), ('first = "24 h after dose.infusion"', entry)) + gate
    own = replaced(text, (entry, f"{entry}\nshare = 0.3"))
    found = by_arm(own)
    moved = arm(found, "ketamine")["expected"] != arm(found, "ketamine_alone")["expected"]
    assert np.array_equal(moved, arm(found, "ketamine")["gate"] == 1.0)
    said = replaced(text, (entry, f"{entry}\nshare = 0.5"))
    keys = [{key for batch in batches(one) for key in batch.keys} for one in (text, said, own)]
    assert keys[0] == keys[1] != keys[2]
