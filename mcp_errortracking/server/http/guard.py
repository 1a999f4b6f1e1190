"""Authentication of callers over HTTP. The rest of the app reads the caller from the request (`callers`).

Without tokens only callers on this machine are served. With tokens, a request must present one, or an OAuth token that
the verifier accepts. In both cases a PostHog key in `Authorization` is refused: a token that a client sends must have
been issued for this server (MCP, Authorization, "Token handling").
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend, authorization_context
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.auth.settings import AuthSettings
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.posthog_keys import is_key
from mcp_errortracking.server.callers import Caller, set_caller
from mcp_errortracking.server.http.paths import path_of

_OPEN_PATHS = ("/", "/healthz", "/readyz")
_OPEN_PREFIX = "/.well-known/"


@dataclass(frozen=True, slots=True)
class OAuth:
    """OAuth for a resource server: the SDK's settings, and the verifier of its tokens."""

    settings: AuthSettings
    verifier: TokenVerifier


class Guard:
    """Lets authenticated callers pass, and refuses all others."""

    def __init__(self, app: ASGIApp, tokens: Sequence[SecretStr], oauth: OAuth | None = None) -> None:
        self._app = app
        self._tokens = [token.get_secret_value().encode() for token in tokens]
        self._oauth = oauth
        self._salt = secrets.token_bytes(16)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope["method"], path_of(scope)):
            answer = await self._authenticate(scope)
            if isinstance(answer, Response):
                await answer(scope, receive, send)
                return
            set_caller(scope, answer)
        await self._app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Caller | Response:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        token = token.strip()
        if is_key(token):
            return self._refuse(
                "That is a PostHog key, and MCP forbids passing a key for another service through in Authorization. "
                "Send this server's own token there. If this server takes PostHog keys of callers, send yours in "
                "X-PostHog-API-Key."
            )
        if not self._tokens and self._oauth is None:
            return _caller_on_this_machine(scope)
        if scheme.lower() == "bearer" and token:
            # Every token is compared, so that the time taken reveals nothing.
            matches = [hmac.compare_digest(token.encode(), known) for known in self._tokens]
            if any(matches):
                return Caller(self._digest(token))
            if self._oauth is not None and (user := await self._verify(scope, self._oauth)):
                missing = set(self._oauth.settings.required_scopes or ()) - set(user.scopes)
                if not missing:
                    return Caller(self._digest(repr(authorization_context(user))))
                return self._refuse(f"The token lacks the scope {' '.join(sorted(missing))}.", 403)
        return self._refuse("This server asks for its own token: Authorization: Bearer <token>.")

    def _digest(self, secret: str) -> str:
        return hashlib.sha256(self._salt + secret.encode()).hexdigest()[:16]

    async def _verify(self, scope: Scope, oauth: OAuth) -> AuthenticatedUser | None:
        """Return the user of a token that the verifier accepts, is not expired, and was issued for this server."""
        settings = oauth.settings
        resource = settings.resource_server_url if settings.validate_token_resource else None
        result = await BearerAuthBackend(oauth.verifier, resource_server_url=resource).authenticate(
            HTTPConnection(scope)
        )
        return result[1] if result else None

    def _refuse(self, detail: str, status: int = 401) -> Response:
        error = "unauthorized" if status == 401 else "insufficient_scope"
        challenge = "Bearer"
        if self._oauth is not None:
            challenge += f' error="{"invalid_token" if status == 401 else error}"'
            if resource := self._oauth.settings.resource_server_url:
                challenge += f', resource_metadata="{build_resource_metadata_url(resource)}"'
        return JSONResponse({"error": error, "detail": detail}, status, {"WWW-Authenticate": challenge})


def _is_open(method: str, path: str) -> bool:
    return method in ("GET", "HEAD") and (path in _OPEN_PATHS or path.startswith(_OPEN_PREFIX))


def _caller_on_this_machine(scope: Scope) -> Caller | Response:
    """Accept a caller by its address, as there is no token. The Host header proves nothing."""
    if is_local(scope):
        return Caller("local")
    return JSONResponse(
        {
            "error": "forbidden",
            "detail": "Without a token this server only serves callers on its own machine: set MCP_SERVER_TOKEN.",
        },
        403,
    )


def is_local(scope: Scope) -> bool:
    """True if a request comes from this machine."""
    client = scope.get("client")
    if not client:  # a Unix socket
        return True
    try:
        return ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
