"""Other programs beside this one: the same model, numbers and draws; first compared, then timed in turns."""
