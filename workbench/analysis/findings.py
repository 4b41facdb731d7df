"""The findings ledger of a database, a scenario or a folder; what is missing can be run first.

`ledger` reads stored rows only, for pages and notebooks; `findings` is what the command asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.evaluate import not_run, rows_of
from workbench.analysis.ledger import Ledger, LedgerRow, in_order
from workbench.analysis.selection import Selection, select
from workbench.errors import Problem, ScenarioError, UsageError
from workbench.files import argument
from workbench.literature.binding import bind
from workbench.literature.model import Finding
from workbench.literature.read import Draft, findings_folder, for_scenario, read_drafts, refuse_unknown_scenarios
from workbench.literature.roles import fitted_findings

if TYPE_CHECKING:
    from workbench.execution.progress import Progress
    from workbench.store.read import Results

    Watch = Callable[[], AbstractContextManager[Progress]]


def ledger(
    source: Results | Selection | str | Path, sweep: int | None = None, *, folder: Path | None = None
) -> list[LedgerRow]:
    """Return the ledger of one stored sweep, misses first; empty where no finding names its scenario.

    Parameters
    ----------
    source : open results, a selection, or the path of a database
    sweep : int, optional
        The latest unless named.
    folder : Path, optional
        Where the findings are; those nearest to the working folder or the database unless named.
    """
    selection = select(source, sweep)
    drafts = read_drafts(folder or _folder_for(selection.results.path))
    mine = for_scenario(drafts, str(selection.facts["scenario"]))
    return list(in_order(rows_of(mine, selection))) if mine else []


def findings(
    *targets: str | Path,
    db: str | Path | None = None,
    subjects: int | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
    command: str = "",
) -> Ledger:
    """Return the ledger of all findings that the targets can show.

    Parameters
    ----------
    targets
        Databases: the newest sweep of each scenario in it. Scenario files (``.toml``), and folders of them: what is
        missing is run first. Without any: every finding, against the databases in ``data/results``.
    db
        The database for scenarios that are run; ``data/results/NAME.db`` below the working folder if None.
    subjects
        Run scenarios with so many subjects in each study instead of their own numbers, and then only the studies and
        arms that the findings are about.
    workers
        Processes, as for `run_sweep`.
    watch
        Makes a progress display for each sweep.

    Raises
    ------
    ScenarioError
        If a finding or a scenario has a mistake; then nothing is run.
    UsageError
        If no finding is about a target.
    """
    if not targets:
        return _from_results(db)
    asked = [file for target in targets for file in expanded(Path(target))]
    bound = scenario_findings(file for file in asked if file.suffix == ".toml")
    rows: list[LedgerRow] = []
    for path in (file for file in asked if file.suffix != ".toml"):
        rows += _stored_rows(path, read_drafts(_folder_for(path)))
    for one in bound:
        if one.drafts:
            rows += rows_of(one.drafts, _run(one, db, subjects, workers, watch, command))
    if not rows:
        raise UsageError(f"no finding is about {', '.join(map(str, targets))}")
    return Ledger(in_order(rows))


class _Bound:
    """A scenario file with the findings about it, checked before anything runs."""

    def __init__(self, file: Path, drafts: list[Draft], bound: list[Finding], fitted: frozenset[str]) -> None:
        self.file, self.drafts, self.bound, self.fitted = file, drafts, bound, fitted

    @classmethod
    def read(cls, file: Path, drafts: list[Draft]) -> _Bound:
        """Read the scenario and check what its findings say about it."""
        from workbench.scenario import load_scenario

        mine = for_scenario(drafts, file.stem)
        if not mine:
            return cls(file, [], [], frozenset())
        scenario = load_scenario(file)
        return cls(file, mine, bind(mine, scenario), fitted_findings(scenario))


def scenario_findings(files: Iterable[Path]) -> list[_Bound]:
    """Return scenario files with their findings; all problems of all of them at once.

    Raises
    ------
    ScenarioError
        With every problem in findings and scenarios.
    """
    found: list[_Bound] = []
    problems: list[Problem] = []
    folders: dict[Path, list[Draft]] = {}
    for file in files:
        folder = findings_folder(file.absolute().parent)
        try:
            if folder not in folders:
                folders[folder] = read_drafts(folder)
                refuse_unknown_scenarios(folders[folder], {*_scenario_files(folder), file.stem})
            found.append(_Bound.read(file, folders[folder]))
        except ScenarioError as error:
            problems += error.problems
            folders.setdefault(folder, [])
    if problems:
        raise ScenarioError(dict.fromkeys(problems))
    return found


def _scenario_files(folder: Path) -> dict[str, Path]:
    """Return the scenarios that belong to a folder of findings, by name: those beside its data, and the shipped."""
    from workbench.scenario.library import scenarios_folder

    places = (scenarios_folder(), folder.parent / "scenarios", folder.parent.parent / "scenarios", folder.parent)
    return {file.stem: file for place in places for file in sorted(place.rglob("*.toml")) if _is_scenario(file)}


def _is_scenario(file: Path) -> bool:
    return file.parent.name not in ("parameters", "findings")


def expanded(target: Path) -> list[Path]:
    """Return a database or scenario as it is, and a folder's scenarios."""
    if not target.is_dir():
        return [target]
    files = [file for file in sorted(target.rglob("*.toml")) if _is_scenario(file)]
    if not files:
        raise UsageError(f"{target}: no scenario in this folder")
    return files


