"""Generators of committed files, and the review of dependencies."""
