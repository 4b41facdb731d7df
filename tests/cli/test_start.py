"""What every command pays for before it begins."""

from __future__ import annotations

import subprocess
import sys

from support.commands import ROOT, environment

LATER = ("numpy", "pandas", "pydantic", "scipy", "matplotlib", "sqlalchemy", "workbench.analysis", "workbench.solver")
"""What a command imports when it needs it: together they take longer than reading a scenario."""


def test_the_commands_are_known_before_anything_that_computes_is_imported() -> None:
    code = f"import sys, workbench.cli.main; print([name for name in {LATER} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
