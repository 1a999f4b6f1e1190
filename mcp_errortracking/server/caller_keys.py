"""Callers' own PostHog keys: the server holds none, and each request brings its own in a header of its own.

The key is not the caller's authorization to this server (that is the server token), but a credential for PostHog that
the caller hands over, to be used for this one request, on the host that the operator chose.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.posthog_keys import UNUSABLE
from mcp_errortracking.proxy.address import KEY_PATH
from mcp_errortracking.proxy.errors import PostHogError, UnauthorizedError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.server.callers import Caller, caller_of, note_caller
from mcp_errortracking.server.guard import is_local
from mcp_errortracking.server.scopes import read_scopes

KEY_HEADER = "X-PostHog-API-Key"
PROJECT_HEADER = "X-PostHog-Project-ID"
_PATHS = ("/mcp", "/sse", "/messages/")
_GOOD_SECONDS, _BAD_SECONDS = 300.0, 30.0
_REMEMBERED = 10_000


class Host(Protocol):
    """The way to PostHog's host, which a caller's key turns into a way for that caller."""

    project: str

    def acting_as(self, key: SecretStr, project: str) -> Sender: ...


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What PostHog said of a key, and until when that is believed (monotonic seconds)."""

    until: float
    problem: str | None = None
    scopes: frozenset[str] | None = None


class CallerKeys:
    """Takes the key of each request for MCP, checks it with PostHog, and gives the request a way there with it.

    A verdict is remembered for some minutes, under a hash with a salt of this process; the key itself is not kept.
    """

    def __init__(self, app: ASGIApp, host: Host) -> None:
        self._app = app
        self._host = host
        self._salt = secrets.token_bytes(16)
        self._verdicts = OrderedDict[str, _Verdict]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _PATHS and (refusal := await self._take_key(scope)):
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _take_key(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        key, project = headers.get(KEY_HEADER, "").strip(), headers.get(PROJECT_HEADER, self._host.project).strip()
        if scope.get("scheme") != "https" and not is_local(scope):
            return _refuse(403, "tls_required", "A PostHog key is taken over TLS only, or from this machine.")
        if not key:
            return _refuse(401, "key_missing", f"Send your PostHog personal API key (phx_...) in {KEY_HEADER}.")
        if not key.isascii() or not key.isprintable() or len(key) > 200 or key.startswith(tuple(UNUSABLE)):
            return _refuse(401, "key_malformed", f"{KEY_HEADER} holds no personal API key: those begin with phx_.")
        if project != "@current" and not (project.isascii() and project.isdigit() and len(project) < 19):
            return _refuse(400, "bad_project", f"{PROJECT_HEADER} is no project number, like 123.")
        digest = hashlib.sha256(self._salt + key.encode()).hexdigest()
        way = self._host.acting_as(SecretStr(key), project)
        try:
            verdict = await self._verdict(digest, way)
        except PostHogError as error:
            return _refuse(503, "posthog_unavailable", error.what, {"Retry-After": "5"})
        if verdict.problem is not None:
            return _refuse(401, "key_refused", verdict.problem)
        note_caller(scope, Caller(f"{caller_of(scope).id}/{digest[:16]}/{project}", way, verdict.scopes))
        return None

    async def _verdict(self, digest: str, way: Sender) -> "_Verdict":
        """What is to be said of a key.

        Raises:
            PostHogError: PostHog cannot be asked.
        """
        known = self._verdicts.get(digest)
        if known is not None and time.monotonic() < known.until:
            return known
        try:
            scopes = read_scopes((await way.send("GET", KEY_PATH)).data)
            verdict = _Verdict(time.monotonic() + _GOOD_SECONDS, scopes=scopes)
        except UnauthorizedError as error:
            verdict = _Verdict(time.monotonic() + _BAD_SECONDS, problem=f"{error.what} {error.why}".strip())
        except PostHogError as error:
            if error.status not in (403, 404):  # a PostHog that does not tell: its API decides, call by call
                raise
            verdict = _Verdict(time.monotonic() + _GOOD_SECONDS)
        self._verdicts[digest] = verdict
        self._verdicts.move_to_end(digest)
        while len(self._verdicts) > _REMEMBERED:
            self._verdicts.popitem(last=False)
        return verdict


class NoCallerKeys:
    """In its place where the server holds a key: one that a caller brings is refused, rather than the other used."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in _PATHS:
            headers = Headers(scope=scope)
            for name in (KEY_HEADER, PROJECT_HEADER):
                if name in headers:
                    await _not_taken(name)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _not_taken(header: str) -> Response:
    return _refuse(
        400,
        "not_taken",
        f"This server acts with a PostHog key and in a project of its own: leave {header} out. "
        "Its operator can start it with --caller-keys to have callers bring theirs.",
    )


def _refuse(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status, headers)
