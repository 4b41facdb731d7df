"""One broken file of each kind, from one source of chance: how it is made and how it is judged."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from support.commands import HEAD, ROOT
from support.commands import workbench as run
from support.fuzzing import toml_text
from support.fuzzing.declared import Content, fields, names
from support.fuzzing.judged import Verdict, asked, scenario
from support.fuzzing.mutations import CHANGES, PLAIN, World, mutated, some_path
from support.fuzzing.texts import csv_bytes, toml_bytes
from support.shipped_texts import whole_text
from workbench.findings.closed_forms import FORMS
from workbench.findings.grammar import STATISTICS

PEOPLE = "ID,WEIGHT,AGE\n1,70,30\n2,80,31\n3,64.5,40\n"
DOSES = "ID,TIME,AMT,RATE,II,ADDL,SS,EVID\n1,0,10,0,8,3,0,1\n1,30,5,2.5,0,0,0,1\n2,0,10,0,0,0,0,1\n3,12,10,0,12,0,1,1\n"
POINTS = "projection.input_output.spread,plasticity.input_output.rate\n0.1,0.001\n0.2,0.002\n0.3,0.003\n"
GIVEN = """schema = 1
title = "One drug, given by a table"
[use]
context = "tests"
not_for = "anything else"
[subjects]
count = 3
seed = 3
[drug.d]
model = "one_compartment_oral"
absorption = "1.2 1/h"
clearance = "20 L/h"
volume = "200 L"
[dose.d]
drug = "d"
regimen = "table"
table = "doses.csv"
during = "day"
[phase.day]
clock = "event"
length = "48 h"
[outcome.peak]
readout = "peak_concentration"
drug = "d"
window = "day"
"""
PAIR = (
    HEAD.replace("trials = 300", "trials = 30").replace("every = 100", "every = 10")
    + """
