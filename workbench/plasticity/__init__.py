"""How weights change: rules, eligibility and the homeostat that a rule may read."""
