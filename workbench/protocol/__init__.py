"""What happens when: phases on a clock, and events inside them."""

from workbench.protocol.events import Activity, Reinforcement
from workbench.protocol.phases import EventPhase, TrialPhase

COMPONENTS = (TrialPhase, EventPhase, Activity, Reinforcement)
