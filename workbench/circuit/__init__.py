"""Who talks to whom: populations and the projections between them."""

from workbench.circuit.choice import Choice
from workbench.circuit.populations import Rate, Source
from workbench.circuit.projections import Dense, OneToOne, Surround

COMPONENTS = (Source, Rate, Choice, OneToOne, Dense, Surround)
