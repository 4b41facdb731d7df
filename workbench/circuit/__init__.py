"""Who talks to whom: populations and the projections between them."""
