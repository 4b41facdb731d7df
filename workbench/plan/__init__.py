"""Arms x points x subjects: which runs a scenario asks for, each with its numbers and its key."""

from workbench.plan.planning import plan
from workbench.plan.provenance import Resolved
from workbench.plan.runs import Chunk, Plan, StudyPlan

__all__ = ["Chunk", "Plan", "Resolved", "StudyPlan", "plan"]
