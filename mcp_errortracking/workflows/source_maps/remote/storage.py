"""Object storage: uploads to presigned URLs, and downloads from them.

It has connections of its own, which never carry the API key, and sends only the headers that HTTP requires. Uploads are
streamed, with an exact Content-Length; downloads are limited. A transfer is tried three times if the store is busy or
the connection breaks: an object that is sent twice is the same object. Each try has a time limit of its own, by size,
because a store that sends or takes a byte now and then never runs into the timeouts of single reads and writes.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import BinaryIO, Protocol, TypeVar
from urllib.parse import urljoin

import anyio
import httpx
from anyio import to_thread

from mcp_errortracking.proxy.limits import Limits
from mcp_errortracking.proxy.transport import PoolTransport
from mcp_errortracking.workflows.retries import WAITS, Sleep
from mcp_errortracking.workflows.source_maps.remote.addresses import GuardedResolver, is_address, literal_class
from mcp_errortracking.workflows.source_maps.remote.presigned import Form, Target
from mcp_errortracking.workflows.source_maps.remote.storage_errors import (
    AddressRefusedError,
    BusyError,
    DeniedError,
    LostError,
    ObjectMissingError,
    StorageError,
    TooLargeError,
    TooSlowError,
    lost,
    refusal,
)

CONCURRENCY = 10
"""Transfers at once."""

_REDIRECTS = 3
_ERROR_BODY = 16 * 1024
_TIMEOUT = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 600.0}

_LEAST_TIME = 120.0
"""Seconds that any try may take."""
_SLOWEST = 16 * 1024
"""Bytes for which a try may take one second more."""

_T = TypeVar("_T")


class Sendable(Protocol):
    """A file that can be sent repeatedly. Reading its pieces blocks; none is read after the last byte."""

    @property
    def size(self) -> int: ...
    def pieces(self) -> Iterator[bytes]: ...


class Storage:
    """Connections to object storage, for one PostHog."""

    def __init__(
        self,
        posthog: str,
        *,
        http_proxy: str | None = None,
        concurrency: int = CONCURRENCY,
        sleep: Sleep = anyio.sleep,
    ) -> None:
        """
        Args:
            posthog: origin of PostHog, like `https://us.posthog.com`. Private addresses and plain HTTP are allowed
                for storage only if PostHog itself uses them.
            http_proxy: address of a forward proxy; it resolves the names, so only literal addresses are checked.
            sleep: waits between tries.
        """
        self._posthog = httpx.URL(posthog)
        self._http_proxy = http_proxy
        self._concurrency = concurrency
        self._sleep = sleep
        self._guard = None if http_proxy else GuardedResolver(self._posthog.host)
        self._transports = dict[str, PoolTransport]()

    async def __aenter__(self) -> "Storage":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        while self._transports:
            _, transport = self._transports.popitem()
            await transport.aclose()

    async def send(self, target: Target, body: Sendable) -> None:
        """Send a file to its target.

        Raises:
            StorageError: the file did not arrive, or it is uncertain.
            ContentError: the file changed, or cannot be read any more.
        """
        where = target.put or target.form
        fallback = target.fallback_put if target.put else target.fallback_form
        if where is None:
            raise DeniedError("PostHog handed out no address to upload to.", "Look at its object storage settings.")
        await self._with_retries(
            lambda: self._upload(where, body), None if fallback is None else lambda: self._upload(fallback, body)
        )

    async def fetch(self, url: str, target: BinaryIO, *, limit: int) -> int:
        """Download an object into a file, replacing its content, and return the size.

        Args:
            limit: largest size of the object, in bytes.

        Raises:
            StorageError: the object could not be downloaded as a whole.
        """

        async def once() -> int:
            target.seek(0)
            target.truncate()
            with _time_limit() as time:
                return await self._get(url, {}, lambda answer: _save(answer, target, limit, time))
            raise TooSlowError

        return await self._with_retries(once)

    async def holds(self, url: str) -> bool:
        """True if a download URL leads to an object; this reads one byte of it.

        Raises:
            StorageError: object storage gives no clear answer.
        """

        async def once() -> None:
            with _time_limit():
                return await self._get(url, {"Range": "bytes=0-0"}, _nothing)
            raise TooSlowError

        try:
            await self._with_retries(once)
        except ObjectMissingError:
            return False
        return True

    async def _with_retries(
        self, attempt: Callable[[], Awaitable[_T]], fallback: Callable[[], Awaitable[_T]] | None = None
    ) -> _T:
        """Try one address three times; with a fallback, each of the two twice."""
        tries = [attempt] * 3 if fallback is None else [attempt, attempt, fallback, fallback]
        for number, one in enumerate(tries):
            try:
                return await one()
            except (BusyError, LostError):
                if number == len(tries) - 1:
                    raise
            await self._sleep(WAITS[min(number, len(WAITS) - 1)])
        raise AssertionError("the last try returns or raises")

    async def _upload(self, where: str | Form, body: Sendable) -> None:
        with _time_limit(body.size):
            return await self._upload_once(where, body)
        raise TooSlowError

    async def _upload_once(self, where: str | Form, body: Sendable) -> None:
        if isinstance(where, str):
            url, method, content = where, "PUT", _streamed(body)
            headers = {"Content-Length": str(body.size)}
        else:
            boundary = secrets.token_hex(16)
            head, tail = where.around_file(boundary)
            headers = {
                "Content-Length": str(len(head) + body.size + len(tail)),
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            }
            url, method, content = where.url, "POST", _streamed(body, head, tail)
        answer = await self._exchange(method, self._checked(url), headers, content)
        try:
            text = await _beginning(answer)
            if 200 <= answer.status_code < 300:
                return
            failure = refusal(answer.status_code, text, uploads_form=method == "POST")
        except httpx.TransportError as error:
            failure = lost(error)
        finally:
            await answer.aclose()
        raise failure

    async def _get(self, url: str, headers: dict[str, str], read: Callable[[httpx.Response], Awaitable[_T]]) -> _T:
        """Read an object. Follow a few redirects, each checked like the first address."""
        where = self._checked(url)
        for _ in range(_REDIRECTS + 1):
            answer = await self._exchange("GET", where, headers, None)
            try:
                if 200 <= answer.status_code < 300:
                    return await read(answer)
                if answer.status_code in (301, 302, 303, 307, 308):
                    where = self._checked(answer.headers.get("location", ""), base=where)
                    continue
                failure = refusal(answer.status_code, await _beginning(answer))
            except httpx.TransportError as error:
                failure = lost(error)
            finally:
                await answer.aclose()
            raise failure
        raise DeniedError("Object storage redirects in circles.", "Look at PostHog's object storage settings.")

    async def _exchange(
        self, method: str, url: httpx.URL, headers: dict[str, str], content: AsyncIterator[bytes] | None
    ) -> httpx.Response:
        """Send a request and return the answer, unread.

        This uses the transport itself: a client of httpx would log the URL, keep cookies and follow the environment.
        """
        request = httpx.Request(method, url, headers=headers, content=content, extensions={"timeout": _TIMEOUT})
        failure: StorageError
        try:
            if self._guard is not None and is_address(url.host):  # aiohttp looks up names only
                await self._guard.resolve(url.host)
            answer = await self._connect(url.scheme).handle_async_request(request)
        except httpx.TransportError as error:
            failure = lost(error)
        except OSError as error:
            failure = lost(httpx.ConnectError(str(error)))
        else:
            answer.request = request
            return answer
        raise failure  # here, so that the transport's error, which holds the request, is not chained to it

    def _connect(self, scheme: str) -> PoolTransport:
        """Return the connections for a scheme; only HTTPS loads the certificates, which takes a while."""
        if scheme not in self._transports:
            limits = Limits(connections=self._concurrency)
            self._transports[scheme] = PoolTransport(
                limits, secure=scheme == "https", http_proxy=self._http_proxy, resolver=self._guard
            )
        return self._transports[scheme]

    def _checked(self, url: str, *, base: httpx.URL | None = None) -> httpx.URL:
        """Return the URL if it may be used.

        Args:
            base: the URL that redirects to it.

        Raises:
            AddressRefusedError: it is not a web address, or it is plain HTTP while PostHog uses HTTPS.
        """
        try:
            where = httpx.URL(urljoin(str(base), url) if base else url)
            is_usable = bool(where.host) and 0 < (where.port or 443) < 2**16 and not where.userinfo
        except (httpx.InvalidURL, ValueError):  # `host` decodes international names
            where, is_usable = httpx.URL(""), False
        if where.scheme not in ("http", "https") or not is_usable:
            raise AddressRefusedError("PostHog handed out an address of object storage that is not a web address.")
        if where.scheme == "http" and self._posthog.scheme == "https":
            raise AddressRefusedError(
                "The address of object storage is plain HTTP, while PostHog uses HTTPS.",
                "Give PostHog's object storage an https address.",
            )
        inside = literal_class(where.host) if self._http_proxy else None
        if inside is not None and inside != literal_class(self._posthog.host):
            raise AddressRefusedError("Object storage has an address inside a private network.")
        return where


def _time_limit(size: int = 0) -> anyio.CancelScope:
    """Return a scope that is cancelled after the time that a try with so many bytes may take."""
    return anyio.CancelScope(deadline=anyio.current_time() + _LEAST_TIME + size / _SLOWEST)


async def _streamed(body: Sendable, head: bytes = b"", tail: bytes = b"") -> AsyncIterator[bytes]:
    """Yield the pieces of a file, each read in a worker thread."""
    if head:
        yield head
    pieces, left = body.pieces(), body.size  # counted, because asking for one piece more would take a thread once more
    while left > 0 and (piece := await to_thread.run_sync(next, pieces, b"")):
        left -= len(piece)
        yield piece
    if tail:
        yield tail


async def _save(answer: httpx.Response, target: BinaryIO, limit: int, time: anyio.CancelScope) -> int:
    """Write a body into a file, and return its size. The time limit grows with the bytes that have arrived."""
    too_large = TooLargeError(f"The object is larger than {limit >> 20} MiB; it is not read.", "Give a larger limit.")
    declared = answer.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    start, size = time.deadline, 0
    async for part in answer.aiter_raw():
        size += len(part)
        time.deadline = start + size / _SLOWEST
        if size > limit:
            raise too_large
        await to_thread.run_sync(target.write, part)
    return size


async def _nothing(_answer: httpx.Response) -> None:
    return None


async def _beginning(answer: httpx.Response) -> str:
    """Return the first bytes of a body as text: enough for the reason of an error."""
    content = b""
    async for part in answer.aiter_raw():
        content += part
        if len(content) >= _ERROR_BODY:
            break
    return content[:_ERROR_BODY].decode("utf-8", "replace")
