"""Callers over HTTP and SSE who want more than they may: spellings of names, paths, keys and ids; floods; web pages."""

import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from mcp_errortracking import verdicts
from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.proxy.errors import PostHogError, UnauthorizedError
from mcp_errortracking.server import key_scopes
from mcp_errortracking.server.callers import Caller
from mcp_errortracking.server.http import caller_keys, readiness
from mcp_errortracking.server.http.app import HttpOptions, build_app
from mcp_errortracking.server.http.caller_keys import CHECKS, KEY_HEADER, PROJECT_HEADER, CallerKeys
from mcp_errortracking.server.http.slots import FullError, HttpLimits, Slots
from mcp_errortracking.server.http.sse import SseSession
from mcp_errortracking.server.key_scopes import KeyScopes
from tests.calls import server_of
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, HttpServer, serving
from tests.server.stdio_process import GatedUpstream
from tests.server.test_calls import Answered, Sender

pytestmark = pytest.mark.anyio

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess) -> Generator[HttpServer]:
    with serving(sandbox.url, "--allowed-host", "mcp.example", "--allowed-host", "fixed.example:8443") as running:
        yield running


def exchange(server: HttpServer, method: str, path: str, *headers: str, body: bytes = b"") -> tuple[int, str, bytes]:
    """Send a request with exactly these header lines; return status, head and body of the answer."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), 20) as peer:
        lines = [f"{method} {path} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
        peer.sendall("\r\n".join(lines).encode("latin-1") + body)
        answer = b""
        while piece := peer.recv(65536):
            answer += piece
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode("latin-1").lower(), rest


FOREIGN_HOSTS = [
    *(
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "mcp.example.evil.example",
    ),
    *("127.0.0.1:80.evil.example", "localhost:80@evil.example", "localhost:@evil.example", "localhost@evil.example"),
    *('localhost:"><script>', "localhost:80/", "localhost:80#", "localhost:x", "localhost:", "localhost:-1"),
    *("localhost:80:80", "localhost:123456", "localhost.", "[::1]:80.evil.example", "[::1]evil.example", "[::1"),
    *("::1", "[::2]", "fixed.example", "fixed.example:84431", "mcp.example,evil.example", "localhost evil.example"),
    *("127.0.0.2", "0.0.0.0", "0", "2130706433", "localhost:\u00b2", "", "user:pass@localhost"),
]


@pytest.mark.parametrize("path", ["/", "/mcp", "/mcp/", "/sse", "/messages/", "/nothing"])
def test_a_host_is_known_by_its_whole_name_before_anything_else_answers(
    server: HttpServer, sandbox: SandboxProcess, path: str
) -> None:
    sandbox.empty_journal()
    for host in FOREIGN_HOSTS:
        status, head, body = exchange(server, "GET", path, f"Host: {host}")
        assert (status, json.loads(body)["error"]) == (421, "unknown_host"), host
        assert "location:" not in head
        assert b"<" not in body
    twice = exchange(server, "GET", path, "Host: 127.0.0.1", "Host: evil.example")
    assert (twice[0], json.loads(twice[2])["error"]) == (400, "bad_request")
    assert sandbox.journal() == []


def test_a_refused_host_is_named_with_the_option_that_allows_it(server: HttpServer) -> None:
    _, _, body = exchange(server, "GET", "/mcp", "Host: other.example:8780")
    assert json.loads(body)["detail"].endswith("start it with --allowed-host other.example.")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:8780", "mcp.example", "Mcp.Example:9", "fixed.example:8443"],
)
def test_a_known_host_is_served_on_any_port_in_any_case(server: HttpServer, host: str) -> None:
    assert exchange(server, "GET", "/", f"Host: {host}")[0] == 200


FOREIGN_ORIGINS = [
    *("https://evil.example", "http://localhost:3000.evil.example", "http://localhost.evil.example", "null", ""),
    *("http://localhost@evil.example", "http://localhost:3000@evil.example", "https://localhost", "localhost"),
    *("http://localhost:", "http://localhost:x", "http://127.0.0.1:80/", "http://[::1]:1.evil.example", "file://"),
]


def test_pages_of_other_origins_are_refused_by_check_and_cors_alike(
    server: HttpServer, sandbox: SandboxProcess
) -> None:
    sandbox.empty_journal()
    message = json.dumps(LIST).encode()
    plain = [f"{name}: {value}" for name, value in HEADERS.items()]
    asking = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"]
    for origin in FOREIGN_ORIGINS:
        named = ["Host: localhost", f"Origin: {origin}"]
        sent = exchange(server, "POST", "/mcp", *named, "Content-Type: application/json", *plain, body=message)
        asked = exchange(server, "OPTIONS", "/mcp", *named, *asking)
        for status, head, _ in (sent, asked):
            assert status == 403, origin
            assert "access-control-allow-origin" not in head
    assert sandbox.journal() == []
    for origin in ("http://localhost", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:1"):
        named = ["Host: localhost", f"Origin: {origin}"]
        sent = exchange(server, "POST", "/mcp", *named, "Content-Type: application/json", *plain, body=message)
        asked = exchange(server, "OPTIONS", "/mcp", *named, *asking)
        for status, head, _ in (sent, asked):
            assert status == 200, origin
            assert f"access-control-allow-origin: {origin}\r\n" in head


@pytest.mark.parametrize("path", ["/", "/mcp", "/sse", "/readyz"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_loads_nothing_as_a_part_of_itself(path: str, site: str, server: HttpServer) -> None:
    named = ["Host: localhost", f"Sec-Fetch-Site: {site}"]
    for mode, kind in (("no-cors", "image"), ("no-cors", "empty"), ("navigate", "iframe"), ("navigate", "object")):
        status, _, body = exchange(server, "GET", path, *named, f"Sec-Fetch-Mode: {mode}", f"Sec-Fetch-Dest: {kind}")
        assert (status, json.loads(body)["error"]) == (403, "unknown_origin"), (mode, kind)
    followed = [*named, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    assert exchange(server, "GET", path, *followed)[0] == (403 if path in ("/mcp", "/sse") else 200)


def test_a_page_of_an_allowed_origin_may_load_from_another_site(server: HttpServer) -> None:
    fetched = ["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"]
    plain = [f"{name}: {value}" for name, value in HEADERS.items()]
    sent = exchange(
        *(server, "POST", "/mcp", "Host: localhost", "Origin: http://localhost:6274", "Content-Type: application/json"),
        *(*plain, *fetched),
        body=json.dumps(LIST).encode(),
    )
    assert sent[0] == 200


def test_messages_are_declared_as_json_in_any_spelling(server: HttpServer, sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()
    message = json.dumps(LIST).encode()
    plain = ["Host: localhost", *(f"{name}: {value}" for name, value in HEADERS.items())]
    good = [
        "application/json",
        "APPLICATION/JSON",
        "APPLICATION/JSON; charset=UTF-8",
        "Application/Json ;charset=utf-8",
    ]
    for kind in good:
        assert exchange(server, "POST", "/mcp", *plain, f"Content-Type: {kind}", body=message)[0] == 200, kind
    served = len(sandbox.journal())
    assert served >= len(good)
    for kind in [
        *("text/plain", "text/plain, application/json", "text/plain; application/json", "application/jsonp", ""),
        *("application/x-www-form-urlencoded", "multipart/form-data; boundary=application/json", "application/json-x"),
    ]:
        for path in ("/mcp", "/messages/?session_id=0"):
            assert exchange(server, "POST", path, *plain, f"Content-Type: {kind}", body=message)[0] == 415, kind
    assert exchange(server, "POST", "/mcp", *plain, body=message)[0] == 415
    twice = ["Content-Type: text/plain", "Content-Type: application/json"]
    assert exchange(server, "POST", "/mcp", *plain, *twice, body=message)[0] == 415
    assert len(sandbox.journal()) == served


OTHER_SPELLINGS = [
    *("/mcp/", "/mcp//", "//mcp", "/mcp%2F", "/mcp%0A", "/mcp%20", "/mcp;x", "/MCP", "/./mcp", "/x/../mcp", "/mcp/x"),
    *("/%6dcp", "/mcp%00", "/mcp?x=/messages/", "/sse/", "/sse%0A", "/messages", "/messages/x", "/messages/%0A"),
    *("/messages//", "/messages/%2e", "/messages/../messages/x", "//messages/", "/messages%2f", "/Messages/"),
]


def test_no_spelling_of_a_path_redirects_or_gets_past_the_check_of_keys(
    server: HttpServer, sandbox: SandboxProcess
) -> None:
    """The server holds a key: a caller that brings one must not be served with the server's."""
    message = json.dumps(LIST).encode()
    plain = ["Content-Type: application/json", *(f"{name}: {value}" for name, value in HEADERS.items())]
    with listening(server) as (address, _):
        session = address.partition("?")[2]
        sandbox.empty_journal()
        for path in OTHER_SPELLINGS:
            for name in (KEY_HEADER, PROJECT_HEADER):
                where = f"{path}{'&' if '?' in path else '?'}{session}"
                status, head, _ = exchange(
                    server, "POST", where, "Host: localhost", *plain, f"{name}: phx_other", body=message
                )
                assert status in (400, 404, 405), path
                assert "location:" not in head
        assert sandbox.journal() == []


