"""Differences between operating systems, a module for each kind of thing that they treat differently."""
