"""A figure of a page: its panels, the sentence above them, and the tables of their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
