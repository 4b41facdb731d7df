"""Which part of ketamine with training does what: signs and orderings of the stored rows."""

from __future__ import annotations

import pandas as pd
import pytest
from support.shipped_runs import Shipped

import workbench as api
from workbench.analysis.interaction import over_parameters

SCENARIO = "ketamine_parts"
PARTS = ["parameter.learning_gain", "parameter.protein_gain", "parameter.acute_shift"]


@pytest.fixture(scope="module")
def parts(shipped: Shipped) -> pd.DataFrame:
    """Mean outcome of each arm by whether learning, proteins and mood are there."""
    with api.open_results(shipped.db(SCENARIO)) as results:
        points = results.points(study="parts").pivot_table(index="point", columns="path", values="number")
        rows = results.outcomes(study="parts").query("outcome == 'expected_day_30'")
    wide = rows.pivot_table(index="point", columns="arm", values="value", aggfunc="mean", observed=True)
    return wide.join(points).set_index(PARTS)


def test_learning_and_proteins_carry_the_benefit_and_mood_does_not(parts: pd.DataFrame) -> None:
    found = parts.both - parts.therapy
    whole, no_mood = found[1.0, 1.0, 1.0], found[1.0, 1.0, 0.0]
    no_learning, no_proteins, neither = found[0.0, 1.0, 1.0], found[1.0, 0.0, 1.0], found[0.0, 0.0, 1.0]
    assert whole < no_mood < no_learning < neither and no_mood < no_proteins < neither
    assert no_mood < 0.75 * whole and abs(neither) < 0.5


def test_without_learning_and_proteins_the_effects_add_but_for_the_curve_of_choice(parts: pd.DataFrame) -> None:
    """Expected points are no straight line in the weights: what is left of the interaction is that curve."""
    interaction = parts.both - parts.ketamine - parts.therapy + parts.placebo
    assert abs(interaction[0.0, 0.0, 1.0]) < 0.05 < 1.0 < -interaction[1.0, 1.0, 1.0]


def test_the_harm_is_carried_by_the_same_parts(parts: pd.DataFrame) -> None:
    harm = parts.ketamine_stressor - parts.ketamine - parts.stressor + parts.placebo
    whole, neither = harm[1.0, 1.0, 1.0], harm[0.0, 0.0, 1.0]
    assert whole > 1.0 and abs(neither) < 0.1
    assert neither < harm[0.0, 1.0, 1.0] < whole and neither < harm[1.0, 0.0, 1.0] < whole


def test_extinction_after_ketamine_is_deeper_and_lasts_by_the_drugs_proteins(shipped: Shipped) -> None:
    with api.open_results(shipped.db(SCENARIO)) as results:
        table = results.outcomes(study="extinction").pivot_table(
            index=["outcome", "point"], columns="arm", values="value", observed=True
        )
    benefit = table.extinction - table.ketamine_extinction  # points 0 and 1: without and with the drug's proteins
    assert benefit["fear_day_2", 1] > 0.03 and benefit["fear_day_11", 1] > 0.03
    assert 0.0 < benefit["fear_day_11", 0] < 0.5 * benefit["fear_day_11", 1]


def test_over_plausible_parameters_benefit_and_harm_keep_their_sign(shipped: Shipped) -> None:
    found = over_parameters(shipped.db(SCENARIO), outcomes=["expected_day_30"]).query("term == 'interaction'")
    found = found.set_index("interaction")
    assert found.high["drug_and_training"] < 0.0 < found.low["drug_and_stressor"]
