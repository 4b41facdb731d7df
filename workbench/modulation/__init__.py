"""Third factors: dopamine, acetylcholine, the receptors they reach and the gates these open."""
