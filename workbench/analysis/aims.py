"""What a page reports first: the benefit that the scenario is about, and the costs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.analysis.paired import studies_to_compare
from workbench.analysis.parameter_uncertainty import designs
from workbench.analysis.protocol import main_outcome
from workbench.scenario.model import Caveat, Contrast, ResponderRule

if TYPE_CHECKING:
    from workbench.analysis.selection import Selection


@dataclass(frozen=True)
class Aim(Contrast):
    """A comparison of a stored sweep: arms are empty where it has none to compare.

    `name` is that of its table under ``[report]``; `four` are the arms of its interaction.
    """

    name: str = "benefit"
    four: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aims:
    """What the scenario declares under ``[report]``; the benefit is chosen by rule where it declares none."""

    benefit: Aim | None
    costs: tuple[Aim, ...] = ()
    also: tuple[Aim, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    population: str = ""
    author: str = ""
    contact: str = ""
    influence: str = ""
    consequence: str = ""
    glossary: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Aim, ...]:
        """The benefit, then the costs."""
        return ((self.benefit,) if self.benefit else ()) + self.costs

    @property
    def named(self) -> tuple[Aim, ...]:
        """Every comparison that the page names: the benefit, what stands beside it, the costs."""
        return ((self.benefit,) if self.benefit else ()) + self.also + self.costs


def aims(selection: Selection) -> Aims:
    """Return what the stored scenario declares, as far as its outcomes and arms were run."""
    declared = selection.scenario.get("report", {})
    benefit = _declared(selection, "benefit", declared.get("benefit", {})) or _by_rule(selection)
    beside = {
        kind: tuple(
            aim for name, one in declared.get(kind, {}).items() if (aim := _declared(selection, name, one)) is not None
        )
        for kind in ("cost", "also")
    }
    words = ("population", "author", "contact", "influence", "consequence")
    texts = {name: str(declared.get(name, "")) for name in words}
    glossary = dict(declared.get("glossary", {}))
    caveats = tuple(
        Caveat(str(one["setting"]), float(one["value"]), str(one["text"]))
        for one in declared.get("caveat", {}).values()
    )
    return Aims(benefit, beside["cost"], beside["also"], caveats, glossary=glossary, **texts)


def _declared(selection: Selection, name: str, raw: Mapping[str, Any]) -> Aim | None:
    """Return a declared comparison, None if the sweep lacks its outcome or one of its arms."""
    known = selection.arms.index
    crossed = str(raw.get("interaction", ""))
    four = tuple(str(arm) for arm in selection.scenario.get("interaction", {}).get(crossed, {}).get("arms", ()))
    if not set(four) <= set(known):
        crossed, four = "", four[:1]
    arm = str(raw.get("arm", "")) or (four[0] if four else "")
    if raw.get("outcome") not in selection.outcomes_named() or arm not in known:
        return None
    against = str(raw.get("against", "") or selection.arms.baseline[arm])
    if against not in known:
        return None
    course = str(raw.get("course", "")) or _course(selection, str(raw["outcome"]))
    meaningful, smallest = raw.get("meaningful"), raw.get("smallest")
    return Aim(
        name=name,
        outcome=str(raw["outcome"]),
        arm=arm,
        against=against,
        title=str(raw.get("title", "")),
        course=course,
        meaningful=None if meaningful is None else float(meaningful),
        source=str(raw.get("source", "")),
        interaction=crossed,
        four=four if crossed else (),
        smallest=None if smallest is None else float(smallest),
        response=ResponderRule(**raw["response"]) if raw.get("response") else None,
    )


def _by_rule(selection: Selection) -> Aim | None:
    """Return the main outcome with the comparison that comes out best in it; the first where none has a direction.

    Where plausible parameters were swept, only comparisons that have a range over them are chosen from.
    """
    names = selection.outcomes_named()
    if not names:
        return None
    main = main_outcome(selection, names)
    rows = selection.sql(
        "select arm, baseline, avg(difference) as difference from pairs where sweep = :sweep and study = :study"
        " and point = 0 and outcome = :outcome group by arm, baseline",
        study=studies_to_compare(selection)[0],
        outcome=main,
    )
    order = {arm: i for i, arm in enumerate(selection.arms.index)}
    covered = rows[[set(pair) <= _over_parameters(selection) for pair in zip(rows.arm, rows.baseline, strict=True)]]
    rows = covered if len(covered) else rows
    rows = rows.assign(order=rows.arm.map(order)).sort_values("order", kind="stable")
    course = _course(selection, main)
    if rows.empty:
        return Aim(main, course=course)
    sign = {"lower": -1.0, "higher": 1.0}.get(selection.measure("outcome", main)["better"], 0.0)
    gain = [sign * float(d) for d in rows["difference"]]
    best = gain.index(max(gain))
    return Aim(main, str(rows["arm"].iloc[best]), str(rows["baseline"].iloc[best]), course=course)


def _over_parameters(selection: Selection) -> set[str]:
    """Return the arms of the study over plausible parameters; none if there is no such study."""
    progress = selection.progress
    return {str(arm) for study in designs(selection)[:1] for arm in progress[progress.study == study].arm}


def _course(selection: Selection, outcome: str) -> str:
    """Return the recorded course that reads the outcome over time, "" if there is none."""
    found = selection.measures
    readout = selection.measure("outcome", outcome)["readout"]
    same = found[(found.kind == "course") & (found.readout == readout)]
    return str(same["name"].iloc[0]) if len(same) else ""
