"""What makes no sense on the tick clock or in a bath: one line each, at its place, by the real command."""

from __future__ import annotations

from pathlib import Path

from support.cases import every_case
from support.circuits import replaced
from support.slices import SLICE
from support.slips import refused_once

ANTAGONIST = '[occupancy.a]\nform = "affinity"\ndrug = "a"\nki = "15 nM"\n'
BATH = '[drug.a]\nmodel = "bath"\n' + ANTAGONIST
PLASMA = '[drug.a]\nmodel = "one_compartment_oral"\n' + ANTAGONIST
OTHER = '[stimulus.other]\nphase = "slice"\nprojection = "w"\nbath = "free"\nat = "12 s"\n'
EVENTS = '[phase.later]\norder = 2\nclock = "event"\n'
PROJECTION = '[projection.still]\npre = "axon"\npost = "spine"\n'
NAMES = replaced(SLICE, ("ltp_trace", "#"), ("ltd_trace", "#"), ("ltp_gain", "#"), ("ltd_gain", "#"),
                 ("depotentiation = ", "#"), ("depotentiation_from", "#"), ("rest =", "#"))  # fmt: skip

FAULTS = {
    "a negative step": (replaced(SLICE, ('step = "1 s"', 'step = "-1 s"')), "step", ["out of range", "1e-06 to"]),
    "a step without unit": (replaced(SLICE, ('step = "1 s"', "step = 1.0")), "step", ["a quantity in quotes"]),
    "a step that takes for ever": (replaced(SLICE, ('step = "1 s"', 'step = "0.001 ms"')), "step", ["more than 10,000,000 steps"]),
    "a course that fills the disk": (SLICE + '[course.w]\nreadout = "weight_mean"\nprojection = "w"\ninterval = "1 ms"\n', "interval", ["more than 100,000 values"]),
    "a stimulus outside its phase": (replaced(SLICE, ('at = "10 s"', 'at = "2.5 min"')), "at", ["ends after", "lasts 180 s"]),
    "trains over other trains": (SLICE + OTHER, "at", ["overlaps stimulus hfs"]),
    "an unknown phase": (replaced(SLICE, ('[stimulus.hfs]\nphase = "slice"', '[stimulus.hfs]\nphase = "slce"')), "phase", ["no phase", "defined: slice"]),
    "a phase on another clock": (SLICE + EVENTS + replaced(OTHER, ('"slice"', '"later"')), "phase", ['clock = "tick"', "later runs on the event clock"]),
    "synapses that learn nothing": (SLICE + PROJECTION + replaced(OTHER, ('"w"', '"still"'), ("12 s", "100 s")), "projection", ["no rule learns still"]),
    "an antagonist without affinity": (SLICE + BATH.replace('ki = "15 nM"\n', ""), "ki", ["is missing", "in vitro"]),
    "an affinity in plasma": (SLICE + PLASMA, "drug", ["total plasma", "langmuir"]),
    "a plasma concentration in the bath": (SLICE + BATH.replace("affinity", "langmuir").replace("ki =", "ec50 =").replace("nM", "ng/mL"), "drug", ["in the bath (nM)", "affinity"]),
    "a dose of what is in the bath": (SLICE + BATH + '[dose.a]\ndrug = "a"\nduring = "slice"\namount = "1 mg"\n', "model", ["takes no dose", "dose.a"]),
    "plasma of what is in the bath": (SLICE + BATH + '[outcome.c]\nreadout = "concentration"\ndrug = "a"\n', "model", ["reads it in plasma"]),
    "a number with a unit": (SLICE + '[outcome.n]\nreadout = "number"\npath = "bath.free.magnesium"\n', "path", ["is in mM"]),
    "a rule with one side": (replaced(NAMES, ("[plasticity.w]\n", '[plasticity.w]\nrule = "hebb"\n')), "rule", ["hebb has one side", "two_sided"]),
    "another rule with one side": (replaced(NAMES, ("[plasticity.w]\n", '[plasticity.w]\nrule = "rate_error"\n')), "rule", ["rate_error has one side"]),
}  # fmt: skip


@every_case("fault", FAULTS)
def test_a_slip_is_one_line_at_its_place(fault: str, tmp_path: Path) -> None:
    text, key, words = FAULTS[fault]
    refused_once(text, key, words, tmp_path)
