"""Ratios of whole processes and of the reading path, measured in one run; `python -m benchmarks` prints them."""
