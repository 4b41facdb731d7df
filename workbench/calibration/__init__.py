"""Refitting: parameters that name findings are moved until the model shows them; nothing else is."""
