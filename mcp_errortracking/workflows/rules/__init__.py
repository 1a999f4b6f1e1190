"""Simulation of rules on the events that PostHog has (rule contract 3)."""
