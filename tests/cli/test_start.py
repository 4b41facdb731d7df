"""What every command pays for before it begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.commands import ROOT, SMALL, environment

import workbench

LATER = ("numpy", "pandas", "pydantic", "scipy", "matplotlib", "sqlalchemy", "workbench.analysis", "workbench.solver")
"""What a command imports when it needs it: together they take longer than reading a scenario."""
NOT_TO_READ = ("jinja2", "matplotlib", "pandas", "pint", "rich", "scipy", "sqlalchemy", "workbench.analysis")
"""What reading and checking a scenario needs none of, whose numbers are in the units of their fields."""
NOT_TO_FIND = ("jinja2", "matplotlib", "pandas", "pint", "rich", "scipy", "workbench.analysis", "workbench.report")
"""What finding that everything is stored needs none of."""


def imported(code: str, names: tuple[str, ...]) -> str:
    asked = f"import sys; {code}; print([name for name in {names} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1]


def test_the_commands_are_known_before_anything_that_computes_is_imported() -> None:
    code = "import workbench.cli.main; workbench.cli.main.main(['--help'])"
    assert imported(code, LATER) == "[]"


def test_check_imports_nothing_that_only_computing_needs() -> None:
    code = "from workbench.cli.main import main; assert main(['check', 'scenarios/dystonia.toml']) == 0"
    assert imported(code, NOT_TO_READ) == "[]"


def test_a_sweep_that_finds_everything_stored_imports_nothing_that_only_computing_needs(tmp_path: Path) -> None:
    file, db = tmp_path / "small.toml", tmp_path / "small.db"
    file.write_text(SMALL)
    workbench.run_sweep(file, db, workers=1)
    code = f"from workbench.cli.main import main; assert main(['sweep', {str(file)!r}, '--db', {str(db)!r}]) == 0"
    assert imported(code, NOT_TO_FIND) == "[]"
