"""The caller of a request over HTTP, in its ASGI scope, where all parts of the app read it."""

import time
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.types import Scope

from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.rights import Rights

_CALLER = "mcp_errortracking.caller"
_REQUEST_ID = "mcp_errortracking.request_id"
_STRUCTURED = "mcp_errortracking.structured"
_LAST_TIME = 2**40
"""Seconds since 1970 beyond which a token does not expire: a number in it may have any size."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted caller.

    `id` distinguishes callers and contains no secret. `sender` sends with the caller's own key, and `scopes` are those
    of that key, if PostHog lists them; both are None where the server's key is used.

    With OAuth, `name` is the subject of the token, for logs, `account` distinguishes subjects across starts of the
    server and in all replicas, and `rights` are those that the token's scopes give; None: all. `expires_at` is the end
    of the token, in seconds since 1970; None: it has none, or is not known.
    """

    id: str
    sender: Sender | None = None
    scopes: frozenset[str] | None = None
    name: str | None = None
    account: str | None = None
    rights: Rights | None = None
    expires_at: int | None = None

    def seconds_left(self) -> float | None:
        """Return the seconds until the token expires; None if it does not."""
        return None if self.expires_at is None else max(min(self.expires_at, _LAST_TIME) - time.time(), 0.0)


def set_caller(scope: Scope, caller: Caller) -> None:
    """Set the caller of a request."""
    scope[_CALLER] = caller


def is_authenticated(scope: Scope) -> bool:
    """True if the caller of a request was accepted."""
    return _CALLER in scope


def caller_of(scope: Scope) -> Caller:
    """Return the caller of a request; without a guard, callers are distinguished by address."""
    known = scope.get(_CALLER)
    if isinstance(known, Caller):
        return known
    client = cast("tuple[str, int] | None", scope.get("client"))
    return Caller(client[0] if client else "local")


def sender_of(request: Any) -> Sender | None:
    """Return the sender with the key of a message's caller; None: use the server's own."""
    return caller_of(request.scope).sender if isinstance(request, Request) else None


def caller_id(request: Any) -> str:
    """Return the id of a message's caller, for fair queuing; empty over stdio, which has one caller."""
    return caller_of(request.scope).id if isinstance(request, Request) else ""


def scopes_of(request: Any) -> frozenset[str] | None:
    """Return the scopes of a caller's own key; None if they are not known."""
    return caller_of(request.scope).scopes if isinstance(request, Request) else None


def caller_of_message(request: Any) -> Caller | None:
    """Return a message's caller over HTTP; None over stdio."""
    return caller_of(request.scope) if isinstance(request, Request) else None


def minimal_request(request: Request) -> Request:
    """Return the request with its caller, id and form of results: a session may keep it, without a secret or a body."""
    kept = {
        name: request.scope[name] for name in (_CALLER, _REQUEST_ID, _STRUCTURED, "client") if name in request.scope
    }
    return Request({"type": "http", "headers": [], **kept})


def set_request_id(scope: Scope, request_id: str) -> None:
    """Set the id of a request, for the logs."""
    scope[_REQUEST_ID] = request_id


def request_id_of(request: Any) -> str | None:
    """Return the id of the HTTP request of a message; None over stdio."""
    return request.scope.get(_REQUEST_ID) if isinstance(request, Request) else None


def set_structured(scope: Scope, structured: bool) -> None:
    """Set the form of the results of a request, in place of the server's setting."""
    scope[_STRUCTURED] = structured


def structured_of(request: Any) -> bool | None:
    """True if a message asks for structured results, False if it asks for text only, None if it does not say."""
    return request.scope.get(_STRUCTURED) if isinstance(request, Request) else None
