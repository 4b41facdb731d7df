"""Disease models of brain circuits: one text file in, one database and one page out.

The verbs of the command line as functions::

    import workbench
    result = workbench.run_sweep("scenarios/dystonia.toml")
    workbench.open_results(result.db).outcomes()

Every name is imported when it is first used, so that ``import workbench`` costs nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all that comes before a command can be stopped
if TYPE_CHECKING:
    from typing import Any

    from workbench.analysis import compare as compare
    from workbench.analysis import interactions as interactions
    from workbench.calibration.refit import calibrate as calibrate
    from workbench.execution.replays import replay as replay
    from workbench.execution.runner import run_sweep as run_sweep
    from workbench.execution.simulate import simulate as simulate
    from workbench.execution.verification import verify as verify
    from workbench.findings.collection import findings as findings
    from workbench.inspection.assays import assay as assay
    from workbench.report import build_report as build_report
    from workbench.scenario import load_scenario as load_scenario
    from workbench.store import open_results as open_results
    from workbench.store.merging import merge as merge

__version__ = "0.1.0"

_HOMES = {
    "load_scenario": "workbench.scenario",
    "run_sweep": "workbench.execution.runner",
    "simulate": "workbench.execution.simulate",
    "open_results": "workbench.store",
    "compare": "workbench.analysis",
    "interactions": "workbench.analysis",
    "findings": "workbench.findings.collection",
    "calibrate": "workbench.calibration.refit",
    "replay": "workbench.execution.replays",
    "verify": "workbench.execution.verification",
    "merge": "workbench.store.merging",
    "assay": "workbench.inspection.assays",
    "build_report": "workbench.report",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _Package(type(sys)):  # type: ignore[misc]
    """This package: its function `findings` keeps its name when the subpackage `findings` is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, type(sys))):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
