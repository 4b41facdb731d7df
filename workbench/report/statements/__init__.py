"""Every sentence that a page computes: named statements over stored rows."""

from __future__ import annotations

from workbench.report.statements.statement import STATEMENTS, Said, Statement, statement, statements

__all__ = ["STATEMENTS", "Said", "Statement", "statement", "statements"]
