"""What the body does to a drug (kinetics) and what the drug does to receptors (occupancy)."""

from workbench.pharmacology.adjustments import Hold, Stop, Titrate
from workbench.pharmacology.bath import Affinity, BathDrug
from workbench.pharmacology.kinetics import (
    OneCompartmentIntravenous,
    OneCompartmentOral,
    TwoCompartmentIntravenous,
    TwoCompartmentOral,
)
from workbench.pharmacology.occupancy import Langmuir
from workbench.pharmacology.regimen import Repeated

COMPONENTS = (
    OneCompartmentOral,
    TwoCompartmentOral,
    OneCompartmentIntravenous,
    TwoCompartmentIntravenous,
    BathDrug,
    Langmuir,
    Affinity,
    Repeated,
    Titrate,
    Hold,
    Stop,
)
