"""A code that is exchanged once for the token of the server.

`mcp-errortracking ui` opens a browser with an address that other programs can see, in the list of processes or in the
history of the browser. It holds the code, which is of no use to the second who has it.
"""

import hmac
import secrets

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.server.http.paths import path_of

PATH = "/token"
_USED = "This address has been used before. Start mcp-errortracking ui again for a new one."


class OneTimeCode:
    """The code, until it is used."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token
        self.code = secrets.token_urlsafe(32)
        self._is_used = False

    def exchange(self, code: str) -> SecretStr | None:
        """Return the token for the code, the first time; else None."""
        if self._is_used or not hmac.compare_digest(code.encode(), self.code.encode()):
            return None
        self._is_used = True
        return self._token


class OneTimeExchange:
    """Answers `POST /token`, with the code as `Authorization: Bearer`; other requests pass."""

    def __init__(self, app: ASGIApp, code: OneTimeCode) -> None:
        self._app = app
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or path_of(scope) != PATH:
            await self._app(scope, receive, send)
            return
        token = self._code.exchange(Headers(scope=scope).get("authorization", "").removeprefix("Bearer "))
        if token is None:
            answer = JSONResponse({"error": "used", "detail": _USED}, 401)
        else:
            answer = JSONResponse({"token": token.get_secret_value()}, headers={"Cache-Control": "no-store"})
        await answer(scope, receive, send)
