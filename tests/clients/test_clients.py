"""Clients of others do the main job over each transport: the SDKs of Python and TypeScript, and the Inspector."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.clients.matrix import INSPECTOR, LEGACY, PYTHON, TYPESCRIPT_1, TYPESCRIPT_2, combinations
from tests.clients.node_tools import modules, node
from tests.forked import command
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HttpServer, client_of, environment_for, serving
from tests.server.mcp_client import OFFERED, WITHOUT_FILES

pytestmark = pytest.mark.anyio

MAIN_JOB = Path(__file__).with_name("main_job.mjs")
FILTERS = {"type": "AND", "values": [{"key": "$browser", "operator": "exact", "value": "Chrome", "type": "event"}]}
USER = {"type": "user", "id": 1}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess) -> Generator[HttpServer]:
    with serving(sandbox.url) as running:
        yield running


@asynccontextmanager
async def python_client(
    server: HttpServer, sandbox: SandboxProcess, transport: str, era: str
) -> AsyncGenerator[Client]:
    mode = "legacy" if era == LEGACY else "auto"
    if transport == "stdio":
        program, *words = command()
        server_of_its_own = StdioServerParameters(command=program, args=words, env=environment_for(sandbox.url))
        async with Client(stdio_client(server_of_its_own), mode=mode) as client:
            yield client
    else:
        async with client_of(server.url, transport, mode) as client:
            yield client


@pytest.mark.parametrize(("_client", "transport", "era"), combinations(PYTHON))
async def test_the_python_sdk(
    server: HttpServer, sandbox: SandboxProcess, _client: str, transport: str, era: str
) -> None:
    async with python_client(server, sandbox, transport, era) as client:
        assert client.protocol_version == era
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == list(OFFERED if transport == "stdio" else WITHOUT_FILES)

        async def ask(tool: str, **arguments: Any) -> Any:
            return await client.call_tool(f"error-tracking-assignment-rules-{tool}", arguments)

        rule = (await ask("create", filters=FILTERS, assignee=USER)).structured_content
        assert (await ask("retrieve", id=rule["id"])).structured_content == rule
        assert (await ask("destroy", id=rule["id"])).structured_content["deleted"] == rule
        gone = await ask("retrieve", id=rule["id"])
        assert gone.is_error
        assert "Not found in project 1." in gone.content[0].text


@pytest.mark.parametrize(("client", "transport", "era"), combinations(TYPESCRIPT_1, TYPESCRIPT_2))
def test_the_typescript_sdks(
    server: HttpServer, sandbox: SandboxProcess, client: str, transport: str, era: str
) -> None:
    name = "sdk" if client == TYPESCRIPT_1 else "client"
    target = json.dumps(command()) if transport == "stdio" else server.url
    wanted = "legacy" if era == LEGACY else era
    ran = node(MAIN_JOB, modules(), name, transport, wanted, target, env=environment_for(sandbox.url))
    assert ran.returncode == 0, ran.stderr
    did = json.loads(ran.stdout)
    if did["version"] is not None:  # 1.x does not tell
        assert did["version"] == era
    assert did["tools"] == list(OFFERED if transport == "stdio" else WITHOUT_FILES)
    assert did["created"]["data"]["assignee"] == USER
    assert did["found"]["data"] == did["created"]["data"]
    assert did["destroyed"]["data"]["deleted"] == did["created"]["data"]
    assert did["gone"]["error"]
    assert "Not found in project 1." in did["gone"]["text"]


@pytest.mark.parametrize(
    ("_client", "transport", "era"),
    [
        # Two starts of node each; the SDKs vary the era over these transports too.
        pytest.param(*one, marks=pytest.mark.thorough if one[1:] in (("stdio", LEGACY), ("http", LEGACY)) else ())
        for one in combinations(INSPECTOR)
    ],
)
def test_the_inspector(
    server: HttpServer, sandbox: SandboxProcess, _client: str, transport: str, era: str, tmp_path: Path
) -> None:
    path = {"http": "/mcp", "sse": "/sse"}.get(transport)
    target = [f"{server.url}{path}", "--transport", transport] if path else command()
    environment = environment_for(sandbox.url, HOME=str(tmp_path))
    # To a server over stdio the Inspector passes only what it is told to.
    own = {name: value for name, value in environment.items() if name.startswith("POSTHOG_")}
    own["MCP_JOURNAL"] = "off"  # it starts the server with the user's home
    passed = [word for name, value in own.items() for word in ("-e", f"{name}={value}")] if not path else []
    chosen = ["--protocol-era", "legacy" if era == LEGACY else "modern"]
    inspector = modules() / ".bin/mcp-inspector"

    def ask(*what: str) -> Any:
        ran = node(inspector, "--cli", *target, *passed, *chosen, *what, env=environment)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    assert [tool["name"] for tool in ask("--method", "tools/list")["tools"]] == list(WITHOUT_FILES if path else OFFERED)
    called = ask("--method", "tools/call", "--tool-name", "error-tracking-fingerprints-list", "--tool-arg", "limit=1")
    assert called["content"][0]["text"].startswith("1 of 32; next page: offset 1\n")