[plasticity.input_output]
rule = "hebb"
stabiliser = "oja"
rate = 0.002
"""
)


@dataclass
class Example:
    """Files of one folder, and the command that reads them."""

    files: dict[str, bytes]
    told: list[str]
    judge: Callable[[Path, float], Verdict]
    folder: Path = field(default_factory=Path)

    def laid(self, folder: Path) -> Example:
        """Write the files."""
        self.folder = folder
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return self

    def verdict(self, run_seconds: float) -> Verdict:
        """Judge what becomes of them."""
        return self.judge(self.folder, run_seconds)


@cache
def texts(folder: str) -> Mapping[str, str]:
    """Return the shipped files below a folder, by name; a scenario with all that it takes from its base."""
    read = whole_text if folder == "scenarios" else Path.read_text
    return {file.stem: read(file) for file in sorted((ROOT / folder).rglob("*.toml"))}


@cache
def world() -> World:
    """Return everything that a scenario may borrow from."""
    return World(
        [tomllib.loads(text) for text in texts("scenarios").values()],
        {name: tomllib.loads(text) for name, text in texts("data/parameters").items()},
    )


def _checked(name: str, *also: str) -> Callable[[Path, float], Verdict]:
    return lambda folder, seconds: scenario(name, folder, seconds, also=also)


LOOKS = ("describe", "windows", "doses")


def of_a_scenario(random: Random, folder: Path) -> Example:
    """A shipped scenario whose tables were changed."""
    name = random.choice(list(texts("scenarios")))
    content, told = mutated(tomllib.loads(texts("scenarios")[name]), random, world(), CHANGES)
    also = (random.choice(LOOKS),) if random.random() < 0.3 else ()
    tables = {"people.csv": PEOPLE.encode(), "doses.csv": DOSES.encode(), "points.csv": POINTS.encode()}
    text = toml_text.text(content, random).encode("utf-8", errors="surrogatepass")
    return Example({f"{name}.toml": text, **tables}, [name, *told], _checked(f"{name}.toml", *also)).laid(folder)


def of_a_text(random: Random, folder: Path) -> Example:
    """A shipped scenario whose bytes were changed."""
    name = random.choice(list(texts("scenarios")))
    return Example(
        {f"{name}.toml": toml_bytes(texts("scenarios")[name], random)}, [name], _checked(f"{name}.toml")
    ).laid(folder)


LISTS = (
    '[outcome.size]\nreadout = "weight_norm"\nprojection = "input_output"\nat = ["learning"]\n',
    '[outcome.size]\nreadout = "weight_norm"\nprojection = "input_output"\nwindow = "first 2 trials of {at}"\nat = ["learning"]\n',
    '[outcome.size]\nreadout = "weight_norm"\nat = ["day 1", "day 1", "", 3, "{at}", "\\u0000"]\n',
    '[outcome.norm]\nat = "day 1"\n',
    '[outcome]\nat = ["x"]\n',
    "[assessment.day]\neach = [[]]\n",
    '[assessment.day]\neach = ["day 99999999999999999999"]\n',
    'outcome.norm.at = ["learning"]\noutcome.norm.title = "{at}{at}"\n',
)
"""Tables that stand for several, right and wrong."""


def of_a_base(random: Random, folder: Path) -> Example:
    """Files that are based on each other: parts of a sound one, in a row, in a circle, without end, or on nothing."""
    tables = re.split(r"(?m)^(?=\[)", PAIR)
    names = [f"level{i}" for i in range(random.choice([1, 2, 3, 3, 4, 14]))]
    files = {}
    for place, name in enumerate(names):
        above = names[place + 1] if place + 1 < len(names) else "sound"
        odd = [
            "",
            "nobody",
            name,
            names[0],
            "../sound",
            "sound.toml",
            "x/../sound.toml",
            "\\u0000",
            "é" * 300,
            ".",
            "/",
        ]
        base = f'"{random.choice(odd)}"' if random.random() < 0.2 else f'"{above}"'
        base = random.choice(["3", "[]", "{}", "true", "1979-05-27"]) if random.random() < 0.05 else base
        gone = ["arm", "outcome.norm", "course", "phase", "title", "", ".", "arm.x.y", "task.inputs.kind", "use"]
        without = random.choice([f"{random.sample(gone, 2)}".replace("'", '"'), "[]", "[1]", '"arm"', ""])
        own = [random.choice(tables[1:]) for _ in range(random.choice([0, 1, 2]))] if random.random() < 0.7 else []
        own += [random.choice(LISTS)] if random.random() < 0.3 else []
        head = f'title = "{name}"\nbase = {base}\n' + (
            f"without = {without}\n" if without and random.random() < 0.2 else ""
        )
        text = head + "".join(dict.fromkeys(own))
        files[f"{name}.toml"] = toml_bytes(text, random) if random.random() < 0.15 else text.encode()
    files["sound.toml"] = random.choice([PAIR.encode()] * 8 + [b"", b"\xff", b"x = [" * 99, b"#" * (1 << 20) + b"##"])
    return Example(files, names, _checked("level0.toml")).laid(folder)


@cache
def _users() -> Mapping[str, list[str]]:
    """Return the shipped scenarios of each parameter set."""
    found: dict[str, list[str]] = {}
    for name, text in texts("scenarios").items():
        found.setdefault(tomllib.loads(text).get("parameters", ""), []).append(name)
    return found


def of_a_set(random: Random, folder: Path) -> Example:
    """A shipped parameter set that was changed, under a scenario that refers to it."""
    name = random.choice([one for one in texts("data/parameters") if one in _users()])
    user = random.choice(_users()[name])
    text = texts("data/parameters")[name]
    if random.random() < 0.3:
        data, told = toml_bytes(text, random), ["text"]
    else:
        content, told = mutated(
            tomllib.loads(text),
            random,
            World(list(world().sets.values()), {}),
            (*PLAIN, numbers_of_sets, numbers_of_sets),
        )
        data = toml_text.text(content, random).encode("utf-8", errors="surrogatepass")
    files = {f"parameters/{name}.toml": data, f"{user}.toml": texts("scenarios")[user].encode()}
    return Example(files, [name, user, *told], _checked(f"{user}.toml")).laid(folder)


def numbers_of_sets(content: Any, random: Random, world: World) -> None:
    """Move a number of a parameter set or of one of its conditions."""
    known = names(content, "parameter")
    value = random.choice(
        [0, -1, 1, 1e18, 1e19, 1e-300, "0 h", "1 ng/mL", "1e18 h", "-1 L/h", "0 mg/kg", "1", "h", "1 foo", 0.5, 100]
    )
    if random.random() < 0.6:
        content["parameter"][random.choice(known)][random.choice(["value", "value", "range", "status"])] = value
    else:
        condition = random.choice([*names(content, "condition"), "added"])
        content.setdefault("condition", {}).setdefault(condition, {})[random.choice(known)] = random.choice(
            [value, {"value": value}]
        )


def of_a_dose_table(random: Random, folder: Path) -> Example:
    """A table of doses."""
    files = {"doses.csv": csv_bytes(DOSES, random), "given.toml": GIVEN.encode()}
    return Example(files, ["doses"], _checked("given.toml", "doses --format csv")).laid(folder)


def of_people(random: Random, folder: Path) -> Example:
    """A table of people."""
    text = GIVEN.replace("seed = 3", 'seed = 3\ntable = "people.csv"\ncolumns = { "drug.d.clearance" = "WEIGHT" }')
    if random.random() < 0.5:
        text = (
            GIVEN
            + '[subjects.trait.w]\non = "drug.d.volume"\ndistribution = "empirical"\ntable = "people.csv"\ncolumn = "AGE"\n'
        )
    files = {"people.csv": csv_bytes(PEOPLE, random), "doses.csv": DOSES.encode(), "given.toml": text.encode()}
    return Example(files, ["people"], _checked("given.toml")).laid(folder)


def of_points(random: Random, folder: Path) -> Example:
    """A table of points."""
    text = PAIR + '[study.listed]\ntable = "points.csv"\n'
    files = {"points.csv": csv_bytes(POINTS, random), "swept.toml": text.encode()}
    return Example(files, ["points"], _checked("swept.toml")).laid(folder)


STORED = "oja"
"""A shipped scenario that is quickly run, for findings and databases."""


@cache
def stored() -> bytes:
    """Return the database of a few of its subjects."""
    with TemporaryDirectory() as folder:
        done = run(
            "sweep",
            ROOT / "scenarios" / "rules" / f"{STORED}.toml",
            "--db",
            "a.db",
            "--workers",
            "0",
            "--subjects",
            "4",
            cwd=Path(folder),
        )
        assert done.returncode == 0, done.stderr
        return (Path(folder) / "a.db").read_bytes()


@cache
def published() -> Content:
    """Return the shipped findings about it."""
    all_ = [tomllib.loads(text) for text in texts("data/findings").values()]
    found = {n: one for content in all_ for n, one in content["finding"].items() if one["scenario"] == STORED}
    closed = {s: named for content in all_ for s, named in content.get("value", {}).items() if s == STORED}
    return {"schema": 1, "title": "some", "finding": found, **({"value": closed} if closed else {})}


def of_findings(random: Random, folder: Path) -> Example:
    """A table of published findings, held against stored rows."""
    if random.random() < 0.3:
        data, told = toml_bytes(toml_text.text(published(), random), random), ["text"]
    else:
        others = [tomllib.loads(text) for text in texts("data/findings").values()]
        content, told = mutated(published(), random, World(others, {}), (*PLAIN, *(change_criterion,) * 9))
        data = toml_text.text(content, random).encode("utf-8", errors="surrogatepass")
    files = {
        "data/findings/some.toml": data,
        "data/references.bib": (ROOT / "data" / "references.bib").read_bytes(),
        "a.db": stored(),
    }
    return Example(files, [STORED, *told], lambda place, seconds: asked("findings", "a.db", folder=place)).laid(folder)


def change_criterion(content: Content, random: Random, world: World) -> None:
    """Let a criterion ask for another statistic, of something else, in another range."""
    finding = random.choice(list(content["finding"].values()))
    criterion = random.choice(finding["criterion"])
    scenario = tomllib.loads(texts("scenarios")[STORED])
    arms, outcomes, courses = ([*names(scenario, s), "x"] for s in ("arm", "outcome", "course"))
    end = random.choice(["open", 0, 1, -1, 1e18, 1e19, "5 %", "x", 0.5])
    paths = [f.path for f in fields(scenario)]
    choices: dict[str, list[Any]] = {
        "statistic": [*STATISTICS] * 2,
        "outcome": outcomes,
        "course": courses,
        "against": [*outcomes, *courses],
        "outcomes": [outcomes[:2], outcomes, []],
        "arms": [[random.choice(arms) for _ in range(n)] for n in (0, 1, 1, 2, 2, 4)],
        "accept": [[end, 1], ["open", end], [end, "open"], ["open", "open"], [1, 0], [], [0.0, 1.0]],
        "holds": [[end, 1], ["open", 5]],
        "time": [0, 100, -1, 1e18, "1 h"],
        "at": [{random.choice(paths): 1}, {"x": 1}, {}],
        "over": [random.choice(paths), "x"],
        "of": ["value", "mean", "difference", "ratio", "x"],
        "among": [{"outcome": outcomes[0], "above": 0.5}, {"trait": "x", "below": 1}, {}],
        "expected": [{"closed_form": random.choice(FORMS)}, {"value": 1.0}, {}, {"setting": random.choice(paths)}],
        "smallest": [{"no_effect": random.choice([0, 1, 1e18]), "because": "x"}],
        "pace": [
            {"study": "x", "over": "x"},
            {"study": random.choice([*names(scenario, "study"), "x"]), "over": random.choice(paths)},
        ],
        **{
            key: [0, 1, -1, 0.5, 1e18, "1 h"]
            for key in ("within", "within_share", "target", "error", "above", "below", "baseline")
        },
    }
    if isinstance(expected := criterion.get("expected"), dict) and random.random() < 0.4:
        expected[random.choice(list(expected))] = random.choice(
            [
                0,
                -1,
                1e9,
                random.choice(paths),
                f"{random.choice(paths)}.1",
                "task.inputs",
                "value.x",
                "against.x",
                f"projection.w.weight.{'9' * 5_000}",
                [],
            ]
        )
    for _ in range(random.choice([0, 1, 1, 2, 3])):
        key = random.choice(list(choices))
        criterion[key] = random.choice(choices[key])
        if random.random() < 0.2:
            criterion.pop(random.choice(list(criterion)), None)


READS = ("runs", "compare", "digest", "findings", "report", "replay --run 1", "query", "sweep")


def of_a_database(random: Random, folder: Path) -> Example:
    """A database of which bytes or rows were changed."""
    data = bytearray(stored())
    told = [random.choice(["bytes", "cut", "rows"])]
    if told == ["bytes"]:
        for _ in range(random.choice([1, 1, 20])):
            data[random.randrange(len(data))] = random.randrange(256)
    elif told == ["cut"]:
        del data[random.randrange(len(data)) :]
    command = random.choice(READS)

    def judge(place: Path, seconds: float) -> Verdict:
        if told == ["rows"]:
            edit_rows(place / "a.db", random)
        more = {"query": ("query", "a.db", "select * from runs"), "report": ("report", "a.db", "--output", "a.html")}
        scenario_file = str(ROOT / "scenarios" / "rules" / f"{STORED}.toml")
        more["sweep"] = ("sweep", scenario_file, "--db", "a.db", "--workers", "0", "--subjects", "5")
        first, *rest = command.split()
        return asked(*more.get(command, (first, "a.db", *rest)), folder=place, located=False)

    return Example({"a.db": bytes(data)}, [*told, command], judge).laid(folder)


def edit_rows(file: Path, random: Random) -> None:
    """Change, delete or double some rows by hand, as any program may."""
    connection = sqlite3.connect(file)
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
    ]
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for _ in range(random.choice([1, 1, 3])):
        table = random.choice(tables)
        columns = [(row[1], row[2]) for row in connection.execute(f'PRAGMA table_info("{table}")')]
        name, kind = random.choice(columns)
        values = {
            "INTEGER": ["-1", "0", "999", "9223372036854775807"],
            "REAL": ["0.0", "1e999", "-1.5"],
            "BLOB": ["x''", "x'00'", "zeroblob(32)"],
        }
        value = random.choice([*values.get(kind, ["''", "'x'", "'{'", "'[1]'", "'{}'", "'null'", "'\x1b[2J'"]), "NULL"])
        statement = random.choice([f'UPDATE "{table}" SET "{name}" = {value}', f'DELETE FROM "{table}"'])
        with contextlib.suppress(sqlite3.Error):
            connection.execute(f"{statement} WHERE rowid % {random.choice([1, 1, 2, 7])} = 0")
    connection.commit()
    connection.close()


def of_settings(random: Random, folder: Path) -> Example:
    """A value on the command line, for any path."""
    name = random.choice(["hebb", "oja", "three_factor_bandit", "ketamine_pk", "dystonia_slice"])
    content = tomllib.loads(texts("scenarios")[name])
    told = []
    for _ in range(random.choice([1, 1, 2])):
        path, value = some_path(content, random, world())
        plain = isinstance(value, str) and random.random() < 0.9
        told += ["--set", f"{path}={value if plain else toml_text.value(value)}"]
    if random.random() < 0.3:
        told += random.choice(
            [
                ["--seed", "٣"],
                ["--seed", str(2**63)],
                ["--subjects", "0"],
                ["--subjects", "10000000000"],
                ["--arm", "x"],
                ["--study", ""],
                ["--max-points", "0"],
            ]
        )
    file = f"{name}.toml"
    words = [word.replace("\x00", "") for word in told]

    def judge(place, seconds):
        return asked("sweep", file, "--dry-run", "--workers", "0", *words, folder=place, located=False)

    return Example({file: texts("scenarios")[name].encode()}, [name, *words], judge).laid(folder)


KINDS: Mapping[str, Callable[[Random, Path], Example]] = {
    "scenario": of_a_scenario,
    "text": of_a_text,
    "base": of_a_base,
    "set": of_a_set,
    "doses": of_a_dose_table,
    "people": of_people,
    "points": of_points,
    "findings": of_findings,
    "database": of_a_database,
    "setting": of_settings,
}