def test_a_slash_too_many_or_too_few_is_served(server: HttpServer) -> None:
    assert httpx.post(f"{server.url}/mcp/", headers=HEADERS, json=LIST).status_code == 200
    with httpx.stream("GET", f"{server.url}/sse/") as stream:
        assert stream.status_code == 200
        lines = stream.iter_lines()
        next(lines)
        address = next(lines).removeprefix("data: ").replace("/messages/", "/messages")
        ping = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert httpx.post(f"{server.url}{address}", json=ping).status_code == 202


async def test_below_a_root_path_the_same_rules_hold(sandbox: SandboxProcess) -> None:
    app = app_for(PostHogSettings(sandbox.url, Secret(FULL), "1", "the test"), HttpSettings(tokens=[]), ToolSelection())
    sandbox.empty_journal()
    transport = httpx.ASGITransport(app, root_path="/posthog")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost/posthog") as client,
    ):
        refused = await client.post("/mcp", headers=HEADERS | {KEY_HEADER: "phx_other"}, json=LIST)
        assert (refused.status_code, refused.json()["error"]) == (400, "not_taken")
        assert sandbox.journal() == []
        assert (await client.post("/mcp/", headers=HEADERS, json=LIST)).status_code == 200
        assert (await client.get("/healthz", headers={"Host": "any.example"})).text == "ok\n"


