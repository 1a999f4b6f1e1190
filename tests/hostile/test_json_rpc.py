"""JSON-RPC messages of every form over stdio and HTTP: each gets the one proper answer, and the server goes on."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import httpx
import pytest
from mcp import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.server import prompts, stdio
from mcp_errortracking.server.id_scan import SCANNED, find_id
from mcp_errortracking.server.json_rpc import MAX_BYTES, MAX_ID, MAX_PARTS, MessageError, parse_message
from mcp_errortracking.server.observe import CallRecord
from mcp_errortracking.server.stdio import MessageReader, MessageWriter, WriteFlow
from mcp_errortracking.server.toolbox import EVERY_TOOL
from tests.calls import server_of
from tests.hostile.steps import count_steps
from tests.server.http.http_process import HEADERS
from tests.server.mcp_client import ERAS
from tests.server.stdio_process import GatedUpstream, StdioProcess, list_rules, served
from tests.server.test_calls import Sender
from tests.server.test_lists import client_on

pytestmark = pytest.mark.anyio

WRONG_IDS = [
    "1.0",
    "1.5",
    "-0.0",
    "1e3",
    "1e999",
    "null",
    "true",
    "false",
    "[]",
    "[1]",
    "{}",
    '{"id": 1}',
    f'"{"x" * 1001}"',
]
METHODS = ["ping", "tools/list", "tools/call", "no/such", "notifications/cancelled"]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
UNKNOWN_VERSIONS = [
    "2099-01-01",
    "1.0",
    "",
    "2026-07-28x",
    "\u0662\u0660\u0662\u0666",
    "x" * 5000,
    "phx_0123456789abcdef",
]


def request(request_id: str, method: str, **params: Any) -> bytes:
    """A request whose id is written as given."""
    rest = json.dumps({"jsonrpc": "2.0", "method": method, "params": params})
    return f'{{"id": {request_id}, {rest[1:]}'.encode()


def answer_to_nobody(answer: dict[str, Any]) -> None:
    assert (answer["jsonrpc"], answer["id"], answer["error"]["code"]) == ("2.0", None, -32600)
    assert (
        answer["error"]["message"] == "Invalid request: id must be an integer, or a string of at most 1000 characters."
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("request_id", WRONG_IDS)
def test_a_wrong_id_is_refused(request_id: str, method: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(request(request_id, method))
    answer_to_nobody(caught.value.answer)


@pytest.mark.parametrize("request_id", ["0", "-1", "9" * 4000, '""', '"1"', '"1.0"', f'"{"x" * MAX_ID}"', '"\\u00e9"'])
def test_a_right_id_is_taken(request_id: str) -> None:
    message = parse_message(request(request_id, "ping"))

    assert isinstance(message, JSONRPCRequest)
    assert message.id == json.loads(request_id)


def test_a_message_without_an_id_is_a_notification() -> None:
    assert isinstance(parse_message(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'), JSONRPCNotification)


@pytest.mark.parametrize(
    ("text", "code", "request_id"),
    [
        (b"", -32700, None),
        (b"{", -32700, None),
        (b"\xff\xfe{}", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b'{"id": 1, "method": "\\ud800"}', -32700, 1),
        (b'{"id": ' + b"9" * 5000 + b"}", -32700, None),
        (b"[]", -32600, None),
        (b"3", -32600, None),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, None),
        (b'{"jsonrpc": "1.0", "id": 5, "method": "ping"}', -32600, 5),
        (b'{"jsonrpc": "2.0", "id": "a", "method": 1}', -32600, "a"),
        (b'{"jsonrpc": "2.0", "id": 5, "method": "ping", "params": []}', -32600, 5),
        (b'{"jsonrpc": "2.0", "id": true, "result": {}}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": [' + b"[]," * MAX_PARTS + b"1]}}", -32600, 1),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"a": "' + b"x" * MAX_BYTES + b'"}}', -32600, 1),
    ],
)
def test_what_is_no_message_is_refused(text: bytes, code: int, request_id: Any) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(text)

    assert (caught.value.code, caught.value.answer["id"]) == (code, request_id)


def test_over_stdio_every_request_with_a_wrong_id_is_answered() -> None:
    with served() as server:
        server.open()
        sent = [request(request_id, method) for request_id in WRONG_IDS for method in METHODS]
        for line in sent:
            server.send(line)
            answer_to_nobody(server.receive())
        server.send({"jsonrpc": "2.0", "id": 8, "method": "ping"})

        assert server.receive() == {"jsonrpc": "2.0", "id": 8, "result": {}}


def test_over_stdio_a_repeated_id_is_refused_and_the_first_request_goes_on() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(7))
        assert upstream.arrived.acquire(timeout=20)
        for again in (b"7", b'"7"', b'"+7"', b'" 7 "'):  # all of them one id to the SDK
            server.send(request(again.decode(), "ping"))
            refusal = server.receive()
            assert (refusal["id"], refusal["error"]["code"]) == (None, -32600)
            assert "in flight" in refusal["error"]["message"]
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": True}}
        server.send(cancelled)  # which Python takes for 1, and is not an id
        upstream.gate.set()
        assert server.receive()["result"]["structuredContent"]["count"] == 0
        server.send(list_rules(7))

        assert server.receive()["id"] == 7


LARGE = {
    "bytes": b'["' + b"x" * MAX_BYTES + b'"]',
    "values": b"[" + b"[]," * MAX_PARTS + b"1]",
    "half a surrogate": b'["\\ud800"]',
    "depth": b"[" * 90_000 + b"]" * 90_000,
}
"""Values of `params` with which a message is refused before it is parsed."""
PLACES = {
    "first": b'{"jsonrpc":"2.0","id":%b,"method":"ping","params":{"a":%b}}',
    "last": b'{"method":"ping", "params":{"id":5,"a":%b} ,"jsonrpc":"2.0", "id" : %b }\r',
    "before the last": b'{"params":{"a":%b},\t"id":%b, "method":"a \\"quoted\\" method, \\u00e9" , "jsonrpc":"2.0"}',
    "twice": b'{"id": "no", "params":{"a":%b},"id":%b,"method":"ping"}',
}


def large(place: str, reason: str, request_id: bytes) -> bytes:
    parts = (LARGE[reason], request_id)
    return PLACES[place] % (parts[::-1] if place == "first" else parts)


@pytest.mark.parametrize("reason", LARGE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("request_id", ["7", "-1", '"a"', '"a, \\"id\\": 3}"', '"\\u00e9\\\\"', f'"{"x" * MAX_ID}"'])
def test_the_id_of_a_message_that_is_not_parsed_is_found(place: str, reason: str, request_id: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(large(place, reason, request_id.encode()))

    assert caught.value.answer["id"] == json.loads(request_id)


@pytest.mark.parametrize("reason", LARGE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("request_id", ["null", "1.5", "true", '"\\ud800"', f'"{"x" * (MAX_ID + 1)}"', "x"])
def test_what_is_no_id_is_not_taken_for_one(place: str, reason: str, request_id: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(large(place, reason, request_id.encode()))

    assert caught.value.answer["id"] is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"method":"notifications/x","params":{"id":1,"a":%b}}',
        b'{"method":"notifications/x","params":{"a":%b,"id":1}}',
        b'{"method":"notifications/x","params":{"a":%b,"b":{"id":1}},"b":"\\",\\"id\\":1"}',
        b'{"method":"x","params":{"a":%b},"note":",\\"id\\":1}"}',
        b'{"id":1,"result":{"a":%b}}',
        b'{"jsonrpc":"2.0","error":{"a":%b},"id":1}',
        b'[{"id":1,"method":"x","params":{"a":%b}}]',
        b'{"\\u0072esult":{"a":%b},"id":1}',
        b'{"id":1,"extra":[],"result":{"a":%b}}',
    ],
)
def test_an_id_of_another_object_is_not_that_of_the_message(text: bytes) -> None:
    for value in LARGE.values():
        with pytest.raises(MessageError) as caught:
            parse_message(text % value)
        assert caught.value.answer["id"] is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"\\u0069d":7,"method":"x","params":{"a":%b}}',
        b'{"id":1,"i\\u0064":7,"method":"x","params":{"a":%b}}',
        b'{"method":"x","params":{"a":%b},"\\u0069\\u0064":7}',
        b'{"id":1,"method":"x","params":{"a":%b},"\\u0069d":7}',
        b'{"id":1,"method":"x","meta":{"id":2,"b":["}"]},"id":7,"params":{"a":%b}}',
    ],
)
def test_an_id_of_any_spelling_and_the_last_of_several_is_that_of_the_message(text: bytes) -> None:
    for value in LARGE.values():
        with pytest.raises(MessageError) as caught:
            parse_message(text % value)
        assert caught.value.answer["id"] == 7


@pytest.mark.parametrize(("beginning", "expected"), [(b"", None), (b'"id":1,', 1)])
def test_an_id_in_an_object_that_is_cut_off_is_not_that_of_the_message(beginning: bytes, expected: int | None) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(b'{%b"method":"x","params":{"a":"}","id":2}' % beginning)

    assert (caught.value.code, caught.value.answer["id"]) == (-32700, expected)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_in_json_is_refused(number: bytes) -> None:
    text = b'{"jsonrpc":"2.0","id":3,"method":"ping","params":{"a":%b,"text":"NaN"}}'
    parse_message(text % b"1")
    with pytest.raises(MessageError) as caught:
        parse_message(text % number)

    assert (caught.value.code, caught.value.answer["id"]) == (-32700, 3)


@pytest.mark.parametrize(
    "piece",
    [
        b',"id":1',
        b'"a":[',
        b'"a":[],',
        b',"id":"',
        b'"',
        b"\\",
        b",",
        b" ",
        b'{"id":1',
        b'"a":1,',
        b'"a' + b"\\" * 9,
        b"\xff",
    ],
)
def test_the_search_for_an_id_reads_a_bounded_part(piece: bytes) -> None:
    text = b"{" + piece * (2 * SCANNED // len(piece)) + b"}"
    longer = text[:-1] + piece * SCANNED + b"}"

    assert find_id(longer, longer) == find_id(text, text)
    assert count_steps(lambda: find_id(longer, longer)) == count_steps(lambda: find_id(text, text)) < 20 * SCANNED


@pytest.mark.parametrize("reason", LARGE)
def test_over_stdio_a_message_too_large_is_refused_and_the_next_is_answered(reason: str) -> None:
    with served() as server:
        server.open()
        for place in PLACES:
            server.send(large(place, reason, b'"big"'))
            refusal = server.receive()
            code = -32600 if reason in ("bytes", "values") else -32700
            assert (refusal["id"], refusal["error"]["code"]) == ("big", code)
        server.send({"jsonrpc": "2.0", "id": 2, "method": "ping"})

        assert server.receive() == {"jsonrpc": "2.0", "id": 2, "result": {}}


def test_over_stdio_a_message_too_large_with_an_id_in_flight_leaves_that_request_its_answer() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(7))
        assert upstream.arrived.acquire(timeout=20)
        server.send(large("first", "values", b'"7"'))
        refusal = server.receive()
        upstream.gate.set()

        assert (refusal["id"], refusal["error"]["code"]) == (None, -32600)
        assert server.receive()["result"]["structuredContent"]["count"] == 0


def test_over_stdio_an_unknown_version_is_answered_with_those_supported() -> None:
    with served() as server:
        for number, version in enumerate(UNKNOWN_VERSIONS):
            meta = META | {"io.modelcontextprotocol/protocolVersion": version}
            server.send({"jsonrpc": "2.0", "id": number, "method": "tools/list", "params": {"_meta": meta}})
            named_versions(server.receive(), number)
        server.open()


def named_versions(answer: dict[str, Any], request_id: Any) -> None:
    error = answer["error"]
    assert (answer["id"], error["code"]) == (request_id, -32022)
    for version in (*HANDSHAKE_PROTOCOL_VERSIONS, *MODERN_PROTOCOL_VERSIONS):
        assert version in error["message"]
    assert error["data"]["supported"] == list(MODERN_PROTOCOL_VERSIONS)
    assert "_meta" not in error["message"]
    assert "phx_" not in json.dumps(error)
    assert len(json.dumps(error)) < 700


def ended(server: StdioProcess) -> int:
    return server.process.wait(30)


def test_a_server_whose_stdout_was_closed_ends_and_drops_its_calls() -> None:
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(list_rules(1), list_rules(2))
        for _ in range(2):
            assert upstream.arrived.acquire(timeout=20)
        assert server.process.stdout
        server.process.stdout.close()

        assert ended(server) == 0  # while stdin is open
        for _ in range(2):
            assert upstream.abandoned.acquire(timeout=20)
        assert not upstream.arrived.acquire(blocking=False)
        assert server.process.stderr
        assert b"Traceback" not in server.process.stderr.read()


def test_an_idle_server_ends_when_its_stdout_is_closed() -> None:
    with served() as server:
        server.open()
        assert server.process.stdout
        server.process.stdout.close()

        assert ended(server) == 0


def test_a_signal_under_load_leaves_no_call_without_an_answer() -> None:
    calls = 24
    with GatedUpstream() as upstream, served(upstream=upstream.url) as server:
        server.open()
        server.send(*(list_rules(number) for number in range(calls)))
        assert upstream.arrived.acquire(timeout=20)
        server.send({"jsonrpc": "2.0", "id": "read", "method": "ping"})
        assert server.receive()["id"] == "read"  # so all before it were read
        server.process.send_signal(signal.SIGTERM)
        upstream.gate.set()

        answers = [server.receive() for _ in range(calls)]
        rest, log, code = server.wait()

    assert sorted(answer["id"] for answer in answers) == list(range(calls))
    assert all("result" in answer for answer in answers)
    assert (rest, code) == (b"", 0)
    assert b"Traceback" not in log


class Pipes:
    """A reader and a writer on pipes of this process; `wire` is the client's end of stdin, `lines` what it gets."""

    def __init__(self) -> None:
        (read_in, self.wire), (self.out, write_out) = os.pipe(), os.pipe()
        self._ends = read_in, write_out

    async def open(self) -> tuple[MessageReader, MessageWriter]:
        loop = asyncio.get_running_loop()
        buffer = asyncio.StreamReader(limit=MAX_BYTES)
        read_in, write_out = self._ends
        source, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(buffer), os.fdopen(read_in, "rb", 0)
        )
        transport, flow = await loop.connect_write_pipe(WriteFlow, os.fdopen(write_out, "wb", 0))
        self.writer = MessageWriter(transport, flow)
        self.reader = MessageReader(source, buffer, self.writer)
        self._transport = transport
        return self.reader, self.writer

    def lines(self) -> list[dict[str, Any]]:
        """Return the output so far: a pipe takes output this short at once."""
        os.set_blocking(self.out, False)
        written = os.read(self.out, 65536)
        self._transport.close()
        os.close(self.wire)
        os.close(self.out)
        return [json.loads(line) for line in written.splitlines()]


