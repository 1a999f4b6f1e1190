"""Object storage: what is sent and what is not, tries and waits, and refusals in words without a URL."""

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_errortracking.workflows.source_maps.remote import storage as storage_module
from mcp_errortracking.workflows.source_maps.remote.presigned import Form, Target, read_target
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import (
    AddressRefusedError,
    BusyError,
    DeniedError,
    ExpiredError,
    LostError,
    NoFormsError,
    ObjectMissingError,
    StorageError,
    TooLargeError,
    TooSlowError,
)
from tests.proxy.fault_server import FaultServer, Reply, http
from tests.workflows.source_maps.relay import EXPIRED, RESET, xml
from tests.workflows.source_maps.written_builds import Pauses

pytestmark = pytest.mark.anyio
SECRET = "X-Amz-Signature=5ecre7"
OK = http(200, kind="")


@dataclass
class Bytes:
    """A body in memory."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def pieces(self) -> Iterator[bytes]:
        for start in range(0, self.size, 1000):
            yield self.content[start : start + 1000]


async def test_a_put_sends_the_bytes_and_nothing_of_ours() -> None:
    content = bytes(range(256)) * 40
    with FaultServer([OK]) as server:
        async with Storage(server.url) as storage:
            await storage.send(Target(put=f"{server.url}/bucket/key?{SECRET}"), Bytes(content))

    (request,) = server.received
    assert (request.method, request.target) == ("PUT", f"/bucket/key?{SECRET}")
    assert request.headers == {"host": server.url.removeprefix("http://"), "content-length": "10240"}
    assert request.body == content


async def test_a_form_has_its_fields_first_and_names_its_file() -> None:
    form = {"url": "", "fields": {"key": "symbolsets/1", "policy": "eyJ=", 'odd"\r\n': "x"}}
    with FaultServer([http(204, kind="")]) as server:
        target = read_target({"presigned_url": form | {"url": f"{server.url}/bucket"}})
        async with Storage(server.url) as storage:
            await storage.send(target, Bytes(b"content"))

    (request,) = server.received
    assert (request.method, sorted(request.headers)) == ("POST", ["content-length", "content-type", "host"])
    boundary = request.headers["content-type"].removeprefix("multipart/form-data; boundary=")
    parts = request.body.split(f"--{boundary}".encode())
    assert [part.split(b"\r\n")[1] for part in parts[1:-1]] == [
        b'Content-Disposition: form-data; name="key"',
        b'Content-Disposition: form-data; name="policy"',
        b'Content-Disposition: form-data; name="odd%22%0D%0A"',
        b'Content-Disposition: form-data; name="file"; filename="file"',
    ]
    assert parts[-2].endswith(b"\r\n\r\ncontent\r\n")
    assert parts[-1] == b"--\r\n"


@pytest.mark.parametrize("fault", [RESET, http(500), http(503), http(429), xml(503, "SlowDown"), Reply(drop=True)])
async def test_a_busy_store_is_tried_three_times(fault: Reply) -> None:
    pauses = Pauses()
    with FaultServer([fault, fault, OK]) as server:
        async with Storage(server.url, sleep=pauses) as storage:
            await storage.send(Target(put=f"{server.url}/key"), Bytes(b"x" * 5000))

    assert pauses.asked == [0.5, 1.0]
    assert server.received[-1].body == b"x" * 5000


async def test_a_fallback_is_tried_after_two_failures() -> None:
    pauses = Pauses()
    with FaultServer([http(503), http(503), http(503), OK]) as server:
        target = Target(put=f"{server.url}/fast", fallback_put=f"{server.url}/standard")
        async with Storage(server.url, sleep=pauses) as storage:
            await storage.send(target, Bytes(b"x"))

    assert [request.target for request in server.received] == ["/fast", "/fast", "/standard", "/standard"]
    assert pauses.asked == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("reply", "error", "words", "tries"),
    [
        (EXPIRED, ExpiredError, "has expired (HTTP 403 AccessDenied)", 1),
        (xml(400, "ExpiredToken"), ExpiredError, "HTTP 400 ExpiredToken", 1),
        (xml(403, "AccessDenied", "Request has expired"), ExpiredError, "Retry to get a fresh one.", 1),
        (xml(403, "AccessDenied", "Access Denied"), DeniedError, "refuses with HTTP 403 AccessDenied", 1),
        (xml(403, "Custom", "Policy expired."), ExpiredError, "HTTP 403 Custom", 1),
        (xml(403, "SignatureDoesNotMatch"), DeniedError, "refuses with HTTP 403 SignatureDoesNotMatch", 1),
        (http(403, b"<html>blocked by a firewall</html>"), DeniedError, "refuses with HTTP 403.", 1),
        (xml(404, "NoSuchBucket"), ObjectMissingError, "NoSuchBucket", 1),
        (http(302, Location="http://other.example/"), DeniedError, "HTTP 302", 1),
        (http(503), BusyError, "failed with HTTP 503", 3),
        (RESET, LostError, "No transfer to object storage", 3),
        (xml(501, "NotImplemented"), BusyError, "HTTP 501 NotImplemented", 3),
    ],
)
async def test_refusals(reply: Reply, error: type[StorageError], words: str, tries: int) -> None:
    with FaultServer([reply]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            with pytest.raises(error) as raised:
                await storage.send(Target(put=f"{server.url}/key?{SECRET}"), Bytes(b"x"))

    assert words in str(raised.value)
    if reply is not RESET:
        assert len(server.received) == tries


async def test_a_store_without_forms_says_so() -> None:
    with FaultServer([xml(501, "NotImplemented")]) as server:
        async with Storage(server.url) as storage:
            with pytest.raises(NoFormsError):
                await storage.send(Target(form=Form(f"{server.url}/bucket", {})), Bytes(b"x"))


async def test_no_url_in_any_error_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = list[str]()
    refused = "http://127.0.0.1:9"
    with FaultServer([EXPIRED, http(403), RESET, RESET, RESET]) as server:
        target = Target(
            put=f"{server.url}/key?{SECRET}",
            form=Form(f"{server.url}/b?{SECRET}", {"policy": SECRET}),
            fallback_put=None,
        )
        seen.append(repr(target))
        async with Storage(server.url, sleep=Pauses()) as storage:
            seen.append(repr(storage))
            for url in (*[f"{server.url}/key?{SECRET}"] * 3, f"{refused}/?{SECRET}", f"gopher://x/?{SECRET}"):
                with pytest.raises(StorageError) as raised:
                    await storage.send(Target(put=url), Bytes(b"x"))
                with pytest.raises(StorageError) as fetched:
                    await storage.fetch(url, io.BytesIO(), limit=10)
                for error in (raised.value, fetched.value):
                    seen += ["".join(traceback.format_exception(error)), repr(vars(error))]
                    while error.__context__ is not None:
                        error = error.__context__
                        seen.append(repr(error) + repr(vars(error)))
    assert SECRET not in "\n".join(seen)
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("mcp_errortracking")]


async def test_fetch_follows_a_redirect_without_telling_it_anything() -> None:
    target = io.BytesIO(b"what was there before")
    with ExitStack() as stack:
        store = stack.enter_context(FaultServer([http(200, b"the object", kind="")]))
        front = stack.enter_context(FaultServer([http(307, Location=f"{store.url}/moved?a=b")]))
        async with Storage(front.url) as storage:
            assert await storage.fetch(f"{front.url}/key", target, limit=100) == 10
    assert target.getvalue() == b"the object"
    assert (store.received[0].target, sorted(store.received[0].headers)) == ("/moved?a=b", ["host"])


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ([http(200, b"x" * 11)], TooLargeError, "larger than 0 MiB"),
        ([Reply(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + b"x" * 11, close=True)], TooLargeError, "larger than"),
        ([http(302, Location="/round")], DeniedError, "redirects in circles"),
        ([http(302, Location="ftp://elsewhere/x")], AddressRefusedError, "not a web address"),
        ([http(302)], DeniedError, "redirects in circles"),
        ([xml(404, "NoSuchKey")], ObjectMissingError, "no such object"),
        ([http(200, b"short", length=9)], LostError, "No transfer"),
    ],
)
async def test_fetch_refuses(script: list[Reply], error: type[StorageError], words: str) -> None:
    with FaultServer(script) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            with pytest.raises(error, match=words):
                await storage.fetch(f"{server.url}/key", io.BytesIO(), limit=10)


async def test_fetch_begins_anew_after_a_broken_connection() -> None:
    with FaultServer([http(200, b"0123", length=9), http(200, b"012345678")]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            target = io.BytesIO()
            assert await storage.fetch(f"{server.url}/key", target, limit=10) == 9
    assert target.getvalue() == b"012345678"


DRIPPING = replace(http(403, b"x" * 20_000), drip=True)


async def test_a_store_that_drips_an_object_is_left_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store goes on for minutes; each of its bytes comes long before the timeout of a read."""
    monkeypatch.setattr(storage_module, "_LEAST_TIME", 0.3)
    target = io.BytesIO()
    with FaultServer([replace(http(200, b"x" * 20_000), drip=True)]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            with pytest.raises(TooSlowError, match="Object storage was too slow: the transfer was ended"):
                await storage.fetch(f"{server.url}/key?{SECRET}", target, limit=100_000)
        assert server.hung_up.acquire(timeout=20)

    assert len(server.received) == 1
    assert 0 < len(target.getvalue()) < 20_000


async def test_an_upload_to_a_store_that_drips_its_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_module, "_LEAST_TIME", 0.3)
    with FaultServer([DRIPPING]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            with pytest.raises(TooSlowError):
                await storage.send(Target(put=f"{server.url}/key"), Bytes(b"x" * 1000))
            with pytest.raises(TooSlowError):
                await storage.holds(f"{server.url}/key")

    assert [request.method for request in server.received] == ["PUT", "GET"]


async def test_the_time_of_a_try_grows_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assert that a transfer is not ended as long as it is fast enough for what it has moved."""
    monkeypatch.setattr(storage_module, "_LEAST_TIME", 0.3)
    monkeypatch.setattr(storage_module, "_SLOWEST", 10)
    target = io.BytesIO()
    with FaultServer([OK, replace(http(200, b"x" * 60), drip=True)]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            await storage.send(Target(put=f"{server.url}/key"), Bytes(b"x" * 1000))
            assert await storage.fetch(f"{server.url}/key", target, limit=100) == 60

    assert target.getvalue() == b"x" * 60


async def test_holds_reads_one_byte() -> None:
    with FaultServer([http(206, b"p"), xml(404, "NoSuchKey")]) as server:
        async with Storage(server.url) as storage:
            assert await storage.holds(f"{server.url}/key") is True
            assert await storage.holds(f"{server.url}/key") is False
    assert server.received[0].headers["range"] == "bytes=0-0"


@pytest.mark.parametrize(
    ("posthog", "url", "words"),
    [
        ("https://8.8.8.8", "http://8.8.4.4/x", "is plain HTTP, while PostHog uses HTTPS"),
        ("https://8.8.8.8", "https://127.0.0.1:9/x", "inside a private network"),
        ("https://8.8.8.8", "https://[::ffff:169.254.169.254]/x", "inside a private network"),
        ("https://8.8.8.8", "https://user:pw@8.8.4.4/x", "not a web address"),
        ("https://8.8.8.8", "file:///etc/passwd", "not a web address"),
        ("https://8.8.8.8", "https://", "not a web address"),
        ("https://8.8.8.8", "https://[::1", "not a web address"),
    ],
)
@pytest.mark.parametrize("act", ["send", "fetch"])
async def test_addresses_that_are_refused(posthog: str, url: str, words: str, act: str) -> None:
    async with Storage(posthog, sleep=Pauses()) as storage:
        calls: dict[str, Callable[[], Any]] = {
            "send": lambda: storage.send(Target(put=url), Bytes(b"x")),
            "fetch": lambda: storage.fetch(url, io.BytesIO(), limit=10),
        }
        with pytest.raises(AddressRefusedError, match=words):
            await calls[act]()


async def test_a_forward_proxy_gets_no_private_address_either() -> None:
    async with Storage("https://8.8.8.8", http_proxy="http://127.0.0.1:9", sleep=Pauses()) as storage:
        with pytest.raises(AddressRefusedError):
            await storage.fetch("https://192.168.0.1/x", io.BytesIO(), limit=10)
        with pytest.raises(LostError):
            await storage.fetch("https://storage.example/x", io.BytesIO(), limit=10)


@settings(max_examples=150, deadline=None)
@example("https://[::1")
@example("https://\ud800/")
@example("http://8.8.4.4:99999/")
@given(st.text() | st.text().map("https://".__add__) | st.text().map("https://storage.example/".__add__))
async def test_no_url_of_a_strangers_raises_anything_else(url: str) -> None:
    """This holds for URLs from PostHog and for those of a redirect."""
    async with Storage("https://8.8.8.8", http_proxy="http://127.0.0.1:9", sleep=Pauses()) as storage:
        with pytest.raises(StorageError):
            await storage.fetch(url, io.BytesIO(), limit=10)


@pytest.mark.parametrize("location", ["http://[::1", "//[", "\x80", "?" * 70_000, "https://a b/", "gopher://x"])
async def test_a_redirect_to_nonsense(location: str) -> None:
    redirect = f"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode("latin-1")
    with FaultServer([Reply(redirect)]) as server:
        async with Storage(server.url, sleep=Pauses()) as storage:
            with pytest.raises(StorageError):
                await storage.fetch(f"{server.url}/key", io.BytesIO(), limit=10)
