"""The README's questions to the database: read, run, and (`python tests/readme/recipes.py --write`) answered anew.

The README holds the code; this file holds none of it. A recipe is what stands below one ``###`` heading of
the section: code blocks, and a ``text`` block that shows what the last of them prints.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.commands import process, workbench  # noqa: E402 - the script finds it only now

README = ROOT / "README.md"
SECTION = re.compile(r"(?<=<!-- recipes -->\n).*?(?=<!-- end of recipes -->)", flags=re.DOTALL)
BLOCK = re.compile(r"```(\w+)\n(.*?)```\n", flags=re.DOTALL)
SCENARIO = "scenarios/dystonia.toml"


@dataclass(frozen=True)
class Recipe:
    """One question: its code blocks as (language, code), and the answer that the README shows."""

    title: str
    blocks: tuple[tuple[str, str], ...]
    shown: str

    @property
    def writes(self) -> bool:
        """Whether it adds to the database."""
        return any(code.startswith("workbench sweep") for _, code in self.blocks)


def section(readme: str) -> str:
    """Return what stands between the README's markers."""
    found = SECTION.search(readme)
    if found is None:
        raise ValueError("the README has no section of recipes")
    return found[0]


def preamble(text: str) -> str:
    """Return the Python that all recipes of a section start from."""
    return BLOCK.findall(text.partition("### ")[0])[0][1]


def recipes(text: str) -> list[Recipe]:
    """Return the recipes of a section."""
    found = []
    for part in text.split("### ")[1:]:
        *code, (language, shown) = BLOCK.findall(part)
        title = part.partition("\n")[0]
        if language != "text" or not code:
            raise ValueError(f"{title!r} does not end with an answer")
        found.append(Recipe(title, tuple(code), shown))
    return found


def answer(recipe: Recipe, start: str, folder: Path) -> str:
    """Return what the recipe's last block prints in `folder`; `start` is the section's preamble."""
    printed, names = "", {}
    for language, code in recipe.blocks:
        if language == "sh":
            done = workbench(*shlex.split(code)[1:], cwd=folder)
            if done.returncode:
                raise RuntimeError(done.stderr)
            printed = done.stdout
        else:
            printed = _python((start + code) if not names else code, names, folder)
    if "db" in names:
        names["db"].close()
    return "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"


def _python(code: str, names: dict[str, object], folder: Path) -> str:
    before, out = Path.cwd(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), pd.option_context("display.width", 80):
            exec(compile(code, "README.md", "exec"), names)  # noqa: S102 - the README is what is run
    finally:
        os.chdir(before)
    return out.getvalue()


def answered(text: str, folder: Path) -> str:
    """Return the section with every answer made anew; recipes that write come last."""
    for recipe in sorted(recipes(text), key=lambda recipe: recipe.writes):
        code = "".join(f"```{language}\n{code}```\n\n" for language, code in recipe.blocks)
        old = f"{code}```text\n{recipe.shown}```\n"
        if text.count(old) != 1:
            raise ValueError(f"{recipe.title!r}: blocks must follow each other with one empty line between them")
        text = text.replace(old, f"{code}```text\n{answer(recipe, preamble(text), folder)}```\n")
    return text


def main() -> None:
    """Sweep the shipped scenario in a folder of its own and print, or write, the section with its answers."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="write the answers into README.md")
    asked = parser.parse_args()
    readme = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for command in (("init", "."), ("sweep", SCENARIO)):
            process(*command, cwd=folder).check_returncode()
        fresh = answered(section(readme), folder)
    if asked.write:
        README.write_text(SECTION.sub(lambda _: fresh, readme), encoding="utf-8")
    else:
        sys.stdout.write(fresh)


if __name__ == "__main__":
    main()
