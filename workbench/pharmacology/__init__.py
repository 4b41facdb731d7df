"""What the body does to a drug (kinetics) and what the drug does to receptors (occupancy)."""

from workbench.pharmacology.adjustments import Hold, Stop, Titrate
from workbench.pharmacology.bath import Affinity, BathDrug
from workbench.pharmacology.compartments import (
    MultiCompartmentIntravenous,
    MultiCompartmentOral,
    Peripheral,
)
from workbench.pharmacology.disposition import (
    OneCompartmentIntravenous,
    OneCompartmentOral,
    TwoCompartmentIntravenous,
    TwoCompartmentOral,
)
from workbench.pharmacology.intranasal import MultiCompartmentIntranasal
from workbench.pharmacology.metabolite import Metabolite
from workbench.pharmacology.nonmem import DosingTable, Nonmem
from workbench.pharmacology.occupancy import Langmuir
from workbench.pharmacology.regimen import Repeated

COMPONENTS = (
    OneCompartmentOral,
    TwoCompartmentOral,
    OneCompartmentIntravenous,
    TwoCompartmentIntravenous,
    MultiCompartmentIntravenous,
    MultiCompartmentOral,
    MultiCompartmentIntranasal,
    Peripheral,
    Metabolite,
    BathDrug,
    Langmuir,
    Affinity,
    Repeated,
    Nonmem,
    DosingTable,
    Titrate,
    Hold,
    Stop,
)