def _stored_rows(path: Path, drafts: list[Draft]) -> list[LedgerRow]:
    """Return the rows of the newest sweep of each scenario in a database."""
    from workbench.store.read import open_results

    with open_results(path) as results:
        newest = results.sql(
            "select scenario.name, i.sweep from invocation i join sweep on sweep.id = i.sweep"
            " join scenario on scenario.id = sweep.scenario order by i.id"
        )
        sweeps = {str(name): int(sweep) for name, sweep in zip(newest.name, newest.sweep, strict=True)}
        rows: list[LedgerRow] = []
        for name, sweep in sweeps.items():
            if mine := for_scenario(drafts, name):
                rows += rows_of(mine, Selection(results, sweep))
    return rows


def _run(
    bound: _Bound,
    db: str | Path | None,
    subjects: int | None,
    workers: int | None,
    watch: Watch | None,
    command: str,
) -> Selection:
    """Compute what is missing of a scenario and return its sweep."""
    from workbench.execution.signals import StoppedAtOnce
    from workbench.execution.sweep import run_sweep
    from workbench.store.read import open_results

    criteria = [criterion for finding in bound.bound for criterion in finding.criteria]
    arms = {arm for c in criteria for arm in c.arms_needed}
    whole = subjects is None
    with watch() if watch is not None else nullcontext() as progress:
        done = run_sweep(
            bound.file,
            db,
            subjects=subjects,
            arms=() if whole else sorted(arms),
            studies=() if whole else sorted({c.study for c in criteria}),
            workers=workers,
            progress=progress,
            command=command,
        )
    if done.stopped:
        raise StoppedAtOnce(done.stopped)
    return Selection(open_results(done.db), done.sweep)


def _from_results(db: str | Path | None) -> Ledger:
    """Return every finding against the databases that are there; nothing is run."""
    from workbench.execution.sweep import RESULTS

    folder = findings_folder(Path.cwd())
    drafts, files = read_drafts(folder), _scenario_files(folder)
    refuse_unknown_scenarios(drafts, files)
    rows: list[LedgerRow] = []
    for name in dict.fromkeys(draft.head.scenario for draft in drafts):
        path = Path(db) if db is not None else RESULTS / f"{name}.db"
        mine = for_scenario(drafts, name)
        stored = _stored_rows(path, mine) if path.exists() else []
        rows += stored or _never_run(_Bound.read(files[name], mine), path)
    return Ledger(in_order(rows))


def _never_run(bound: _Bound, path: Path) -> list[LedgerRow]:
    why = f"no results in {path}; run: workbench findings {argument(Path(bound.file))}"
    return [not_run(finding, bound.fitted, why) for finding in bound.bound]


def _folder_for(db: Path) -> Path:
    return findings_folder(Path.cwd(), db.absolute().parent.parent, db.absolute().parent)
