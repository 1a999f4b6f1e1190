"""The `Sender` protocol: the part of `Proxy` that other rooms depend on, so that another sender can stand in for it."""

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, runtime_checkable


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


@runtime_checkable
class DelayEstimator(Protocol):
    """A sender that estimates the wait of requests for PostHog's limits."""

    def delay(self, path: str, requests: int = 1) -> float: ...


@runtime_checkable
class PageAddresses(Protocol):
    """A sender that knows the addresses of its project's pages in PostHog's web interface."""

    def page(self, path: str) -> str: ...


def page_of(sender: Sender, path: str) -> str | None:
    """Return the address of a page, like `/error_tracking`, for people to open; None: unknown."""
    return sender.page(path) if isinstance(sender, PageAddresses) else None


@runtime_checkable
class ProjectSender(Protocol):
    """A sender whose requests go to one project: its number, or `@current`."""

    project: str


def project_of(sender: Sender) -> str | None:
    """Return the project that requests go to, its number or `@current`; None if it is not known."""
    return sender.project if isinstance(sender, ProjectSender) else None


def delay_of(sender: Sender, path: str, requests: int) -> float:
    """Return the least seconds until PostHog's limits let that many requests be sent; 0: at once, or unknown.

    Args:
        path: of the requests; those below the same path are limited together.
    """
    return sender.delay(path, requests) if isinstance(sender, DelayEstimator) else 0.0
