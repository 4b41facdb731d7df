"""Scenarios with one thing broken each: the mistakes that people make, and what must be said about them."""

from __future__ import annotations

from dataclasses import dataclass

from support.sound_scenario import SOUND, TRAITS

BASE = SOUND + TRAITS.replace('{ ref = "noise" }', "0.1")
"""Sound from end to end: whoever asks gets a plan."""


@dataclass(frozen=True)
class Broken:
    """A scenario in which `old` was replaced by `new`; without `old`, `new` was added at the end.

    Attributes
    ----------
    row : str
        Row of the table of faults.
    name : str
        Name of the file.
    at : str
        The text on which line and column must point: its first occurrence from the edit on.
    key : str
        What stands between place and message; "" where the text could not be read as TOML.
    words : tuple of str
        What the message, or the hint below it, must say.
    """

    row: str
    name: str
    old: str
    new: str
    at: str
    key: str
    words: tuple[str, ...]

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.row.lower()}-{self.name}.toml"

    @property
    def text(self) -> str:
        """The broken text."""
        if not self.old:
            return f"{BASE}{self.new}"
        assert BASE.count(self.old) >= 1, self.old
        return BASE.replace(self.old, self.new, 1)

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, from 1, at which the message must point."""
        text, start = self.text, len(BASE) if not self.old else BASE.index(self.old)
        found = text.index(self.at, start)
        return text.count("\n", 0, found) + 1, found - text.rfind("\n", 0, found)


def _broken(row: str, name: str, old: str, new: str, at: str, key: str, *words: str) -> Broken:
    return Broken(row, name, old, new, at, key, words)


AXIS = '"plasticity.map.rate" = '
DOSE = '"dose.thp.amount" = "5 mg"'


def _swept(row: str, name: str, axis: str, at: str, key: str, *words: str) -> Broken:
    return _broken(row, name, "", f"\n[study.s]\n[study.s.sweep]\n{axis}\n", at, key, *words)


GRID = """
[study.s]
[study.s.sweep]
"plasticity.map.rate" = { from = 0.1, to = 1.0, steps = 100_000 }
"plasticity.map.balance" = { from = 0.1, to = 1.0, steps = 100_000 }
"projection.map.overlap" = { from = 0.1, to = 1.0, steps = 100_000 }
"task.reach.target" = { from = 0.1, to = 1.0, steps = 100_000 }
"task.reach.penalty" = { from = 0.1, to = 1.0, steps = 100_000 }
"occupancy.m1.ec50" = { from = "1 ng/mL", to = "9 ng/mL", steps = 100_000 }
"""

# One fault a line reads best as a table.
# fmt: off
CORPUS = (
    # -- TOML -------------------------------------------------------------------------------------------------------
    _broken("S03", "twice", "seed = 7", "seed = 7\nseed = 8", "seed = 8", "", "the key seed is defined twice", "line 11"),
    _broken("S03", "table_twice", "[arm.low]\n", "[arm.plain]\n", "[arm.plain]", "", "[arm.plain] is defined twice"),
    _broken("S03", "date", "seed = 7", "seed = 2024-13-45", "-13", "", "TOML syntax"),
    _broken("S03", "no_quotes", 'drug = "thp"\namount', "drug = thp\namount", "thp", "", "a bare word", "in quotes"),
    _broken("S03", "open_quote", 'kind = "source"', 'kind = "source', "\n", "", "not closed by a quote"),
    _broken("S03", "curly_quotes", 'kind = "source"', "kind = “source”", "“", "", "straight quotes"),
    _broken("S03", "bare_unit", 'every = "8 h"', "every = 8 h", "h", "", "a number with a unit", '"8 h"'),
    _broken("S03", "comma", "rate = 0.05", "rate = 0,05", ",", "", "write a decimal point"),
    _broken("S03", "colon", "count = 5", "count: 5", ":", "", "joined by ="),
    _broken("S03", "capital_true", "seed = 7", "seed = True", "True", "", "lower case"),
    _broken("S03", "open_table", "[drug.thp]", "[drug.thp", "\n", "", "a table's name that is not closed"),
    _broken("S03", "no_comma", '["dose.thp"]', '["dose.thp" "drug.thp"]', '"drug', "", "put a comma"),
    # -- unknown keys -----------------------------------------------------------------------------------------------
    _broken("S05", "key", "rate = 0.05", "rat = 0.05", "rat", "plasticity.map.rat", "unknown key", '"rate"'),
    _broken("S05", "table", "[drug.thp]", "[drugs.thp]", "[drugs", "drugs", "unknown key or table", '"drug"'),
    _broken("S05", "subjects", "count = 5", "counts = 5", "counts", "subjects.counts", '"count"'),
    _broken("S05", "arm", 'condition = "ill"', 'conditions = "ill"', "conditions", "arm.treated.conditions", '"condition"'),
    _broken("S05", "nested", 'each = "3 d"', 'eech = "3 d"', "eech", "dose.thp.titration.eech", '"titration_each"'),
    _broken("S05", "use", "not_for", "notfor", "notfor", "use.notfor", '"not_for"'),
    _broken("S05", "arm_with_dot", "[arm.low]\n", "[arm.low.dose]\n", "[arm.low.dose]", "arm.low.dose", "unknown key"),
    # -- types ------------------------------------------------------------------------------------------------------
    _broken("S06", "text", "rate = 0.05", 'rate = "0.05"', '"0.05"', "plasticity.map.rate", "a bare number", 'got "0.05"'),
    _broken("S06", "switch", "trials = 50", "trials = true", "true", "phase.practice.trials", "whole number", "got true"),
    _broken("S06", "half", "size = 4", "size = 2.5", "2.5", "population.cue.size", "whole number", "got 2.5"),
    _broken("S06", "seed", "seed = 7", "seed = 7.0", "7.0", "subjects.seed", "whole number"),
    _broken("S06", "list", 'without = ["dose.thp"]', 'without = "dose.thp"', '"dose', "arm.plain.without", '["dose.thp"]'),
    _broken("S06", "number", 'pre = "cue"', "pre = 3", "3", "projection.map.pre", "text in quotes", "got 3"),
    _broken("S06", "bounds", "bounds = [0.0, 1.0]", "bounds = 1.0", "1.0", "projection.map.bounds", "a list in brackets"),
    _broken("S06", "reference", '{ ref = "noise" }', '"noise"', '"noise"', "population.muscle.noise", "a bare number", '{ ref = "noise" }'),
    _broken("S06", "path", DOSE, 'dose.thp.amount = "5 mg"', "dose", "arm.low.set.dose", "not a whole path", "in quotes"),
    _swept("S06", "axis", f"{AXIS}[0.1, 0.2]", "[0.1", "study.s.sweep.\"plasticity.map.rate\"", "expected", "values = [...]"),
    # -- impossible numbers -----------------------------------------------------------------------------------------
    _broken("S07", "nan", "rate = 0.05", "rate = nan", "nan", "plasticity.map.rate", "finite", "1e+18"),
    _broken("S07", "inf", "rate = 0.05", "rate = -inf", "-inf", "plasticity.map.rate", "finite"),
    _broken("S07", "overflow", "rate = 0.05", "rate = 1e400", "1e400", "plasticity.map.rate", "finite"),
    _broken("S07", "huge", "rate = 0.05", "rate = 1" + "0" * 26, "1000", "plasticity.map.rate", "out of range"),
    _broken("S07", "seed", "seed = 7", "seed = 1" + "0" * 26, "1000", "subjects.seed", "out of range"),
    _broken("S07", "digits", "count = 5", f"count = {'9' * 5000}", "9999", "", "longer than 400"),
    _broken("S07", "quoted", '"10 mg"', '"1e26 mg"', '"1e26', "dose.thp.amount", "out of range"),
    # -- ranges -----------------------------------------------------------------------------------------------------
    _broken("S08", "negative", "rate = 0.05", "rate = -0.05", "-0.05", "plasticity.map.rate", "0 to 10"),
    _broken("S08", "share", "{ value = 0.1, ", "{ value = 1.2, ", "1.2", "projection.map.overlap.value", "0 to 1"),
    _broken("S08", "nobody", "count = 5", "count = 0", "0", "subjects.count", "at least 1"),
    _broken("S08", "interval", '"8 h"', '"0 h"', '"0 h"', "dose.thp.every", "0.1 to 8760 h"),
    _broken("S08", "bounds", "[0.0, 1.0]", "[1.0, 0.0]", "[1.0", "projection.map.bounds", "below the second"),
    _broken("S08", "outside_bounds", "bounds = [0.0, 1.0]", "weight = 3.0\nbounds = [0.0, 1.0]", "3.0", "projection.map.weight", "0 to 1"),
    _broken("S08", "window", '"last 20 trials', '"last 51 trials', '"last', "outcome.overflow.window", "has 50 trials"),
    _broken("S08", "window_order", '"last 20 trials', '"trials 30-20', '"trials', "outcome.overflow.window", "must end after it starts"),
    _broken("S08", "window_clock", '"last 20 trials of', '"3 h into', '"3 h', "outcome.overflow.window", "counts trials, not hours"),
    _broken("S08", "sizes", "[population.muscle]\nsize = 4", "[population.muscle]\nsize = 6", '"muscle"\nbounds', "projection.map.post", "got 4 and 6"),
    _broken("S08", "two_sizes", "[population.muscle]\nsize = 4", '[population.muscle]\nlike = "cue"\nsize = 6', "6", "population.muscle.size", "does not go with like"),
    _broken("S08", "order", "order = 2", "order = 1", "1", "phase.treatment.order", "both at place 1"),
    _broken("S08", "trait", "sd = 0.01", "sd = -0.01", "-0.01", "subjects.trait.noise.sd", "at least 0"),
    _broken("S08", "course", "[outcome.overflow]", '[course.overflow]\nreadout = "overflow_index"\ntask = "reach"\n[outcome.overflow]', "[course.overflow]", "course.overflow.every", "every = 100"),
    _broken("S08", "pace", 'window = "last', 'every = 10\nwindow = "last', "10", "outcome.overflow.every", "belongs to a time course"),
    _broken("S08", "useless_dose", 'without = ["dose.thp"]', f'without = ["dose.thp"]\n[arm.plain.set]\n{DOSE}', '"dose.thp.amount"', 'arm.plain.set."dose.thp.amount"', "without dose.thp", "no effect"),
    _broken("S08", "two_tasks", "[phase.practice]", '[task.other]\nkind = "cued_bandit"\ncues = "cue"\nanswers = "muscle"\n[phase.practice]', '"cue"', "task.other.cues", "by task reach"),
    _swept("S08", "relative", '"projection.map.overlap" = { from = 1, to = 20, steps = 3, relative = true }', '"projection', "projection.map.overlap", "2 in arm plain", "0 to 1"),
    _swept("S08", "swept_size", '"population.muscle.size" = { values = [4, 6] }', '"population', "projection.map.post", "got 4 and 6", "population.muscle.size = 6"),
    _swept("S08", "axis", f"{AXIS}{{ values = [0.1, -1] }}", "-1", 'study.s.sweep."plasticity.map.rate".values[1]', "0 to 10"),
    _broken("S08", "idle_trait", "", '[subjects.trait.idle]\ndistribution = "normal"\nmean = 1.0\nsd = 0.1\n', "[subjects.trait.idle]", "subjects.trait.idle", "has no effect", "effects"),
    _broken("S08", "rows", "", '[outcome.norm]\nreadout = "weight_norm"\nprojection = "map"\n', '"map"', "outcome.norm.projection", "needs a dense projection"),
    _broken("S08", "empty_list", "", '[outcome.full]\nreadout = "saturation"\nprojections = []\n', "[]", "outcome.full.projections", "at least 1 entry"),
    # -- units ------------------------------------------------------------------------------------------------------
    _broken("S09", "unknown", '"10 mg"', '"10 mgg"', '"10 mgg"', "dose.thp.amount", "unknown unit 'mgg'", "units: mg, ng, ug, g, kg"),
    _broken("S09", "capitals", '"10 mg"', '"10 MG"', '"10 MG"', "dose.thp.amount", "capitals count: 'mg'?"),
    _broken("S09", "volume", '"10 mg"', '"10 mL"', '"10 mL"', "dose.thp.amount", "'mL' is not a unit of this kind"),
    _broken("S09", "per_weight", '"10 mg"', '"0.1 mg/kg"', '"0.1', "dose.thp.amount", "not a unit of this kind"),
    _broken("S09", "per_day", DOSE, '"dose.thp.amount" = "15 mg/day"', '"15', 'arm.low.set."dose.thp.amount"', "'mg/day' is not a unit"),
    _broken("S09", "missing", '"8 h"', '"8"', '"8"', "dose.thp.every", "the unit is missing", "units: h, ms, s, min, day, week"),
    _broken("S09", "bare", 'every = "8 h"', "every = 8", "8", "dose.thp.every", "a quantity in quotes", "got 8"),
    _broken("S09", "comma", '"10 mg"', '"2,5 mg"', '"2,5', "dose.thp.amount", "a point, not a comma"),
    _broken("S09", "other_kind", '{ ref = "clearance" }', '{ ref = "noise" }', '"noise"', "drug.thp.clearance.ref", "'1'", "'L/h'"),
    # -- names that nothing has -------------------------------------------------------------------------------------
    _broken("S10", "population", 'pre = "cue"', 'pre = "cues"', '"cues"', "projection.map.pre", "cue, muscle", '"cue"'),
    _broken("S10", "capital", 'pre = "cue"', 'pre = "Cue"', '"Cue"', "projection.map.pre", 'did you mean "cue"?'),
    _broken("S10", "modulator", 'third_factor = "dopamine"', 'third_factor = "dopa"', '"dopa"', "plasticity.map.third_factor", "defined: dopamine"),
    _broken("S10", "drug", 'drug = "thp"\namount', 'drug = "m1"\namount', '"m1"', "dose.thp.drug", "defined: thp"),
    _broken("S10", "phase", 'during = "treatment"', 'during = "therapy"', '"therapy"', "dose.thp.during", "practice, treatment"),
    _broken("S10", "window", '"last 20 trials of treatment', '"last 20 trials of treatmnt', '"last', "outcome.overflow.window", '"treatment"'),
    _broken("S10", "rule", 'rule = "two_sided"', 'rule = "two-sided"', '"two-sided"', "plasticity.map.rule", "tag_and_capture", '"two_sided"'),
    _broken("S10", "projection", "[plasticity.map]", "[plasticity.mop]", "[plasticity.mop]", "plasticity.mop", "name of its projection", '"map"'),
    _broken("S10", "extends", 'extends = "treated"', 'extends = "treatd"', '"treatd"', "arm.low.extends", "plain, treated, low", '"treated"'),
    _broken("S10", "baseline", 'compare_with = "plain"', 'compare_with = "plan"', '"plan"', "arm.treated.compare_with", '"plain"'),
    _broken("S10", "condition", 'condition = "ill"', 'condition = "Ill"', '"Ill"', "arm.treated.condition", "defined: ill", '"ill"'),
    _broken("S10", "without", '["dose.thp"]', '["dose.tph"]', '"dose.tph"', "arm.plain.without[0]", "defined: thp", '"thp"'),
    _broken("S10", "set", DOSE, '"dose.thp.amonut" = "5 mg"', '"dose', 'arm.low.set."dose.thp.amonut"', "has no field", '"amount"'),
    _broken("S10", "section", DOSE, '"doses.thp.amount" = "5 mg"', '"doses', 'arm.low.set."doses.thp.amount"', "no section 'doses'", '"dose"'),
    _broken("S10", "parameter", '{ ref = "noise" }', '{ ref = "noize" }', '"noize"', "population.muscle.noise.ref", "noise, clearance", '"noise"'),
    _broken("S10", "parameters", 'parameters = "small"', 'parameters = "smal"', '"smal"', "parameters", "no parameter set", "small"),
    _broken("S10", "trait", 'on = "population.muscle.noise"', 'on = "population.muscles.noise"', '"population', "subjects.trait.noise.on", '"muscle"'),
    _broken("S10", "covariate", '"drug.thp.clearance" =', '"drug.tph.clearance" =', '"drug', 'subjects.trait.weight.effects."drug.tph.clearance"', "defined: thp"),
    _broken("S10", "readout", '"overflow_index"', '"overflow"', '"overflow"', "outcome.overflow.readout", "area_under_curve", '"overflow_index"'),
    _broken("S10", "level", '[occupancy.m1]', '[receptor.m]\nligand = "dopamine"\n[outcome.m]\nreadout = "level"\nsignal = "receptor.m"\nwindow = "end of treatment"\n[occupancy.m1]', "[receptor.m]", "receptor.m", "modulator.dopamine has no level"),
    _broken("S10", "bursts", '[plasticity.map]\n', '[projection.more]\nwiring = "one_to_one"\npre = "cue"\npost = "muscle"\nbounds = [0.0, 1.0]\n[plasticity.more]\nrule = "two_sided"\nthird_factor = "ach"\n[modulator.ach]\nsource = "cholinergic"\n[plasticity.map]\n', "[plasticity.more]", "plasticity.more", "modulator.ach has no burst"),
    _swept("S10", "axis", '"plasticity.map.rat" = { values = [0.1] }', '"plasticity', 'study.s.sweep."plasticity.map.rat"', "has no field 'rat'", '"rate"'),
    _broken("S10", "study_arm", "", '\n[study.s]\narms = ["plain", "tretaed"]\n', '"tretaed"', "study.s.arms[1]", "plain, treated, low", '"treated"'),
    _broken("S10", "study_outcome", "", '\n[study.s]\noutcomes = ["overflw"]\n', '"overflw"', "study.s.outcomes[0]", '"overflow"'),
    # -- doses and curves -------------------------------------------------------------------------------------------
    _broken("S08", "titration_start", 'start = "2 mg/day"', 'start = "40 mg/day"', '"40', "dose.thp.titration.start", "titration past its maximum", "at most 30 mg/day"),
    _broken("S08", "titration_aim", "[dose.thp.titration]\n", '[dose.thp.titration]\nmaximum = "20 mg/day"\n', '"20', "dose.thp.titration.maximum", "titration past its maximum", "full dose is 30 mg/day"),
    _broken("S08", "titration_step", '"10 mg"\nevery = "8 h"\nduring = "treatment"\n[dose.thp.titration]\nstart = "2 mg/day"\nstep = "2 mg/day"', '"1 mg"\nevery = "8 h"\nduring = "treatment"\n[dose.thp.titration]\nmaximum = "5 mg/day"\nstart = "1 mg/day"\nstep = "6 mg/day"', '"6 mg', "dose.thp.titration.step", "one step is 6 mg/day", "at most 5 mg/day"),
    _broken("S08", "titration_arm", '"dose.thp.amount" = "5 mg"', '"dose.thp.amount" = "0.5 mg"', '"dose.thp.amount"', "dose.thp.titration_start", "titration past its maximum", "in arm low"),
    _broken("S08", "titration_settled", "[dose.thp.titration]\n", "steady_state = true\n[dose.thp.titration]\n", '"2 mg/day"\neach', "dose.thp.titration.step", "begins at its steady state"),
    _broken("S08", "lag", 'volume = "200 L"', 'volume = "200 L"\nlag = "-1 h"', '"-1 h"', "drug.thp.lag", "0 to 1000 h"),
    _broken("S08", "absorbed", 'volume = "200 L"', 'volume = "200 L"\nbioavailability = 1.2', "1.2", "drug.thp.bioavailability", "0 to 1"),
    _broken("S08", "no_such_dose", 'every = "8 h"', 'every = "8 h"\ncount = 3\nmissed = [2, 5]', "[2, 5]", "dose.thp.missed", "no dose 5", "only 3 are given"),
    _broken("S08", "half_a_dose", 'every = "8 h"', 'every = "8 h"\nmissed = [1.5]', "[1.5]", "dose.thp.missed", "numbered 1, 2, 3", "1.5"),
    _broken("S08", "dose_zero", 'every = "8 h"', 'every = "8 h"\nmissed = [0]', "0]", "dose.thp.missed[0]", "1 to 1e+06"),
    _broken("S08", "until", 'every = "8 h"', 'every = "8 h"\nfirst = "10 h"\nuntil = "5 h"', '"5 h"', "dose.thp.until", "before the first is given", "first (10 h)"),
    _broken("S08", "duration", 'every = "8 h"', 'every = "8 h"\nduration = "-1 h"', '"-1 h"', "dose.thp.duration", "0 to 10000 h"),
    _broken("S08", "since", "", '[outcome.peak]\nreadout = "peak_concentration"\ndrug = "thp"\nsince = "300 h"\nwindow = "treatment"\n', '"300 h"', "outcome.peak.since", "300 h is not before the end", "240 h"),
    _broken("S08", "no_stretch", "", '[outcome.peak]\nreadout = "peak_concentration"\ndrug = "thp"\n', "[outcome.peak]", "outcome.peak.window", "needs a phase"),
    _broken("S08", "peak_course", "", '[course.peak]\nreadout = "peak_concentration"\ndrug = "thp"\nevery = 10\n', '"peak_concentration"', "course.peak.readout", "one number for a stretch"),
    _broken("S09", "dose_bare", 'amount = "10 mg"', 'amount = "10"', '"10"', "dose.thp.amount", "the unit is missing", "units: mg"),
    _broken("S09", "level_bare", "", '[outcome.above]\nreadout = "time_above"\ndrug = "thp"\nthreshold = 18.3\nwindow = "treatment"\n', "18.3", "outcome.above.threshold", "a quantity in quotes", "ng/mL"),
    _broken("S10", "model", '"one_compartment_oral"', '"variant_d"', '"variant_d"', "drug.thp.model", "one_compartment_oral", "two_compartment_oral"),
    # -- too many points --------------------------------------------------------------------------------------------
    _swept("S11", "values", f"{AXIS}{{ from = 0.1, to = 1, steps = 1_000_000_000 }}", "1_000", 'study.s.sweep."plasticity.map.rate".steps', "1,000,000,000 values", "--max-points"),
    _swept("S11", "backwards", f"{AXIS}{{ from = 0.1, to = 0.1, steps = 3 }}", "0.1, steps", 'study.s.sweep."plasticity.map.rate".to', "ends where it starts"),
    _swept("S11", "one_step", f"{AXIS}{{ from = 0.1, to = 1, steps = 0 }}", "0 }", 'study.s.sweep."plasticity.map.rate".steps', "at least 2"),
    _swept("S11", "nothing", f"{AXIS}{{ values = [] }}", "[] }", 'study.s.sweep."plasticity.map.rate".values', "at least 1 entry"),
    _swept("S11", "log", f'{AXIS}{{ from = 0.0, to = 1, steps = 3, scale = "log" }}', '"log"', 'study.s.sweep."plasticity.map.rate".scale', "above 0"),
    _broken("S11", "grid", "", GRID, "[study.s.sweep]", "study.s.sweep", "10^30 points", "--max-points"),
    # -- another version --------------------------------------------------------------------------------------------
    _broken("S17", "newer", "schema = 1", "schema = 2", "2", "schema", "format version 2", "reads version 1"),
)
# fmt: on
