"""Every example of the documentation is run as it stands, and prints what is shown."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from support.cases import every_case
from support.commands import answer, workbench
from support.examples import PAGES, ROOT, Examples, blocks, examples, lines
from support.shipped_runs import Shipped

import workbench as api


def the_first_python(found: Examples) -> None:
    names = vars(found.module)
    result = names["result"]
    assert (result.stored, result.missing) == (0, 0) and result.reused == result.expected
    assert len(names["results"].runs()) == result.expected
    assert set(names["effects"]["study"]) == {"arms"}
    assert len(names["frame"]) == 20


def every_function(found: Examples) -> None:
    names = vars(found.module)
    result = names["result"]
    assert names["scenario"].title in (found.folder / names["page"]).read_text(encoding="utf-8")
    assert names["again"].equal and names["sound"]
    assert names["whole"] == len(names["results"].runs().drop_duplicates("run"))
    assert names["refit"].candidates > 0 and names["ledger"].rows and len(names["responses"]) > 0
    assert (result.failed, result.missing) == (0, 0)


def a_rule_of_ones_own(found: Examples) -> None:
    result = vars(found.module)["result"]
    assert (result.failed, result.missing) == (0, 0) and result.stored > 0
    db = found.folder / result.db
    assert "unpackaged plasticity.covariance" in set(api.open_results(db).provenance()["key"])
    hebb = answer(workbench("sweep", "scenarios/rules/hebb.toml", "--json", cwd=found.folder))
    plain, mine = (api.open_results(found.folder / file).outcomes() for file in (hebb["db"], db))
    assert np.allclose(plain["value"], mine["value"], rtol=1e-9), "with its usual activity at 0 it is Hebb's rule"


MORE: Mapping[str, Callable[[Examples], None]] = {
    "README": the_first_python,
    "commands": every_function,
    "extend": a_rule_of_ones_own,
}
"""What is asked of the examples of a page beside that they run and print what is shown."""


WITH_EXAMPLES = [page for page in PAGES if any(True for _ in blocks(page))]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run_and_print_what_it_shows(
    shipped: Shipped, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = examples(page, shipped, tmp_path / "user")
    assert not found.wrong, "\n".join(
        [*found.wrong, f"python tests/support/examples.py --write {page.relative_to(ROOT)}"]
    )
    if page.stem in MORE and page.parent in (ROOT, ROOT / "docs" / "guide"):
        monkeypatch.chdir(found.folder)
        MORE[page.stem](found)


def test_every_command_has_an_example() -> None:
    from workbench.cli.main import app

    shown = [line for page in PAGES for block in blocks(page) if block.language == "sh" for line in lines(block.code)]
    run = {shlex.split(line)[1] for line in shown if line.startswith("workbench ")}
    assert {command.callback.__name__ for command in app.registered_commands if command.callback} <= run


@every_case("name", [name for name in api.__all__ if not name.startswith("_")])
def test_every_function_of_the_package_has_an_example_and_says_what_it_does(name: str) -> None:
    function = getattr(api, name)
    assert f"workbench.{name}(" in (ROOT / "docs" / "guide" / "commands.md").read_text(encoding="utf-8")
    assert inspect.isfunction(function) and inspect.getdoc(function) and name in dir(api)
    assert function.__module__.startswith("workbench.")


def test_there_are_ten_recipes_and_most_need_pandas_alone() -> None:
    recipes = (ROOT / "docs" / "guide" / "database.md").read_text(encoding="utf-8").split("\n### ")[1:]
    assert len(recipes) >= 10
    assert all(re.search(r"```text\n.+\n", recipe) for recipe in recipes), "each shows its answer"
    assert not any("import workbench" in recipe for recipe in recipes)
    assert sum("pd.read_sql" in recipe for recipe in recipes) > len(recipes) / 2
    assert sum("workbench query" in recipe for recipe in recipes) >= 2


@pytest.mark.parametrize("setting", re.findall(r"`--set (\S+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
def test_every_setting_that_the_readme_suggests_is_taken(setting: str, tmp_path: Path) -> None:
    done = workbench("sweep", ROOT / "scenarios" / "dystonia.toml", "--dry-run", "--set", setting, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
