"""How far shipped results lie apart between processors: `python tests/support/tolerances.py --write` measures it anew.

Every arm of every shipped scenario is solved for its first subjects: on each processor that can be played here (see
`processors`), and once more with every number moved by a unit in its last place (`workbench.execution.amplification`). The largest
difference of any run from the first of them, as a share of the outcome's largest value in its scenario, is what
`data/tolerances.toml` calls measured; the tolerance is the next power of ten above ten times that, and not below 1e-12.
What a unit in the last place, or another processor, moves by more than 1e-9 amplifies rounding and has a line of its own;
how far hangs on the subject, so it is measured on 32.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.processors import Processor, here, ran  # noqa: E402 - the script finds it only now
from workbench.component.registry import registry  # noqa: E402
from workbench.execution.amplification import EACH, add, differences, join_studies, nudge_numbers, sample_runs  # noqa: E402
from workbench.execution.tolerances import AMPLIFIES, FILE, Amplified, Rounding, tolerance_for  # noqa: E402
from workbench.plan import plan  # noqa: E402
from workbench.scenario import load_scenario  # noqa: E402
from workbench.scenario.shipped_files import data_folder, scenarios_folder  # noqa: E402
from workbench.solver.batch import Batch  # noqa: E402
from workbench.solver.run import _assembled, _run_phases, shape_of, solve  # noqa: E402
from workbench.solver.watch import Watch  # noqa: E402

Array = NDArray[np.float64]
Values = dict[tuple[str, str], Array]

SUBJECTS, NUDGES = 4, (1,)
LOOKS = {"whole": SUBJECTS, "many": 32, "quick": 2}
SHORT, LONG = 200, 1000
"""In a quick look, a structure of more than `LONG` steps is followed for `SHORT` of them."""


def names() -> list[str]:
    """Return the shipped scenarios."""
    return [p.relative_to(scenarios_folder()).with_suffix("").as_posix() for p in scenarios_folder().rglob("*.toml")]


class CutShort(Exception):
    """Enough steps were taken."""


class Cut(Watch):
    """A watch that breaks off after some steps."""

    def look(self, step: int, time: str) -> None:
        super().look(step, time)
        if step >= SHORT:
            raise CutShort


def followed(batch: Batch) -> dict[str, Array]:
    """Return the weights of every projection after some steps, ``(numbers, runs)``."""
    with np.errstate(all="ignore"):
        block, phases, recorder = _assembled(batch, registry())
        with contextlib.suppress(CutShort):
            _run_phases(block, recorder, Cut(block), phases)
    states = {name: state.reshape(-1, block.runs) for name, state in block.states.items()}
    states |= {name: layer.reshape(block.runs, -1).T for name, layer in block.layers.items()}
    weights = {name: state for name, state in states.items() if name.endswith(".weight")}
    return {name: state[:, : len(batch)].astype(np.float64) for name, state in weights.items()}


def values(scenario: str, look: str = "whole", nudge: int = 0) -> Values:
    """Return the outcomes of a scenario's runs by arm; of what is too long for a quick look, the weights on the way.

    Parameters
    ----------
    look
        ``whole``: every structure, for a few subjects; ``many``: all runs, for many; ``quick``: the shortest
        structure of the arms as they stand, for two.
    """
    found: dict[tuple[str, str], list[Array]] = {}
    document = load_scenario(scenarios_folder() / f"{scenario}.toml")
    plain = [name for name, study in document.studies.items() if not study.axes][:1] if look == "quick" else None
    planned = plan(document, subjects=LOOKS[look], studies=plain)
    quick, each = look == "quick", planned.expected if look == "many" else EACH
    shortest = min(planned.structures(), key=lambda structure: shape_of(structure).steps)
    for batch, arms in sample_runs(planned, (lambda structure: structure == shortest) if quick else None, each):
        moved = nudge_numbers(batch, nudge) if nudge else batch
        long = quick and shape_of(batch.structure).steps > LONG
        add(found, arms, followed(moved) if long else solve(moved).outcomes)
    return join_studies(found)


def summed_up(scenario: str, seen: Iterable[dict[tuple[str, str], float]]) -> Rounding:
    """Return what the file states of a scenario."""
    worst: dict[tuple[str, str], float] = {}
    for found in seen:
        for key, share in found.items():
            worst[key] = max(worst.get(key, 0.0), share)
    worst = {key: float(f"{share:.1e}") for key, share in worst.items()}  # as it is printed
    calm = max((share for share in worst.values() if share <= AMPLIFIES), default=0.0)
    more = [Amplified(*key, share, tolerance_for(share)) for key, share in worst.items() if share > AMPLIFIES]
    return Rounding(Path(scenario).name, calm, tolerance_for(calm), tuple(more))


SOLVE = """
import sys
sys.path.insert(0, sys.argv[1])
from support import tolerances
tolerances.keep(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), sys.argv[6:])
"""


def kept_in(folder: str | Path, label: str, scenario: str) -> Path:
    """Return the file of what one scenario gave."""
    return Path(folder) / f"{scenario.replace('/', '-')}-{label}.npz"


def keep(folder: str, label: str, look: str, nudge: int, scenarios: Sequence[str]) -> None:
    """Solve some scenarios and keep what came out, each in a file of its own; and what the libraries ran on."""
    (Path(folder) / f"ran-{label}.json").write_text(json.dumps(ran()), encoding="utf-8")
    for scenario in scenarios:
        found = values(scenario, look, nudge)
        arrays = {str(i): read for i, read in enumerate(found.values())}
        draft = Path(folder) / f"{os.getpid()}.npz"
        np.savez(draft, keys=json.dumps([*found]), **arrays)  # type: ignore[arg-type]
        draft.replace(kept_in(folder, label, scenario))


def elsewhere(
    processor: Processor, scenarios: Sequence[str], folder: Path, look: str = "whole", nudge: int = 0
) -> dict[str, Values]:
    """Return the values of some scenarios as another processor finds them, by scenario.

    They are kept in `folder`; what is there already is not solved again.
    """
    label = f"{processor.name}-{nudge}" + (f"-{look}" if look == "many" else "")
    missing = [scenario for scenario in scenarios if not kept_in(folder, label, scenario).exists()]
    if missing or not (folder / f"ran-{label}.json").exists():
        processor.run(SOLVE, str(ROOT / "tests"), str(folder), label, look, str(nudge), *missing)
    found: dict[str, Values] = {}
    for scenario in scenarios:
        with np.load(kept_in(folder, label, scenario)) as read:
            keys = json.loads(str(read["keys"]))
            found[scenario] = {(arm, outcome): read[str(i)] for i, (arm, outcome) in enumerate(keys)}
    return found


def as_toml(stated: Sequence[Rounding], processors: Sequence[Processor], folder: Path) -> str:
    """Return the text of the file."""
    told = []
    for one in processors:
        kernels, simd = json.loads((folder / f"ran-{one.name}-0.json").read_text(encoding="utf-8"))
        libm = ", libm without fused products" if one.libm else ""
        told.append(f"{one.name}: OpenBLAS {'/'.join(kernels)}, NumPy {simd}{libm}")
    lines = [
        "# How far the results of each shipped scenario may lie apart between processors.",
        "# Made by `python tests/support/tolerances.py --write`, which says how; not to be edited by hand.",
        "# measured: the largest difference of any run's outcome, as a share of the outcome's largest value.",
        "# tolerance: the next power of ten above ten times that, and not below 1e-12.",
        "# amplified: outcomes that a unit in the last place moves by more than 1e-9 of their largest value.",
        "",
        "[made]",
        f"subjects = {SUBJECTS}",
        f"subjects_where_amplified = {LOOKS['many']}",
        f"nudges = {len(NUDGES)}",
        f'libraries = "numpy {version("numpy")}, scipy {version("scipy")}"',
        f"processors = {json.dumps(told, indent=2)}",
    ]
    for one in sorted(stated, key=lambda one: one.scenario):
        lines += [
            "",
            f"[scenario.{one.scenario}]",
            f"measured = {one.measured:.1e}",
            f"tolerance = {one.tolerance:.0e}",
        ]
        for more in sorted(one.amplified, key=lambda more: (more.arm, more.outcome)):
            lines += [
                "",
                f"[[scenario.{one.scenario}.amplified]]",
                f'arm = "{more.arm}"',
                f'outcome = "{more.outcome}"',
            ]
            lines += [f"measured = {more.measured:.1e}", f"tolerance = {more.tolerance:.0e}"]
    return "\n".join(lines) + "\n"


def measured(scenarios: Sequence[str], folder: Path, look: str = "whole") -> list[Rounding]:
    """Return what is stated of some scenarios, solved on every processor that can be played here."""
    first, *others = here()
    base = elsewhere(first, scenarios, folder, look)
    seen: dict[str, list[dict[tuple[str, str], float]]] = {scenario: [] for scenario in scenarios}
    for processor, nudge in [*((first, seed) for seed in NUDGES), *((other, 0) for other in others)]:
        for scenario, found in elsewhere(processor, scenarios, folder, look, nudge).items():
            seen[scenario].append(differences(base[scenario], found))
    stated = {scenario: summed_up(scenario, mine) for scenario, mine in seen.items()}
    growing = [scenario for scenario, one in stated.items() if one.amplified] if look == "whole" else []
    if growing:  # how far those come apart hangs on the subject, so many are looked at
        stated |= dict(zip(growing, measured(growing, folder, "many"), strict=True))
    return list(stated.values())


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="names such as rules/oja; all if none is given")
    parser.add_argument("--write", action="store_true", help="write data/tolerances.toml")
    parser.add_argument("--folder", type=Path, help="where solved values are kept and found again")
    asked = parser.parse_args()
    if len(here()) < 2:
        raise SystemExit("no other processor can be played here: this machine is no x86-64")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        text = as_toml(measured(asked.scenarios or sorted(names()), folder), here(), folder)
    print(text)  # noqa: T201 - a script
    if asked.write:
        (data_folder() / FILE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
