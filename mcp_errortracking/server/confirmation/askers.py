"""The ways to ask the person behind a call, apart from those of a protocol."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Answer = Literal["accept", "decline", "cancel", "late", "failed"]
"""`late`: nobody answered in time. `failed`: the client could not ask."""


KEY = "confirm"
"""The name of the question among the inputs that a result requires."""

NO_FIELDS: dict[str, Any] = {"type": "object", "properties": {}}
"""The form has no fields: to accept it is the answer."""


class Asker(Protocol):
    """Asks the person behind one call; `caller` distinguishes callers and contains no secret."""

    @property
    def caller(self) -> str: ...

    async def ask(self, question: str, seconds: float) -> Answer:
        """Return the answer of a person, or `late` after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class InputRequired:
    """A call in the 2026 era: its result asks the question, and the client repeats the call with the answer.

    Attributes:
        state: that of the question that was answered; None in the first call.
        answer: of the person.
    """

    caller: str
    state: str | None = None
    answer: Answer = "cancel"

    def request(self, question: str, state: str) -> dict[str, Any]:
        """Return the result that asks the question."""
        form = {"mode": "form", "message": question, "requestedSchema": NO_FIELDS}
        return {
            "resultType": "input_required",
            "inputRequests": {KEY: {"method": "elicitation/create", "params": form}},
            "requestState": state,
        }


@dataclass(frozen=True, slots=True)
class NoAsker:
    """A caller that cannot be asked.

    Attributes:
        way_on: a sentence on how to proceed, where a token is of no use.
    """

    caller: str = ""
    way_on: str = ""