async def test_a_request_read_after_a_signal_is_answered_as_not_done() -> None:
    pipes = Pipes()
    reader, _ = await pipes.open()
    os.write(
        pipes.wire, request("1", "ping") + b"\n" + request('"b"', "ping") + b"\n" + request("null", "ping") + b"\n"
    )
    assert isinstance((await reader.receive()).message, JSONRPCRequest)
    pipes.writer.settle(1)
    reader.stop()  # two lines are in the buffer

    with pytest.raises(anyio.EndOfStream):
        await reader.receive()

    stopped, invalid = pipes.lines()
    assert (stopped["id"], stopped["error"]["code"]) == ("b", -32000)
    assert stopped["error"]["message"] == "The server is stopping; nothing was done."
    answer_to_nobody(invalid)


async def test_a_call_cut_off_at_the_end_gets_one_answer_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "DRAIN_SECONDS", 0)
    pipes = Pipes()
    reader, writer = await pipes.open()
    os.write(pipes.wire, request('"07"', "tools/call") + b"\n")
    await reader.receive()
    reader.stop()

    with pytest.raises(anyio.EndOfStream):
        await reader.receive()
    await writer.send(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id="07", result={})))

    [answer] = pipes.lines()
    assert (answer["id"], answer["error"]["code"]) == ("07", -32000)
    assert "may have been applied" in answer["error"]["message"]


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    app = app_for(
        PostHogSettings("http://127.0.0.1:9", Secret("phx_own"), "1", "the test"),
        HttpSettings(tokens=[]),
        ToolSelection(),
    )
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        client.headers = httpx.Headers(HEADERS | {"Host": "localhost", "Content-Type": "application/json"})
        yield client


