"""Third factors: dopamine, acetylcholine, the receptors they reach and the gates these open."""

from workbench.modulation.acetylcholine import Cholinergic
from workbench.modulation.dopamine import Pulse, RewardLessBaseline, RewardPredictionError, TemporalDifference
from workbench.modulation.gates import Hill, InverseHill, Requirement, Restraint, ThresholdCrossing
from workbench.modulation.links import LinearLink, ShiftLink
from workbench.modulation.receptors import Competitive, NmdaChannel
from workbench.modulation.spike_timing import SpikeTiming
from workbench.modulation.window import TwoStage

COMPONENTS = (
    RewardPredictionError,
    RewardLessBaseline,
    TemporalDifference,
    ThresholdCrossing,
    Pulse,
    Cholinergic,
    Competitive,
    NmdaChannel,
    Hill,
    InverseHill,
    Requirement,
    Restraint,
    LinearLink,
    ShiftLink,
    SpikeTiming,
    TwoStage,
)
