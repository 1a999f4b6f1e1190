"""The one way to PostHog: every call of every room goes through `Proxy.send`."""

import logging
import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import anyio
from pydantic import SecretStr
from pydantic_core import from_json, to_json

from mcp_errortracking import __version__
from mcp_errortracking.proxy.address import Form, target
from mcp_errortracking.proxy.errors import (
    ForbiddenError,
    InterruptedCallError,
    NotConfiguredError,
    PostHogError,
    UnreachableError,
)
from mcp_errortracking.proxy.explain import Exchange, explain, is_unknown_route, retry_after, unreadable
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.tracing import note_status, upstream_span

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

QueryValue = str | int | float | bool | None

_RETRIED_READS = (502, 503, 504)
_USER_AGENT = f"mcp-errortracking/{__version__}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its status, its JSON (None where it had no body), and how many tries it took."""

    status: int
    data: Any
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class _Raw:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: str
    content: bytes | None
    exchange: Exchange
    deadline: float
    attempts: list[int] = field(default_factory=lambda: [0])


class _Host:
    """What is shared by all who call one host: the connections, and which form of project paths it knows."""

    def __init__(self, origin: str, limits: Limits, http_proxy: str | None) -> None:
        self.origin = origin
        self.form: Form = "projects"
        self._limits = limits
        self._http_proxy = http_proxy
        self._client: httpx.AsyncClient | None = None

    def connect(self) -> "httpx.AsyncClient":
        """The HTTP client, made with the first call. It holds no key: each request brings its own."""
        if self._client is None:
            import httpx

            from mcp_errortracking.proxy.transport import PoolTransport

            limits = self._limits
            self._client = httpx.AsyncClient(
                transport=PoolTransport(limits, secure=self.origin.startswith("https:"), http_proxy=self._http_proxy),
                timeout=httpx.Timeout(connect=limits.connect, read=limits.read, write=limits.write, pool=limits.pool),
                follow_redirects=False,
                trust_env=False,
            )
        return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


