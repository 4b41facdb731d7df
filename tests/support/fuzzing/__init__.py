"""Scenario files, tables and paths varied at random, and what may become of them."""
