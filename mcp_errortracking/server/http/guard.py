"""Authentication of callers over HTTP. The rest of the app reads the caller from the request (`callers`).

Without tokens only callers on this machine are served. With tokens, a request must present one, or an OAuth token that
the verifier accepts. In both cases a PostHog key in `Authorization` is refused: a token that a client sends must have
been issued for this server (MCP, Authorization, "Token handling").
"""

import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Sequence
from functools import lru_cache

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.oauth.errors import IssuerError, TokenRefusedError
from mcp_errortracking.posthog_keys import digest_of, is_key
from mcp_errortracking.server.callers import Caller, set_caller
from mcp_errortracking.server.http.oauth import OAuth
from mcp_errortracking.server.http.paths import path_of

logger = logging.getLogger(__name__)

_OPEN_PATHS = ("/", "/healthz", "/readyz")
_OPEN_PREFIX = "/.well-known/"
_ASK = "This server asks for its own token: Authorization: Bearer <token>."
_WRONG = f"This is not a token of this server. {_ASK}"
_NO_ISSUER = (
    "The token cannot be checked, because the authorization server gives no usable answer. Retry later; the log of "
    "this server has the reason."
)


class Guard:
    """Lets authenticated callers pass, and refuses all others."""

    def __init__(self, app: ASGIApp, tokens: Sequence[SecretStr], oauth: OAuth | None = None) -> None:
        self._app = app
        self._tokens = [token.get_secret_value().encode() for token in tokens]
        self._oauth = oauth
        # The same in all replicas: what a caller confirms at one counts at the others.
        self._salt = hashlib.sha256(b"\0".join(sorted(self._tokens))).digest()

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
            return await self._verify(scope, self._oauth) if self._oauth else self._refuse(_WRONG)
        return self._refuse(_ASK, error="")

    def _digest(self, secret: str) -> str:
        return hashlib.sha256(self._salt + secret.encode()).hexdigest()[:16]

    async def _verify(self, scope: Scope, oauth: OAuth) -> Caller | Response:
        try:
            user = await oauth.user_of(scope)
        except TokenRefusedError as refused:
            logger.warning("an OAuth token was refused: %s", refused)
            return self._refuse(str(refused))
        except IssuerError:  # logged where it happens, once for all who wait
            return JSONResponse({"error": "issuer_unavailable", "detail": _NO_ISSUER}, 503, {"Retry-After": "10"})
        if user is None:
            return self._refuse(_ASK)
        held = set(user.scopes)
        rights = oauth.grants and oauth.grants.rights_of(held)
        missing = sorted(set(oauth.settings.required_scopes or ()) - held)
        if missing or (oauth.grants is not None and rights is None):
            detail = (
                f"The token lacks the scope {' '.join(missing)}."
                if missing
                else f"The token has none of the scopes of this server: {', '.join(oauth.scopes)}."
            )
            logger.warning("an OAuth token was refused: %s", detail)
            return self._refuse(detail, 403, "insufficient_scope")
        account = _account(user)
        # Not by the client too: a person who registers many clients would have a share of the limits for each.
        ends = user.access_token.expires_at
        return Caller(self._digest(account), name=_name(user), account=account, rights=rights, expires_at=ends)

    def _refuse(self, detail: str, status: int = 401, error: str = "invalid_token") -> Response:
        """Return a refusal; without an error, of a request that presents no token."""
        challenge = self._oauth.challenge(error, detail if error else "") if self._oauth else "Bearer"
        name = "unauthorized" if status == 401 else error
        return JSONResponse({"error": name, "detail": detail}, status, {"WWW-Authenticate": challenge})


def _name(user: AuthenticatedUser) -> str:
    return user.access_token.subject or user.access_token.client_id


def _account(user: AuthenticatedUser) -> str:
    """Return a text that distinguishes the subject of a token from those of all issuers, in every process."""
    return digest_of(str(authorization_context(user)["issuer"] or ""), _name(user))


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
    return not client or _is_loopback(client[0])  # without one, it came over a Unix socket


@lru_cache
def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