def modern(method: str) -> dict[str, str]:
    return {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}


async def test_over_http_every_request_with_a_wrong_id_is_answered(http: httpx.AsyncClient) -> None:
    for request_id in WRONG_IDS:
        for method in METHODS:
            for headers in ({}, modern(method)):
                answer = await http.post("/mcp", content=request(request_id, method, _meta=META), headers=headers)
                assert answer.status_code == 400
                answer_to_nobody(answer.json())


async def test_over_http_an_unknown_version_is_answered_with_those_supported(http: httpx.AsyncClient) -> None:
    body = request("1", "tools/list")
    for version in UNKNOWN_VERSIONS:
        meta = META | {"io.modelcontextprotocol/protocolVersion": version}
        message = request("1", "tools/list", _meta=meta)
        named = await http.post("/mcp", content=message, headers={"MCP-Protocol-Version": ""})
        assert named.status_code == 400
        named_versions(named.json(), 1)
        other_header = await http.post("/mcp", content=message, headers=modern("tools/list"))
        assert (other_header.status_code, other_header.json()["error"]["code"]) == (400, -32020)
        if version.isascii() and version:
            in_header = await http.post("/mcp", content=body, headers={"MCP-Protocol-Version": version})
            assert in_header.status_code == 400
            named_versions(in_header.json(), None)
    for version in (*HANDSHAKE_PROTOCOL_VERSIONS, "2025-11-25 "):
        answer = await http.post("/mcp", content=body, headers={"MCP-Protocol-Version": version})
        assert answer.status_code != 400 or answer.json()["error"]["code"] != -32022


