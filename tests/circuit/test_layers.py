"""A layer that diverges is noted, and its neighbours go on."""

from __future__ import annotations

from support.circuits import less, only, replaced, shipped_rule, solved

from workbench.solver.run import solve


def test_a_layer_that_diverges_is_noted_and_its_neighbours_go_on() -> None:
    text = replaced(shipped_rule("feedback_alignment"), ("trials = 3000", "trials = 200"))
    text = less(text, "outcome", "course", "arm", "study")
    text += '[outcome.loss]\nreadout = "teacher_loss"\ntask = "map"\n[arm.one]\n'
    wild = '[study.s.sweep]\n"plasticity.lower.rate" = { values = [0.008, 0.9] }\n'
    found, calm = solve(only(text + wild)), solved(text)
    assert len(found.failures) == 3 and "no longer finite" in next(iter(found.failures.values())).reason
    kept = [i for i in range(6) if i not in found.failures]
    assert found.outcomes["loss"][kept].tobytes() == calm.outcomes["loss"].tobytes()
