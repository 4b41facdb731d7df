"""What the body does to a drug (kinetics), and what the drug does: to receptors (occupancy), in the end (response)."""

from workbench.pharmacology.adjustments import Hold, Stop, Titrate
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
from workbench.pharmacology.occupancy import Affinity, BathDrug, Langmuir
from workbench.pharmacology.regimen import Repeated
from workbench.pharmacology.response import (
    HillResponse,
    LinearResponse,
    LossInhibited,
    LossStimulated,
    ProductionInhibited,
    ProductionStimulated,
)

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
    LinearResponse,
    HillResponse,
    ProductionInhibited,
    ProductionStimulated,
    LossInhibited,
    LossStimulated,
    Repeated,
    Nonmem,
    DosingTable,
    Titrate,
    Hold,
    Stop,
)
