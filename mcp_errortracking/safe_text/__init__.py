"""Escaping and cleaning of text from outside. The lowest package: every other may import it."""
