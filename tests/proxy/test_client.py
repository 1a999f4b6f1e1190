"""Requests, retries and answers, against a server on a real socket that answers by script."""

import gzip
import json
import logging
import threading
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Answer, Limits, Proxy
from mcp_errortracking.proxy.errors import (
    InterruptedCallError,
    NotConfiguredError,
    NotFoundError,
    PostHogError,
    RateLimitedError,
    RedirectedError,
    ServerFailureError,
    UnreachableError,
    UnreadableError,
)
from mcp_errortracking.proxy.rate_limit.limiter import KeyLimiter
from tests.proxy.fault_server import FaultServer, Reply, http

pytestmark = pytest.mark.anyio

KEY = "phx_a_key_that_must_never_be_seen"
QUICK = Limits(backoff=0.001)
GOOD = http(200, {"ok": True})
UNKNOWN_ROUTE = http(
    404, {"type": "invalid_request", "code": "not_found", "detail": "Endpoint not found.", "attr": None}
)
READ = ("GET", "error_tracking/fingerprints/")
WRITE = ("POST", "error_tracking/assignment_rules/")


async def call(server: FaultServer, method: str, path: str, *, limits: Limits = QUICK, **arguments: Any) -> Answer:
    async with Proxy(host=server.url, key=SecretStr(KEY), project="7", limits=limits) as proxy:
        return await proxy.send(method, path, **arguments)


async def failure(server: FaultServer, method: str, path: str, **arguments: Any) -> PostHogError:
    with pytest.raises(PostHogError) as caught:
        await call(server, method, path, **arguments)
    return caught.value


async def test_a_request_as_posthog_reads_it() -> None:
    with FaultServer([GOOD]) as server:
        query = {"limit": 5, "issue_id": "a b&c", "flag": True, "none": None}
        answer = await call(server, "PATCH", "error_tracking/x/", query=query, json={"name": "Grüße", "n": [1, None]})

    assert answer == Answer(200, {"ok": True})
    (request,) = server.received
    assert (request.method, request.target) == (
        "PATCH",
        "/api/projects/7/error_tracking/x/?limit=5&issue_id=a+b%26c&flag=true",
    )
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("mcp-errortracking/")
    assert json.loads(request.body) == {"name": "Grüße", "n": [1, None]}


async def test_a_read_has_no_body_and_connections_are_kept() -> None:
    with FaultServer([GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY)) as proxy:
            for _ in range(5):
                await proxy.send("GET", "/api/users/@me/")

    assert server.connections == 1
    assert [(request.target, request.body) for request in server.received] == [("/api/users/@me/", b"")] * 5
    assert "content-type" not in server.received[0].headers


