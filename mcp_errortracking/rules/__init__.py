"""Evaluation of rules as in PostHog's ingestion, and findings about their filters. No I/O.

The authority is docs/rule-matching.md, here called rule contract.
"""