class Proxy:
    """One connection pool, one key, one project.

    A read (GET) is tried again when the connection fails, when PostHog is busy (429) or a gateway is (502, 503, 504). A
    write is tried again only when it cannot have been applied: the connection was never made, or PostHog answered 429,
    which it does before it looks at the request (contract 1.6). Nothing else is ever sent twice.
    """

    def __init__(
        self,
        *,
        host: str,
        key: SecretStr | None,
        project: str = "@current",
        limits: Limits | None = None,
        http_proxy: str | None = None,
    ) -> None:
        """
        Args:
            host: origin of PostHog, like `https://us.posthog.com`.
            key: a personal API key; without one every call fails with `NotConfiguredError`.
            project: a project's number, or `@current`.
            http_proxy: address of a forward proxy between us and the host.
        """
        self.host = host.rstrip("/")
        self.project = project
        self._key = key
        self._limits = limits or Limits()
        self._shared = _Host(self.host, self._limits, http_proxy)
        self._headers: httpx.Headers | None = None

    def acting_as(self, key: SecretStr, project: str) -> "Proxy":
        """A proxy to the same host, over the same connections, with another key and project."""
        other = Proxy(host=self.host, key=key, project=project, limits=self._limits)
        other._shared = self._shared
        return other

    def __repr__(self) -> str:
        return f"Proxy(host={self.host!r}, project={self.project!r})"

    @property
    def has_key(self) -> bool:
        """Whether calls can be made at all."""
        return self._key is not None

    @property
    def form(self) -> Form:
        """The form of project paths in use: `projects`, until this PostHog turned out to know `environments` only."""
        return self._shared.form

    async def __aenter__(self) -> "Proxy":
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection, those of `acting_as` too."""
        await self._shared.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, QueryValue] | None = None,
        json: object = None,
    ) -> Answer:
        """Sends one request and returns its 2xx answer.

        Args:
            path: relative to the project, like `error_tracking/fingerprints/`, or absolute, like `/api/users/@me/`.
            query: None values are left out.
            json: the body; None sends none.

        Raises:
            PostHogError: it did not succeed; see `proxy.errors`.
            ValueError: the path is none of the API's.
        """
        if self._key is None:
            raise NotConfiguredError(
                "No PostHog API key is configured, so nothing was sent.",
                "",
                "Create a personal API key in PostHog (Settings, Personal API keys) with the scopes "
                "error_tracking:read and error_tracking:write, set it as POSTHOG_PERSONAL_API_KEY in the env of this "
                "server's entry in the client's configuration, and restart it. To try without PostHog, start it with "
                "--sandbox.",
                code="not_configured",
            )
        pairs = [(name, _query_text(value)) for name, value in (query or {}).items() if value is not None]
        began = time.monotonic()
        call = _Call(
            method=method,
            path=path,
            query=f"?{urlencode(pairs)}" if pairs else "",
            content=None if json is None else to_json(json),
            exchange=Exchange(self.host, self.project, writes=method not in ("GET", "HEAD")),
            deadline=began + self._limits.total,
        )
        try:
            with anyio.fail_after(self._limits.total):
                answer = await self._send_in_form(call)
        except TimeoutError:
            error = self._out_of_time(call.exchange)
            error.attempts = call.attempts[0]
            raise error from None
        except PostHogError as error:
            error.attempts = call.attempts[0]
            logger.debug("%s %s: %s after %.0f ms", method, path, error.code or error.status, _since(began))
            if isinstance(error, ForbiddenError) and error.code == "project_not_allowed":
                raise await self._naming_projects(error) from None
            raise
        logger.debug("%s %s: %d after %.0f ms", method, path, answer.status, _since(began))
        return answer

    async def reach(self) -> None:
        """Asks the host for a sign of life, without the key.

        Raises:
            PostHogError: no answer came, or one that says it is out of order.
        """
        exchange = Exchange(self.host, self.project, writes=False)
        call = _Call("GET", "/_health", "", None, exchange, time.monotonic() + self._limits.connect)
        try:
            with anyio.fail_after(self._limits.connect):
                raw = await self._send_once(call, f"{self.host}/_health", {"User-Agent": _USER_AGENT})
        except TimeoutError:
            raise self._out_of_time(exchange) from None
        if raw.status >= 500:
            raise explain(raw.status, raw.headers, raw.content, exchange, now=time.time())

    async def _naming_projects(self, error: ForbiddenError) -> ForbiddenError:
        """The error, with the projects that the key may use, if it tells: every key may read itself (contract 1.8)."""
        try:
            key: Any = (await self.send("GET", "/api/personal_api_keys/@current/")).data
            projects = ", ".join(str(int(project)) for project in key["scoped_teams"])
        except (PostHogError, LookupError, TypeError, ValueError):
            return error
        error.why = f"It is limited to: {projects}." if projects else error.why
        return error

    async def _send_in_form(self, call: _Call) -> Answer:
        """Uses the form of project paths that this server knows, and finds out which that is (contract 1.2)."""
        form = self._shared.form
        raw = await self._send_with_retries(call, form)
        is_unknown = not call.path.startswith("/") and is_unknown_route(raw.status, raw.content)
        if is_unknown and form == "projects":
            # No such route, so nothing was done: a write may be sent to the other path too.
            second = await self._send_with_retries(call, "environments")
            if not is_unknown_route(second.status, second.content):
                if self._shared.form == "projects":
                    logger.info("%s knows /api/environments/ only: it is used from here on", self.host)
                self._shared.form = "environments"
                raw = second
        return self._read(raw, call)

    async def _send_with_retries(self, call: _Call, form: Form) -> _Raw:
        """The last answer, whatever its status."""
        limits = self._limits
        url = f"{self.host}{target(call.path, self.project, form)}{call.query}"
        for attempt in range(limits.attempts):
            wait = min(limits.backoff * 2**attempt, limits.longest_backoff) * random.random()  # noqa: S311 no secret
            is_last = attempt == limits.attempts - 1
            try:
                raw = await self._send_once(call, url, self._headers or self._make_headers())
            except (UnreachableError, InterruptedCallError) as error:
                if error.maybe_applied or is_last or time.monotonic() + wait >= call.deadline:
                    raise
            else:
                may_repeat = raw.status == 429 or (raw.status in _RETRIED_READS and not call.exchange.writes)
                asked = retry_after(raw.headers, time.time()) if may_repeat else None
                wait = max(wait, asked or 0.0)
                too_long = wait > limits.longest_retry_after or time.monotonic() + wait >= call.deadline
                if is_last or too_long or not may_repeat:
                    return raw
            await anyio.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _send_once(self, call: _Call, url: str, own: Mapping[str, str]) -> _Raw:
        import httpx

        client = self._shared.connect()
        call.attempts[0] += 1
        # Built here: the client's own build_request would merge headers, cookies and more on every call.
        headers = own if call.content is None else {**own, "Content-Type": "application/json"}
        request = httpx.Request(call.method, url, headers=headers, content=call.content)
        try:
            with upstream_span(call.method, self.host, resent=call.attempts[0] - 1) as span:
                response = await client.send(request, stream=True)
                try:
                    content = await self._read_body(response, call.exchange)
                finally:
                    await response.aclose()
                note_status(span, response.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise self._unreachable(error) from None
        except httpx.TransportError as error:
            raise self._interrupted(error, call.exchange) from None
        is_success = 200 <= response.status_code < 300
        headers = response.headers if is_success else self._headers_without_key(response.headers)
        return _Raw(response.status_code, headers, self._without_key(content))

    def _make_headers(self) -> "httpx.Headers":
        import httpx

        assert self._key is not None  # noqa: S101 send() has looked
        self._headers = httpx.Headers(  # its repr hides the key
            {
                "Authorization": f"Bearer {self._key.get_secret_value()}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
                "User-Agent": _USER_AGENT,
            }
        )
        return self._headers

    async def _read_body(self, response: "httpx.Response", exchange: Exchange) -> bytes:
        """The decompressed body; never more than the limit is held."""
        limit = self._limits.body
        too_large = unreadable(f"It is larger than {limit >> 20} MiB.", exchange, response.status_code)
        parts = list[bytes]()
        size = 0
        async for part in response.aiter_raw():
            size += len(part)
            if size > limit:
                raise too_large
            parts.append(part)
        content = b"".join(parts)
        if not content or response.headers.get("content-encoding", "").lower() != "gzip":
            return content
        inflater = zlib.decompressobj(wbits=31)
        try:
            inflated = inflater.decompress(content, limit + 1)
        except zlib.error:
            raise unreadable("Its compression is broken.", exchange, response.status_code) from None
        if len(inflated) > limit:
            raise too_large
        if not inflater.eof:
            raise unreadable("It ends in the middle.", exchange, response.status_code)
        return inflated

    def _without_key(self, content: bytes) -> bytes:
        """Some gateways echo a request's headers: the key must not travel on from there."""
        secret = self._key.get_secret_value().encode() if self._key else b""
        return content.replace(secret, b"[key]") if secret and secret in content else content

    def _headers_without_key(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name.lower(): self._without_key(value.encode()).decode() for name, value in headers.items()}

    def _read(self, raw: _Raw, call: _Call) -> Answer:
        if not 200 <= raw.status < 300:
            raise explain(raw.status, raw.headers, raw.content, call.exchange, now=time.time())
        if not raw.content.strip():
            return Answer(raw.status, None, call.attempts[0])
        try:
            return Answer(raw.status, from_json(raw.content), call.attempts[0])
        except ValueError:
            kind = raw.headers.get("content-type", "of no type").split(";")[0][:60]
            raise unreadable(f"It is {kind}, not JSON.", call.exchange, raw.status) from None

    def _unreachable(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"No connection to {self.host}: {_plainly(error)}.",
            "Nothing arrived there.",
            "Check POSTHOG_HOST and the network, then try again.",
            code="unreachable",
        )

    def _interrupted(self, error: Exception, exchange: Exchange) -> InterruptedCallError:
        return InterruptedCallError(
            f"The connection to {self.host} broke during the call: {_plainly(error)}.",
            "The request was sent, but its whole answer never came.",
            "It may or may not have been applied: read before you repeat it." if exchange.writes else "Try again.",
            code="interrupted",
            maybe_applied=exchange.writes,
        )

    def _out_of_time(self, exchange: Exchange) -> InterruptedCallError:
        return InterruptedCallError(
            f"{self.host} did not answer within {self._limits.total:g} s.",
            "",
            "It may or may not have been applied: read before you repeat it."
            if exchange.writes
            else "Try again later, or ask for less.",
            code="timeout",
            maybe_applied=exchange.writes,
        )


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000


def _query_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plainly(error: Exception) -> str:
    """A transport error in a few words: httpx names some of them only by their class."""
    words = {
        "ConnectTimeout": "connecting took too long",
        "PoolTimeout": "too many calls are under way",
        "ReadTimeout": "no answer came in time",
        "WriteTimeout": "sending took too long",
    }.get(type(error).__name__)
    return words or " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
