"""Requests that are answered without the SDK's transport, next to its answers to the same requests."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from mcp_errortracking.asgi import limits_of
from mcp_errortracking.config import HttpSettings
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.server.http.app import HttpOptions, build_app
from tests.calls import server_of

pytestmark = pytest.mark.anyio

LIST = "error-tracking-assignment-rules-list"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}


class Rules:
    """A sender whose page of rules holds one that is not plain text; offset 1 fails."""

    data: Any = {"count": 1, "next": None, "previous": None, "results": [{"id": "1", "é\u2028": float("nan")}]}
    attempts = 1

    async def send(self, method: str, path: str, *, query: Any = None, **_: Any) -> "Rules":
        if query and query.get("offset") == 1:
            raise PostHogError("posthog_unavailable", "PostHog is away.", next_step="Retry later.")
        return self


async def _ready() -> None:
    return None


@asynccontextmanager
async def both(server: Server[Any]) -> AsyncGenerator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of this server's app, and of the SDK's session manager."""
    app = build_app(server, ready=_ready, options=HttpOptions(limits_of(HttpSettings())))
    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
    async with (
        app.router.lifespan_context(app),
        manager.run(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as ours,
        httpx.AsyncClient(transport=httpx.ASGITransport(manager.asgi_app), base_url="http://localhost") as theirs,
    ):
        yield ours, theirs


def ask(method: str, params: Any = None, request_id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method} | ({} if params is None else {"params": params})


def call(name: Any, arguments: Any = None, **more: Any) -> dict[str, Any]:
    return ask("tools/call", {"name": name} | ({} if arguments is None else {"arguments": arguments}) | more)


MESSAGES: list[Any] = [
    ask("initialize", HELLO, "a"),
    ask("initialize", HELLO | {"protocolVersion": "1999-01-01"}),
    ask("initialize", {}),
    ask("ping"),
    ask("ping", request_id="07"),
    ask("tools/list"),
    ask("tools/list", {"cursor": "x"}),
    ask("prompts/list"),
    ask("prompts/get", {"name": "none"}),
    ask("resources/read", {"uri": "posthog://x"}),
    ask("no/such"),
    ask("server/discover"),
    ask("logging/setLevel", {"level": "debug"}),
    call(LIST),
    call(LIST, {"limit": 2}, _meta={"traceparent": "x", "any": [1]}),
    call(LIST, {"limit": "many"}),
    call(LIST, {"offset": 1}),
    call(LIST, '{"limit": 3}'),
    call(LIST, [1]),
    call("no-such-tool"),
    call(7),
    ask("tools/call", {}),
    ask("tools/call"),
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 1, "result": {}},
]
HEADERS: list[dict[str, str]] = [
    *({"MCP-Protocol-Version": version} for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")),
    {},
    {"Accept": "application/*;q=0.5, text/html"},
    {"Accept": "*/*"},
    {"Accept": "text/event-stream"},
    {"Mcp-Session-Id": "unknown", "Last-Event-ID": "1"},
]


@pytest.mark.parametrize("structured", [False, True])
async def test_answers_equal_those_of_the_sdk(structured: bool) -> None:
    server = server_of(Rules(), structured=structured)
    async with both(server) as clients:
        for headers in HEADERS:
            for message in MESSAGES:
                ours, theirs = [await client.post("/mcp", json=message, headers=JSON | headers) for client in clients]
                assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content), (headers, message)
                added = {"x-request-id", "vary"}
                assert {name: value for name, value in ours.headers.items() if name not in added} == dict(
                    theirs.headers
                ), (headers, message)


async def test_a_request_takes_no_task_and_reaches_the_handler_once() -> None:
    made = list[str]()

    def count(loop: asyncio.AbstractEventLoop, coroutine: Any, **how: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **how)

    async with both(server_of(Rules())) as (ours, theirs):
        loop = asyncio.get_running_loop()
        loop.set_task_factory(count)
        try:
            answer = await ours.post("/mcp", json=call(LIST), headers=JSON)
            direct, made[:] = list(made), []
            await theirs.post("/mcp", json=call(LIST), headers=JSON)
        finally:
            loop.set_task_factory(None)

    assert json.loads(answer.content)["result"]["isError"] is False
    assert direct == []
    assert made != []
