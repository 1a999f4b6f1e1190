"""An outage: the host is unreachable for a time, then answers at the same address again."""

from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy import Limits, Proxy
from mcp_errortracking.server.arguments import example
from mcp_errortracking.server.calls import Reply
from tests.calls import call_tool
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.anyio

READ, WRITE = "error-tracking-assignment-rules-list", "error-tracking-assignment-rules-create"


async def call(proxy: Proxy, tool: str) -> Reply:
    return await call_tool(proxy, tool, example(CATALOG[tool]), time_limit=20)


def error_of(reply: Reply) -> dict[str, Any]:
    return reply.structured["error"]


async def test_calls_are_explained_while_it_is_away_and_work_as_soon_as_it_is_back() -> None:
    with SandboxProcess() as sandbox:
        url, key = sandbox.url, SecretStr(sandbox.key)
        proxy = Proxy(host=url, key=key, project="1", limits=Limits(backoff=0.001))
        assert not (await call(proxy, READ)).is_error
        assert not (await call(proxy, WRITE)).is_error

    async with proxy:
        for tool in (READ, WRITE, READ, WRITE):
            away = await call(proxy, tool)
            assert away.text.startswith(f"No connection to {url}: ")
            assert "Nothing arrived there." in away.text
            assert error_of(away) == {"code": "unreachable", "maybe_applied": False}

        with SandboxProcess(None, "--port", url.rpartition(":")[2]) as again:
            assert again.url == url
            for tool in (WRITE, READ):
                assert not (await call(proxy, tool)).is_error
            journal = again.journal()

    assert [(entry["method"], entry["status"]) for entry in journal] == [("POST", 201), ("GET", 200)]
