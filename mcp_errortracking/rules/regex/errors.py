"""Errors about patterns."""


class BadPatternError(Exception):
    """Rust refuses the pattern.

    `place` is the index of the character that it refuses, `advice` what to write instead, if that is known.
    """

    def __init__(self, reason: str, place: int, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.advice = advice


class UndecidedError(Exception):
    """The answer depends on the version of the crate, or on tables that Python does not have."""