@pytest.mark.parametrize(
    "session_id", ["%ff", "%00", "%C3%28", "%u0000", "", "0", "0" * 32 + "0", "x" * 32, "&session_id=%ff"]
)
def test_a_session_id_that_is_not_one_is_refused(server: HttpServer, session_id: str) -> None:
    headers = ["Host: localhost", "Content-Type: application/json"]
    status, _, body = exchange(
        server, "POST", f"/messages/?session_id={session_id}", *headers, body=json.dumps(LIST).encode()
    )
    assert (status, json.loads(body)["error"]) == (400, "bad_session_id")


@contextmanager
def listening(server: HttpServer) -> Generator[tuple[str, Generator[dict[str, Any]]]]:
    """Open an SSE stream: the address to post to, and the messages that arrive."""
    with httpx.Client(timeout=30) as client, client.stream("GET", f"{server.url}/sse") as stream:
        lines = stream.iter_lines()
        next(lines)
        address = f"{server.url}{next(lines).removeprefix('data: ')}"
        yield address, (json.loads(line[6:]) for line in lines if line.startswith("data: {"))


def call(request_id: Any) -> dict[str, Any]:
    return LIST | {"id": request_id, "params": {**LIST["params"], "_meta": ENVELOPE}}


def test_an_id_in_flight_is_refused_and_only_the_end_of_a_call_frees_its_place() -> None:
    with (
        GatedUpstream() as upstream,
        serving(upstream.url, "--max-calls", "8") as server,  # 4 for one caller
        listening(server) as (address, messages),
        httpx.Client(timeout=30) as client,
    ):

        def post(message: Any) -> httpx.Response:
            return client.post(address, json=message)

        def cancel(request_id: Any) -> int:
            params = {"requestId": request_id}
            return post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).status_code

        assert post(call(1)).status_code == 202
        for _ in range(20):
            for same in (1, "1", " 1", "01"):  # the SDK reads them all as 1
                again = post(call(same))
                assert (again.status_code, again.json()["error"]["code"], again.json()["id"]) == (400, -32600, same)
        assert [post(call(number)).status_code for number in (2, 3, 4)] == [202] * 3
        for _ in range(4):
            upstream.arrived.acquire(timeout=20)
        for odd in (True, 1.0, [1], {"id": 1}, None, 99):
            assert cancel(odd) == 202
        assert post(call(5)).status_code == 429
        assert not upstream.arrived.acquire(blocking=False)
        assert cancel("1") == 202
        while (freed := post(call(6)).status_code) == 429:
            pass
        assert freed == 202
        assert post(call(7)).status_code == 429
        upstream.gate.set()
        assert sorted(next(messages)["id"] for _ in range(4)) == [2, 3, 4, 6]


