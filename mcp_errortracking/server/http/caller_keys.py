"""Callers' own PostHog keys: the server has no key, and each request sends one in `X-PostHog-API-Key`.

The key does not authorize the caller to this server (the server token does that). It is a credential for PostHog, used
for this one request only, on the host that the operator chose.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol
from weakref import WeakValueDictionary

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_errortracking.posthog_keys import UNUSABLE
from mcp_errortracking.proxy.address import KEY_PATH
from mcp_errortracking.proxy.errors import PostHogError, UnauthorizedError
from mcp_errortracking.proxy.sender import Sender, account_of
from mcp_errortracking.server.callers import caller_of, set_caller
from mcp_errortracking.server.http.guard import is_local
from mcp_errortracking.server.http.paths import is_mcp
from mcp_errortracking.server.http.slots import FullError, Slots
from mcp_errortracking.server.key_scopes import read_scopes
from mcp_errortracking.verdicts import Verdicts

KEY_HEADER = "X-PostHog-API-Key"
PROJECT_HEADER = "X-PostHog-Project-ID"
_GOOD_SECONDS, _BAD_SECONDS, _UNKNOWN_SECONDS = 300.0, 30.0, 3.0
CHECKS = 4
"""Keys checked at once: most connections to PostHog are left to callers whose keys are already checked."""
CHECK_SECONDS = 20.0
"""Time limit of checking a key, including the wait for its turn."""


class SenderFactory(Protocol):
    """Makes a sender to PostHog's host for each caller's key. `Proxy` implements it."""

    project: str
    """The project of callers that name none."""

    def acting_as(self, key: SecretStr, project: str) -> Sender: ...


@dataclass(frozen=True, slots=True)
class _Verdict:
    """PostHog's verdict on a key, and the seconds for which it is kept.

    `problem`: why the key is refused. `unavailable`: why PostHog gave no verdict.
    """

    seconds: float
    problem: str | None = None
    unavailable: str | None = None
    scopes: frozenset[str] | None = None


class CallerKeys:
    """Reads the key of each MCP request, checks it with PostHog, and gives the request a sender with that key.

    A verdict is kept for some minutes, under a hash with a salt of this process; the key itself is not kept. A request
    whose key is not checked yet takes a call slot of its server token while it waits.
    """

    def __init__(self, app: ASGIApp, senders: SenderFactory, calls: Slots) -> None:
        self._app = app
        self._senders = senders
        self._calls = calls
        self._verdicts = Verdicts[_Verdict]()
        self._checking = asyncio.Semaphore(CHECKS)
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_mcp(scope) and (refusal := await self._take_key(scope)):
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _take_key(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        key, project = headers.get(KEY_HEADER, "").strip(), headers.get(PROJECT_HEADER, self._senders.project).strip()
        if scope.get("scheme") != "https" and not is_local(scope):
            return _refuse(
                403,
                "tls_required",
                "A PostHog key must be sent over TLS, or from this machine.",
            )
        if not key:
            return _refuse(401, "key_missing", f"Send your PostHog personal API key (phx_...) in {KEY_HEADER}.")
        if not key.isascii() or not key.isprintable() or len(key) > 200 or key.startswith(tuple(UNUSABLE)):
            malformed = f"{KEY_HEADER} is not a personal API key: send one that begins with phx_."
            return _refuse(401, "key_malformed", malformed)
        if project != "@current" and not (project.isascii() and project.isdigit() and len(project) < 19):
            return _refuse(400, "bad_project", f"{PROJECT_HEADER} is not a project number: send one like 123.")
        digest = self._verdicts.digest(key)
        sender = self._senders.acting_as(SecretStr(key), project)
        try:
            verdict = self._verdicts.get(digest) or await self._check(caller_of(scope).id, digest, sender)
        except FullError as full:
            return full.response()
        except TimeoutError:
            unchecked = f"The key was not checked with PostHog within {CHECK_SECONDS:g} s. Retry later."
            return _refuse(503, "posthog_unavailable", unchecked, {"Retry-After": "5"})
        if verdict.unavailable is not None:
            return _refuse(503, "posthog_unavailable", verdict.unavailable, {"Retry-After": "5"})
        if verdict.problem is not None:
            return _refuse(401, "key_refused", verdict.problem)
        caller = caller_of(scope)
        identity = f"{caller.id}/{account_of(sender)[:16]}/{project}"
        set_caller(scope, replace(caller, id=identity, sender=sender, scopes=verdict.scopes, account=None))
        return None

    async def _check(self, caller: str, digest: str, sender: Sender) -> _Verdict:
        """Return PostHog's verdict on a key, requested once for all requests that send it.

        Raises:
            FullError: the caller, or the server, is at its limit of calls in flight.
            TimeoutError: the check takes too long.
        """
        self._calls.take(caller)
        try:
            lock = self._locks.setdefault(digest, asyncio.Lock())
            async with asyncio.timeout(CHECK_SECONDS), lock:
                if known := self._verdicts.get(digest):
                    return known
                async with self._checking:
                    verdict = await _check_with_posthog(sender)
                is_good = verdict.problem is None and verdict.unavailable is None
                self._verdicts.add(digest, verdict, verdict.seconds, is_good=is_good)
                return verdict
        finally:
            self._calls.free(caller)


async def _check_with_posthog(sender: Sender) -> _Verdict:
    try:
        scopes = read_scopes((await sender.send("GET", KEY_PATH)).data)
    except UnauthorizedError as error:
        return _Verdict(_BAD_SECONDS, problem=error.explanation.reason)
    except PostHogError as error:
        if error.status in (403, 404):  # an older PostHog without this endpoint: its API checks the key in each call
            return _Verdict(_GOOD_SECONDS)
        return _Verdict(_UNKNOWN_SECONDS, unavailable=error.what)
    return _Verdict(_GOOD_SECONDS, scopes=scopes)


class NoCallerKeys:
    """Refuses the headers of `CallerKeys` on a server with a key of its own, rather than ignoring the caller's key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_mcp(scope):
            headers = Headers(scope=scope)
            for name in (KEY_HEADER, PROJECT_HEADER):
                if name in headers:
                    await _refuse_header(name)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _refuse_header(header: str) -> Response:
    return _refuse(
        400,
        "not_taken",
        f"This server uses its own PostHog key and project: leave {header} out. "
        "Its operator can start it with --caller-keys to take the key of each caller.",
    )


def _refuse(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": error, "detail": detail}, status, headers)
