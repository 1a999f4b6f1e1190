"""The error of the translation."""


class NotTranslatableError(Exception):
    """HogQL cannot evaluate these filters as ingestion does; the text says why, as a part of a sentence."""
