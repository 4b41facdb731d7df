"""Where the files that ship with the workbench are: beside the package in a clone, inside it when installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> Path:
    # Beside an installed package lies site-packages, where a folder called "data" may be anyone's.
    beside = _PACKAGE.parent / name
    cloned = (_PACKAGE.parent / "pyproject.toml").is_file() and beside.is_dir()
    return beside if cloned else _PACKAGE / "_share" / name


def data_folder() -> Path:
    """Return the folder of published numbers, parameter sets and the bibliography."""
    return _folder("data")


def scenarios_folder() -> Path:
    """Return the folder of the shipped scenarios."""
    return _folder("scenarios")


def guide_folder() -> Path:
    """Return the folder of the guide's pages; the list of them lies above it."""
    return _folder("docs") / "guide"


def parameter_file(name: str, base: Path) -> Path | None:
    """Return the file of a parameter set: the one nearest to the scenario's folder `base`, or None."""
    file = f"{name}.toml"
    places = (
        base / "parameters" / file,
        base / file,
        base.parent / "data" / "parameters" / file,
        data_folder() / "parameters" / file,
    )
    return next((place for place in places if place.is_file()), None)


def parameter_sets(base: Path) -> tuple[str, ...]:
    """Return the names of the parameter sets that `parameter_file` can find from `base`, sorted."""
    folders = (base / "parameters", base.parent / "data" / "parameters", data_folder() / "parameters")
    return tuple(sorted({file.stem for folder in folders if folder.is_dir() for file in folder.glob("*.toml")}))


def scenario_file(name: str, folder: Path) -> Path | None:
    """Return the file of a scenario by its name, beside `folder`'s files or shipped, or by its path; None if none."""
    path = name.endswith(".toml")
    places = [folder] if path else _scenario_folders(folder)
    try:
        return next((at for place in places if (at := place / (name if path else f"{name}.toml")).exists()), None)
    except (OSError, ValueError):
        return None


def scenarios_beside(folder: Path) -> tuple[str, ...]:
    """Return the names of the scenarios that `scenario_file` can find from `folder`, sorted."""
    folders = [place for place in _scenario_folders(folder) if place.is_dir()]
    return tuple(sorted({file.stem for place in folders for file in place.glob("*.toml")}))


def _scenario_folders(folder: Path) -> list[Path]:
    shipped = scenarios_folder()
    return [folder, shipped, shipped / "rules"]
