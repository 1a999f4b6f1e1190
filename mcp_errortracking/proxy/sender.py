"""What a caller of PostHog needs of the proxy, and no more: so that whoever sends can be told to send through it."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


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


@runtime_checkable
class Paced(Protocol):
    """A sender that knows beforehand how long it would make requests wait."""

    def delay(self, path: str, requests: int = 1) -> float: ...


def delay_of(sender: Sender, path: str, requests: int) -> float:
    """Seconds, at the least, until PostHog's limits let so many requests be sent; 0: at once, or it is not known.

    Args:
        path: of the requests: what is limited together lies below one.
    """
    return sender.delay(path, requests) if isinstance(sender, Paced) else 0.0
