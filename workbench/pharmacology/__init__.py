"""What the body does to a drug (kinetics), and what the drug does: to receptors (occupancy), in the end (response)."""
