"""What makes no sense of a learning rule: one line each, at its place, by the real command."""

from __future__ import annotations

from pathlib import Path

from support.cases import every_case
from support.circuits import replaced, shipped_rule
from support.slips import faults, in_its_table

Fault = tuple[str, list[tuple[str, str]], str, list[str]]
FAULTS: dict[str, Fault] = {
    "a reward too many": ("three_factor_bandit", [("rewards = [1.0, 0.3]", "rewards = [1.0, 0.3, 0.1]")], "task.choice.rewards", ["one number per action: 2, got 3"]),
    "a preference too few": ("three_factor_bandit", [("preferences = [0.2, -0.1]", "preferences = [0.2]")], "population.action.preferences", ["one number per action: 2, got 1"]),
    "a score inside soft bounds": ("three_factor_bandit", [('post = "record"\nweight = 0.0', 'post = "record"\nweight = 0.0\nbounds = [-1.0, 1.0]'), ('postsynaptic = "action"\nthird_factor = "dopamine"\nstabiliser = "hard_bounds"', 'postsynaptic = "action"\nthird_factor = "dopamine"\nstabiliser = "soft_bounds"')], "plasticity.context_record.stabiliser", ["falls below zero", "hard_bounds"]),
    "a score of what does not choose": ("three_factor_bandit", [('postsynaptic = "action"\n', "")], "plasticity.context_record.drive", ["softmax population", "record is not one"]),
    "a policy that is none": ("three_factor_bandit", [('choices = "action"', 'choices = "record"')], "task.choice.choices", ["takes actions", "record is source"]),
    "a mark that falls before it rises": ("eligibility_delay", [('rise = "0.3 s"', 'rise = "3 s"')], "eligibility.windowed.decay", ["must be above rise (3 s), got 1 s"]),
    "a trace longer than the phase": ("eligibility_delay", [('decay = "1 s"\n\n[eligibility.windowed]', 'decay = "90 s"\n\n[eligibility.windowed]'), ('trace = "exponential"\nrate = 0.1\n\n[plasticity.windowed]', 'trace = "windowed"\nrate = 0.1\n\n[plasticity.windowed]')], "plasticity.lingering.trace", ["lasts 90 s", "phase pairing (60 s)"]),
    "a mark of steps between events": ("eligibility_delay", [('kind = "double_exponential"\nrise = "0.3 s"\ndecay = "1 s"', 'kind = "discounted"')], "plasticity.windowed.trace", ["on the event clock a trace is one of"]),
    "no mark between events": ("eligibility_delay", [('trace = "windowed"\n', "")], "plasticity.windowed.trace", ["is missing", "only through an eligibility trace"]),
    "a trace longer than the episode": ("password", [('decay = "3 s"', 'decay = "9 s"')], "plasticity.step_action.trace", ["lasts 9 s", "episode (8 s)"]),
    "a step that there is not": ("password", [("critical_step = 8", "critical_step = 9")], "task.password.critical_step", ["step has 8 units, got 9"]),
    "a delay line too short": ("td_dopamine", [("size = 11", "size = 10")], "task.cue_and_reward.states", ["every step from cue to outcome: 11, got 10"]),
    "a reward before its cue": ("td_dopamine", [("outcome = 15", "outcome = 4")], "task.cue_and_reward.outcome", ["must be above cue (5), got 4"]),
    "a cue that is no surprise": ("td_dopamine", [("cue = 5", "cue = 0"), ("size = 11", "size = 16")], "task.cue_and_reward.cue", ["at least 1"]),
    "half an episode": ("td_dopamine", [("trials = 2400", "trials = 2410")], "task.cue_and_reward.length", ["2410 trials", "whole episodes of 20"]),
    "states between events": ("td_dopamine", [("[phase.omission]", '[phase.later]\norder = 3\nclock = "event"\n[phase.omission]')], "task.cue_and_reward.kind", ['needs phases with clock = "trial"', "phase later is on the event clock"]),
    "two discounts": ("td_dopamine", [('persistence = 0.8', 'persistence = 0.8\n# other'), ('discount = 0.98\npersistence', 'discount = 0.9\npersistence')], "modulator.dopamine.discount", ["is 0.98", "discounts by 0.9"]),
    "a prediction that runs away": ("td_dopamine", [("rate = 0.4", "rate = 2.5")], "plasticity.time_value.rate", ["overshoots", "got 2.5"]),
    "a chain without an end": ("td_chain", [("forward = 0.5", 'forward = 0.5\nends = "none"'), ('discount = 0.9\npersistence', 'discount = 1.0\npersistence'), ('value = "place_value"\ndiscount = 0.9', 'value = "place_value"\ndiscount = 1.0')], "task.walk.ends", ["no finite value at discount 1"]),
    "an end that is never reached": ("td_chain", [("forward = 0.5", 'forward = 0.0\nends = "right"')], "task.walk.forward", ["never reaches the only end"]),
    "an error without states": ("td_chain", [('source = "temporal_difference"\ntask = "walk"\nvalue = "place_value"\ndiscount = 0.9', 'source = "reward_less_baseline"\ntask = "walk"')], "modulator.dopamine.task", ["judges choices", "walk is chain"]),
    "layers that do not meet": ("feedback_alignment", [('above = "upper"', 'above = "lower"')], "plasticity.lower.above", ["starts at input", "ends at hidden"]),
    "a layer without a way to the error": ("feedback_alignment", [('above = "upper"\nfeedback = "fixed"\n', "")], "plasticity.lower.above", ["is missing", "not the layer that is judged"]),
    "a rule of single units between layers": ("feedback_alignment", [('[plasticity.upper]\nrule = "routed_error"\ntask = "map"\nrate = 0.008', '[plasticity.upper]\nrule = "hebb"')], "plasticity.lower.above", ["no error to send back"]),
    "a step beyond stability": ("feedback_alignment", [('pre = "hidden"\npost = "output"', 'pre = "input"\npost = "output"'), ('[plasticity.upper]\nrule = "routed_error"\ntask = "map"\nrate = 0.008', '[plasticity.upper]\nrule = "routed_error"\ntask = "map"\nrate = 1.1'), ('above = "upper"\nfeedback = "fixed"\nfeedback_spread = 0.5', 'above = "upper"')], "plasticity.upper.rate", ["beyond stability", "from 1.016 on"]),
    "a jitter beyond stability": ("sample_efficiency", [("rate = 0.020833333333333332", "rate = 0.05")], "plasticity.node.rate", ["beyond stability", "from 0.04167 on"]),
    "one number for a batch": ("sample_efficiency", [("samples = 1", "samples = 4")], "plasticity.node.task", ["one sample per step, got 4"]),
    "a readout of single units": ("feedback_alignment", [('readout = "layer_change"', 'readout = "weight_mean"')], "projection.lower.wiring", ["outcome.moved cannot read weights between layers"]),
    "a layer taken for single units": ("feedback_alignment", [("[task.map]", '[projection.odd]\npre = "input"\npost = "hidden"\n[task.map]')], "population.input.kind", ["works on batches", "projection.odd"]),
    "layers in a circle": ("feedback_alignment", [("[task.map]", '[projection.back]\nwiring = "between_layers"\npre = "output"\npost = "hidden"\n[task.map]')], "population.hidden.kind", ["comes before itself"]),
    "a slope of what follows no error": ("sample_efficiency", [('readout = "map_distance"\nprojection = "node"\ntask = "map"', 'readout = "gradient_error"\nprojection = "node"')], "outcome.node.projection", ["needs a routed_error", "node has none"]),
    "a pulse that never comes": ("password", [('source = "reward_less_baseline"\ntask = "password"\nbaseline = 0.5\nfollow = 0.05', 'source = "pulse"')], "plasticity.step_action.third_factor", ["on the trial clock there are none"]),
    "units that are not signed": ("two_sided_balance", [('population = "drive"\nthreshold', 'population = "other"\nthreshold'), ("[task.cue]", '[population.other]\nsize = 3\n[task.cue]')], "plasticity.cortex_striatum.third_factor", ["a sign for each of 3 units"]),
    "a sum out of reach": ("two_sided_balance", [('balance = { ref = "ltp_ltd_balance" }', 'competition = "subtractive"\ntotal = 4.5')], "plasticity.cortex_striatum.total", ["4 weights between 0 and 1 cannot sum to 4.5"]),
    "nothing to compete with": ("three_factor_bandit", [('postsynaptic = "action"\nthird_factor', 'postsynaptic = "action"\ncompetition = "subtractive"\nthird_factor')], "plasticity.context_record.competition", ["needs bounds"]),
    "a cue in place of states": ("td_chain", [("[phase.learning]", '[population.answer]\nsize = 6\n[task.other]\nkind = "cued_bandit"\ncues = "place"\nanswers = "answer"\n[phase.learning]')], "plasticity.place_value.rule", ["only the shown cue's row"]),
    "no trace on one side": ("region_rules", [('ltd_trace = "first_depression"\n', "")], "plasticity.first.ltd_trace", ["is missing", "in phase pairing"]),
    "a mark of steps on two sides": ("region_rules", [('[eligibility.first_depression]\ndecay', '[eligibility.first_depression]\nkind = "cleared"\nsignal = "modulator.acetylcholine"\ndecay')], "plasticity.first.ltd_trace", ["carried from step to step", "three_factor"]),
    "an action that there is not": ("three_factor_bandit", [('population = "action"\naction = 1\nwindow', 'population = "action"\naction = 3\nwindow')], "outcome.policy.action", ["has 2 actions, got 3"]),
    "a late weight that is none": ("two_sided_balance", [('readout = "synapse_weight"\nprojection = "cortex_striatum"\nunit_number = 1\ntake = "mean"', 'readout = "late_weight"\nprojection = "cortex_striatum"')], "outcome.on_target.projection", ["a rule that keeps a late weight (tag_and_capture)", "is two_sided"]),
    "the area of a mark of steps": ("nmda_window", [('kind = "nmda"', 'kind = "cleared"\nsignal = "receptor.glun2a"'), ('share_2a = 0.5\ndecay_2a = "0.087 s"\ndecay_2b = "0.548 s"\n', "")], "outcome.width.mark", ["is cleared", "not depend on the steps"]),
    "actions of another size than the weights": ("three_factor_bandit", [('size = 2\n\n[projection.context_action]', 'size = 3\n\n[projection.context_action]')], "plasticity.context_record.postsynaptic", ["record and action differ in size, got 3 and 2"]),
    "a sum that no weights have": ("sum_budget", [('stabiliser = "sum_subtractive"', 'stabiliser = "sum_divisive"'), ("\ntotal = 1.0", "\ntotal = 17.0")], "plasticity.w.total", ["16 weights between 0 and 1 cannot sum to 17"]),
    "all weights start at 0": ("sum_budget", [('stabiliser = "sum_subtractive"', 'stabiliser = "sum_divisive"'), ("weight = 0.0625\nspread = 0.001", "weight = 0.0")], "plasticity.w.stabiliser", ["all weights start at 0"]),
    "a cube that nothing holds": ("independent_components", [('stabiliser = "l2"\n', ""), ('clock = "flow"\n', ""), ("step = 100\n", "")], "plasticity.w.stabiliser", ["cubic (heavy) with none", "diverges"]),
    "a cube within one-sided bounds": ("independent_components", [('post = "output"\n', 'post = "output"\nbounds = [0.0, 1.0]\n')], "plasticity.w.rule", ["bounds on both sides of 0"]),
    "a cube through inhibition": ("independent_components", [('post = "output"\n', 'post = "output"\nsign = "inhibitory"\n')], "plasticity.w.rule", ["w is inhibitory"]),
    "a cube on normal input": ("oja", [('rule = "hebb"', 'rule = "cubic"'), ('stabiliser = "oja"', 'stabiliser = "l2"'), ('clock = "flow"\n', "")], "plasticity.input_output.rule", ["needs white input", "variance leads"]),
    "tails that no source has": ("independent_components", [("laplace = 2\nuniform = 1\nexponential = 1", "laplace = 3\nuniform = 0\nexponential = 1"), ("form = \"heavy\"", "form = \"light\"")], "plasticity.w.form", ["light tails", "has none"]),
    "a cubic step that throws weights about": ("independent_components", [("rate = 0.0001", "rate = 0.05"), ('clock = "flow"\n', ""), ("step = 100\n", "")], "plasticity.w.rate", ["must stay well below 1", "here rate below 0.0278"]),
    "scaling without a mean": ("oja", [('stabiliser = "oja"', 'stabiliser = "scaling"'), ('clock = "flow"\n', "")], "plasticity.input_output.stabiliser", ["inputs of mean 0"]),
    "scaling through inhibition": ("synaptic_scaling", [('post = "output"\n', 'post = "output"\nsign = "inhibitory"\n')], "plasticity.w.stabiliser", ["lowers the rate further"]),
    "BCM on normal inputs": ("oja", [('rule = "hebb"', 'rule = "bcm"'), ('stabiliser = "oja"', 'homeostat = "output"'), ('clock = "flow"\n', ""), ("[task.inputs]", '[homeostat.output]\npopulation = "output"\n[task.inputs]')], "plasticity.input_output.rule", ["third moments", "gaussian"]),
    "a subspace of more directions than there are": ("principal_components", [("size = 2", "size = 5"), ('stabiliser = "sanger"', 'stabiliser = "subspace"')], "plasticity.w.stabiliser", ["4 inputs have no more than 4 directions"]),
    "deflation on one side of 0": ("principal_components", [('stabiliser = "sanger"', 'stabiliser = "deflation"'), ('post = "output"\n', 'post = "output"\nbounds = [0.0, 1.0]\n')], "plasticity.w.stabiliser", ["orthogonal", "both sides of 0"]),
    "a mean field of inhibition": ("oja", [('post = "output"\n', 'post = "output"\nsign = "inhibitory"\n')], "plasticity.input_output.rule", ["averages over excitation"]),
    "a lower layer beyond stability": ("feedback_alignment", [("feedback_spread = 0.5\nrate = 0.008", "feedback_spread = 0.5\nrate = 1.5")], "plasticity.lower.rate", ["beyond stability", "got 1.5"]),
    "steps of a flow that run away": ("principal_components", [("step = 10\n", "step = 1000\n")], "plasticity.w.rate", ["steps of", "too long for weights"]),
    "steps longer than the threshold's memory": ("bcm", [("step = 50", "step = 500")], "plasticity.w.homeostat", ["too long for a threshold of window 100"]),
    "steps longer than BCM's weights allow": ("bcm", [('rate = 0.001', 'rate = 0.05'), ("window = \"100 trial\"", "window = \"1000 trial\"")], "plasticity.w.rate", ["too long for weights", "set_point"]),
    "a rate that swings": ("inhibitory_balance", [("rate = 0.01", "rate = 0.4")], "plasticity.inhibition.rate", ["beyond stability", "of the largest pattern", "from 0.32 on"]),
    "patterns as good as dependent": ("bcm", [("0.39, 0.44, 0.34, 0.95]", "1.0, 0.39, 0.34, 0.44000001]")], "plasticity.w.rule", ["have rank 3", "1e-06"]),
    "two tasks for one population": ("oja", [("[phase.learning]", '[task.more]\nkind = "gaussian"\ninputs = "input"\n[phase.learning]')], "population.input.kind", ["tasks inputs and more show input different inputs"]),
    "the power of noisy units": ("oja", [("[population.output]\nsize = 1", "[population.output]\nsize = 1\nnoise = 0.1"), ('clock = "flow"\n', "")], "outcome.power.projection", ["linear units without noise", "those of output are not"]),
    "the power of units with a baseline": ("oja", [("[population.output]\nsize = 1", "[population.output]\nsize = 1\nbaseline = 0.1"), ('clock = "flow"\n', "")], "outcome.power.projection", ["the only input of output"]),
    "a spectrum of zeros": ("oja", [("[4.0, 2.0, 1.0, 0.5]", "[0.0, 0.0, 0.0, 0.0]")], "task.inputs.spectrum", ["nothing to show"]),
    "repeated zeros": ("oja", [("[4.0, 2.0, 1.0, 0.5]", "[4.0, 2.0, 0.0, 0.0]"), ('readout = "principal_cosine"', 'readout = "principal_cosine"\ncomponent = 3')], "outcome.alignment.component", ["eigenvalues 0 and 0 are nearer"]),
    "a profile without a gap": ("sum_budget", [("bump = 0.3", "bump = 0.0"), ('readout = "profile_error"', 'readout = "profile_error"\ncomponent = 2')], "outcome.profile.component", ["nearer than a factor 1.05"]),
    "a span without a gap": ("principal_components", [("spectrum = [4.0, 2.0, 1.0, 0.5]", "spectrum = [4.0, 2.0, 1.99, 0.5]")], "outcome.subspace.projection", ["eigenvalues 2 and 1.99"]),
    "the power of units that a teacher sets": ("association", [('readout = "recall_error"', 'readout = "output_power"')], "outcome.recall_error.projection", ["linear units without noise"]),
    "light tails that no source has": ("independent_components", [("laplace = 2\nuniform = 1", "laplace = 3\nuniform = 0")], "outcome.light.tails", ["voices has no source with light tails"]),
    "a decay on two sides": ("two_sided_balance", [('stabiliser = "soft_bounds"', 'stabiliser = "oja"')], "plasticity.cortex_striatum.stabiliser", ["two sides need bounds", "competition", "one of: soft_bounds, hard_bounds"]),
    "hard bounds on one side": ("runaway", [('rule = "hebb"', 'rule = "hebb"\nstabiliser = "hard_bounds"')], "plasticity.w.stabiliser", ["none\" here", "on the projection"]),
}  # fmt: skip


@every_case("fault", FAULTS)
def test_a_slip_is_told_at_its_place_with_the_rule_that_it_breaks(fault: str, tmp_path: Path) -> None:
    name, swaps, key, words = FAULTS[fault]
    text = replaced(shipped_rule(name), *swaps)
    every = faults(text, tmp_path)
    found = [told for told in every if told.key == key]
    assert any(all(word in told.message for word in words) for told in found), every
    assert all(in_its_table(told, text) for told in found), found
