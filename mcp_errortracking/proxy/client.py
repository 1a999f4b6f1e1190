"""The client of PostHog's API: every request goes through `Proxy.send`."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import anyio
from pydantic import SecretStr
from pydantic_core import to_json

from mcp_errortracking.posthog_keys import digest_of
from mcp_errortracking.proxy.address import KEY_PATH, Form, form_root, parse_url, target
from mcp_errortracking.proxy.call import Answer, Call, RawAnswer
from mcp_errortracking.proxy.content import LargeAnswerError, parse_answer, read_content
from mcp_errortracking.proxy.credentials import USER_AGENT, headers_with, remove_key, remove_key_from_headers
from mcp_errortracking.proxy.error_body import is_budget_spent, is_unknown_route, read_body
from mcp_errortracking.proxy.errors import ForbiddenError, NotConfiguredError, PostHogError, UnreachableError
from mcp_errortracking.proxy.exchange import Exchange
from mcp_errortracking.proxy.host import Host
from mcp_errortracking.proxy.http_errors import explain, too_large, unreadable
from mcp_errortracking.proxy.key import name_projects, projects_of
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.rate_limit.limiter import RateLimiter
from mcp_errortracking.proxy.replicas import Replicas
from mcp_errortracking.proxy.retries import send_with_retries
from mcp_errortracking.proxy.retry_after import retry_after
from mcp_errortracking.proxy.tracing import note_status, upstream_span
from mcp_errortracking.proxy.transport_errors import interrupted, out_of_time, unreachable

logger = logging.getLogger(__name__)

QueryValue = str | int | float | bool | None

_SAFE_METHODS = ("GET", "HEAD")


class Proxy:
    """One connection pool, one key, one project.

    A read is retried when the connection fails, and when PostHog (429) or a gateway (502, 503, 504) is busy. A write is
    retried only when it cannot have been applied: the connection was never made, or PostHog answered 429, which it does
    before it looks at the request (contract 1.6). A spent query budget is reported, not waited for. Nothing else
    is ever sent twice. When the limits of the key are used up, calls wait before they are sent (`proxy.rate_limit`).
    """

    def __init__(
        self,
        *,
        host: str,
        key: SecretStr | None,
        project: str = "@current",
        limits: Limits | None = None,
        http_proxy: str | None = None,
        rate_limiter: RateLimiter | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """
        Args:
            host: origin of PostHog, like `https://us.posthog.com`.
            key: a personal API key; without one every call fails with `NotConfiguredError`.
            project: a project's number, or `@current`.
            http_proxy: address of a forward proxy to the host.
            rate_limiter: keeps the requests under PostHog's limits; by default, a new one for that host.
            sleep: waits between tries.
        """
        self.host = host.rstrip("/")
        self.project = project
        self._key = key
        self._limits = limits or Limits()
        self._sleep = sleep
        self._shared = Host(self.host, self._limits, http_proxy, rate_limiter or RateLimiter(self.host))

    def acting_as(self, key: SecretStr, project: str) -> "Proxy":
        """Return a proxy to the same host, over the same connections, with another key and project."""
        other = Proxy(host=self.host, key=key, project=project, limits=self._limits, sleep=self._sleep)
        other._shared = self._shared
        return other

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, project={self.project!r})"

    @property
    def has_key(self) -> bool:
        """True if an API key is configured: without one, every call fails."""
        return self._key is not None

    @property
    def account(self) -> str:
        """A text that distinguishes the key, and does not show it; empty without a key."""
        return digest_of(self.host, self._key.get_secret_value()) if self._key else ""

    @property
    def replicas(self) -> Replicas | None:
        """The replicas that send with the same key; None if no store for them is configured."""
        store = self._shared.rate_limiter.store
        return Replicas(store, self.host, self._key) if store and self._key else None

    def page(self, path: str) -> str:
        """Return the address of a page of the project, as PostHog's own client names it."""
        return f"{self.host}{path}" if self.project == "@current" else f"{self.host}/project/{self.project}{path}"

    @property
    def form(self) -> Form:
        """The form of project paths in use: `projects`, until this PostHog proves to know `environments` only."""
        return self._shared.form

    async def __aenter__(self) -> "Proxy":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection, those of `acting_as` too."""
        await self._shared.aclose()

    def delay(self, path: str, requests: int = 1) -> float:
        """Return the least seconds until that many more requests could all have been sent; 0: at once.

        Args:
            path: of the requests, like `error_tracking/symbol_sets/`; those below the same path are limited together.
        """
        return 0.0 if self._key is None else self._shared.rate_limiter.for_key(self._key, path).delay(requests)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: object = None,
        retry_safe: bool | None = None,
    ) -> Answer:
        """Send one request and return its 2xx answer.

        Args:
            path: relative to the project, like `error_tracking/fingerprints/`, or absolute, like `/api/users/@me/`.
            query: None values are left out.
            json: the body; None sends no body.
            retry_safe: the request changes nothing, so that it may be sent again after any failure, like the POST of a
                query; None: GET and HEAD are safe.

        Raises:
            PostHogError: the request did not succeed; see `proxy.errors`.
            ValueError: the path is not one of the API.
        """
        if self._key is None:
            raise NotConfiguredError(
                "No PostHog API key is configured, so nothing was sent.",
                "",
                "Run mcp-errortracking login in a terminal, and restart this server. Or create a personal API key in "
                "PostHog (Settings, Personal API keys) with the scopes error_tracking:read and error_tracking:write, "
                "set it as POSTHOG_PERSONAL_API_KEY in the env of this server's entry in the client's configuration, "
                "and restart it. To try without PostHog, start it with --sandbox.",
                code="not_configured",
            )
        pairs = [(name, _query_text(value)) for name, value in (query or {}).items() if value is not None]
        if retry_safe is None:
            retry_safe = method in _SAFE_METHODS
        began = time.monotonic()
        call = Call(
            method=method,
            path=path,
            query=f"?{urlencode(pairs)}" if pairs else "",
            content=None if json is None else to_json(json),
            exchange=self._exchange(writes=not retry_safe),
            deadline=began + self._limits.total,
            limiter=self._shared.rate_limiter.for_key(self._key, path),
        )
        try:
            try:
                with anyio.fail_after(self._limits.total):
                    answer = await self._send_in_form(call)
            except TimeoutError:
                raise self._out_of_time(call) from None
        except PostHogError as error:
            error.attempts = call.attempts
            logger.debug("%s %s: %s after %.0f ms", method, path, error.code or error.status, _since(began))
            if path != KEY_PATH and isinstance(error, ForbiddenError) and error.code == "project_not_allowed":
                raise await self._add_projects(error, call.deadline) from None
            raise
        logger.debug("%s %s: %d after %.0f ms", method, path, answer.status, _since(began))
        return answer

    async def reach(self) -> None:
        """Check that the host answers, without the key.

        Raises:
            PostHogError: no answer came, or it was a 5xx.
        """
        raw = await self.send_without_key("GET", "/_health", seconds=self._limits.connect)
        if raw.status >= 500:
            raise self.explain(raw)

    async def send_without_key(
        self, method: str, path: str, json: object = None, *, seconds: float | None = None
    ) -> RawAnswer:
        """Send one request that carries no key, and return its answer of any status. It is sent once.

        Args:
            path: absolute, like `/_health`.
            seconds: limit of the whole request, by default that of a call.

        Raises:
            PostHogError: no complete answer came.
        """
        seconds = self._limits.total if seconds is None else seconds
        content = None if json is None else to_json(json)
        call = Call(method, path, "", content, self._exchange(writes=False), time.monotonic() + seconds, None)
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        try:
            with anyio.fail_after(seconds):
                return await self._send_once(call, f"{self.host}{path}", headers)
        except TimeoutError:
            raise out_of_time(seconds, call.exchange) from None

    def explain(self, raw: RawAnswer) -> PostHogError:
        """Return the error for an answer of `send_without_key` that is not a success."""
        return explain(raw.status, raw.headers, raw.content, self._exchange(writes=False), now=time.time())

    def _exchange(self, *, writes: bool) -> Exchange:
        return Exchange(self.host, self.project, writes, self._shared.http_proxy)

    async def _add_projects(self, error: ForbiddenError, deadline: float) -> ForbiddenError:
        """Add the projects that the key may use, if PostHog names them: every key may read itself (contract 1.8)."""
        projects = None
        with suppress(PostHogError), anyio.CancelScope(deadline=deadline):
            projects = projects_of((await self.send("GET", KEY_PATH)).data)
        if projects:
            why = f"It is limited to: {name_projects(projects)}."
            error.explanation = replace(error.explanation, why=why)
        return error

    async def _send_in_form(self, call: Call) -> Answer:
        """Send a call in the form of project paths that this server knows, and detect that form (contract 1.2)."""
        form = self._shared.form
        raw = await self._send_with_retries(call, form)
        is_unknown = not call.path.startswith("/") and is_unknown_route(raw.status, raw.content)
        if is_unknown and form == "projects":
            # No such route, so nothing was done: a write may be sent to the other path too.
            second = await self._send_with_retries(call, "environments")
            if not is_unknown_route(second.status, second.content):
                if self._shared.form == "projects":
                    logger.info("%s knows %s only; using that form from now on", self.host, form_root("environments"))
                self._shared.form = "environments"
                raw = second
        return await self._read(raw, call)

    async def _send_with_retries(self, call: Call, form: Form) -> RawAnswer:
        url = f"{self.host}{target(call.path, self.project, form)}{call.query}"

        async def send(was_throttled: bool) -> RawAnswer:
            return await self._send_rate_limited(call, url, again=was_throttled)

        return await send_with_retries(call, send, self._limits, self._sleep)

    async def _send_rate_limited(self, call: Call, url: str, *, again: bool) -> RawAnswer:
        """Send a request as soon as the limits of the key allow it."""
        assert self._key is not None  # noqa: S101 send() has checked
        assert call.limiter is not None  # noqa: S101 every call of a key has one
        call.is_in_flight = False  # an earlier request was not applied, or it would not be retried
        await call.limiter.acquire(again=again)
        arrived, throttled, by_posthog = True, None, False
        call.is_in_flight = True
        try:
            raw = await self._send_once(call, url, headers_with(self._key))
            if raw.status == 429 and not is_budget_spent(raw.status, raw.content):
                throttled = retry_after(raw.headers, time.time()) or 0.0
                by_posthog = read_body(raw.content).code == "throttled"
        except UnreachableError:
            arrived = False
            raise
        finally:
            call.limiter.release(arrived=arrived, throttled=throttled, by_posthog=by_posthog)
        call.is_in_flight = False
        return raw

    async def _send_once(self, call: Call, url: str, own: Mapping[str, str]) -> RawAnswer:
        transport = await self._shared.connect()
        import httpx

        call.attempts += 1
        # Built here: the client's own build_request would merge headers, cookies and more on every call.
        headers = httpx.Headers(own)  # its repr hides the key from tools that show the variables of a stack trace
        if call.content is not None:
            headers["Content-Type"] = "application/json"
        timeouts = {"timeout": self._shared.timeouts}
        request = httpx.Request(call.method, parse_url(url), headers=headers, content=call.content, extensions=timeouts)
        try:
            with upstream_span(call.method, self.host, resent=call.attempts - 1) as span:
                # Not through httpx's client: it handles redirects and cookies, and fails on a malformed Location.
                response = await transport.handle_async_request(request)
                try:
                    content = await read_content(response, call.exchange, self._limits)
                finally:
                    await response.aclose()
                note_status(span, response.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise unreachable(error, call.exchange) from None
        except httpx.TransportError as error:
            raise interrupted(error, call.exchange) from None
        is_success = 200 <= response.status_code < 300
        kept = {name: value for name, value in response.headers.items() if not is_success or name == "content-type"}
        headers = remove_key_from_headers(self._key, kept)
        return RawAnswer(response.status_code, headers, remove_key(self._key, content))

    async def _read(self, raw: RawAnswer, call: Call) -> Answer:
        if not 200 <= raw.status < 300:
            raise explain(raw.status, raw.headers, raw.content, call.exchange, now=time.time())
        if not raw.content.strip():
            return Answer(raw.status, None, call.attempts)
        try:
            return Answer(raw.status, await parse_answer(raw.content), call.attempts)
        except LargeAnswerError as error:
            raise too_large(str(error), call.exchange, raw.status) from None
        except ValueError:
            kind = raw.headers.get("content-type", "of no type").split(";")[0][:60]
            raise unreadable(f"It is {kind}, not JSON.", call.exchange, raw.status) from None

    def _out_of_time(self, call: Call) -> PostHogError:
        if call.is_in_flight or call.limiter is None:
            return out_of_time(self._limits.total, call.exchange)
        return call.limiter.wait_error()


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
