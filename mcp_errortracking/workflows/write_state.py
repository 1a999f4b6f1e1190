"""The state of the writes of a workflow, for the message about a call that is cut off."""

from dataclasses import dataclass


@dataclass(slots=True)
class WriteState:
    """Kept up to date by a workflow that writes.

    `text`: what is known, and what to do next. `maybe_applied`: True once a write was or may have been applied.
    """

    text: str = "Nothing was changed: call it again, or ask for less."
    maybe_applied: bool = False

    def becomes(self, text: str) -> None:
        """State what is known from here on: a write may be under way, or done."""
        self.text, self.maybe_applied = text, True
