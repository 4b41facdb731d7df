"""A small scenario with a parameter set and findings to refit it to."""

from __future__ import annotations

import math
from pathlib import Path

from support.small_findings import BIB, HEAD, finding

CLEARANCE, VOLUME, ABSORPTION = 20.0, 120.0, 1.5

SCENARIO = """schema = 1
title = "One dose, once"
parameters = "numbers"
[use]
context = "tests"
not_for = "anything but tests"
[subjects]
count = 2
seed = 7
[drug.pill]
model = "one_compartment_oral"
absorption = "1.5 1/h"
clearance = { ref = "clearance" }
volume = { ref = "volume" }
[occupancy.site]
drug = "pill"
ec50 = { ref = "ec50" }
[phase.day]
clock = "event"
order = 1
length = "48 h"
[dose.pill]
drug = "pill"
amount = "10 mg"
every = "1000 h"
during = "day"
[outcome.early]
readout = "concentration"
drug = "pill"
window = "2 h into day"
[outcome.late]
readout = "concentration"
drug = "pill"
window = "24 h into day"
[outcome.occupancy]
readout = "occupancy"
occupancy = "site"
window = "2 h into day"
[arm.dosed]
[arm.ill]
condition = "ill"
"""


FITTED = 'status = "fitted"\nfitted_to = ["C1", "C2"]\n'


SET = f"""# A comment that must stay.
schema = 1
name = "numbers"
version = "3"
title = "Numbers of one dose"

[parameter.clearance]   # the first
value = "12 L/h"        # shipped, and wrong
range = ["5 L/h", "40 L/h"]
{FITTED}meaning = "clearance"

[parameter.volume]
value = "200 L"
range = ["50 L", "400 L"]
{FITTED}meaning = "volume"
note = "kept"

[parameter.ec50]
value = "5 ng/mL"
range = ["1 ng/mL", "9 ng/mL"]
{FITTED}meaning = "concentration of half occupancy; no target sees it"

[parameter.endless]
value = 1.0
{FITTED}meaning = "has no range"

[parameter.unused]
value = 1.0
range = [0.5, 2.0]
{FITTED}meaning = "nothing refers to it"

[parameter.tone]
value = 1.0
range = [0.5, 2.0]
{FITTED}meaning = "changed by a condition"

[condition.ill]
tone = 1.5
"""


OCCUPIED = 'statistic = "mean"\noutcome = "occupancy"\narms = ["dosed"]\naccept = [0, "open"]'


ALONG = 'statistic = "slope"\noutcome = "late"\narms = ["dosed"]\nstudy = "doses"\nover = "dose.pill.amount"\naccept = [0, 1]'


def concentration(time: float) -> float:
    """Return ng/mL after 10 mg by mouth: the closed form, with the constants to be found."""
    k = CLEARANCE / VOLUME
    shape = math.exp(-k * time) - math.exp(-ABSORPTION * time)
    return 10_000 * ABSORPTION / (VOLUME * (ABSORPTION - k)) * shape


def target(outcome: str, number: float) -> str:
    accept = f"accept = [{0.9 * number!r}, {1.1 * number!r}]"
    more = f"target = {number!r}\nerror = {0.02 * number!r}"
    return f'statistic = "mean"\noutcome = "{outcome}"\narms = ["dosed"]\n{accept}\n{more}'


def written(root: Path) -> Path:
    """Write the folder of a user: the scenario, its numbers and three findings about it."""
    for place in ("scenarios", "data/parameters", "data/findings"):
        (root / place).mkdir(parents=True)
    rows = [
        finding("C1", target("early", concentration(2.0))),
        finding("C2", target("late", concentration(24.0))),
        finding("C3", OCCUPIED),
    ]
    (root / "scenarios" / "small.toml").write_text(SCENARIO)
    (root / "data" / "parameters" / "numbers.toml").write_text(SET)
    (root / "data" / "references.bib").write_text(BIB)
    (root / "data" / "findings" / "small.toml").write_text(HEAD + "".join(rows))
    return root
