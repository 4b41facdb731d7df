"""Where batches are solved: on this machine, or by the workers of a Dask scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from workbench.errors import StorageError, UsageError, shorten
from workbench.execution.threads import available_cores
from workbench.execution.workers import Alone, Processes

if TYPE_CHECKING:
    from workbench.component.registry import Registry
    from workbench.execution.crew import Crew

KINDS = ("local", "dask")


@dataclass(frozen=True)
class Executor:
    """A choice of who solves.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    scheduler : str
        Address of a Dask scheduler, or the file that it was told to write; "" starts one here.
    mixed_machines : bool
        Whether workers may compute whose processor or C library rounds differently.
    """

    kind: str = "local"
    scheduler: str = ""
    mixed_machines: bool = False


LOCAL = Executor()


def choose_executor(
    kind: str, scheduler: str | None, mixed_machines: bool, workers: int | None, registry: Registry | None
) -> Executor:
    """Return the choice that some arguments of a sweep make.

    Parameters
    ----------
    registry
        Given when components exist that another process could not import.

    Raises
    ------
    UsageError
        If they contradict each other.
    StorageError
        If Dask is not installed.
    """
    if kind not in KINDS:
        raise UsageError(f"executor is {shorten(kind)!r} ({' or '.join(KINDS)})")
    if kind == "local":
        if scheduler is not None or mixed_machines:
            given = "a scheduler" if scheduler is not None else "mixed machines"
            raise UsageError(f"{given} with the local executor (--executor dask is needed)")
        return LOCAL
    if registry is not None:
        raise UsageError("components of this process alone cannot be sent to other machines (install them there)")
    if scheduler is not None and workers is not None:
        raise UsageError("workers are those of the scheduler (--workers goes without --scheduler)")
    _refuse_without_dask()
    return Executor(kind, (scheduler or "").strip(), mixed_machines)


def _refuse_without_dask() -> None:
    if find_spec("distributed") is None:
        raise StorageError(
            "the package distributed is not installed, which --executor dask needs\nhint: pip install 'workbench[dask]'"
        )


def count_workers(executor: Executor, workers: int | None, registry: Registry | None) -> int:
    """Return how many will solve: those that a scheduler has now, or as many as are asked for, or one a core.

    Raises
    ------
    StorageError
        If a scheduler does not answer.
    """
    if registry is not None:
        return 1
    if executor.scheduler:
        from workbench.execution.dask_crew import count_scheduler_workers

        return max(count_scheduler_workers(executor.scheduler), 1)
    return available_cores() if workers is None else max(workers, 1)


def crew(workers: int, registry: Registry | None = None, executor: Executor = LOCAL) -> Crew:
    """Return who solves: worker processes for `workers` of 2 or more and the installed components, else this process.

    Parameters
    ----------
    registry
        Given when components exist that another process could not import; then no process is started.
    executor
        Elsewhere than here.
    """
    if executor.kind == "dask":
        from workbench.execution.dask_crew import DaskCrew

        return DaskCrew(executor.scheduler, workers, executor.mixed_machines)
    return Alone(registry) if workers < 2 or registry is not None else Processes(workers)
