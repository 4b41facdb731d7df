"""``workbench init``: the shipped scenarios and numbers, copied into a folder of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import AsJson
from workbench.cli.output import print_line, print_object, print_text
from workbench.cli.progress_bar import counted
from workbench.errors import StorageError, escaped
from workbench.files import quote_argument, read_regular, refuse_irregular, write_whole

README = """# A folder for disease models

    workbench check scenarios/dystonia.toml
    workbench sweep scenarios/dystonia.toml --report reports/dystonia.html

`scenarios/` holds one text file for each question: copy one, change any line, and check it.
`data/parameters/` holds the numbers behind them, each with unit, range and source; `workbench describe` lists what
may stand in a scenario. `data/findings/` holds what was published, and `workbench findings` says what the
models give. Results go to `data/results/`, one SQLite file for each scenario.
`workbench guide` prints the documentation.
"""


def init(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Where to put the files; made if it does not exist.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: AsJson = False,
) -> int:
    """Start a folder of your own.

    Writes the shipped scenarios, their parameter sets, the findings and a README into it.
    """
    root = Path(folder)
    files = starter_files()
    if not force:
        _refuse_taken(root, files)
    for name in files:
        refuse_irregular(root / name)
    try:
        # The folders first: once all files are there, nothing is left that the same command could complete.
        for folder_of in ("reports/page", *files):
            (root / folder_of).parent.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            write_whole(root / name, content)
    except OSError as fault:
        raise StorageError(f"{root}: cannot be written ({fault.strerror}); choose another folder") from None
    if as_json:
        print_object({"ok": True, "folder": folder, "files": sorted(files)})
    else:
        there = "" if root.resolve() == Path.cwd() else f"cd {quote_argument(root)} && "
        print_text("\n".join(escaped(str(root / name)) for name in sorted(files)))
        print_line(f"next: {there}workbench sweep scenarios/dystonia.toml --report reports/dystonia.html")
    return 0


def _refuse_taken(root: Path, files: Mapping[str, bytes]) -> None:
    """Refuse a folder that holds any of the files, unless an interrupted command left them there."""
    there = [name for name in files if (root / name).exists()]
    others = [name for name in there if not _holds(root / name, files[name])]
    taken = others or (there if len(there) == len(files) else [])
    if taken:
        more = f" (and {counted(len(taken) - 1, 'more file')})" if len(taken) > 1 else ""
        raise StorageError(f"{root / taken[0]}: already exists{more}; nothing was written; use --force to replace it")


def _holds(file: Path, content: bytes) -> bool:
    try:
        return read_regular(file, len(content)) == content
    except OSError:
        return False


def starter_files() -> dict[str, bytes]:
    """Return the files of a starter folder by relative name."""
    from workbench.scenario.shipped_files import data_folder, scenarios_folder

    scenarios, data = scenarios_folder(), data_folder()
    shipped = [*scenarios.rglob("*.toml"), *scenarios.glob("*.schema.json")]
    tables = (file for folder in ("parameters", "findings") for file in (data / folder).glob("*.toml"))
    numbers = [*tables, data / "doses.toml", data / "references.bib"]
    files = {f"scenarios/{path.relative_to(scenarios).as_posix()}": path.read_bytes() for path in shipped}
    files |= {f"data/{path.relative_to(data).as_posix()}": path.read_bytes() for path in numbers}
    files["README.md"] = README.encode()
    return files


def register(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(init)
