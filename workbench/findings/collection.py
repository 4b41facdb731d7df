"""The findings ledger of a database, a scenario or a folder; what is missing can be run first.

`ledger` reads stored rows only, for pages and notebooks; `findings` is what the command asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.analysis.selection import Selection, select
from workbench.errors import Problem, ScenarioError, UsageError
from workbench.files import quote_argument
from workbench.findings.binding import bind
from workbench.findings.evaluation import not_run, rows_of
from workbench.findings.finding import Criterion, Finding
from workbench.findings.ledger import Ledger, LedgerRow, in_order
from workbench.findings.parser import Draft, findings_folder, for_scenario, read_drafts, refuse_unknown_scenarios
from workbench.findings.standing import fitted_findings

if TYPE_CHECKING:
    from workbench.execution.pilot import RunProgress
    from workbench.store.read import Results

    Watch = Callable[[], AbstractContextManager[RunProgress]]


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
    decide: int | None = None,
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
    decide
        Add people to what is undecided because too few were run, up to so many in each study. They are run apart, in
        ``NAME.decided.db`` beside the scenario's own database, which stays as it is.

    Raises
    ------
    ScenarioError
        If a finding or a scenario has a mistake; then nothing is run.

    Notes
    -----
    Where no finding is about a target itself, the findings are shown that other scenarios on the same parameter set
    are held against, as far as they were run.
    """
    if not targets:
        return _from_results(db)
    asked = [file for target in targets for file in expand_targets(Path(target))]
    bound = scenario_findings(file for file in asked if file.suffix == ".toml")
    rows: list[LedgerRow] = []
    for path in (file for file in asked if file.suffix != ".toml"):
        rows += _stored_rows(path, read_drafts(_folder_for(path)))
    for one in bound:
        if one.drafts:
            run = Run(db, subjects, workers, watch, command)
            rows += _decided(one, rows_of(one.drafts, run.of(one)), run, decide)
    if rows:
        return Ledger(in_order(rows))
    return _related_findings(asked)


@dataclass(frozen=True)
class Run:
    """How scenarios are run before they are held against findings."""

    db: str | Path | None = None
    subjects: int | None = None
    workers: int | None = None
    watch: Watch | None = None
    command: str = ""

    def of(self, bound: _Bound, only: Sequence[Criterion] | None = None) -> Selection:
        """Compute what is missing of a scenario, all of it or what some criteria need, and return its sweep."""
        from workbench.execution.runner import run_sweep
        from workbench.execution.signals import StoppedAtOnce
        from workbench.store.read import open_results

        criteria = only or [criterion for finding in bound.bound for criterion in finding.criteria]
        arms = {arm for c in criteria for arm in c.arms_needed}
        whole = self.subjects is None
        with self.watch() if self.watch is not None else nullcontext() as progress:
            done = run_sweep(
                bound.file,
                self.db,
                subjects=self.subjects,
                arms=() if whole else sorted(arms),
                studies=() if whole else sorted({study for c in criteria for study in c.studies_needed}),
                workers=self.workers,
                progress=progress,
                command=self.command,
            )
        if done.stopped:
            raise StoppedAtOnce(done.stopped)
        return Selection(open_results(done.db), done.sweep)


def _decided(bound: _Bound, rows: list[LedgerRow], run: Run, most: int | None) -> list[LedgerRow]:
    """Return rows with people added to those that are undecided, up to `most` in each study."""
    people = 0
    while most is not None and people < most and (open_ := [row for row in rows if row.verdict == "undecided"]):
        undecided = [c for row in open_ for c in row.criteria if c.verdict == "undecided" and c.judged]
        if not any(c.needed for c in undecided):
            break
        wanted = max(2 * max(c.subjects for c in undecided), max(c.needed for c in undecided if c.needed), 2 * people)
        people = min(most, math.ceil(MARGIN * wanted))
        names = {row.finding.name for row in open_}
        apart = replace(run, db=_added_people_database(run, bound.file), subjects=people)
        needed = [c for finding in bound.bound if finding.name in names for c in finding.criteria]
        again = {row.finding.name: row for row in rows_of(bound.drafts, apart.of(bound, needed))}
        rows = [again[row.finding.name] if row.finding.name in names else row for row in rows]
    return rows


MARGIN = 1.1
"""How many more people than its error asks for a row is given, since the value moves as well."""


