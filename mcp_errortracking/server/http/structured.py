"""The header with which one request chooses structured results, or text only, in place of the server's setting."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.server.callers import set_structured
from mcp_errortracking.server.http.paths import is_mcp

STRUCTURED_HEADER = "X-MCP-Structured"
_CHOICES = {"never": False, "always": True}


class StructuredHeader:
    """Reads the header of each MCP request. The choice is valid for this request; at /sse, for its stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).getlist(STRUCTURED_HEADER) if scope["type"] == "http" and is_mcp(scope) else []
        if given:
            structured = _CHOICES.get(given[0].strip().lower()) if len(given) == 1 else None
            if structured is None:
                detail = f"{STRUCTURED_HEADER} must be one of: {', '.join(_CHOICES)}. Send it once, or leave it out."
                await JSONResponse({"error": "bad_structured", "detail": detail}, 400)(scope, receive, send)
                return
            set_structured(scope, structured)
        await self._app(scope, receive, send)
