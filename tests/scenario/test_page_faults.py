"""What makes no sense of ``[report]`` and ``[[use.contrary]]``: one line each, at its place, by the real command."""

from __future__ import annotations

from pathlib import Path

from support.cases import every_case
from support.circuits import replaced
from support.slips import faults
from support.therapies import THERAPY

from workbench.scenario.load import load_scenario
from workbench.scenario.text.writer import to_text

REPORT = """
[report]
population = "made-up people"

[report.benefit]
outcome = "{outcome}"
arm = "{arm}"
against = "{against}"
"""


def page(**changed: str) -> str:
    """Return a scenario with a `[report]` that names an outcome and an arm of its own."""
    given = {"outcome": OUTCOME, "arm": ARM, "against": "placebo", **changed}
    return THERAPY + REPORT.format(**given)


OUTCOME = THERAPY.split("[outcome.")[1].split("]")[0]
ARM = THERAPY.split("[arm.")[1].split("]")[0]
WHOLE = page()
FOUR = [part.split("]")[0] for part in THERAPY.split("\n[arm.")[1:] if ".set" not in part.split("]")[0]][:4]
CROSSED = f"[interaction.crossed]\narms = {list(reversed(FOUR))}\n".replace("'", '"')
FAULTS = {
    "an unknown outcome": (page(outcome="nothing"), "report.benefit.outcome", ["no outcome", OUTCOME]),
    "an unknown arm": (page(arm="nobody"), "report.benefit.arm", ["no arm", ARM]),
    "an arm beside itself": (page(against=ARM), "report.benefit.against", ["with itself"]),
    "an unknown arm beside it": (page(against="nobody"), "report.benefit.against", ["no arm", ARM]),
    "no outcome": (replaced(WHOLE, (f'outcome = "{OUTCOME}"\narm', "arm")), "report.benefit.outcome", ["is missing"]),
    "an unknown course": (WHOLE + 'course = "nothing"\n', "report.benefit.course", ["no course"]),
    "an unknown key": (WHOLE + 'benefits = "x"\n', "report.benefit.benefits", ["unknown key", "outcome"]),
    "a size without a source": (WHOLE + "meaningful = 3.0\n", "report.benefit.meaningful", ["needs a source"]),
    "a size of nothing": (WHOLE + "meaningful = 0.0\n", "report.benefit.meaningful", ["above 0"]),
    "an unknown work": (WHOLE + 'meaningful = 3.0\nsource = "Nobody1900"\n', "report.benefit.source", ["no entry", "Nobody1900"]),
    "contrary evidence without a source": (replaced(WHOLE, ("[report]", '[[use.contrary]]\ntext = "no"\n\n[report]')), "use.contrary[0].source", ["is missing"]),
    "contrary evidence from an unknown work": (replaced(WHOLE, ("[report]", '[[use.contrary]]\ntext = "no"\nsource = "Nobody1900"\n\n[report]')), "use.contrary[0].source", ["no entry"]),
    "an arm compared with nothing": (replaced(WHOLE, ('against = "placebo"', 'title = "x"')), "report.benefit.arm", ["has no baseline"]),
    "no arm and no interaction": (replaced(WHOLE, (f'arm = "{ARM}"\nagainst = "placebo"', 'title = "x"')), "report.benefit.arm", ["is missing"]),
    "an unknown interaction": (WHOLE + 'interaction = "nothing"\n', "report.benefit.interaction", ["no interaction"]),
    "an interaction that is a cost": (WHOLE + f'[report.cost.x]\noutcome = "{OUTCOME}"\ninteraction = "crossed"\n' + CROSSED, "report.cost.x.interaction", ["only the benefit"]),
    "an interaction under another arm": (WHOLE + 'interaction = "crossed"\n' + CROSSED, "report.benefit.arm", ["both"]),
    "a response of everything and more": (WHOLE + f'response = {{ before = "{OUTCOME}", by = 1.5 }}\n', "report.benefit.response.by", ["at most 1"]),
    "a response against nothing": (WHOLE + 'response = { before = "nothing", by = 0.5 }\n', "report.benefit.response.before", ["no outcome"]),
    "a caveat of no setting": (WHOLE + '[report.caveat.x]\nsetting = "drug.nothing.clearance"\nvalue = 1\ntext = "t"\n', "report.caveat.x.setting", ["not a number"]),
}  # fmt: skip


@every_case("fault", FAULTS)
def test_a_slip_is_one_line_at_its_place(fault: str, tmp_path: Path) -> None:
    text, key, words = FAULTS[fault]
    (told,) = faults(text, tmp_path)
    assert told.key == key and all(word in told.message for word in words), told


def test_what_a_page_is_told_is_written_back_as_it_was_read(tmp_path: Path) -> None:
    file = tmp_path / "whole.toml"
    extra = 'title = "Points"\nmeaningful = 3.0\nsource = "Hengartner2021"\nsmallest = 0.5\n'
    extra += f'response = {{ before = "{OUTCOME}", by = 0.5 }}\n[report.also.x]\noutcome = "{OUTCOME}"\narm = "{ARM}"\n'
    extra += (
        'against = "placebo"\n[report.caveat.y]\nsetting = "drug.ketamine.clearance"\nvalue = 1.0\ntext = "{value}"\n'
    )
    extra += '[report.glossary]\n"a b" = "what it is"\n'
    file.write_text(
        replaced(WHOLE, ("[report]", '[[use.contrary]]\ntext = "no"\nsource = "Piazza2024"\n\n[report]')) + extra,
        encoding="utf-8",
    )
    read = load_scenario(file)
    again = tmp_path / "again.toml"
    again.write_text(to_text(read), encoding="utf-8")
    assert load_scenario(again).report == read.report and load_scenario(again).use == read.use
    assert read.report.benefit is not None and read.report.benefit.meaningful == 3.0
    assert read.report.glossary == {"a b": "what it is"} and read.use.contrary[0].source == "Piazza2024"