@pytest.mark.parametrize("request_id", [1.0, 1.5, True, False, None, [], {}, [1], "x" * 5000])
def test_an_id_that_json_rpc_does_not_know_is_refused_on_a_stream(
    server: HttpServer, sandbox: SandboxProcess, request_id: Any
) -> None:
    with listening(server) as (address, _):
        sandbox.empty_journal()
        answer = httpx.post(address, json=call(request_id))

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
    assert sandbox.journal() == []


async def test_what_a_session_keeps_is_bounded_in_number_and_bytes() -> None:
    async def send(_message: Any) -> None:
        raise AssertionError("nothing is sent")

    calls = Slots(1000, "calls")
    session = SseSession(send, Caller("caller"), calls, HttpLimits(calls=4, sessions=4, idle=60, body=1000))
    request = Request({"type": "http", "headers": []})
    note = parsed({"jsonrpc": "2.0", "method": "notifications/initialized"})
    for _ in range(100):
        session.put(note, request, 1)
    with pytest.raises(FullError) as full:
        session.put(note, request, 1)
    assert full.value.status == 429
    for _ in range(100):
        await session.receive()
    for number in range(4):
        session.put(parsed(call(number)), request, 1000)
        await session.receive()
    with pytest.raises(FullError):
        session.put(parsed(call(4)), request, 1)
    assert calls.taken == 4
    session.close()
    assert calls.taken == 0


def parsed(message: dict[str, Any]) -> Any:
    from mcp_types import jsonrpc_message_adapter

    return jsonrpc_message_adapter.validate_python(message)


async def test_a_hung_posthog_delays_all_lists_by_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_scopes, "_TIME_LIMIT", 0.2)
    sender = Sender(anyio.sleep_forever)
    known = KeyScopes(sender)
    found = list[Any]()

    async def ask() -> None:
        found.append(await known.get())

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(ask)
        await ask()

    assert found == [None] * 13
    assert len(sender.sent) == 1


async def test_who_waits_for_another_callers_question_gets_an_answer_though_that_caller_leaves() -> None:
    gate, sender = anyio.Event(), Sender({"scopes": ["a:read"]})

    class Gated:
        async def send(self, method: str, path: str, **_: Any) -> Answered:
            answer = await sender.send(method, path)
            await gate.wait()
            return answer

    known = KeyScopes(Gated())
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            leaves = anyio.CancelScope()

            async def leave() -> None:
                with leaves:
                    await known.get()

            group.start_soon(leave)
            await anyio.wait_all_tasks_blocked()
            assert len(sender.sent) == 1
            leaves.cancel()
            gate.set()
            assert await known.get() == frozenset({"a:read"})


