"""The `Sender` protocol: the part of `Proxy` that other packages need, so that another sender can stand in for it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

if TYPE_CHECKING:
    from mcp_errortracking.proxy.replicas import Replicas


class JsonAnswer(Protocol):
    """The part of an `Answer` that callers read: its parsed JSON, None for an empty body, and its number of tries."""

    @property
    def data(self) -> Any: ...
    @property
    def attempts(self) -> int: ...


class Sender(Protocol):
    """Sends one request to PostHog; `path` is relative to the project, like `error_tracking/fingerprints/`.

    `retry_safe`: the request changes nothing, so that it may be sent again after any failure; None: GET and HEAD are.
    Raises `PostHogError` without a 2xx answer.
    """

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> JsonAnswer: ...


class SendOptions(TypedDict, total=False):
    """The options of `Sender.send`, for a sender that passes them on to another."""

    query: Mapping[str, Any] | None
    json: object
    retry_safe: bool | None


# Looked up by name, because asking `isinstance` of a protocol takes as long as formatting a row.


def page_of(sender: Sender, path: str) -> str | None:
    """Return the address of a page, like `/error_tracking`, for people to open; None: the sender knows none."""
    page: Callable[[str], str | None] | None = getattr(sender, "page", None)
    return page(path) if page else None


def project_of(sender: Sender) -> str | None:
    """Return the project that requests go to, its number or `@current`; None if it is not known."""
    return getattr(sender, "project", None)


def account_of(sender: Sender) -> str:
    """Return a text that distinguishes the key of a sender, and does not show it; empty if it is not known."""
    return getattr(sender, "account", "")


def replicas_of(sender: Sender) -> "Replicas | None":
    """Return the replicas that share the key of a sender; None if there are none, or it is not known."""
    return getattr(sender, "replicas", None)


def delay_of(sender: Sender, path: str, requests: int) -> float:
    """Return the least seconds until PostHog's limits let that many requests be sent; 0: at once, or unknown.

    Args:
        path: of the requests; those below the same path are limited together.
    """
    delay: Callable[[str, int], float] | None = getattr(sender, "delay", None)
    return delay(path, requests) if delay else 0.0
