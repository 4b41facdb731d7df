"""Text to a frozen, checked scenario: grammar, positions, problems, parameter sets."""
