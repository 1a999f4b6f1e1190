"""Tests of the list of properties."""
