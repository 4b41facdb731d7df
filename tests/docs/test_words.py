"""Plain English: words that no help, message, page or text of the project uses, and what to write instead."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from functools import cache

from support.commands import workbench
from support.examples import PAGES, ROOT
from support.package_sources import PACKAGE, package_files, parsed

from workbench.cli.guide_text import markdown, topics
from workbench.cli.main import app

INSTEAD = {
    r"\bfor ever\b": "to infinity, endlessly, without an end",
    r"\bbe (it|they)\b(?! [a-z]+ed\b)": "whether it is",
    r"\b1 (studies|runs|arms|sets|subjects|rows|points|findings|doses|visits|tests|files|weeks|days)\b": "1 study, 1 run ...",
    r"\bthat (there (is|are) not|is not there)\b": "that does not exist",
    r"\bbesides[.;:]": "also, as well",
    r"\b(has|have) not the (size|unit|kind|number)\b": "differ in size",
    r"\bhas not (got )?a\b": "has no",
    r"\bwithout (any )?doubt\b": "",
    r"\bnobody can (know|say) better\b": "",
    r"\bby and by\b": "gradually",
    r"\bnot any more\b": "no longer",
    r"\b(is|are|was|were) passed over\b": "ignored, skipped",
    r"\bparted by\b": "separated by",
    r"\bset apart by\b": "separated by",
    r"\bslip of the pen\b": "typo",
    r"\bnowhere said\b": "not given",
    r"\bby letter case only\b": "only in upper and lower case",
    r"\bthe very (numbers|same)\b": "the same numbers",
    r"\bgoes on where it was\b": "continues where it left off",
    r"\bmended\b": "fixed",
    r"\bstays at nothing\b": "stays at zero",
    r"\b(dates|days|routes|durations|item) (is|are) not followed\b": "not supported",
    r"\bfor want of\b": "for lack of",
    r"\bas good as do\b": "nearly",
    r"\bround in a loop\b": "in a loop",
    r"\bcome[s]? out again\b": "is reproduced",
    r"\bno (topic|lock file|subclass|dataclass) of\b": "not a topic of",
    r"\bis told (as|at|by)\b": "is reported",
    r"\bhear[s]? of Ctrl-C\b": "learns of",
    r"\bwhatever it likes\b": "anything",
}
"""A pattern, and what to write."""


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Return what people read, each text with where it stands, on one line."""
    return tuple((place, " ".join(text.split())) for place, text in _texts())


def _texts() -> Iterator[tuple[str, str]]:
    for page in (*PAGES, ROOT / "SECURITY.md", ROOT / "CITATION.cff", *ROOT.glob("workbench/**/*.j2")):
        yield page.relative_to(ROOT).as_posix(), page.read_text(encoding="utf-8")
    for topic in topics():
        yield f"workbench guide {topic.name}", markdown(topic.name)
    for command in app.registered_commands:
        if command.callback:
            name = command.callback.__name__
            yield f"workbench {name} --help", workbench(name, "--help", cwd=ROOT).stdout
    for file in (*ROOT.glob("scenarios/**/*.toml"), *ROOT.glob("data/[!r]*/*.toml"), ROOT / "data" / "doses.toml"):
        yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
    for page in ROOT.glob("reports/*.html"):
        drawn = re.sub(r"<(svg|style)\b.*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        yield page.relative_to(ROOT).as_posix(), html.unescape(re.sub(r"<[^>]+>", " ", drawn))
    for module in package_files():
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield f"{module.relative_to(PACKAGE.parent)}:{node.lineno}", node.value


def test_no_text_uses_a_word_that_we_do_not_use() -> None:
    found = [
        f"{place}: {text[max(found.start() - 40, 0) : found.end() + 40]!r}; instead: {instead}"
        for pattern, instead in INSTEAD.items()
        for place, text in texts()
        for found in re.finditer(pattern, text)
    ]
    assert not found, "\n".join(found)
