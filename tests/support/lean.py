"""Commands in children of one lean process: how each ends, what it says, its seconds of a processor, all its memory.

A child of the test's own process would begin with the memory of the tests. This module is that lean process, too, when
it is run: it has loaded what ``workbench check`` loads, and forks for every line that it reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.commands import ROOT, SMALL, environment

MOST_MEMORY = 6 << 30
LONGEST = 20
"""Seconds of a processor after which a child is ended."""


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is negative for a signal. `megabytes` is the largest memory in all."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


class Lean:
    """The lean process."""

    def __init__(self) -> None:
        place = os.pathsep.join([str(ROOT / "tests"), environment()["PYTHONPATH"]])
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.lean"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(PYTHONPATH=place, **one_thread),
        )

    def __call__(self, *arguments: str | Path, cwd: Path) -> Ended:
        """Run one command."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(cwd), [*map(str, arguments)]]) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()


@contextlib.contextmanager
def lean() -> Iterator[Lean]:
    """Give the lean process, and end it."""
    process = Lean()
    try:
        yield process
    finally:
        process.close()


def _serve() -> None:
    import scipy.special  # noqa: F401 - half a second of every child otherwise

    from workbench.cli.main import main

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        small = Path(folder) / "small.toml"
        small.write_text(SMALL, encoding="utf-8")
        assert main(["check", str(small)]) == 0
    for line in sys.stdin:
        folder, arguments = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if child == 0:
                os.chdir(folder)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
                resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 1))
                code = 99
                try:
                    code = main(arguments)
                finally:
                    sys.stdout.flush()
                    os._exit(code)
            _, status, used = os.wait4(child, 0)
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read())
        ended = Ended(os.waitstatus_to_exitcode(status), *said, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
        sys.stdout.write(json.dumps(ended.__dict__) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
