"""What is shown to the circuit and what is rewarded."""
