"""The result database: one writer into SQLite, readers for pandas, provenance, digest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.store.read import Placed, Results, open_results, query
from workbench.store.result_digest import digest

if TYPE_CHECKING:
    from workbench.store.complete import complete_rows
    from workbench.store.write import Tally, Writer, open_writer

__all__ = ["Placed", "Results", "Tally", "Writer", "complete_rows", "digest", "open_results", "open_writer", "query"]

# Reading needs no SQLAlchemy: leave it out of the commands that only look.
_WRITING = {"complete_rows": "complete", "Tally": "write", "Writer": "write", "open_writer": "write"}


def __getattr__(name: str) -> Any:
    if name not in _WRITING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WRITING[name]}"), name)
