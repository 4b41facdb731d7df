"""Why runs are new: what one sweep asked for otherwise than another, from the same content as the keys of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.component.field_path import field_path
from workbench.component.registry import SECTIONS
from workbench.scenario.text.changes import ABSENT, Change, changes, written
from workbench.scenario.text.document import Document
from workbench.solver.batch import RECORDINGS
from workbench.store.asked import Asked, ResolvedValue

Place = tuple[str, str]
"""A study and an arm."""
TOLD = ("title", "short", "compare_with", "status", "source", "note", "fitted_to", "meaning", "substance", "plausible")
"""Keys that are shown to people and change nothing that is computed."""
ASIDE = ("schema", "title", "summary", "use", "report", "interaction", "parameters")
WEIGHT = "body_weight"


@dataclass(frozen=True)
class Cause:
    """One thing that makes runs new: a key with its old and new value in words, and the line that says it now."""

    key: str
    old: str = ""
    new: str = ""
    file: str = ""
    line: int = 0
    note: str = ""

    def __str__(self) -> str:
        said = f"{self.key} {self.old} -> {self.new}" if self.old or self.new else self.key
        said += f": {self.note}" if self.note else ""
        return f"{said} ({self.file}:{self.line})" if self.line else said


@dataclass(frozen=True)
class Explanation:
    """Why `new` of `asked` runs are computed, compared with an earlier sweep.

    `against` is its id in the database `db`, `created` when it was made.
    """

    db: str

    new: int
    asked: int
    against: int
    created: str
    causes: tuple[Cause, ...]


@dataclass
class _TextComparison:
    """Goes through what the texts say otherwise and keeps what changes the values of the runs at `places`.

    `claimed` are the changed values that are explained already.
    """

    new: Asked
    old: Asked
    places: Mapping[Place, int]
    held: bool
    claimed: set[tuple[str, str]] = field(default_factory=set)
    named_changes: set[int] = field(default_factory=set)

    @cached_property
    def arms(self) -> list[str]:
        """The arms with new runs that the other sweep has too."""
        return [a for a in dict.fromkeys(arm for _, arm in self.places) if a in self.old.values]

    @cached_property
    def studies(self) -> list[str]:
        """The studies with new runs that the other sweep has too."""
        return [s for s in dict.fromkeys(study for study, _ in self.places) if s in self.old.grids]

    @cached_property
    def values(self) -> dict[tuple[str, str], tuple[ResolvedValue | None, ResolvedValue | None]]:
        """Every value that differs, by arm and path; what all studies sweep anyway does not count."""
        found = {}
        for arm in self.arms:
            before, after = self.old.values[arm], self.new.values[arm]
            mine = [self.new.grids[study] for study, other in self.places if other == arm]
            for path in dict.fromkeys((*after, *before)):
                was, now = before.get(path), after.get(path)
                same = (was and was.content) == (now and now.content)
                if not same and not all(path in g.levels and path not in g.relative for g in mine):
                    found[arm, path] = was, now
        return found

    @cached_property
    def scenario(self) -> list[Change]:
        return changes(self.old.document.data, self.new.document)

    @cached_property
    def parameters(self) -> list[Change]:
        if not self.old.parameters or not self.new.parameters:
            return []
        return changes(self.old.parameters, Document(self.new.parameters, self.new.parameter_file, []))

    @cached_property
    def raw(self) -> Mapping[str, Any]:
        return self.new.document.content

    @cached_property
    def drawn(self) -> set[str]:
        """The traits whose values differ in the first subjects."""
        names = (*self.new.traits, *self.old.traits)
        both = {name: (self.old.traits.get(name, ()), self.new.traits.get(name, ())) for name in names}
        return {name for name, (was, now) in both.items() if was[: len(now)] != now[: len(was)] or not (was and now)}

    @property
    def seeded(self) -> bool:
        return self.old.seed != self.new.seed

    def causes(self) -> Iterator[Cause]:
        """Yield what makes the runs new, each thing once."""
        yield from self.absent()
        chosen = [c for c in self.scenario if c.keys == ("parameters",) and self.behind(set(self.values), "")]
        acting = [c for c in self.scenario if self.acts(c)]
        named_changes = [*chosen, *acting, *(c for c in self.parameters if self.acts_behind(c))]
        named_changes += self.nearby(named_changes)
        yield from (self.cause(change) for change in named_changes)
        yield from self.command()
        yield from self.components()
        yield from self.files()
        yield from self.rest()

    def cause(self, change: Change) -> Cause:
        table = isinstance(change.new, dict) or isinstance(change.old, dict)
        gone = table and change.new is ABSENT
        if (table and change.old is ABSENT) or gone:
            return Cause(change.key, file=change.file, line=change.line, note="is gone" if gone else "is new")
        old, new = self.with_number(change, change.old, 0), self.with_number(change, change.new, 1)
        return Cause(change.key, old, new, change.file, change.line)

    def with_number(self, change: Change, raw: Any, side: int) -> str:
        """Return a value as written, with the number that it stands for where the text alone does not say it."""
        if raw is not ABSENT and not (isinstance(raw, dict) and "ref" in raw):
            return written(raw)
        path = ".".join(str(key) for key in change.keys[:3])
        pair = next((pair for (_, p), pair in self.values.items() if p == path), None)
        value = pair[side] if pair else None
        stands = "the default" if raw is ABSENT and value and value.origin == "default" else written(raw)
        return f"{stands} ({value})" if value is not None and value.number is not None else stands

    def absent(self) -> Iterator[Cause]:
        """Yield arms, studies and pairs of them that the other sweep did not ask for."""
        arms = [a for a in dict.fromkeys(arm for _, arm in self.places) if a not in self.old.values]
        studies = [s for s in dict.fromkeys(study for study, _ in self.places) if s not in self.old.grids]
        for section, names, option in (("arm", arms, "--arm"), ("study", studies, "--study")):
            for name in names:
                change = next((c for c in self.scenario if c.keys == (section, name)), None)
                if change is not None:
                    self.named_changes.add(id(change))
                    yield self.cause(change)
                else:
                    yield Cause(f"{section}.{name}", note=f"was not asked for before ({option})")

    def acts(self, change: Change) -> bool:
        """Whether a change of the scenario makes runs new."""
        section, *rest = change.keys
        if section in ASIDE or id(change) in self.named_changes or (len(rest) > 1 and rest[-1] in TOLD):
            return False
        if section == "subjects":
            return self.of_subjects(change, rest)
        if section == "study":
            return self.of_study(change, rest)
        if section == "arm":
            return self.of_arm(rest)
        if section in RECORDINGS:
            return self.held
        return self.of_table(change, rest)

    def claim(self, found: Iterable[tuple[str, str]]) -> bool:
        mine = [key for key in found if key in self.values]
        self.claimed.update(mine)
        return bool(mine)

    def of_table(self, change: Change, rest: list[Any]) -> bool:
        section = str(change.keys[0])
        table = f"{section}.{rest[0]}"
        inside = [key for key in self.values if key[1].startswith(f"{table}.")]
        key = SECTIONS[section].key if section in SECTIONS else ""
        if len(rest) == 1 or rest[1] == key:
            return self.claim(inside)
        if rest[1] == "stream":
            return bool(self.arms)
        names = {f"{table}.{rest[1]}", f"{table}.{'_'.join(str(r) for r in rest[1:3])}"}
        if rest[1] == WEIGHT:  # one person has one weight, wherever it is said
            return self.claim(key for key in self.values if key[1].endswith(f".{WEIGHT}"))
        return self.claim(key for key in inside if key[1] in names)

    def of_arm(self, rest: list[Any]) -> bool:
        name, *inner = rest
        arms = {arm for arm in self.arms if name in self.extended(arm)}
        mine = [key for key in self.values if key[0] in arms]
        if not inner:
            return False
        if inner[0] == "set":
            path = _full(str(inner[1]))
            changed = field_path(path)
            hit = [key for key in mine if key[1] == path]
            if changed.section == "parameter":
                hit += self.behind(set(mine), changed.name)
            elif hit and changed.field == SECTIONS[changed.section].key:
                hit += [key for key in mine if key[1].startswith(f"{changed.table}.")]
            return self.claim(hit)
        if inner[0] == "condition":
            return self.claim(self.behind(set(mine), "", "condition"))
        if inner[0] in ("without", "with"):
            return self.claim(key for key in mine if None in self.values[key] or self.is_withheld(key))
        return self.claim(mine) if inner[0] == "extends" else False

    def is_withheld(self, key: tuple[str, str]) -> bool:
        return any(value is not None and value.origin == "arm" for value in self.values[key])

    def extended(self, arm: str) -> set[str]:
        """Return an arm and those that it extends."""
        found: set[str] = set()
        raw = self.raw.get("arm", {})
        while arm and arm not in found:
            found.add(arm)
            arm = raw.get(arm, {}).get("extends", "")
        return found

    def of_study(self, change: Change, rest: list[Any]) -> bool:
        name, *inner = rest
        if name not in self.studies or not inner:
            return False
        old, new = self.old.grids[name], self.new.grids[name]
        if inner[0] in ("record", "outcomes"):
            return self.held
        if inner[0] == "subjects":
            count = self.raw.get("subjects", {}).get("count", 1)
            was, now = (count if end is ABSENT else end for end in (change.old, change.new))
            return bool(was < now)
        if inner[0] == "arms":
            before = change.old if isinstance(change.old, list) else list(self.old.values)
            return any(arm not in before for study, arm in self.places if study == name)
        if inner[0] == "sweep" and len(inner) > 1:
            path = _full(str(inner[1]))
            same = old.levels.get(path) == new.levels.get(path)
            return not same or _together(change.old) != _together(change.new)
        return old.levels != new.levels or old.points != new.points

    @property
    def more(self) -> bool:
        return self.new.subjects > self.old.subjects

    def of_subjects(self, change: Change, rest: list[Any]) -> bool:
        if rest[0] == "count":
            return self.more and any("subjects" not in self.raw.get("study", {}).get(s, {}) for s in self.new.grids)
        if rest[0] == "seed":
            return self.seeded
        if rest[0] == "trait" and len(rest) > 1:
            self.claim(key for key in self.values if rest[1] in self.traits_on(key))
            said = len(rest) == 2 or rest[2] in ("on", "mode", "effects")
            return bool(self.places) and (said or rest[1] in self.drawn)
        return self.claim(key for key in self.values if self.traits_on(key)) or bool(self.drawn)

    def traits_on(self, key: tuple[str, str]) -> set[str]:
        """Return the traits that change a value from subject to subject, in either sweep."""
        return {name for value in self.values[key] if value and value.traits for name in value.traits.split(", ")}

    def behind(self, keys: set[tuple[str, str]], name: str, origin: str = "") -> list[tuple[str, str]]:
        """Return which of some changed values take their number from a parameter (of a name)."""

        def taken(value: ResolvedValue | None) -> bool:
            fits = value is not None and bool(value.parameter) and name in ("", value.parameter)
            return fits and origin in ("", value.origin)  # type: ignore[union-attr]

        return [key for key in keys if any(map(taken, self.values[key]))]

    def acts_behind(self, change: Change) -> bool:
        """Whether a change of the parameter set makes runs new."""
        section, *rest = change.keys
        if section == "condition" and len(rest) > 1 and rest[1] != "title":
            keys = self.behind(set(self.values), str(rest[1]), "condition")
            return rest[-1] not in (*TOLD, "range") and self.claim(keys)
        if section != "parameter" or not rest or rest[-1] in TOLD:
            return False
        name = str(rest[0])
        if rest[-1] == "range":  # a design that names no ends takes them from here
            return any(self.moved(s) and f"parameter.{name}" in self.new.grids[s].levels for s in self.studies)
        subjects = str(self.raw.get("subjects", {}).get("trait", {}))
        return self.claim(self.behind(set(self.values), name)) or (bool(self.drawn) and f"'ref': '{name}'" in subjects)

    def moved(self, study: str) -> bool:
        old, new = self.old.grids[study], self.new.grids[study]
        return old.levels != new.levels or old.points != new.points

    def nearby(self, named_changes: list[Change]) -> list[Change]:
        """Return changes of tables in which values moved that no key of their own explains.

        "24 h after dose.x" sets two fields from one key, and an arm may say a path in another way.
        """
        left = {key for key in self.values if key not in self.claimed}
        found = []
        for change in self.scenario:
            section, *rest = change.keys
            if change in named_changes or section not in SECTIONS or len(rest) < 2 or rest[-1] in TOLD:
                continue
            if mine := {key for key in left if key[1].startswith(f"{section}.{rest[0]}.")}:
                self.claimed |= mine
                found.append(change)
        return found

    def command(self) -> Iterator[Cause]:
        """Yield what the command line set otherwise: --set, --seed, --subjects."""
        for path in dict.fromkeys((*self.new.settings, *self.old.settings)):
            was, now = self.old.settings.get(path), self.new.settings.get(path)
            behind = self.behind(set(self.values), path.removeprefix("parameter."))
            hit = [key for key in self.values if key[1] == _full(path)] + behind
            if was != now and self.claim(hit):
                yield Cause(f"--set {path}", was or "not given", now or "not given")
        keys = {change.keys for change in self.scenario}
        if self.seeded and ("subjects", "seed") not in keys:
            yield Cause("--seed", str(self.old.seed), str(self.new.seed))
        counts = [k for k in keys if k == ("subjects", "count") or (k[0] == "study" and k[2:] == ("subjects",))]
        if self.more and not counts:
            yield Cause("--subjects", str(self.old.subjects), str(self.new.subjects))

    def components(self) -> Iterator[Cause]:
        """Yield components and engines of another revision or source."""
        named_changes = set()
        for key, now in self.new.made.items():
            for was in self.old.made.get(key, ()):
                for one in now:
                    name = f"component {key[0]}.{one.component}"
                    if one.component != was.component or one in self.old.made[key] or name in named_changes:
                        continue
                    named_changes.add(name)
                    if one.revision != was.revision:
                        yield Cause(f"revision of {name}", str(was.revision), str(one.revision))
                    elif one.unknown:
                        yield Cause(name, note=f"refers to {one.unknown}, which cannot be identified")
                    else:
                        yield Cause(name, note="its source has changed")
        if self.old.engines and self.new.engines and not self.old.engines & self.new.engines:
            old, new = max(self.old.engines), max(self.new.engines)
            yield Cause("revision of the engine", str(old), str(new))

    def files(self) -> Iterator[Cause]:
        """Yield data files whose contents have changed: the text that names them is the same."""
        named_changes = set()
        for key in [key for key in self.values if key not in self.claimed]:
            section, name, column = field_path(key[1])
            raw = self.raw.get(section, {}).get(name, {})
            if isinstance(raw, dict) and str(raw.get(column, "")).endswith(".csv"):
                self.claimed.add(key)
                if key[1] not in named_changes:
                    named_changes.add(key[1])
                    yield Cause(key[1], note=f"what {raw[column]} holds has changed")
        for study in self.studies:
            table = self.raw.get("study", {}).get(study, {}).get("table")
            if table and self.moved(study) and not any(c.keys[:2] == ("study", study) for c in self.scenario):
                yield Cause(f"study.{study}.table", note=f"what {table} holds has changed")
        subjects = self.raw.get("subjects", {})
        if self.drawn and not self.seeded and not any(c.keys[0] == "subjects" for c in self.scenario):
            for name in sorted(self.drawn):
                table = subjects.get("trait", {}).get(name, {}).get("table") or subjects.get("table")
                if table:
                    yield Cause(f"subjects.trait.{name}", note=f"what {table} holds has changed")

    def rest(self) -> Iterator[Cause]:
        """Yield values that nothing above explains: a default of a component, or a rule that decides otherwise."""
        named_changes = set()
        for key, (was, now) in self.values.items():
            if key in self.claimed or key[1] in named_changes:
                continue
            named_changes.add(key[1])
            note = "the default of the component" if now and was and now.origin == was.origin == "default" else ""
            yield Cause(key[1], str(was or "not there"), str(now or "not there"), note=note)


def explain(new: Asked, old: Asked, places: Mapping[Place, int], held: bool = False) -> tuple[Cause, ...]:
    """Return why the runs of `new` at `places` are not those of `old`; never empty.

    Parameters
    ----------
    places : mapping (study, arm) -> how many runs are new
    held : bool
        Whether some of them are stored and lack an outcome or a course.
    """
    comparison = _TextComparison(new, old, places, held)
    if found := tuple(dict.fromkeys(comparison.causes())):
        return found
    texts = (*comparison.scenario, *comparison.parameters)
    if found := tuple(comparison.cause(c) for c in texts if c.keys[0] not in ASIDE and c.keys[-1] not in TOLD):
        return found
    if old.missing:
        runs = f"{old.missing:,} of its runs {'was' if old.missing == 1 else 'were'} never computed"
        return (Cause(f"sweep {old.sweep} did not finish", note=runs),)
    return (Cause("something that the database does not keep", note=_versions(old, new)),)


def _versions(old: Asked, new: Asked) -> str:
    from workbench.store.provenance import provenance

    before, after = old.versions or {}, new.versions or provenance()
    both = [(key, before.get(key, "unknown"), after.get(key, "unknown")) for key in ("workbench", "git_commit")]
    return ", ".join(f"{key} {was} -> {now}" for key, was, now in both if was != now) or "the versions are the same"


def _full(path: str) -> str:
    """Return a path as the plan has it: ``dose.x.titration.start`` is the field ``titration_start``."""
    parts = field_path(path)
    return f"{parts.table}.{parts.field.replace('.', '_')}" if parts.field else path


def _together(axis: Any) -> list[Any]:
    """Return how an axis is laid out, apart from its values."""
    return [axis.get(key) for key in ("zip", "arms", "relative")] if isinstance(axis, dict) else []
