"""A figure of a page: its panels, the sentence above them, and the tables of their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from workbench.report.drawing import Panel
    from workbench.report.page_tables import PageTable
    from workbench.report.statements.statement import Said


@dataclass(frozen=True)
class Figure:
    """Panels under one take-away sentence, with what one needs to read them and the tables of their numbers."""

    id: str
    title: Said
    panels: list[Panel]
    caption: Said
    tables: list[PageTable] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """One line: `frame` has x and mean; low and high (interval of the mean), p10 and p90 (spread) where known."""

    label: str
    frame: pd.DataFrame
    mark: float | None = None
