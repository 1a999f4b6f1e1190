"""Requests of a read-only endpoint are retried, also its POSTs; those of a write are not."""

from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.proxy.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

BAD_GATEWAY = http(502, b"<html>Bad gateway</html>", kind="text/html")
READING_POSTS = [tool for tool, endpoint in CATALOG.items() if endpoint.read_only and endpoint.method == "POST"]
LOOKS_FIRST = ("error-tracking-issues-merge-create",)
WRITING_POSTS = [tool for tool, endpoint in CATALOG.items() if not endpoint.read_only and endpoint.method == "POST"]


class Recorder:
    """In place of the proxy: notes the method and the retry safety of each request."""

    def __init__(self) -> None:
        self.sent = list[tuple[str, bool | None]]()

    async def send(self, method: str, path: str, *, retry_safe: bool | None = None, **_: Any) -> "Recorder":
        self.sent.append((method, retry_safe))
        return self

    data: Any = {}
    attempts = 1


async def call(server: FaultServer, tool: str) -> Reply:
    limits = Limits(backoff=0.001)
    async with Proxy(host=server.url, key=SecretStr("phx_key"), project="7", limits=limits) as proxy:
        return await call_tool(proxy, tool, example(CATALOG[tool]), time_limit=5)


@pytest.mark.parametrize("tool", CATALOG)
async def test_every_request_of_a_tool_says_if_it_is_safe_to_retry(tool: str) -> None:
    recorder = Recorder()

    await call_tool(recorder, tool, example(CATALOG[tool]), time_limit=5)

    assert recorder.sent
    read_only = CATALOG[tool].read_only
    assert [safe for _, safe in recorder.sent] == [read_only or method == "GET" for method, _ in recorder.sent]


@pytest.mark.parametrize("tool", READING_POSTS)
async def test_a_post_of_a_read_only_endpoint_is_retried(tool: str) -> None:
    with FaultServer([BAD_GATEWAY, http(200, {"results": []})]) as server:
        reply = await call(server, tool)

    assert not reply.is_error
    assert [request.method for request in server.received] == ["POST", "POST"]


@pytest.mark.parametrize("tool", WRITING_POSTS)
async def test_a_post_of_a_write_is_sent_once(tool: str) -> None:
    look = [http(200, {"results": []})] if tool in LOOKS_FIRST else []
    with FaultServer([*look, BAD_GATEWAY]) as server:
        reply = await call(server, tool)

    assert reply.structured["error"]["maybe_applied"]
    assert [request.method for request in server.received if request.method == "POST"] == ["POST"]
