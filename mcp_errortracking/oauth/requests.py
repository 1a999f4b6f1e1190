"""Requests to an authorization server: JSON within limits of time and size, without redirects or second tries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeGuard, cast
from urllib.parse import urlsplit

import anyio
import httpx
from pydantic_core import from_json

from mcp_errortracking.config import LOOPBACK, ConfigError
from mcp_errortracking.oauth.errors import IssuerError
from mcp_errortracking.proxy.credentials import USER_AGENT
from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.transport import PoolTransport

SECONDS = 5.0
"""Time limit of a request, from its start to the last byte of the answer."""
MOST_BYTES = 256 * 1024
CONNECTIONS = 8
"""Requests at once to one server; more wait, within their time."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an authorization server: its status, and its JSON object; empty unless the status is 200."""

    status: int
    data: dict[str, Any]


class Requests:
    """Connections to an authorization server. They never carry the PostHog key.

    Args:
        http_proxy: returns the forward proxy for an address.
    """

    def __init__(self, http_proxy: Callable[[str], str | None], *, seconds: float = SECONDS) -> None:
        self._http_proxy = http_proxy
        self._seconds = seconds
        self._transports = dict[str, PoolTransport]()

    async def get(self, url: str) -> Answer:
        """Return the answer to GET.

        Raises:
            IssuerError: there is none, or it is not a JSON object.
        """
        return await self._send(httpx.Request("GET", url, headers=_HEADERS))

    async def post(self, url: str, form: Mapping[str, str], login: httpx.BasicAuth) -> Answer:
        """Return the answer to a form.

        Raises:
            IssuerError: as for `get`.
        """
        request = httpx.Request("POST", url, headers=_HEADERS, data=form)
        return await self._send(next(login.auth_flow(request)))

    async def aclose(self) -> None:
        """Close every connection."""
        while self._transports:
            _, transport = self._transports.popitem()
            await transport.aclose()

    async def _send(self, request: httpx.Request) -> Answer:
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self._seconds)
        try:
            with anyio.fail_after(self._seconds):
                response = await self._transport_for(request.url).handle_async_request(request)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise IssuerError(f"{request.url} did not answer within {self._seconds:g} s") from None
        except httpx.TransportError as error:
            raise IssuerError(f"{request.url} cannot be reached ({str(error) or type(error).__name__})") from None
        if response.status_code != HTTPStatus.OK:
            return Answer(response.status_code, {})
        if content is None:
            raise IssuerError(f"the answer of {request.url} is larger than {MOST_BYTES >> 10} KiB")
        try:
            data: Any = from_json(content)
        except ValueError:
            raise IssuerError(f"the answer of {request.url} is not JSON") from None
        if not isinstance(data, dict):
            raise IssuerError(f"the answer of {request.url} is not a JSON object")
        return Answer(response.status_code, cast("dict[str, Any]", data))

    def _transport_for(self, url: httpx.URL) -> PoolTransport:
        origin = f"{url.scheme}://{url.netloc.decode()}"
        if origin not in self._transports:
            limits = Limits(connections=CONNECTIONS, body=MOST_BYTES)
            try:
                proxy = self._http_proxy(origin)
            except ConfigError as error:
                raise IssuerError(str(error)) from None
            self._transports[origin] = PoolTransport(limits, secure=url.scheme == "https", http_proxy=proxy)
        return self._transports[origin]


async def _read(response: httpx.Response) -> bytes | None:
    """Return the body; None if it is too large."""
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > MOST_BYTES:
            return None
    return bytes(content)


def describe(status: int, url: str) -> str:
    """Return the reason why a status is not an answer, as a part of a sentence."""
    if 300 <= status < 400:
        return f"{url} redirects (status {status}), which is not followed: configure the final address"
    return f"{url} answered with status {status}"


def is_safe(url: object) -> TypeGuard[str]:
    """True if an address that a metadata document names uses TLS, or is on this machine."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
