"""Which process or machine runs which block, how a sweep is stopped and resumed, and how long it will take."""
