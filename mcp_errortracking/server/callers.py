"""Who calls over HTTP, as the parts of the app tell each other: one `Caller` in the ASGI scope of each request."""

from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.types import Scope

from mcp_errortracking.proxy.sender import Sender

_CALLER = "mcp_errortracking.caller"
_REQUEST_ID = "mcp_errortracking.request_id"


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller that was let in.

    `id` tells callers apart and holds no secret. `sender` is the way to PostHog with the caller's own key, `scopes` are
    that key's as far as PostHog says; None where the server's key is used.
    """

    id: str
    sender: Sender | None = None
    scopes: frozenset[str] | None = None


def set_caller(scope: Scope, caller: Caller) -> None:
    """Says who sent a request."""
    scope[_CALLER] = caller


def is_authenticated(scope: Scope) -> bool:
    """True if the sender of a request was let in."""
    return _CALLER in scope


def caller_of(scope: Scope) -> Caller:
    """Who sent a request; without a guard, callers are told apart by their address."""
    known = scope.get(_CALLER)
    if isinstance(known, Caller):
        return known
    client = cast("tuple[str, int] | None", scope.get("client"))
    return Caller(client[0] if client else "local")


def sender_of(request: Any) -> Sender | None:
    """The way to PostHog of whoever sent a message; None: the server's own."""
    return caller_of(request.scope).sender if isinstance(request, Request) else None


def caller_id(request: Any) -> str:
    """Who sent a message, so that callers take turns; over stdio there is one."""
    return caller_of(request.scope).id if isinstance(request, Request) else ""


def scopes_of(request: Any) -> frozenset[str] | None:
    """What the key that a caller brought may do; None where that is not known."""
    return caller_of(request.scope).scopes if isinstance(request, Request) else None


def minimal_request(request: Request) -> Request:
    """The request with what was noted in it and nothing else: a session may keep it, and with it no secret, no body."""
    kept = {name: request.scope[name] for name in (_CALLER, _REQUEST_ID, "client") if name in request.scope}
    return Request({"type": "http", "headers": [], **kept})


def set_request_id(scope: Scope, request_id: str) -> None:
    """Names a request, for the logs."""
    scope[_REQUEST_ID] = request_id


def request_id_of(request: Any) -> str | None:
    """The name of the HTTP request that a message came with; None over stdio."""
    return request.scope.get(_REQUEST_ID) if isinstance(request, Request) else None
