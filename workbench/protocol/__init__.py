"""What happens when: phases on a clock, and the events and stimuli inside them."""
