"""MCP over HTTP and SSE: the SDK's own client on a real process, who is let in, and how it ends."""

import signal
import threading
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.sandbox_process import FULL, SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, TOKEN, HttpServer, client_of, serving
from tests.server.mcp_client import ask
from tests.server.stdio_process import GatedUpstream

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess) -> Generator[HttpServer]:
    with serving(sandbox.url) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(sandbox: SandboxProcess) -> Generator[HttpServer]:
    """A server that asks for a token; two are known, so that they can be rotated."""
    with serving(sandbox.url, MCP_SERVER_TOKEN=f"{TOKEN}, another-{TOKEN}") as running:
        yield running


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_callers_with_a_token_are_let_in(guarded: HttpServer, transport: str) -> None:
    for token in (TOKEN, f"another-{TOKEN}"):
        async with client_of(guarded.url, transport, "legacy", token) as client:
            assert (await ask(client, "fingerprints-list", limit=1))["count"] == 32


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/?session_id=0", "/"])
@pytest.mark.parametrize(
    ("authorization", "says"),
    [
        (None, "asks for its own token"),
        ("Bearer wrong", "This is not a token of this server. This server asks for its own token"),
        (f"Basic {TOKEN}", "asks for its own token"),
        (f"Bearer {TOKEN}x", "asks for its own token"),
        (f"Bearer {FULL}", "That is a PostHog key, and MCP forbids passing"),
    ],
)
def test_others_are_not(
    guarded: HttpServer, sandbox: SandboxProcess, path: str, authorization: str | None, says: str
) -> None:
    sandbox.empty_journal()
    headers = HEADERS | ({"Authorization": authorization} if authorization else {})

    answer = httpx.request("GET" if path == "/sse" else "POST", f"{guarded.url}{path}", headers=headers, json=LIST)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert says in answer.json()["detail"]
    assert sandbox.journal() == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/mcp", {"Host": "evil.example"}, LIST, 421),
        ("GET", "/sse", {"Host": "evil.example"}, None, 421),
        ("POST", "/mcp", {"Origin": "https://evil.example"}, LIST, 403),
        ("GET", "/sse", {"Origin": "https://evil.example"}, None, 403),
        ("POST", "/messages/?session_id=00000000000000000000000000000000", {}, LIST, 404),
        ("POST", "/messages/?session_id=x", {}, LIST, 400),
        ("POST", "/messages/", {}, LIST, 400),
        ("POST", "/mcp", {"Content-Type": "text/plain"}, b"x", 415),
        ("POST", "/mcp", {"Content-Type": "application/json"}, b"{", 400),
        ("POST", "/mcp", {"Content-Type": "application/json"}, b" " * (5 << 20), 413),
        ("PUT", "/mcp", {}, LIST, 405),
        ("GET", "/mcp", {}, None, 405),
        ("GET", "/mcp", {"Host": "evil.example"}, None, 421),
        ("GET", "/mcp", {"Origin": "https://evil.example"}, None, 403),
        ("POST", "/sse", {}, LIST, 405),
        ("GET", "/nothing", {}, None, 404),
        ("DELETE", "/mcp", {"MCP-Session-Id": "never-was"}, None, 405),
    ],
)
def test_requests_that_make_no_sense_reach_nobody(
    server: HttpServer,
    sandbox: SandboxProcess,
    method: str,
    path: str,
    headers: dict[str, str],
    body: Any,
    status: int,
) -> None:
    sandbox.empty_journal()
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}

    answer = httpx.request(method, f"{server.url}{path}", headers=HEADERS | headers, **sent)

    assert answer.status_code == status
    assert b"Traceback" not in answer.content
    assert sandbox.journal() == []


def test_alive_and_ready(server: HttpServer, guarded: HttpServer) -> None:
    for url in (server.url, guarded.url):
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        ready = httpx.get(f"{url}/readyz")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "problem": None})
    with serving("http://127.0.0.1:9") as lost:
        assert httpx.get(f"{lost.url}/healthz").status_code == 200
        ready = httpx.get(f"{lost.url}/readyz")
        assert ready.status_code == 503
        assert ready.json()["problem"].startswith("No connection to http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/readyz", {"Host": "evil.example"}, 421),
        ("/readyz", {"Host": "evil.example:8780"}, 421),
        ("/readyz", {"Host": "10.0.0.7.evil.example"}, 421),
        ("/readyz", {"Host": "10.0.0.7:8780", "Origin": "https://evil.example"}, 403),
        ("/readyz", {"Host": "10.0.0.7:8780"}, 200),
        ("/readyz", {"Host": "[fd00::7]:8780"}, 200),
        ("/readyz", {"Host": "fd00::7"}, 421),
        ("/healthz", {"Host": "evil.example"}, 200),
    ],
)
def test_probes_come_by_address_and_no_web_page_by_its_name(
    server: HttpServer, path: str, headers: dict[str, str], status: int
) -> None:
    assert httpx.get(f"{server.url}{path}", headers=headers).status_code == status


async def test_sse_alone(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--transport", "sse") as server:
        async with client_of(server.url, "sse", "legacy") as client:
            assert (await ask(client, "assignment-rules-list"))["count"] == 4
        async with httpx.AsyncClient() as http:
            assert (await http.post(f"{server.url}/mcp", headers=HEADERS, json=LIST)).status_code == 404


@pytest.mark.parametrize(("options", "warns"), [([], 1), (["--allowed-host", "mcp.example"], 0)])
def test_who_opens_it_to_a_network_is_told_that_names_must_be_allowed(
    sandbox: SandboxProcess, options: list[str], warns: int
) -> None:
    with serving(sandbox.url, "--bind", "0.0.0.0", *options, MCP_SERVER_TOKEN=TOKEN) as server:
        assert server.log.count("WARNING: requests with a Host other than localhost get 421") == warns
    assert server.log.count("--allowed-host") == warns


def test_another_name_is_served_if_it_is_allowed(sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--allowed-host", "mcp.example") as server:
        headers = HEADERS | {"Host": "mcp.example"}
        answer = httpx.post(f"{server.url}/mcp", headers=headers, json=LIST)

    assert answer.json()["result"]["structuredContent"]["count"] == 4


def test_calls_in_flight_finish_after_sigterm_and_it_ends_with_0() -> None:
    answers = list[httpx.Response]()
    with GatedUpstream() as upstream, serving(upstream.url) as server, httpx.Client(timeout=30) as http:
        caller = threading.Thread(
            target=lambda: answers.append(http.post(f"{server.url}/mcp", headers=HEADERS, json=LIST))
        )
        with http.stream("GET", f"{server.url}/sse") as stream:
            assert stream.status_code == 200
            caller.start()
            upstream.arrived.acquire(timeout=20)
            server.process.send_signal(signal.SIGTERM)
            upstream.gate.set()
            caller.join(30)
        assert server.process.stderr
        log = server.process.stderr.read()
        assert server.process.wait(20) == 0

    assert answers[0].json()["result"]["isError"] is False
    assert "Traceback" not in log
