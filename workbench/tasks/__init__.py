"""What is shown to the circuit and what is rewarded."""

from workbench.tasks.cued_bandit import CuedBandit
from workbench.tasks.gaussian import Gaussian

COMPONENTS = (CuedBandit, Gaussian)