async def test_over_http_a_message_with_too_many_values_is_not_parsed(http: httpx.AsyncClient) -> None:
    for opening in (b"[],", b"1,", b'{"a":1},', b'"a",'):
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[' + opening * (MAX_PARTS + 1) + b"1]}}"
        for headers in ({}, modern("ping")):
            answer = await http.post("/mcp", content=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
            assert f"more than {MAX_PARTS} values" in answer.json()["error"]["message"]


@pytest.mark.parametrize("place", PLACES)
async def test_over_http_a_message_that_is_not_parsed_is_answered_with_its_id(
    place: str, http: httpx.AsyncClient
) -> None:
    for reason in ("values", "half a surrogate"):
        for headers in ({}, modern("ping")):
            answer = await http.post("/mcp", content=large(place, reason, b'"big"'), headers=headers)
            assert (answer.status_code, answer.json()["id"]) == (400, "big")


KEY = f"phx_{'0123456789' * 3}"
HOSTILE_NAMES = ["x" * 100_000, KEY, f"tools/{KEY}", f"{'x' * 90}{KEY}", "a\nNote: b", "\u202ea"]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_an_unknown_method_is_repeated_in_part_and_without_a_key(name: str) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(request("1", name))
    answer = caught.value.answer
    text = json.dumps(answer)

    assert (answer["id"], answer["error"]["code"], answer["error"]["message"]) == (1, -32601, "Method not found")
    assert len(text) < 300
    assert not any(part in text for part in ("0123456789", "\\n", "\\u202e"))


async def test_over_http_no_error_repeats_a_key_or_a_long_name(http: httpx.AsyncClient) -> None:
    for name in (HOSTILE_NAMES[0], KEY):
        for body in (
            request("1", name, _meta=META),
            request("1", "tools/call", name=name, _meta=META),
            request("1", "tools/call", name=[name], _meta=META),
            request("1", "prompts/get", name=name, _meta=META),
            request("1", "resources/read", uri=f"posthog://{name}", _meta=META),
            request("1", "resources/subscribe", uri=name, _meta=META),
            request("1", "logging/setLevel", level=name, _meta=META),
            request("1", "tools/list", cursor=name, _meta=META),
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": name}).encode(),
            json.dumps({"jsonrpc": name, "id": 1, "method": "ping"}).encode(),
            json.dumps([name]).encode(),
        ):
            method = json.loads(body)["method"] if body.startswith(b"{") else "ping"
            for headers in ({}, modern(method) | {"Mcp-Name": name}):
                answer = await http.post("/mcp", content=body, headers=headers)
                assert "error" in answer.json()
                assert KEY not in answer.text
                assert len(answer.content) < 1000


async def test_over_http_another_host_is_refused_whatever_the_message_is(http: httpx.AsyncClient) -> None:
    answer = await http.post("/mcp", content=request("null", "ping"), headers={"Host": "evil.example"})

    assert answer.status_code == 421


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
async def test_a_method_that_fails_is_answered_and_logged_in_one_line(
    era: str, level: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret internals")

    monkeypatch.setattr(prompts.Prompts, "get", fail)
    caplog.set_level(level, "mcp_errortracking")
    async with client_on(Sender({}), era, toolbox=EVERY_TOOL) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt("triage")
        assert len((await client.list_prompts()).prompts) == 6

    assert caught.value.code == INTERNAL_ERROR
    assert caught.value.message.startswith("prompts/get failed inside mcp_errortracking; this is a bug in it.")
    [record] = [record for record in caplog.records if record.levelno >= logging.INFO]
    assert record.getMessage().startswith("prompts/get failed: ZeroDivisionError at test_json_rpc.py:")
    assert "secret internals" not in record.getMessage()
    assert bool(record.exc_info) == (level == logging.DEBUG)


@pytest.mark.parametrize("request_id", ["phx_0123456789abcdef", "x" * 900])
async def test_a_request_id_is_logged_without_a_key_and_cut(request_id: str) -> None:
    records, observed = list[CallRecord](), anyio.Event()

    def observe(record: CallRecord) -> None:
        records.append(record)
        observed.set()

    pipes = Pipes()
    reader, writer = await pipes.open()
    server = server_of(Sender({"results": []}), time_limit=5, toolbox=EVERY_TOOL, observe=observe)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.run, reader, writer, server.create_initialization_options())
        call = {"name": "error-tracking-assignment-rules-list", "arguments": {}, "_meta": META}
        os.write(pipes.wire, request(json.dumps(request_id), "tools/call", **call) + b"\n")
        await observed.wait()
        reader.stop()

    logged = records[0].request_id or ""
    assert "0123456789" not in logged
    assert 0 < len(logged) <= 64
    assert [answer["id"] for answer in pipes.lines()] == [request_id]
