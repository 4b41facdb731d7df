"""What happens when: phases on a clock, and the events and stimuli inside them."""

from workbench.protocol.assessments import Assessment
from workbench.protocol.events import Activity, Reinforcement
from workbench.protocol.phases import EventPhase, FlowPhase, TrialPhase
from workbench.protocol.scales import ChoiceWeighted, Expectancy
from workbench.protocol.sessions import Training
from workbench.protocol.stimuli import ArtificialCsf, Train
from workbench.protocol.ticks import TickPhase

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
