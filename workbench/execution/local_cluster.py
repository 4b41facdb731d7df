"""A Dask cluster on this machine, in a process beside whoever asked for it, which it does not outlive.

In a process of its own, so that Ctrl-C reaches only its parent, that a plain script without a guard may ask for it, and
that its scheduler does not wait for whoever stores results.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from contextlib import suppress

from workbench.errors import StorageError, shorten
from workbench.execution.process import start
from workbench.execution.worker import die_with_parent, private_pipes

PATIENCE = 5.0
"""Seconds that it is given to end its workers in good order."""


class LocalCluster:
    """A scheduler and some workers of one thread each.

    Attributes
    ----------
    address : str
        Of the scheduler.

    Raises
    ------
    StorageError
        If it does not come to life.
    """

    def __init__(self, workers: int) -> None:
        self._process = start("workbench.execution.local_cluster", str(workers))
        assert self._process.stdout is not None
        try:
            said = json.loads(self._process.stdout.readline() or b"{}")
        except BaseException:
            self.close(at_once=True)
            raise
        self.address: str = said.get("address", "")
        if not self.address:
            self.close(at_once=True)
            raise StorageError(
                f"no Dask cluster can be started here ({said.get('fault', 'it ended without a word')});"
                " try without --executor dask"
            )

    def close(self, at_once: bool = False) -> None:
        """End it with all its workers."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            self._process.stdin.close()
        if not at_once:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Start a cluster, tell its address, and end when the parent is gone or closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # workers inherit it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    die_with_parent()
    inbox, outbox = private_pipes()
    os.environ["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"  # a tenth of a core, and nobody looks at it
    warnings.simplefilter("ignore")  # Dask's, of ports and versions
    os.environ["PYTHONWARNINGS"] = (
        "ignore::UserWarning:multiprocessing.resource_tracker"  # of what a kill leaves behind
    )
    try:
        import distributed

        cluster = distributed.LocalCluster(
            n_workers=int(sys.argv[1]),
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
    except Exception as fault:  # noqa: BLE001 - told to the parent, whose error it is
        said = {"fault": shorten(f"{type(fault).__name__}: {fault}")}
        cluster = None
    else:
        said = {"address": cluster.scheduler_address}
    outbox.write(json.dumps(said).encode() + b"\n")
    outbox.flush()
    if cluster is not None:
        inbox.read()
        cluster.close()


if __name__ == "__main__":
    main()
