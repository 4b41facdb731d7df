"""Arms x points x subjects: which runs a scenario asks for, each with its numbers and its key."""

from workbench.plan.planning import plan
from workbench.plan.run_plans import BatchPlan, Plan, StudyPlan
from workbench.plan.sources import Resolved

__all__ = ["BatchPlan", "Plan", "Resolved", "StudyPlan", "plan"]
