"""Commands disturbed at every step, and the figures of what came of it."""
