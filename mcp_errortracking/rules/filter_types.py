"""Types of property filters that the arguments and the rules both name."""

COHORTS = ("cohort", "static-cohort", "dynamic-cohort", "precalculated-cohort")
"""Conditions on the person's cohorts: their key is always `id`, and PostHog refuses them in rules (contract 3.1)."""
