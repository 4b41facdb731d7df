"""The examples of the documentation: read, run, and (`python tests/support/examples.py --write`) answered anew.

The pages hold the code; this file holds none of it. Blocks of one page are run in their order, in one folder:

* ``sh``: commands of the workbench; ``# exit 2`` behind one says how it ends, if not with 0.
* ``python``: in one module for the whole page.
* ``toml FILE`` or ``csv FILE``: written there; a scenario is checked.
* ``text``: what the block before it has printed; ``...`` stands for anything.
* ``LANGUAGE elsewhere``: for machines that are not here; only shown.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from types import ModuleType

import pandas as pd
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.commands import workbench  # noqa: E402 - the script finds it only now
from support.shipped_runs import SCENARIOS, Shipped  # noqa: E402

PAGES = (
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING")),
    *(ROOT / folder / "README.md" for folder in ("scenarios", "data", "reports")),
    ROOT / "docs" / "index.md",
    *sorted((ROOT / "docs" / "guide").glob("*.md")),
)
ELSEWHERE = re.compile(
    r"(python3? -m venv|\. \.venv|py -m venv|(\.venv/bin/)?pip install|git clone|cd |apt install|export [A-Z_]+=|"
    r"(\.venv/bin/)?python (-m pytest|tests/|docs/)|\.ci/run|ruff |mypy|sphinx-build|codespell|pre-commit )"
)
"""How lines begin that install, test or build: they are run by whoever installs, tests or builds."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, what stands behind the language, its text, and the line it begins at."""

    language: str
    about: str
    code: str
    line: int


@dataclass
class Examples:
    """The blocks of a page, run one after the other in `folder`."""

    page: Path
    folder: Path
    shared: Shipped
    wrong: list[str] = field(default_factory=list)
    answers: dict[int, str] = field(default_factory=dict)
    """What was printed before each ``text`` block, by its line."""
    module: ModuleType = field(init=False)

    def __post_init__(self) -> None:
        self.module = ModuleType(f"page_{self.page.stem.casefold()}")
        self.folder.mkdir(exist_ok=True)

    def run(self) -> None:
        """Run every block; what goes wrong is collected."""
        before = Path.cwd()
        os.chdir(self.folder)
        sys.modules[self.module.__name__] = self.module
        try:
            printed = ""
            for block in blocks(self.page):
                if block.language == "text":
                    self.answers[block.line] = printed
                    if not OutputChecker().check_output(block.code, printed, ELLIPSIS):
                        self._fault(block, f"printed\n{printed}")
                else:
                    printed = self._done(block)
        finally:
            os.chdir(before)
            del sys.modules[self.module.__name__]
            for value in vars(self.module).values():
                if hasattr(value, "close"):
                    value.close()

    def _fault(self, block: Block, said: str) -> None:
        self.wrong.append(f"{self.page.relative_to(ROOT)}:{block.line}: {said}")

    def _done(self, block: Block) -> str:
        """Do what a block says, and return what it prints."""
        if block.about == "elsewhere":
            return ""
        if block.language == "sh":
            return "".join(self._command(block, line) for line in lines(block.code))
        if block.language == "python":
            return self._python(block)
        if block.language in ("toml", "csv") and block.about:
            return self._file(block)
        self._fault(block, f"nothing is known about a block of {block.language!r} {block.about!r}")
        return ""

    def _command(self, block: Block, line: str) -> str:
        command, _, comment = line.partition("  #")
        wanted = re.search(r"exit (\d+)", comment)
        *others, last = command.split(" && ") if "workbench " in command else (command,)
        for other in others:
            if not ELSEWHERE.match(other):
                self._fault(block, f"{other!r} is no command that is known here")
        words = shlex.split(last)
        if (scenario := _swept_for_all(words)) is not None:
            return str(self.shared.answer(scenario))
        if Path(words[0]).name == "workbench":
            done = workbench(*words[1:], cwd=self.folder)
            if done.returncode != int(wanted[1] if wanted else 0):
                self._fault(block, f"{line!r} ended with {done.returncode}: {done.stderr}")
            return _clean(done.stdout + (done.stderr if done.returncode else ""))
        if not ELSEWHERE.match(last):
            self._fault(block, f"{last!r} is no command that is known here")
        return ""

    def _python(self, block: Block) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), pd.option_context("display.width", 80):
            exec(compile(block.code, str(self.page), "exec"), vars(self.module))  # noqa: S102 - it is what is tested
        return _clean(out.getvalue())

    def _file(self, block: Block) -> str:
        file = self.folder / block.about
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.code, encoding="utf-8")
        if file.parent.name == "scenarios" and file.suffix == ".toml":
            done = workbench("check", file.relative_to(self.folder), cwd=self.folder)
            if done.returncode:
                self._fault(block, done.stderr)
        return ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page, all but MyST's own directives."""
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        language, _, about = token.info.partition(" ")
        if token.type == "fence" and not language.startswith("{") and token.map:
            yield Block(language, about.strip(), token.content, token.map[0] + 1)


def lines(code: str) -> Iterator[str]:
    """Yield the command lines of a block; one goes on to the next line inside quotes and behind a backslash."""
    held = ""
    for line in code.splitlines():
        held += line if not held or held.endswith(" ") else f"\n{line}"
        if held.endswith("\\"):
            held = held.removesuffix("\\")
        elif held.count('"') % 2 == 0:
            if held and not held.startswith("#"):
                yield held
            held = ""


def needed(page: Path) -> Sequence[str]:
    """Return the shipped scenarios whose results a page reads, or would compute."""
    text = page.read_text(encoding="utf-8")
    known = {name.rpartition("/")[2]: name for name in SCENARIOS}
    stems = re.findall(r"data/results/(\w+)\.db", text)
    for files in re.findall(r"^workbench (?:findings|gallery) (.*)$", text, flags=re.MULTILINE):
        stems += re.findall(r"scenarios/(?:rules/)?(\w+)\.toml", files)
    return sorted({known[stem] for stem in stems if stem in known})


def examples(page: Path, shipped: Shipped, folder: Path) -> Examples:
    """Return a page's examples, run in a user's folder that holds the results that they read."""
    shipped.copy(*needed(page), to=folder)
    found = Examples(page, folder, shipped)
    found.run()
    return found


def _swept_for_all(words: Sequence[str]) -> str | None:
    """Return the scenario of a command that the session has run once for all tests, as `Shipped` does."""
    for name in SCENARIOS:
        if words[1:] == ["sweep", f"scenarios/{name}.toml", "--report", f"reports/{name}.html"]:
            return name
    return None


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def main() -> None:
    """Run the examples of the pages and say what is wrong; with --write put what they print into the pages."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="all that have examples if not given")
    parser.add_argument("--write", action="store_true", help="write what is printed into the pages")
    parser.add_argument("--results", type=Path, help="a folder to keep the results of the shipped scenarios in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        shipped = Shipped(asked.results or Path(place) / "shipped")
        for page in asked.pages or PAGES:
            found = examples(page.resolve(), shipped, Path(place) / "user")
            if asked.write:
                _write(page, found.answers)
            elif found.wrong:
                sys.stdout.write("\n".join([*found.wrong, ""]))


def _write(page: Path, answers: dict[int, str]) -> None:
    text = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for block in reversed([block for block in blocks(page) if block.line in answers]):
        if "..." not in block.code:
            text[block.line : block.line + block.code.count("\n")] = [answers[block.line]]
    page.write_text("".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
