"""Diagnosis is arithmetic: (Case, Policy, now) to Findings to Remedies; no clock, no await, no I/O."""