async def test_probes_share_one_question_to_a_hung_posthog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_TIME_LIMIT", 0.2)
    asked = list[int]()

    async def ready() -> str | None:
        asked.append(1)
        await anyio.sleep_forever()

    app = build_app(
        server_of(Sender({}), time_limit=5),
        ready=ready,
        options=HttpOptions(limits=HttpLimits(calls=4, sessions=4, idle=60)),
    )
    answers = list[httpx.Response]()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:

        async def probe(path: str) -> None:
            answers.append(await client.get(path))

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for _ in range(12):
                    group.start_soon(probe, "/readyz")
                group.start_soon(probe, "/")
            await probe("/readyz")

    assert len(asked) == 1
    assert [answer.status_code for answer in answers].count(503) == 13
    assert answers[-1].json() == {"ready": False, "problem": "PostHog did not answer within 0.2 s."}


class Host:
    """PostHog, which hangs for keys that begin with `phx_slow`, refuses `phx_bad` and is away for `phx_lost`."""

    project = "1"

    def __init__(self) -> None:
        self.asked = list[str]()
        self.waiting = self.most = 0
        self.gate = anyio.Event()

    def acting_as(self, key: SecretStr, project: str) -> Any:
        return _Way(self, key.get_secret_value())


class _Way:
    def __init__(self, host: Host, key: str) -> None:
        self._host = host
        self._key = key

    async def send(self, method: str, path: str, **_: Any) -> Answered:
        host = self._host
        host.asked.append(self._key)
        if self._key.startswith("phx_slow"):
            host.waiting += 1
            host.most = max(host.most, host.waiting)
            await host.gate.wait()
            host.waiting -= 1
        if self._key.startswith("phx_bad"):
            raise UnauthorizedError("The key is refused.", status=401)
        if self._key.startswith("phx_lost"):
            raise PostHogError("PostHog is away.", status=503)
        return Answered({"scopes": ["*"]})


async def knock(keys: CallerKeys, key: str) -> int:
    """Return the status that a request with this key gets, 200 where it is let through."""
    sent = list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await anyio.sleep_forever()

    headers = [(KEY_HEADER.lower().encode(), key.encode())]
    client = ("127.0.0.1", 4711)
    await keys({"type": "http", "method": "POST", "path": "/mcp", "headers": headers, "client": client}, receive, send)
    return sent[0]["status"]


async def passed(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_unknown_keys_are_checked_a_few_at_a_time_in_the_places_of_their_caller() -> None:
    host, calls = Host(), Slots(80, "calls")  # 40 for one caller
    keys = CallerKeys(passed, host, calls)
    statuses = list[int]()

    async def flood(number: int) -> None:
        statuses.append(await knock(keys, f"phx_slow_{number}"))

    with anyio.fail_after(30):
        assert await knock(keys, "phx_known") == 200
        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(flood, number)
            await anyio.wait_all_tasks_blocked()
            assert (host.waiting, calls.taken) == (CHECKS, 40)
            assert statuses == [429] * 60
            assert await knock(keys, "phx_known") == 200
            host.gate.set()

    assert sorted(statuses) == [200] * 40 + [429] * 60
    assert (host.most, calls.taken) == (CHECKS, 0)
    assert host.asked.count("phx_known") == 1


@pytest.mark.parametrize(("key", "status"), [("phx_slow", 200), ("phx_bad", 401), ("phx_lost", 503)])
async def test_requests_with_one_new_key_share_one_check(key: str, status: int) -> None:
    host, statuses = Host(), list[int]()
    keys = CallerKeys(passed, host, Slots(80, "calls"))
    host.gate.set()

    async def one() -> None:
        statuses.append(await knock(keys, key))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)

    assert statuses == [status] * 20
    assert host.asked == [key]


async def test_refused_keys_do_not_make_a_known_one_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "REMEMBERED", 5)
    host = Host()
    keys = CallerKeys(passed, host, Slots(80, "calls"))
    assert await knock(keys, "phx_known") == 200
    for number in range(20):
        assert await knock(keys, f"phx_bad_{number}") == 401
    assert await knock(keys, "phx_known") == 200

    assert host.asked.count("phx_known") == 1


async def test_a_key_that_is_not_checked_in_time_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_keys, "CHECK_SECONDS", 0.05)
    calls = Slots(80, "calls")
    keys = CallerKeys(passed, Host(), calls)
    assert await knock(keys, "phx_slow") == 503
    assert calls.taken == 0
