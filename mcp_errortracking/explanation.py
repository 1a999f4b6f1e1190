"""The explanation of a failure or a finding, and the base of the errors that hold one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence or two each: `what` happened, `why`, and the `next_step`.

    `code` names the case for programs; "" if it has no name.
    """

    code: str
    what: str
    why: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        return _joined(self.what, self.why, self.next_step)

    @property
    def reason(self) -> str:
        """The text without the next step."""
        return _joined(self.what, self.why)

    def as_json(self) -> dict[str, str]:
        """Return the explanation as data."""
        return {"code": self.code, "message": self.reason, "next_step": self.next_step}


class ExplainedError(Exception):
    """An error that explains itself. To add to what it says, replace its explanation."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(str(explanation))
        self.explanation = explanation

    def __str__(self) -> str:
        return str(self.explanation)

    @property
    def code(self) -> str | None:
        return self.explanation.code or None

    @property
    def what(self) -> str:
        return self.explanation.what

    @property
    def why(self) -> str:
        return self.explanation.why

    @property
    def next_step(self) -> str:
        return self.explanation.next_step


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
