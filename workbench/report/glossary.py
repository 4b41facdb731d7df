"""The words that a reader may not know: the page's own, the scenario's, and what each outcome means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.terms import CALCULATION_ERROR, EFFECT_D_AV, HEDGES_G, MEANINGS, PLAUSIBLE, spread

if TYPE_CHECKING:
    from workbench.report.ground import Ground

from workbench.report.words import row_records, sentence

WHO = "{who}"
OWN = {
    **{term: MEANINGS[term] for term in (spread(WHO), CALCULATION_ERROR, PLAUSIBLE)},
    "compared within": "The same simulated one goes through both arms with the same chance; no trial can do this.",
    **{term: MEANINGS[term] for term in (HEDGES_G, EFFECT_D_AV)},
    "arm": "One way of treating, or of being ill, that is compared with another.",
    "parameter": "A number of the model.",
    "assumed": "Plausible, but not measured.",
    "fitted": "Set so that the model gives back published numbers; agreement with those is then no success.",
}


def glossary(ground: Ground) -> list[tuple[str, str]]:
    """Return terms with their meanings: the scenario's, the outcomes', the page's own."""
    found = {str(term): sentence(str(meaning)) for term, meaning in ground.aims.glossary.items()}
    measures = ground.selection.measures
    wanted = {aim.outcome for aim in ground.aims.all}
    for measure in row_records(measures[(measures.kind == "outcome") & measures["name"].isin(wanted)]):
        direction = f" ({measure.better} is better)" if measure.better else ""
        found[ground.words.measure("outcome", measure.name)] = sentence(f"{measure.meaning}{direction}")
    found |= {term.replace(WHO, ground.words.who): meaning for term, meaning in OWN.items()}
    return list(found.items())
