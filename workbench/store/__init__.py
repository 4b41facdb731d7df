"""The result database: one writer into SQLite, readers for pandas, provenance, digest."""

from __future__ import annotations

from workbench.store.read import Placed, Results, open_results, query

__all__ = ["Placed", "Results", "open_results", "query"]
