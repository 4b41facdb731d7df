"""A sweep by the workers of a Dask scheduler: the bits of a local one, whoever dies, comes late or differs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.commands import LONG, ROOT, SMALL, answer, children, environment, gone, started, wait_for_runs, workbench
from support.processors import here
from support.shipped_runs import SCENARIOS

import workbench as package
from workbench.errors import StorageError, WorkerNote
from workbench.execution.greeting import PROCESS, Stranger, greet, other_code, other_machine, solve_here
from workbench.execution.progress import RunCounts, Silent
from workbench.scenario.shipped_files import scenarios_folder
from workbench.store import open_results
from workbench.store.result_digest import digest

pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends processes by their number, looks at /proc")

SITE = """
import os, signal, sys
if "--multiprocessing-fork" in sys.orig_argv:
    import numpy as np
    import workbench.solver.run as run
    solve = run.solve
    def deadly(batch, *rest):
        rate = np.broadcast_to(batch.values.get("plasticity.input_output.rate", 0.0), len(batch))
        if ((rate == 0.0041) & (batch.subjects == 1)).any():
            os.kill(os.getpid(), signal.SIGKILL)
        return solve(batch, *rest)
    run.solve = deadly
"""
"""Workers die of one run, of a rate that no other test asks for."""
OLDER = """
import importlib.metadata as metadata
version = metadata.version
metadata.version = lambda name: "0.0.9" if name == "workbench" else version(name)
"""
EVERY = bool(os.environ.get("WORKBENCH_EVERY_EXECUTOR"))
"""Compare every shipped scenario whole, for one subject; takes ten minutes of a processor."""
CLOCKS = {"routes": 2, "dystonia_pas": 2, "rules/window_and_session": 1, "rules/oja": 1}
"""A scenario on each clock (event, trial, tick, flow), and how many of its arms."""
BRIEF = LONG.replace("count = 6", "count = 4").replace("subjects = 20", "subjects = 4")


@dataclass
class Seen(Silent):
    """Does something once, after the first block that was stored, and keeps the counts."""

    then: Callable[[], object]
    counts: list[RunCounts] = field(default_factory=list)

    def advance(self, counts: Any) -> None:
        self.counts.append(counts)
        if len(self.counts) == 1:
            self.then()


@dataclass(frozen=True)
class Dask:
    """A scheduler that tests talk to behind the back of the sweep."""

    address: str

    def pids(self) -> list[int]:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return sorted(client.run(os.getpid).values())


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """Two workers beside this process."""
    from workbench.execution.local_cluster import LocalCluster

    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(SITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
        made = LocalCluster(2)
    yield Dask(made.address)
    made.close(at_once=True)


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler without workers, as a cluster has it: it writes its address into a file."""
    file = folder / "scheduler.json"
    line = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1"]
    line += ["--no-dashboard", "--scheduler-file", str(file)]
    process = subprocess.Popen(
        line, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        yield str(file), process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker(file: str, **changes: str) -> Iterator[None]:
    """One worker, without a nanny that would start another in its place."""
    line = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--nthreads", "1"]
    line += ["--no-nanny", "--no-dashboard", "--local-directory", str(Path(file).parent)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(line, env=environment(**changes), **quiet)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("brief") / "brief.toml"
    file.write_text(BRIEF)
    return file


@pytest.fixture(scope="module")
def undisturbed(brief: Path) -> str:
    package.run_sweep(brief, brief.with_name("local.db"), workers=1)
    return digest(brief.with_name("local.db"))


def test_I01_a_killed_worker_costs_nothing_and_no_more_is_under_way_than_there_are_workers(
    brief: Path, undisturbed: str, cluster: Dask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.execution.crew import AHEAD
    from workbench.execution.dask_crew import DaskCrew

    given, submit = list[Any](), DaskCrew.submit

    def counted(self: DaskCrew, batch: Any) -> Any:
        given.append(submit(self, batch))
        assert (
            sum(not future.done() for future in given) <= 2 + 1 + AHEAD
        )  # the nanny's new worker may be there already
        return given[-1]

    monkeypatch.setattr(DaskCrew, "submit", counted)
    watch = Seen(lambda: os.kill(cluster.pids()[0], signal.SIGKILL))
    found = package.run_sweep(brief, tmp_path / "a.db", executor="dask", scheduler=cluster.address, progress=watch)
    assert (found.stored, found.failed, found.missing) == (64, 0, 0)
    assert len(given) == 16 and [c.stored for c in watch.counts] == [4 * i for i in range(1, 17)]
    assert digest(tmp_path / "a.db") == undisturbed


def ways(scenario: Path, folder: Path, cluster: Dask, **asked: Any) -> Iterator[tuple[str, str]]:
    """Yield ways to compute one sweep, each with the digest of what came of it."""
    from workbench.execution import runner

    def swept(name: str, **more: Any) -> package.SweepResult:
        return package.run_sweep(scenario, folder / f"{name}.db", **{"workers": 1, **asked, **more})

    def found(name: str, **more: Any) -> tuple[str, str]:
        return name, digest(folder / f"{name}.db", swept(name, **more).sweep)

    there = {"executor": "dask", "scheduler": cluster.address, "workers": None}
    yield found("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "WORTH_SHARING", 5)
        yield found("dask, in narrow blocks", **there)
    with contextlib.suppress(InterruptedError):
        swept("begun elsewhere", **there, progress=Seen(interrupted))
    yield found("begun elsewhere")
    document = package.load_scenario(scenario)
    arms = asked.get("arms") or [arm for arm in document.arms if any(arm in s.arms for s in document.studies.values())]
    swept("after another sweep", arms=arms[-1:])
    with contextlib.suppress(InterruptedError):
        swept("after another sweep", progress=Seen(interrupted))
    yield found("after another sweep", **there)


def interrupted() -> None:
    raise InterruptedError


@pytest.mark.parametrize("name", SCENARIOS if EVERY else CLOCKS)
def test_one_digest_for_every_executor_block_stop_and_history(name: str, cluster: Dask, tmp_path: Path) -> None:
    scenario = scenarios_folder() / f"{name}.toml"
    arms = {} if EVERY else {"arms": list(package.load_scenario(scenario).arms)[: CLOCKS[name]]}
    every = dict(ways(scenario, tmp_path, cluster, subjects=1, **arms))
    assert set(every.values()) == {every["alone"]}, every


def test_I12_runs_that_kill_their_worker_twice_are_stored_as_failed_as_they_are_locally(
    cluster: Dask, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    line = ("sweep", "small.toml", "--db", "a.db", "--study", "arms", "--arm", "slow", "--subjects", "2", "--json")
    line += ("--set", "plasticity.input_output.rate=0.0041")
    there = workbench(*line, "--executor", "dask", "--scheduler", cluster.address, cwd=tmp_path)
    found = answer(there)
    assert there.returncode == found["exit"] == 4, there.stderr
    assert (found["stored"], found["failed"], found["lost"], found["missing"]) == (1, 1, 1, 0)
    (failed,) = answer(workbench("query", "a.db", "select * from failures", "--json", cwd=tmp_path))["rows"]
    assert failed["subject"] == 1 and failed["model_time"] == "unknown time"
    assert "left its Dask scheduler" in failed["reason"]
    again = answer(workbench(*line, cwd=tmp_path))
    assert (again["stored"], again["reused"], again["failed"]) == (1, 1, 0)


def test_a_worker_that_comes_late_computes_and_a_lost_scheduler_leaves_what_is_stored(
    brief: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "a.db"
    with scheduler(tmp_path) as (file, process):
        late = contextlib.ExitStack()

        def forecast(_: Any) -> None:
            late.enter_context(worker(file))

        watch = Seen(process.kill)
        watch.forecast = forecast  # type: ignore[method-assign]
        with late, pytest.raises(StorageError, match="answers no more") as told:
            package.run_sweep(brief, db, executor="dask", scheduler=file, progress=watch)
    assert told.value.exit_code == 3 and "\n" not in str(told.value)
    assert file in str(told.value) and "stored runs are kept" in str(told.value)
    (stored,) = open_results(db).sql("select count(*) as n from run")["n"]
    assert 4 <= stored < 64
    assert package.run_sweep(brief, db, workers=1).reused == stored
    assert digest(db) == undisturbed


def test_workers_that_differ_are_refused_before_they_compute_and_other_machines_are_marked(tmp_path: Path) -> None:
    others = [one for one in here() if one.name != here()[0].name]
    if not others:
        pytest.skip("no other processor can be played here")
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "sitecustomize.py").write_text(OLDER)
    path = os.pathsep.join([str(tmp_path / "older"), str(ROOT)])
    (tmp_path / "small.toml").write_text(SMALL)
    asked = {"executor": "dask", "subjects": 2, "studies": ["arms"]}
    with (
        scheduler(tmp_path) as (file, _),
        worker(file, PYTHONPATH=path),
        worker(file, **others[-1].environment),
    ):
        from workbench.execution.dask_crew import count_scheduler_workers

        deadline = time.monotonic() + 60
        while count_scheduler_workers(file) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with (
            pytest.warns(WorkerNote, match=r"its simd is .*, here "),
            pytest.warns(WorkerNote, match=r"its workbench is 0\.0\.9, here "),
            pytest.raises(StorageError, match="no worker may compute"),
        ):
            package.run_sweep(tmp_path / "small.toml", tmp_path / "a.db", scheduler=file, **asked)  # type: ignore[arg-type]
        assert open_results(tmp_path / "a.db").sql("select * from run").empty
        with (
            pytest.warns(WorkerNote, match="is another machine"),
            pytest.warns(WorkerNote, match="computes nothing: its workbench"),
        ):
            found = package.run_sweep(
                tmp_path / "small.toml",
                tmp_path / "b.db",
                scheduler=file,
                mixed_machines=True,
                **asked,  # type: ignore[arg-type]
            )
    assert (found.stored, found.missing) == (4, 0)
    results = open_results(tmp_path / "b.db")
    kept = results.provenance(found.sweep)
    assert kept[kept.key == "simd"]["value"].nunique() == 2
    assert list(results.invocations()["computed"]) == [4, 4] and set(results.invocations()["status"]) == {"finished"}
    looked = workbench("verify", "b.db", "--sample", "all", cwd=tmp_path)
    assert looked.returncode == 0 and "simd was" in " ".join(looked.stdout.split()), looked


def test_I02_an_interrupt_finishes_what_is_in_flight_and_leaves_nobody_behind(
    brief: Path, undisturbed: str, tmp_path: Path
) -> None:
    db = tmp_path / "once.db"
    sweep = started("sweep", brief, "--db", db, "--executor", "dask", "--workers", "1", cwd=tmp_path)
    before = wait_for_runs(db, sweep)
    beside = children(sweep)
    sweep.send_signal(signal.SIGINT)
    out, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 130 and "Traceback" not in out + err and "distributed" not in err
    assert f"go on with: workbench sweep {brief} --db {db} --executor dask --workers 1" in err
    assert len(beside) == 1 and gone(beside)
    again = package.run_sweep(brief, db, workers=1)
    assert before <= again.reused < 64
    assert digest(db) == undisturbed


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scheduler", "tcp://127.0.0.1:1"), 2, "--executor dask is needed"),
        (("--mixed-machines",), 2, "--executor dask is needed"),
        (("--executor", "ray"), 2, "local or dask"),
        (("--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"), 2, "without --scheduler"),
        (("--executor", "dask", "--scheduler", "tcp://127.0.0.1:1"), 3, "no Dask scheduler answers"),
        (("--executor", "dask", "--scheduler", "no address"), 3, "no Dask scheduler answers"),
        (("--executor", "dask", "--scheduler", "gone.json"), 3, "no Dask scheduler has written"),
    ],
)
def test_what_cannot_be_asked_of_an_executor_is_refused_before_anything_is_written(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.execution.dask_crew.PATIENCE", 0.3)
    (tmp_path / "small.toml").write_text(SMALL)
    done = workbench("sweep", "small.toml", "--db", "a.db", *words, cwd=tmp_path)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert done.returncode == code and said in line
    assert not (tmp_path / "a.db").exists()


def test_without_dask_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.execution.executors.find_spec", lambda name: None)
    (tmp_path / "small.toml").write_text(SMALL)
    done = workbench("sweep", "small.toml", "--db", "a.db", "--executor", "dask", cwd=tmp_path)
    assert done.returncode == 3 and "pip install 'workbench[dask]'" in done.stderr


def test_of_a_greeting_versions_components_and_machine_are_compared() -> None:
    here = {**greet().provenance, "offered.rule.mine": "a 1, source sha256 12", "blas": "openblas 1 Haswell"}
    assert other_code(here, here) == other_machine(here, here) == []
    for key, value, said in (
        ("numpy", "1.0", "its numpy is 1.0, here "),
        ("source_sha256", "other", "has other code than the one here"),
        ("offered.rule.mine", "a 1, source sha256 34", "its component rule.mine is another"),
    ):
        (line,) = other_code(here, {**here, key: value})
        assert said in line
    (line,) = other_code(here, {key: value for key, value in here.items() if "mine" not in key})
    assert line == "it lacks the component rule.mine"
    assert other_code(here, {**here, "offered.rule.theirs": "b 1, source sha256 56"}) == []
    assert other_machine(here, {**here, "blas": "openblas 1 Haswell, openblas 2 Haswell"}) == []
    (line,) = other_machine(here, {**here, "blas": "openblas 1 Nehalem"})
    assert line == "its blas is openblas 1 Nehalem, here openblas 1 Haswell"
    (line,) = other_machine(here, {**here, "libc": "glibc 2.0"})
    assert "its libc is glibc 2.0" in line
    system, _, machine = here["platform"].split()
    assert other_machine(here, {**here, "platform": f"{system} 1.2.3-other {machine}"}) == [], (
        "a kernel computes nothing"
    )


def test_a_process_solves_nothing_that_is_for_one_before_it() -> None:
    batch: Any = None
    assert greet().process == PROCESS
    assert isinstance(solve_here(batch, "another"), Stranger)
