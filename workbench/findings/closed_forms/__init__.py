"""What theory expects, as named formulas: a finding names one and says which numbers of its scenario go into it.

A closed registry: no file holds a formula. None of them calls the engine's own kernels: they are other derivations
of the same result, or other methods (a matrix exponential, a root).
"""

from __future__ import annotations

from collections.abc import Mapping

from workbench.findings.closed_forms import (
    balance,
    coincidence,
    components,
    credit,
    feedback,
    ligands,
    numbers,
    therapy,
)
from workbench.findings.closed_forms.form import ClosedForm

__all__ = ["FAMILIES", "FORMS", "ClosedForm"]

FAMILIES = (components, balance, credit, coincidence, feedback, ligands, therapy, numbers)

FORMS: Mapping[str, ClosedForm] = {name: form for family in FAMILIES for name, form in family.FORMS.items()}
"""Every closed form by name."""
