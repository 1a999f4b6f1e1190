"""Tests of the deploy report."""
