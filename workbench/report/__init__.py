"""One self-contained page from stored rows."""

from __future__ import annotations

from workbench.report.page import build_report

__all__ = ["build_report"]
