"""Each question of the README to the database has the answer that the README shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipes import README, Recipe, answer, preamble, recipes, section
from support.shipped_runs import Shipped

TEXT = section(README.read_text(encoding="utf-8"))


@pytest.mark.parametrize("recipe", recipes(TEXT), ids=lambda recipe: recipe.title)
def test_the_readme_shows_what_the_shipped_sweep_answers(shipped: Shipped, recipe: Recipe, tmp_path: Path) -> None:
    shipped.db("dystonia")
    folder = shipped.copy("dystonia", to=tmp_path) if recipe.writes else shipped.folder
    assert answer(recipe, preamble(TEXT), folder) == recipe.shown, "run: python tests/readme/recipes.py --write"


def test_there_are_ten_recipes_and_most_need_pandas_alone() -> None:
    found = recipes(TEXT)
    assert len(found) >= 10
    code = ["".join(text for _, text in recipe.blocks) for recipe in found]
    assert sum("import workbench" in text for text in code) <= 2
    assert sum("pd.read_sql" in text for text in code) > len(found) / 2
    assert sum("workbench query" in text for text in code) >= 2
