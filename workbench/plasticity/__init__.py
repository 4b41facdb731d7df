"""How weights change: rules, eligibility and the homeostat that a rule may read."""

from workbench.plasticity.bcm import BCM
from workbench.plasticity.cubic import Cubic
from workbench.plasticity.eligibility import Cleared, Delayed, Discounted, DoubleExponential, Exponential, Nmda
from workbench.plasticity.hebb import Hebb
from workbench.plasticity.perturbation import Perturbation
from workbench.plasticity.rate_error import RateError
from workbench.plasticity.routed_error import RoutedError
from workbench.plasticity.sliding_threshold import SlidingThreshold
from workbench.plasticity.spike_balance import SpikeBalance
from workbench.plasticity.tag_and_capture import TagAndCapture
from workbench.plasticity.three_factor import ThreeFactor
from workbench.plasticity.two_sided import TwoSided

COMPONENTS = (
    TwoSided,
    ThreeFactor,
    RoutedError,
    Perturbation,
    Hebb,
    BCM,
    Cubic,
    RateError,
    SpikeBalance,
    TagAndCapture,
    Exponential,
    Delayed,
    DoubleExponential,
    Nmda,
    Cleared,
    Discounted,
    SlidingThreshold,
)
