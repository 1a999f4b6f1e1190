"""Tests of changes of all issues that match."""
