"""What is measured: one number per window, or a time course."""

from workbench.readouts.behaviour import FiringRate, OverflowIndex, RelativeToRest, Selectivity, SuccessRate
from workbench.readouts.change import EvokedResponse, WeightChange
from workbench.readouts.concentrations import (
    AreaToInfinity,
    AreaUnderCurve,
    AverageConcentration,
    Concentration,
    Occupancy,
    PeakConcentration,
    TerminalHalfLife,
    TimeAbove,
    TimeOfPeak,
    TroughConcentration,
)
from workbench.readouts.directions import OutputPower, ProfileError, SubspaceError
from workbench.readouts.distribution import (
    BoundTime,
    LargestWeight,
    LogWeightNorm,
    ParticipationRatio,
    RatioSpread,
    WeightsAt,
)
from workbench.readouts.doses import DoseAmount, DosesGiven, DosesStopped
from workbench.readouts.gradients import GradientError
from workbench.readouts.layers import FeedbackAngle, LayerChange, MapDistance, TeacherLoss
from workbench.readouts.levels import (
    AreaOfChange,
    HighestLevel,
    Level,
    LowestLevel,
    Number,
    Threshold,
    TimeOfHighestLevel,
    TimeOfLowestLevel,
)
from workbench.readouts.responses import PatternResponse, RecallError
from workbench.readouts.scores import (
    ChoiceShare,
    ExpectedScore,
    Relapsed,
    RelapseTime,
    Remission,
    Response,
    SymptomScore,
)
from workbench.readouts.synapse import CreditShare, LateWeight, MarkArea, SynapseContrast, SynapseWeight, UpdateVariance
from workbench.readouts.unmixing import AmariIndex, OutputKurtosis, SourceCorrelation
from workbench.readouts.value import ActionProbability, DopamineAtStep, ErrorAtStep, ValueDeviation
from workbench.readouts.weights import PrincipalCosine, Saturation, WeightMean, WeightNorm

COMPONENTS = (
    ActionProbability,
    SynapseWeight,
    UpdateVariance,
    MarkArea,
    TeacherLoss,
    FeedbackAngle,
    GradientError,
    LayerChange,
    MapDistance,
    LateWeight,
    ErrorAtStep,
    DopamineAtStep,
    ValueDeviation,
    SynapseContrast,
    CreditShare,
    OverflowIndex,
    Selectivity,
    SuccessRate,
    FiringRate,
    Saturation,
    WeightMean,
    WeightNorm,
    PrincipalCosine,
    LogWeightNorm,
    ParticipationRatio,
    WeightsAt,
    LargestWeight,
    BoundTime,
    ProfileError,
    RatioSpread,
    SubspaceError,
    OutputPower,
    PatternResponse,
    RecallError,
    SourceCorrelation,
    OutputKurtosis,
    AmariIndex,
    Concentration,
    Occupancy,
    PeakConcentration,
    TimeOfPeak,
    TroughConcentration,
    AverageConcentration,
    AreaUnderCurve,
    AreaToInfinity,
    TimeAbove,
    TerminalHalfLife,
    Level,
    LowestLevel,
    TimeOfLowestLevel,
    HighestLevel,
    TimeOfHighestLevel,
    AreaOfChange,
    Threshold,
    Number,
    EvokedResponse,
    WeightChange,
    RelativeToRest,
    SymptomScore,
    ExpectedScore,
    Response,
    Remission,
    Relapsed,
    RelapseTime,
    ChoiceShare,
    DoseAmount,
    DosesGiven,
    DosesStopped,
)
