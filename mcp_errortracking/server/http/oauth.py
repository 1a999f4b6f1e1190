"""OAuth for a resource server: its metadata (RFC 9728), the check of tokens, and the challenges (RFC 6750)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp_types import JSONRPCRequest
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Scope

from mcp_errortracking.catalog import ALIASES
from mcp_errortracking.oauth.facts import TokenFacts
from mcp_errortracking.server.callers import caller_of
from mcp_errortracking.server.rights import Grants

if TYPE_CHECKING:
    from mcp_errortracking.oauth.requests import Requests  # imports the HTTP client, which only some servers need here


@dataclass(frozen=True, slots=True)
class OAuth:
    """OAuth for a resource server: the SDK's settings, and the verifier of its tokens.

    `grants`: the tools that each scope gives; None: every accepted token gives all. `lifespan`: runs as long as the
    app.
    """

    settings: AuthSettings
    verifier: TokenVerifier
    grants: Grants | None = None
    lifespan: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    @property
    def scopes(self) -> list[str]:
        """The scopes that a client requests."""
        return self.grants.scopes if self.grants else list(self.settings.required_scopes or ())

    def routes(self) -> Sequence[BaseRoute]:
        """Return the routes of the metadata, from which clients learn where to sign in."""
        settings = self.settings
        if settings.resource_server_url is None:
            return []
        return create_protected_resource_routes(
            resource_url=settings.resource_server_url,
            authorization_servers=[settings.issuer_url],
            scopes_supported=self.scopes or None,
            resource_name="PostHog error tracking",
        )

    async def user_of(self, scope: Scope) -> AuthenticatedUser | None:
        """Return the user of a token that the verifier accepts, is not expired, and was issued for this server.

        Raises:
            TokenRefusedError, IssuerError: by a verifier of this package.
        """
        settings = self.settings
        resource = settings.resource_server_url if settings.validate_token_resource else None
        backend = BearerAuthBackend(self.verifier, resource_server_url=resource)
        result = await backend.authenticate(HTTPConnection(scope))
        return result[1] if result else None

    def challenge(self, error: str = "", description: str = "", scopes: Sequence[str] = ()) -> str:
        """Return the value of `WWW-Authenticate` for a refusal; without an error, for a request without a token."""
        parts = {"error": error, "error_description": description.replace('"', "'")}
        if resource := self.settings.resource_server_url:
            parts["resource_metadata"] = str(build_resource_metadata_url(resource))
        parts["scope"] = " ".join(scopes or self.scopes)
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)

    def refuse_call(self, scope: Scope, message: JSONRPCRequest) -> Response | None:
        """Return the refusal of a call whose tool needs a scope that the token lacks; None if there is none.

        Clients that can do it then sign in again with that scope.
        """
        rights = caller_of(scope).rights
        name = (message.params or {}).get("name") if message.method == "tools/call" else None
        if rights is None or not isinstance(name, str) or (tool := ALIASES.get(name, name)) in rights.tools:
            return None
        scopes = rights.grants.scopes_for(tool)
        if not scopes:
            return None
        detail = rights.explain(tool)
        challenge = self.challenge("insufficient_scope", detail, scopes[:1])
        return JSONResponse({"error": "insufficient_scope", "detail": detail}, 403, {"WWW-Authenticate": challenge})


class Checker(Protocol):
    """Checks tokens: `SignedTokens` or `Introspection`."""

    async def verify(self, token: str) -> TokenFacts: ...
    async def warm_up(self) -> None: ...
    async def examine(self) -> str: ...


@asynccontextmanager
async def checking(checker: Checker, requests: "Requests") -> AsyncGenerator[None]:
    """Read the signing keys at the start, and close the connections at the end."""
    warm_up = asyncio.ensure_future(checker.warm_up())
    try:
        yield
    finally:
        warm_up.cancel()
        with suppress(asyncio.CancelledError):
            await warm_up
        await requests.aclose()


class IssuedTokens(TokenVerifier):
    """The SDK's view of a checker, which has compared the audience too."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the facts of a token.

        Raises:
            TokenRefusedError: it is not accepted.
            IssuerError: it cannot be checked now.
        """
        facts = await self._checker.verify(token)
        return AccessToken(
            token="",  # nothing needs it after this
            client_id=facts.client,
            scopes=sorted(facts.scopes),
            expires_at=facts.expires_at,
            subject=facts.subject,
            claims={"iss": facts.issuer},
        )
