"""Frozen facts: what a backend told us, what we concluded, what we propose."""
