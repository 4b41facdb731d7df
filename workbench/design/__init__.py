"""Arms x points x subjects: which runs a scenario asks for, each with its numbers and its key."""

from workbench.design.planning import plan
from workbench.design.provenance import Resolved
from workbench.design.runs import Chunk, Plan, StudyPlan

__all__ = ["Chunk", "Plan", "Resolved", "StudyPlan", "plan"]
