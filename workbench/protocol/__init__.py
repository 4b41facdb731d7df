"""What happens when: phases on a clock, and the events and stimuli inside them."""

from workbench.protocol.assessments import Assessment
from workbench.protocol.phases import Activity, EventPhase, FlowPhase, Reinforcement, TickPhase, TrialPhase
from workbench.protocol.scales import ChoiceWeighted, Expectancy
from workbench.protocol.sessions import Training
from workbench.protocol.stimuli import ArtificialCsf, Train

COMPONENTS = (
    TrialPhase,
    EventPhase,
    TickPhase,
    FlowPhase,
    Activity,
    Reinforcement,
    Train,
    ArtificialCsf,
    Training,
    Assessment,
    ChoiceWeighted,
    Expectancy,
)
