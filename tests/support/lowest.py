"""The oldest libraries that `pyproject.toml` allows: `python tests/support/lowest.py` runs a quick part of the tests.

Every lower bound of the package and of its extra `dask`, and those of the test tools that it needs, are installed as
they stand into an environment of their own; what these bring along is the newest that fits. A bound that is too low
shows as an installation that cannot be made or as a test that fails. Takes a few minutes; exit codes are those of pip and pytest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("pytest", "hypothesis", "packaging")
QUICK = (
    "tests/scenario/test_base.py",
    "tests/solver/test_order_of_step.py",
    "tests/modeller/test_own_rule.py",
    "tests/store/test_store_results.py",
    "tests/store/test_store_digest.py",
    "tests/report/test_statements.py",
    "tests/cli/test_commands.py",
    "tests/execution/test_dask.py",
)
"""Tests that together touch every library: units, TOML, tables, SQL, pages, the terminal."""


def lowest(requirements: Iterable[str]) -> list[str]:
    """Return requirements with their lower bounds as the only version, ``numpy>=2.0`` as ``numpy==2.0``."""
    found = []
    for requirement in map(Requirement, requirements):
        bounds = [one.version for one in requirement.specifier if one.operator == ">="]
        if len(bounds) != 1:
            raise ValueError(f"{requirement} has not one lower bound")
        found.append(f"{requirement.name}=={bounds[0]}")
    return found


def declared() -> list[str]:
    """Return the requirements of the package and of its extra `dask`, and of its tools those that the quick tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tools = [one for one in extras["dev"] if Requirement(one).name in TOOLS]
    return [*project["dependencies"], *extras["dask"], *tools]


def main(arguments: list[str]) -> int:
    """Make the environment, run the tests in it, and return the exit code."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--environment", type=Path, help="where to make it and leave it; by default a passing folder")
    reader.add_argument("tests", nargs="*", default=QUICK, help="other tests to run")
    asked = reader.parse_args(arguments)
    with tempfile.TemporaryDirectory() as passing:
        folder = asked.environment or Path(passing)
        python = str(folder / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The oldest tools warn about what came after them, so here a warning is no fault.
        settings = ["-o", "addopts=", "-o", "filterwarnings=", "-W", "default"]
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [*install, "--only-binary", ":all:", *lowest(declared())],
            [*install, "--no-deps", "--editable", str(ROOT)],
            [python, "-m", "pytest", "-q", *settings, *asked.tests],
        ):
            if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
