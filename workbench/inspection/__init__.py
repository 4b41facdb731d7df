"""What a scenario says before it runs: its doses, its windows, its synapse in a slice, its description."""
