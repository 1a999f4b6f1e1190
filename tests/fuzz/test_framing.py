"""Nonsense instead of MCP, over the pipe and over HTTP: the server answers or ignores it, and goes on."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.arguments import anything, texts
from tests.fuzz.effort import effort
from tests.server.http.http_process import HEADERS, serving
from tests.server.stdio_process import INITIALIZE, GatedUpstream, list_rules, served

METHODS = [
    *("initialize", "ping", "tools/list", "tools/call", "prompts/get", "prompts/list", "resources/read"),
    *("resources/list", "resources/templates/list", "completion/complete", "logging/setLevel", "server/discover"),
    *("notifications/initialized", "notifications/cancelled", "notifications/progress", "resources/subscribe", ""),
]


def as_json(value: Any) -> bytes:
    """A message as a careless client writes it: with NaN, with half characters escaped."""
    return json.dumps(value).encode()


params = st.one_of(
    anything,
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.one_of(texts, st.just("error-tracking-assignment-rules-list"), st.just("triage")),
            "arguments": anything,
            "uri": st.one_of(texts, st.just("posthog://issues/x")),
            "cursor": anything,
            "_meta": anything,
            "requestId": anything,
            "ref": anything,
            "argument": anything,
            "protocolVersion": texts,
            "capabilities": anything,
        },
    ),
)
messages = st.fixed_dictionaries(
    {"jsonrpc": st.one_of(st.just("2.0"), texts), "method": st.one_of(st.sampled_from(METHODS), texts)},
    optional={"id": st.one_of(st.integers(), texts, anything), "params": params, "result": anything, "error": anything},
)
lines = st.one_of(
    messages.map(as_json),
    anything.map(as_json),
    st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ")),
    st.sampled_from(
        [b"", b"\xff\xfe", b"\x00", b"[]", b"{}", b"[" * 5000, b'{"jsonrpc":"2.0"', b"\xef\xbb\xbf{}", b"1e999"]
    ),
    messages.map(as_json).map(lambda raw: raw[: len(raw) // 2]),
    st.lists(messages, max_size=3).map(as_json),
)


def is_ours(line: bytes) -> bool:
    """True if a line that the server wrote is a JSON-RPC message."""
    return json.loads(line)["jsonrpc"] == "2.0"


def test_a_server_on_pipes_outlives_nonsense() -> None:
    with GatedUpstream() as upstream, served("--log-level", "debug", upstream=upstream.url) as server:
        upstream.gate.set()
        server.open()
        sent = [0]

        @effort(100)
        @given(lines)
        def goes_on(line: bytes) -> None:
            sent[0] += 1
            marker = f"alive {sent[0]}"
            server.send(line, {"jsonrpc": "2.0", "id": marker, "method": "ping"})
            while True:
                assert server.process.stdout
                said = server.process.stdout.readline()
                assert said, "it ended"
                assert is_ours(said)
                if json.loads(said).get("id") == marker:
                    return

        goes_on()
        server.send(list_rules(7))
        answer = server.receive()
        while answer.get("id") != 7:
            answer = server.receive()
        out, err, code = server.finish()

    assert "0 of 0" in answer["result"]["content"][0]["text"]
    assert all(is_ours(line) for line in out.splitlines())
    assert code == 0
    check_log(err)


def check_log(log: bytes) -> None:
    """No stack trace, and one line an entry."""
    assert b"Traceback" not in log, log.decode(errors="replace")[-3000:]
    strange = [line for line in log.decode().splitlines() if not line.startswith("mcp-errortracking: ")]
    assert [line for line in strange if line.strip()] == []


def test_a_server_over_http_outlives_nonsense() -> None:
    with GatedUpstream() as upstream, serving(upstream.url, "--log-level", "debug") as server:
        upstream.gate.set()
        with httpx.Client(base_url=server.url, timeout=20) as client:

            @effort(60)
            @given(lines, st.sampled_from(["/mcp", "/mcp", "/messages/?session_id=x"]))
            def goes_on(body: bytes, path: str) -> None:
                answer = client.post(path, content=body, headers=HEADERS | {"Content-Type": "application/json"})
                assert answer.status_code < 500, answer.text
                assert "Traceback" not in answer.text

            goes_on()
            alive = client.post("/mcp", json=INITIALIZE, headers=HEADERS)
            listed = client.post("/mcp", json=list_rules(7), headers=HEADERS)
        log = server.end(15)

    assert alive.status_code == 200
    assert "0 of 0" in listed.text
    entries = log.partition("MCP at ")[2].partition("\n")[2]
    check_log(entries.encode())


HEADER_LINES = [
    b"",
    b"GET",
    b"GET / HTTP/9.9",
    b"POST /mcp HTTP/1.1\r\nContent-Length: -1",
    b"POST /mcp HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6",
    b"POST /mcp HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /\x00 HTTP/1.1",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1",
]


@pytest.mark.parametrize("start", HEADER_LINES, ids=range(len(HEADER_LINES)))
def test_what_is_no_http_ends_its_connection_and_nothing_else(start: bytes, http_server: Any) -> None:
    import socket

    host, port = http_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(start + b"\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        try:
            answer = raw.recv(65536)
        except ConnectionResetError:
            answer = b""
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2")), answer
    assert httpx.get(f"{http_server.url}/healthz").status_code == 200


@pytest.fixture(scope="module")
def http_server() -> Any:
    with serving("http://127.0.0.1:9") as server:
        yield server
        assert "Traceback" not in server.end(15)
