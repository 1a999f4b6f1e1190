"""The errors of a token's check.

TokenRefusedError     The token is not accepted. Its caller gets the reason.
IssuerError           The authorization server gave no usable answer. Its reason is for the operator.
"""


class TokenRefusedError(Exception):
    """The token is not accepted. The text is a sentence about the token that repeats nothing of it."""


class IssuerError(Exception):
    """The authorization server gave no usable answer, so that a token cannot be checked now. The text says why."""
