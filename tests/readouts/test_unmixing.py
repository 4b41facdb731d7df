"""What is read off a unit that hears a mixture."""

from __future__ import annotations

import numpy as np
import pytest
from support.circuits import less, shipped_rule, solved


def test_the_kurtosis_of_an_output_over_that_of_its_source_and_less_it() -> None:
    """One is the other over the source's own: 3 and 6 for heavy tails, -1.2 for light ones."""
    text = shipped_rule("independent_components").replace("trials = 36000", "trials = 100")
    heavy = text[text.index("[arm.heavy]") : text.index("[arm.light]")]
    text = less(text, "arm", "study") + heavy + '[study.arms]\ntitle = "All subjects"\n'
    plain = text.replace('relative_to = "source"\ntaken = "ratio"\n', "")
    found = {
        "ratio": solved(text).outcomes["kurtosis"],
        "difference": solved(text.replace('taken = "ratio"', 'taken = "difference"')).outcomes["kurtosis"],
        "itself": solved(plain).outcomes["kurtosis"],
    }
    source = found["itself"] - found["difference"]
    assert set(np.round(source, 9)) <= {3.0, 6.0, -1.2} and len(set(np.round(source, 9))) > 1
    assert found["ratio"] == pytest.approx(found["itself"] / source, rel=1e-12)
