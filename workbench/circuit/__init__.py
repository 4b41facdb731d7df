"""Who talks to whom: populations and the projections between them."""

from workbench.circuit.choice import Choice
from workbench.circuit.layers import BetweenLayers, Layer
from workbench.circuit.populations import Rate, Source
from workbench.circuit.projections import Dense, OneToOne, Surround
from workbench.circuit.softmax import Softmax
from workbench.circuit.spiking import EscapeRate

COMPONENTS = (Source, Rate, EscapeRate, Choice, Softmax, Layer, OneToOne, Dense, Surround, BetweenLayers)
