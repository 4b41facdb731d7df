"""What is shown to the circuit and what is rewarded."""

from workbench.tasks.bandits import Bandit, CuedBandit
from workbench.tasks.gaussian import Gaussian, Ring
from workbench.tasks.mixture import Mixture
from workbench.tasks.patterns import Patterns
from workbench.tasks.poisson import Poisson
from workbench.tasks.sequence import Sequence
from workbench.tasks.teacher import Teacher
from workbench.tasks.transitions import Chain, Conditioning

COMPONENTS = (
    Bandit,
    Chain,
    Conditioning,
    CuedBandit,
    Gaussian,
    Mixture,
    Patterns,
    Poisson,
    Ring,
    Sequence,
    Teacher,
)
