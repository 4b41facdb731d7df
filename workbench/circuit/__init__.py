"""Who talks to whom: populations and the projections between them."""

from workbench.circuit.populations import Rate, Source
from workbench.circuit.projections import Dense, OneToOne, Surround

COMPONENTS = (Source, Rate, OneToOne, Dense, Surround)
