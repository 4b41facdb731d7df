"""TOML as text: where each key stands, what is wrong with it, and how it is written."""
