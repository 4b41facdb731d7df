"""One self-contained page from stored rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.report.page import build_report

__all__ = ["build_report"]


def __getattr__(name: str) -> Any:
    # Other commands ask a part of this room, and need no page.
    if name != "build_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from workbench.report.page import build_report

    return build_report