def _added_people_database(run: Run, file: Path) -> Path:
    """Return the database of added people, beside the scenario's own."""
    from workbench.execution.runner import RESULTS

    own = Path(run.db) if run.db is not None else RESULTS / f"{file.stem}.db"
    return own.with_name(f"{own.stem}.decided{own.suffix}")


def _related_findings(asked: Sequence[Path]) -> Ledger:
    """Return what other scenarios on the same parameter sets say, where no finding is about what was asked for."""
    said, rows = [], []
    for path in asked:
        folder = findings_folder(path.absolute().parent) if path.suffix == ".toml" else _folder_for(path)
        drafts = [draft for draft in read_drafts(folder) if draft.head.checked != "theory"]
        files = _scenario_files(folder)
        for name, uses in _parameter_sets(path).items():
            akin = [n for n in dict.fromkeys(d.head.scenario for d in drafts) if uses and _uses(files.get(n)) == uses]
            said.append(_without(name, uses, akin))
            for other in akin:
                rows += _from_stored(files[other], for_scenario(drafts, other), None)
    return Ledger(in_order({row.finding.name: row for row in rows}.values()), tuple(said))


def _without(name: str, uses: str, akin: Sequence[str]) -> str:
    remark = f"no finding is about {name} itself: nothing here tests it"
    if not akin:
        return remark
    return f"{remark}; on its parameter set, {uses}, findings are about {', '.join(akin)}"


def _parameter_sets(path: Path) -> dict[str, str]:
    """Return the scenarios of a file or database, each with the parameter set that it uses ("" for none)."""
    if path.suffix == ".toml":
        from workbench.scenario import load_scenario

        load_scenario(path)
        return {str(path): _uses(path)}
    from workbench.store.read import open_results

    with open_results(path) as results:
        rows = results.sql("select distinct scenario, parameter_set from sweeps")
    return {str(r.scenario): str(r.parameter_set or "") for r in rows.itertuples()}


def _uses(file: Path | None) -> str:
    """Return the name of the parameter set that a scenario file asks for, or ""."""
    from workbench.component.registry import registry
    from workbench.scenario.base import read_merged

    if file is None:
        return ""
    named = read_merged(file, registry()).content.get("parameters", "")
    return Path(str(named)).stem if str(named).endswith(".toml") else str(named)


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
    from workbench.scenario.shipped_files import scenarios_folder

    places = (scenarios_folder(), folder.parent / "scenarios", folder.parent.parent / "scenarios", folder.parent)
    return {file.stem: file for place in places for file in sorted(place.rglob("*.toml")) if _is_scenario(file)}


def _is_scenario(file: Path) -> bool:
    return file.parent.name not in ("parameters", "findings")


def expand_targets(target: Path) -> list[Path]:
    """Return a database or scenario as it is, and a folder's scenarios."""
    if not target.is_dir():
        return [target]
    files = [file for file in sorted(target.rglob("*.toml")) if _is_scenario(file)]
    if not files:
        raise UsageError(f"{target}: this folder contains no scenario")
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


def _from_results(db: str | Path | None) -> Ledger:
    """Return every finding against the databases that are there; nothing is run."""
    folder = findings_folder(Path.cwd())
    drafts, files = read_drafts(folder), _scenario_files(folder)
    refuse_unknown_scenarios(drafts, files)
    rows: list[LedgerRow] = []
    for name in dict.fromkeys(draft.head.scenario for draft in drafts):
        rows += _from_stored(files[name], for_scenario(drafts, name), db)
    return Ledger(in_order(rows))


def _from_stored(file: Path, drafts: list[Draft], db: str | Path | None) -> list[LedgerRow]:
    """Return the rows of a scenario from its database, "not run" where there is none."""
    from workbench.execution.runner import RESULTS

    path = Path(db) if db is not None else RESULTS / f"{file.stem}.db"
    stored = _stored_rows(path, drafts) if path.exists() else []
    return stored or _never_run(_Bound.read(file, drafts), path)


def _never_run(bound: _Bound, path: Path) -> list[LedgerRow]:
    why = f"no results in {path}; run: workbench findings {quote_argument(Path(bound.file))}"
    return [not_run(finding, bound.fitted, why) for finding in bound.bound]


def _folder_for(db: Path) -> Path:
    return findings_folder(Path.cwd(), db.absolute().parent.parent, db.absolute().parent)
