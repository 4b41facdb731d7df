"""Other processors on this one: a process whose linear algebra, vector loops and libm are those of another machine.

OpenBLAS brings kernels for many processors, NumPy loops for several widths of vectors, and the C library functions with
and without fused products; each is chosen when a process starts, by the environment. Results of one processor differ
from another's in last digits only there. What a processor here lacks is left out, and what ran is asked of the
libraries themselves.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from support.commands import environment

WIDEST = ("AVX512_SPR", "AVX512_ICL", "X86_V4", "AVX512_CNL", "AVX512_CLX", "AVX512_SKX", "AVX512CD", "AVX512F")
WIDE = ("X86_V3", "AVX2", "FMA3", "F16C", "AVX")
"""What NumPy calls its loops over 512 and 256 bits, new names and old; a NumPy is told those that it knows."""
FUSED = "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4"
"""Makes the C library choose functions without fused products."""
PATIENCE = 7200.0
"""Seconds that a process may take."""


@dataclass(frozen=True)
class Processor:
    """One class of machine.

    Attributes
    ----------
    needs : str
        The feature without which it cannot run here; "" runs on every x86-64 that NumPy runs on.
    unless : str
        The feature beside which it shows nothing more.
    kernels : tuple of str
        What OpenBLAS calls it when asked.
    off : tuple of str
        NumPy's loops that it lacks.
    """

    name: str
    coretype: str
    kernels: tuple[str, ...]
    needs: str = ""
    unless: str = ""
    off: tuple[str, ...] = ()
    libm: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment."""
        known = [feature for feature in self.off if feature in _features()[1]]
        changes = {"OPENBLAS_CORETYPE": self.coretype, "NPY_DISABLE_CPU_FEATURES": " ".join(known)}
        return changes | ({"GLIBC_TUNABLES": self.libm} if self.libm else {})

    def run(self, code: str, *arguments: str, cwd: Path | None = None) -> str:
        """Return what Python code printed there."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd,
            env=environment(**self.environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{self.name}: {done.stderr}"
        return done.stdout


KNOWN = (
    Processor("skylake", "SkylakeX", ("SkylakeX",), needs="AVX512_SKX"),
    Processor("haswell", "Haswell", ("Haswell",), needs="AVX2", off=WIDEST),
    Processor("sandybridge", "Sandybridge", ("Sandybridge",), needs="AVX", unless="AVX2", off=(*WIDEST, *WIDE)),
    Processor("nehalem", "Nehalem", ("Nehalem",), off=(*WIDEST, *WIDE)),
    Processor("prescott", "Prescott", ("Katmai", "Prescott"), off=(*WIDEST, *WIDE), libm=FUSED),
)
"""From the newest to the oldest; the last two run wherever NumPy does."""


def ran() -> tuple[list[str], str]:
    """Return the OpenBLAS kernels and the vector loops of this process, as the libraries themselves say."""
    import numpy.linalg  # noqa: F401 - loads the library that is asked
    import threadpoolctl

    from workbench.store.provenance import simd_class

    kernels = {one["architecture"] for one in threadpoolctl.threadpool_info() if one["internal_api"] == "openblas"}
    return sorted(kernels), simd_class()


@cache
def _features() -> tuple[Mapping[str, bool], tuple[str, ...]]:
    """Return what this processor has, and which loops NumPy chooses from."""
    core = import_module("numpy._core._multiarray_umath")
    return core.__cpu_features__, tuple(core.__cpu_dispatch__)


def here() -> list[Processor]:
    """Return the processors that can be played here; none on other than x86-64, or without an OpenBLAS to choose from."""
    if platform.machine().lower() not in ("x86_64", "amd64") or not ran()[0]:
        return []
    has = _features()[0]
    return [one for one in KNOWN if (not one.needs or has.get(one.needs)) and not has.get(one.unless)]