@pytest.mark.parametrize(
    "path",
    [
        "error_tracking/../users/",
        "error_tracking//x/",
        "error_tracking/x",
        "error_tracking/x/?a=b",
        "error_tracking/x/#a/",
        "error_tracking/%2e%2e/",
        "error_tracking/a%2Fb/",
        "error_tracking/a\nb/",
        "error_tracking/a\\b/",
        "https://evil.example/",
        "//evil.example/",
        "/admin/",
        "/",
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_never_sent(path: str) -> None:
    with FaultServer([GOOD]) as server, pytest.raises(ValueError, match="path"):
        await call(server, "GET", path)

    assert server.received == []


async def test_the_empty_path_is_the_project_itself() -> None:
    with FaultServer([GOOD]) as server:
        await call(server, "GET", "")

    assert [request.target for request in server.received] == ["/api/projects/7/"]


async def test_without_a_key_nothing_is_sent() -> None:
    with FaultServer([GOOD]) as server:
        async with Proxy(host=server.url, key=None) as proxy:
            with pytest.raises(NotConfiguredError, match=r"POSTHOG_PERSONAL_API_KEY.*--sandbox"):
                await proxy.send(*READ)

    assert server.connections == 0


async def test_answers_without_body_and_in_gzip() -> None:
    zipped = http(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")
    with FaultServer([Reply(b"HTTP/1.1 204 No Content\r\n\r\n"), zipped, GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY)) as proxy:
            assert (await proxy.send("DELETE", "error_tracking/x/")).data is None
            assert (await proxy.send(*READ)).data == {"a": 1}


FAULTS: dict[str, Reply] = {
    "429": http(429, {"detail": "x"}, Retry_After="0"),
    "429 until a date": http(429, {"detail": "x"}, Retry_After="Wed, 01 Jan 2020 00:00:00 GMT"),
    "502": http(502, b"<html>Bad gateway</html>", kind="text/html"),
    "503": http(503, {"detail": "x"}, Retry_After="0"),
    "504": http(504, b"", kind=""),
    "closed after the request": Reply(close=True),
    "reset after the request": Reply(reset=True),
    "cut in the head": Reply(b"HTTP/1.1 200 OK\r\nContent-", close=True),
    "cut in the body": http(200, b'{"half": ', length=500),
    "no HTTP": Reply(b"SSH-2.0-OpenSSH\r\n\r\n", close=True),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_read_is_tried_again(fault: str) -> None:
    with FaultServer([FAULTS[fault], FAULTS[fault], GOOD]) as server:
        answer = await call(server, *READ)

    assert answer.data == {"ok": True}
    assert len(server.received) == 3


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_read_is_given_up_after_four_tries(fault: str) -> None:
    with FaultServer([FAULTS[fault]]) as server:
        error = await failure(server, *READ)

    assert len(server.received) == 4
    assert not error.maybe_applied
    assert isinstance(error, RateLimitedError | ServerFailureError | InterruptedCallError)


async def test_a_post_that_is_safe_to_retry_is_retried() -> None:
    path = "error_tracking/query/issues/"
    with FaultServer([FAULTS["reset after the request"], FAULTS["502"], GOOD]) as server:
        assert (await call(server, "POST", path, json={"a": 1}, retry_safe=True)).data == {"ok": True}

    assert [request.body for request in server.received] == [b'{"a":1}'] * 3
    for retry_safe in (None, False):  # the path alone does not make it safe
        with FaultServer([FAULTS["502"], GOOD]) as server:
            error = await failure(server, "POST", path, json={}, retry_safe=retry_safe)
        assert (error.maybe_applied, len(server.received)) == (True, 1)


async def test_a_get_that_is_not_safe_to_retry_is_sent_once() -> None:
    with FaultServer([FAULTS["502"], GOOD]) as server:
        error = await failure(server, *READ, retry_safe=False)

    assert (error.maybe_applied, len(server.received)) == (True, 1)


@pytest.mark.parametrize("fault", [name for name in FAULTS if not name.startswith("429")])
async def test_a_write_that_may_have_arrived_is_sent_once(fault: str) -> None:
    with FaultServer([FAULTS[fault], GOOD]) as server:
        error = await failure(server, *WRITE, json={})

    assert len(server.received) == 1
    assert error.maybe_applied
    assert "may or may not have been applied" in str(error)


async def test_a_throttled_write_is_tried_again() -> None:
    with FaultServer([FAULTS["429"], GOOD]) as server:
        assert (await call(server, *WRITE, json={})).data == {"ok": True}

    assert len(server.received) == 2


@pytest.mark.parametrize("request_", [READ, WRITE])
async def test_no_connection(request_: tuple[str, str]) -> None:
    with FaultServer([GOOD]) as server:
        pass
    error = await failure(server, *request_)

    assert isinstance(error, UnreachableError)
    assert not error.maybe_applied
    assert str(error).startswith(f"No connection to {server.url}: ")


async def test_a_forward_proxy_gets_the_call_and_its_own_password() -> None:
    with FaultServer([GOOD]) as server:
        http_proxy = server.url.replace("//", "//ada:secret@")
        async with Proxy(
            host="http://posthog.example", key=SecretStr(KEY), project="7", http_proxy=http_proxy
        ) as proxy:
            assert (await proxy.send(*READ)).data == {"ok": True}

    (request,) = server.received
    assert request.target == "http://posthog.example/api/projects/7/error_tracking/fingerprints/"
    assert request.headers["proxy-authorization"] == f"Basic {b64encode(b'ada:secret').decode()}"


async def through_proxy(host: str, http_proxy: str) -> PostHogError:
    proxy = Proxy(host=host, key=SecretStr(KEY), project="7", limits=QUICK, http_proxy=http_proxy)
    async with proxy:
        with pytest.raises(PostHogError) as caught:
            await proxy.send(*READ)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_forward_proxy_that_wants_a_password_is_named(scheme: str) -> None:
    with FaultServer([http(407, Proxy_Authenticate='Basic realm="x"')]) as server:
        error = await through_proxy(f"{scheme}://posthog.example", server.url.replace("//", "//ada:secret@"))

    assert error.code == "proxy_login"
    assert str(error).startswith(f"The HTTP proxy {server.url} requires a user name and password, or different ones")
    assert f"{scheme.upper()}_PROXY=" in error.next_step


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_forward_proxy_that_is_away_is_named(scheme: str) -> None:
    with FaultServer([GOOD]) as server:
        pass
    error = await through_proxy(f"{scheme}://posthog.example", server.url.replace("//", "//ada:secret@"))

    assert isinstance(error, UnreachableError)
    assert str(error).startswith(f"No connection to {scheme}://posthog.example through the HTTP proxy {server.url}: ")
    assert f"Check the proxy ({scheme.upper()}_PROXY or ALL_PROXY)" in error.next_step


async def test_a_long_wait_is_reported_not_waited_for() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for header, least in (("900", 900), (later, 3500)):
        with FaultServer([http(429, {"detail": "x"}, Retry_After=header)]) as server:
            error = await failure(server, *READ)

        assert isinstance(error, RateLimitedError)
        assert len(server.received) == 1
        assert error.retry_after is not None
        assert least <= error.retry_after <= 3600
        assert f"Retry after {error.retry_after:.0f} s." in str(error)


async def test_a_spent_budget_is_reported_at_once_and_holds_back_nothing_else() -> None:
    body = {"type": "throttled_error", "code": "api_queries_budget_exceeded", "detail": "x", "attr": None}
    with FaultServer([http(429, body, Retry_After="2"), GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY), project="7") as proxy:
            with pytest.raises(RateLimitedError) as caught:
                await proxy.send("POST", "error_tracking/query/issues/", json={}, retry_safe=True)
            seen = len(server.received)
            delay = proxy.delay("error_tracking/fingerprints/")
            await proxy.send(*READ)

    assert (seen, delay, caught.value.attempts, caught.value.retry_after) == (1, 0.0, 1, 2.0)
    assert str(caught.value).startswith("The hourly budget of this project for queries with API keys is spent.")
    assert "Retry after 2 s, with a shorter date range." in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 405, 500])
async def test_other_refusals_are_final(status: int) -> None:
    with FaultServer([http(status, {"detail": "x"})]) as server:
        error = await failure(server, *READ)

    assert (error.status, len(server.received)) == (status, 1)


async def test_a_redirect_is_not_followed() -> None:
    with FaultServer([GOOD]) as other, FaultServer([http(307, Location=f"{other.url}/steal?x=1")]) as server:
        error = await failure(server, *READ)

    assert isinstance(error, RedirectedError)
    assert f"redirects to {other.url}." in str(error)
    assert other.received == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(200, b"<html>Welcome</html>", kind="text/html"), "It is text/html, not JSON."),
        (http(200, b'{"a": ', kind="application/json"), "It is application/json, not JSON."),
        (http(200, b"x" * 200_000), "It is larger than 0 MiB."),
        (http(200, gzip.compress(b"0" * 50_000_000), Content_Encoding="gzip"), "It is larger than 0 MiB."),
        (http(200, b"not gzip", Content_Encoding="gzip"), "Its compression is broken."),
        (http(200, gzip.compress(b"[1]")[:-9], Content_Encoding="gzip"), "It ends in the middle."),
    ],
)
async def test_answers_that_cannot_be_read(reply: Reply, reason: str) -> None:
    with FaultServer([reply]) as server:
        error = await failure(server, *READ, limits=Limits(body=100_000))

    assert isinstance(error, UnreadableError)
    assert (error.why, len(server.received)) == (reason, 1)


