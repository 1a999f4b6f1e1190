"""What a caller of PostHog needs of the proxy, and no more: so that whoever sends can be told to send through it."""

from collections.abc import Mapping
from typing import Any, Protocol


class Answer(Protocol):
    """What a sender gives back: the parsed JSON of a 2xx answer, None where it had no body."""

    @property
    def data(self) -> Any: ...
    @property
    def attempts(self) -> int: ...


class Sender(Protocol):
    """Sends one request to PostHog, relative to the project; `path` is like `error_tracking/fingerprints/`.

    Raises `PostHogError` where there is no 2xx answer.
    """

    async def send(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, json: object = None
    ) -> Answer: ...
