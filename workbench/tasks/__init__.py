"""What is shown to the circuit and what is rewarded."""

from workbench.tasks.cued_bandit import CuedBandit
from workbench.tasks.gaussian import Gaussian, Ring
from workbench.tasks.mixture import Mixture
from workbench.tasks.patterns import Patterns
from workbench.tasks.poisson import Poisson

COMPONENTS = (CuedBandit, Gaussian, Ring, Patterns, Mixture, Poisson)
