"""Checks of a body of its own, found by the entry point in pyproject.toml."""
