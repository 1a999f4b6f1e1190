"""Calls in the forms that clients send beside the specification, on real transports."""

import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.sandbox_process import FULL, SandboxProcess
from tests.server.http.http_process import LIST, HttpServer, serving
from tests.server.stdio_process import served

TOOL = "error-tracking-assignment-rules-list"
FUTURE = "2027-01-01"
AS_TEXT = ['{"limit": 1}', ' {"limit": 1, "toolCallId": "call_1"} ', "{}", "", "null"]
NO_OBJECT = ["[1]", "7", "{limit: 1}", '"{}"']


@pytest.fixture(scope="module")
def server() -> Generator[HttpServer]:
    with SandboxProcess() as sandbox, serving(sandbox.url) as running:
        yield running


def posted(server: HttpServer, message: Any, **headers: str) -> httpx.Response:
    """Return the answer to a message that is sent with these headers and no `Accept` of its own."""
    with httpx.Client(trust_env=False) as client:
        request = client.build_request("POST", f"{server.url}/mcp", json=message, headers=headers)
        if "accept" not in headers:
            del request.headers["accept"]
        return client.send(request)


def call_with(arguments: Any, request_id: Any = 1) -> dict[str, Any]:
    params = {"name": TOOL, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


@pytest.mark.parametrize("headers", [{}, {"accept": ""}, {"accept": "*/*"}, {"accept": "application/json"}])
def test_no_accept_header_means_any_type(server: HttpServer, headers: dict[str, str]) -> None:
    answer = posted(server, LIST, **headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["result"]["isError"] is False


def test_an_accept_header_of_another_type_is_refused(server: HttpServer) -> None:
    assert posted(server, LIST, accept="text/html").status_code == 406


@pytest.mark.parametrize("text", AS_TEXT)
def test_arguments_as_one_text_are_read_over_http(server: HttpServer, text: str) -> None:
    result = posted(server, call_with(text)).json()["result"]

    assert result["isError"] is False, result


def test_a_wrong_argument_in_a_text_is_explained(server: HttpServer) -> None:
    result = posted(server, call_with('{"limits": 1}')).json()["result"]

    assert result["isError"] is True
    assert "limits: unknown argument; did you mean limit?" in result["content"][0]["text"]


@pytest.mark.parametrize("text", NO_OBJECT)
def test_a_text_that_is_no_object_is_refused(server: HttpServer, text: str) -> None:
    assert posted(server, call_with(text)).json()["error"]["code"] == -32602


@pytest.mark.parametrize("request_id", [1.5, 1.0, None, True, [1], {"a": 1}])
def test_an_id_that_is_not_one_is_answered_over_http(server: HttpServer, request_id: Any) -> None:
    answer = posted(server, call_with({}, request_id))

    assert (answer.status_code, answer.json()["id"], answer.json()["error"]["code"]) == (400, None, -32600)


def test_a_version_of_the_future_is_negotiated_or_refused_by_name(server: HttpServer) -> None:
    client = {"protocolVersion": FUTURE, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}

    assert posted(server, hello).json()["result"]["protocolVersion"] == "2025-11-25"
    refused = posted(server, LIST, **{"MCP-Protocol-Version": FUTURE})
    assert refused.status_code == 400
    assert FUTURE in refused.json()["error"]["message"]
    assert refused.json()["error"]["data"]["supported"] == ["2026-07-28"]


def test_a_host_that_is_not_allowed_is_refused_with_what_to_do(server: HttpServer) -> None:
    refused = posted(server, LIST, host="mcp.acme.example")

    assert (refused.status_code, refused.json()["error"]) == (421, "unknown_host")
    assert "--allowed-host mcp.acme.example" in refused.json()["detail"]


def test_the_same_forms_over_stdio() -> None:
    with SandboxProcess() as sandbox, served(upstream=sandbox.url, key=FULL) as server:
        server.open()
        for number, text in enumerate(AS_TEXT, 10):
            server.send(call_with(text, number))
            assert server.receive()["result"]["isError"] is False, text
        server.send(call_with(NO_OBJECT[0], 20))
        assert server.receive()["error"]["code"] == -32602
        for request_id in (1.5, None, True):
            server.send(json.dumps(call_with({}, request_id)).encode())
            answer = server.receive()
            assert (answer["id"], answer["error"]["code"]) == (None, -32600), request_id
