"""What stored rows say: paired differences, courses, dose-response, responders, maps. Reads, never simulates."""

from __future__ import annotations

from workbench.analysis.interaction import interactions
from workbench.analysis.paired import compare

__all__ = ["compare", "interactions"]
