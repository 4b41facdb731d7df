"""Folders of our own choice that cannot be made: every command says which option names another place, exit 3."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import ROOT, SMALL, environment
from support.every_command import commands, example, writes_files, writes_rows
from support.surroundings import contents

from workbench.execution.runner import run_sweep

HEBB, REFIT = (str(ROOT / "scenarios" / name) for name in ("rules/oja.toml", "dystonia_slice.toml"))
DEFAULTS = {
    "sweep": (("small.toml",), "data/results cannot be made (Permission denied); choose --db"),
    "report": (("small.db",), "reports cannot be made (Permission denied); choose --output"),
    "gallery": ((HEBB,), "reports cannot be made (Permission denied); choose --output"),
    "calibrate": ((REFIT,), "data/parameters cannot be made (Permission denied); choose --to"),
    "findings": ((HEBB,), "data/results cannot be made (Permission denied); choose --db"),
    "merge": (
        ("small.db", "--into", "all.db"),
        "all.db: cannot be written (Permission denied: all.db.lock); nothing was changed; choose another --db",
    ),
    "migrate": (
        ("small.db",),
        "small.db: cannot be written (Permission denied: small.db.lock); nothing was changed; choose another --db",
    ),
    "init": (("new",), "new: cannot be written (Permission denied); choose another folder"),
}
"""Commands that write where nobody named a place, and what they say where they may not."""
NAMED = (
    ("sweep", "small.toml", "--db", "new.db"),
    ("sweep", "small.toml", "--db", "{out}/new.db", "--report", "page.html"),
    ("sweep", "small.toml", "--set", "plasticity.input_output.rate=0.003", "--arm", "slow", "--db", "small.db"),
    ("report", "small.db", "--output", "page.html"),
    ("report", "small.db", "--output", "{out}/page.html", "--tables", "tables"),
    ("gallery", HEBB, "--output", "page.html", "--db", "{out}/hebb.db"),
    ("calibrate", REFIT, "--to", "refit.toml", "--db", "{out}/refit.db"),
    ("init", "."),
)
LARGER = {"windows": (REFIT,), "assay": (REFIT, "--help"), "doses": (HEBB, "--help"), "rounding": (HEBB, "--help")}
"""Readers that the small scenario does not serve, or for too long."""
READERS = {name: LARGER.get(name, example(name)) for name in commands() if name not in DEFAULTS}
SCRIPT = """
import contextlib, io, json, sys
from workbench.cli.main import main
found = []
for line in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        found.append([main(line), err.getvalue()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """A folder that may be read and not written, and the command line that takes root's privileges away."""
    if os.name == "nt" or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        pytest.skip("nobody here can be kept from writing")
    folder = tmp_path_factory.mktemp("closed")
    (folder / "small.toml").write_text(SMALL, encoding="utf-8")
    run_sweep(folder / "small.toml", folder / "small.db", workers=1, studies=["strength"])
    dropped = "-dac_override,-dac_read_search,-fowner"
    drop = ["setpriv", f"--inh-caps={dropped}", f"--bounding-set={dropped}", "--"] if os.geteuid() == 0 else []
    folder.chmod(0o555)
    yield folder, drop
    folder.chmod(0o755)


def test_every_command_says_what_to_choose_where_its_folder_is_closed(
    closed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, drop = closed
    assert writes_files() | writes_rows() == DEFAULTS.keys(), "a command that writes says what to choose"
    named = [[word.format(out=tmp_path) for word in line] for line in NAMED]
    lines = [[name, *rest] for name, (rest, _) in DEFAULTS.items()] + named
    lines += [[name, *rest] for name, rest in READERS.items()]
    before = contents(folder)
    done = subprocess.run(
        [*drop, sys.executable, "-c", SCRIPT, json.dumps(lines)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert contents(folder) == before
    found = json.loads(done.stdout)
    for line, (code, said) in zip(lines, found, strict=True):
        assert "internal fault" not in said and "Traceback" not in said, (line, said)
        assert code == (0 if line[0] in READERS else 3), (line, code, said)
    for (_, said), (_, right) in zip(found, DEFAULTS.values(), strict=False):
        assert said.splitlines()[-1] == f"error: {right}"
    for line, (_, said) in zip(named, found[len(DEFAULTS) :], strict=False):
        assert said.splitlines()[-1].startswith("error: "), (line, said)


def test_no_folder_is_made_for_a_page_of_a_database_that_is_not_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([["report", "missing.db"], ["report", "page.txt"]])],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [code for code, _ in json.loads(done.stdout)] == [3, 3] and list(tmp_path.iterdir()) == []
