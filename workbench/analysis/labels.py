"""What arms are called where there is little room: names that stay different when they are cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection

MARK = "…"


def short_names(selection: Selection) -> dict[str, str]:
    """Return each arm's short name as the stored scenario declares it, else its title, else its name as words."""
    declared = selection.scenario.get("arm", {})
    return {
        str(name): str(declared.get(name, {}).get("short") or selection.arms.title[name] or str(name).replace("_", " "))
        for name in selection.arms.index
    }


def apart(texts: Sequence[str], letters: int) -> list[str]:
    """Return texts of at most `letters` letters, each on one line; different texts stay different.

    Where cutting the end makes some alike, what these share at their beginning is cut instead; where that does not
    help either, they are numbered.

    >>> apart(["Ketamine once, then weekly", "Ketamine once, then daily"], 18)
    ['Ketamine on…weekly', 'Ketamine onc…daily']
    """
    lines = [" ".join(text.split()) for text in texts]
    cut = _ended(lines, letters)
    if _clash(lines, cut):
        cut = _opened(lines, cut, letters)
    if _clash(lines, cut):
        cut = _numbered(lines, cut, letters)
    return cut


def _ended(lines: Sequence[str], letters: int) -> list[str]:
    return [line if len(line) <= letters else line[: letters - 1] + MARK for line in lines]


def _clash(lines: Sequence[str], cut: Sequence[str]) -> set[str]:
    """Return the cut texts that stand for several texts."""
    seen = Counter(label for label, _ in dict.fromkeys(zip(cut, lines, strict=True)))
    return {label for label, number in seen.items() if number > 1}


def _opened(lines: Sequence[str], cut: Sequence[str], letters: int) -> list[str]:
    """Leave out what clashing texts share at their beginning, as far as there is no room for it."""
    found = list(cut)
    for label in _clash(lines, cut):
        group = [place for place, one in enumerate(cut) if one == label]
        shared = _shared([lines[place] for place in group])
        for place in group:
            if len(lines[place]) <= letters:
                continue
            start = lines[place].rfind(" ", 0, shared) + 1
            rest = lines[place][start:]
            rest = rest if len(rest) <= letters - 2 else rest[: letters - 3] + MARK
            found[place] = lines[place][: letters - 1 - len(rest)].rstrip() + MARK + rest
    return found


def _shared(lines: Sequence[str]) -> int:
    """Return how many letters all of the lines begin with alike."""
    return next(
        (n for n, letters in enumerate(zip(*lines, strict=False)) if len(set(letters)) > 1), min(map(len, lines))
    )


def _numbered(lines: Sequence[str], cut: Sequence[str], letters: int) -> list[str]:
    """Number the different texts that are still alike."""
    found = list(cut)
    for label in _clash(lines, cut):
        group = list(dict.fromkeys(lines[place] for place, one in enumerate(cut) if one == label))
        for place, one in enumerate(cut):
            if one == label:
                found[place] = _free(label, group.index(lines[place]) + 1, letters, found)
    return found


def _free(label: str, number: int, letters: int, taken: Iterable[str]) -> str:
    """Return `label` with a number that no other label ends with."""
    while True:
        end = f" {number}"
        text = label[: letters - len(end)] + end
        if text not in taken:
            return text
        number += 1
