"""A call that is not made: nobody has consented to it yet, or the caller may not make it."""

from typing import Any


class WithheldError(Exception):
    """A call that is not made. The text says why, and how to proceed.

    Attributes:
        error: facts for programs, with a `code`.
        input_required: in place of an error, the question to the user in the form of the protocol.
    """

    def __init__(
        self, text: str, error: dict[str, Any] | None = None, *, input_required: dict[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.error = error
        self.input_required = input_required