async def test_an_answer_that_never_comes() -> None:
    gate = threading.Event()
    with FaultServer([Reply(gate=gate)]) as server:
        read = await failure(server, *READ, limits=Limits(total=0.2))
        write = await failure(server, *WRITE, json={}, limits=Limits(read=0.2))

    assert (read.code, read.maybe_applied) == ("timeout", False)
    assert "did not answer within 0.2 s" in str(read)
    assert (write.code, write.maybe_applied) == ("interrupted", True)
    assert "no answer came in time" in str(write)


async def test_cancelling_a_call_closes_its_connection() -> None:
    gate = threading.Event()
    with FaultServer([Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", gate=gate), GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY)) as proxy:
            with anyio.move_on_after(10):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(proxy.send, *READ)
                    await anyio.to_thread.run_sync(server.arrived.acquire)
                    tasks.cancel_scope.cancel()
            gate.set()
            assert await anyio.to_thread.run_sync(lambda: server.hung_up.acquire(timeout=10))
            assert (await proxy.send(*READ)).data == {"ok": True}

    assert server.connections == 2


async def test_at_most_so_many_requests_are_under_way() -> None:
    gate = threading.Event()
    waiting = Reply(GOOD.raw, gate=gate)
    with FaultServer([waiting]) as server:
        proxy = Proxy(host=server.url, key=SecretStr(KEY), limits=Limits(connections=3))
        async with proxy, anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(proxy.send, *READ)
            for _ in range(3):
                await anyio.to_thread.run_sync(server.arrived.acquire)
            assert server.connections == 3
            gate.set()

    assert (len(server.received), server.connections) == (10, 3)


async def test_the_older_path_form_is_found_out_once() -> None:
    with FaultServer([UNKNOWN_ROUTE, GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY), project="7") as proxy:
            await proxy.send(*WRITE, json={"a": 1})
            await proxy.send(*READ)
            assert proxy.form == "environments"

    assert [request.target for request in server.received] == [
        "/api/projects/7/error_tracking/assignment_rules/",
        "/api/environments/7/error_tracking/assignment_rules/",
        "/api/environments/7/error_tracking/fingerprints/",
    ]
    assert server.received[1].body == b'{"a":1}'


async def test_many_first_calls_at_once_agree_on_the_form() -> None:
    class ByPath(FaultServer):
        def _take(self) -> Reply:
            return GOOD if "/environments/" in self.received[-1].target else UNKNOWN_ROUTE

    with FaultServer([UNKNOWN_ROUTE]) as never, ByPath([GOOD]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY), limits=Limits(connections=1)) as proxy:
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(proxy.send, *READ)
            assert proxy.form == "environments"
        error = await failure(never, *READ)

    assert isinstance(error, NotFoundError)
    assert (error.code, len(never.received)) == ("endpoint_not_found", 2)
    assert "too old" in str(error)


async def test_an_object_that_is_missing_says_nothing_about_the_form() -> None:
    missing = http(404, {"type": "invalid_request", "code": "not_found", "detail": "Not found.", "attr": None})
    for reply in (missing, http(404, b"", kind="")):
        with FaultServer([reply]) as server:
            error = await failure(server, *READ)

        assert (error.code, len(server.received)) == ("not_found", 1)


@pytest.mark.parametrize(
    "act",
    [
        lambda proxy: proxy.send(*READ),
        lambda proxy: proxy.send("GET", "error_tracking/y/", query={"a": "b"}),
    ],
)
async def test_the_key_is_nowhere_to_be_seen(
    act: Callable[[Proxy], Awaitable[Answer]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="mcp_errortracking")
    echo = {"detail": f"you sent {KEY}", "attr": KEY, "code": KEY}
    with FaultServer([http(400, echo)]) as server:
        async with Proxy(host=server.url, key=SecretStr(KEY)) as proxy:
            with pytest.raises(PostHogError) as caught:
                await act(proxy)
            shown = [repr(proxy), str(vars(proxy)), str(caught.value), str(vars(caught.value)), caplog.text]

    assert "you sent [key]" in str(caught.value)
    assert not any(KEY in text for text in shown)


async def test_a_key_that_may_not_even_read_itself_costs_one_more_request() -> None:
    """A host that refuses every request in this way once sent the proxy into endless recursion."""
    refusal = http(403, {"type": "x", "code": "permission_denied", "detail": "requested project: ID 5"})
    with FaultServer([refusal] * 5) as server:
        error = await failure(server, *READ)

        assert error.code == "project_not_allowed"
        assert len(server.received) == 2


async def test_the_projects_of_a_key_are_read_within_the_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines, acquire = list[float](), KeyLimiter.acquire

    async def note_deadline(limiter: KeyLimiter, *, again: bool = False) -> None:
        deadlines.append(anyio.current_effective_deadline())
        await acquire(limiter, again=again)

    monkeypatch.setattr(KeyLimiter, "acquire", note_deadline)
    refusal = http(403, {"type": "x", "code": "permission_denied", "detail": "requested project: ID 5"})
    with FaultServer([refusal, http(200, {"scoped_teams": [8]})]) as server:
        error = await failure(server, *READ)

    assert error.why == "It is limited to: 8."
    assert deadlines[1] <= deadlines[0]
    assert len(server.received) == 2


async def test_projects_that_come_too_late_leave_the_refusal_as_it_is() -> None:
    refusal = http(403, {"type": "x", "code": "permission_denied", "detail": "requested project: ID 5"})
    with FaultServer([refusal, Reply(gate=threading.Event())]) as server:
        error = await failure(server, *READ, limits=Limits(total=0.3))

        assert error.code == "project_not_allowed"
        assert error.why == "It is limited to other projects."
