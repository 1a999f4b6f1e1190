"""The declaration of the pages: what clients are sent of them, and what models are not."""

import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.server.lowlevel import Server
from mcp_types import TextResourceContents
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import SecretStr

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.apps.documents import document, hashes, read
from mcp_errortracking.server.apps.pages import CALLED, DATA, EXTENSION, MIME_TYPE, PAGE_OF, PAGES, TITLES, uri_of
from mcp_errortracking.server.ready_file import CLIENT, handshake, modern, results_of
from mcp_errortracking.server.tool_list import TOOL_LIST, listed_tools
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import server_of
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.server.stdio_process import served

pytestmark = pytest.mark.anyio

SYMBOL_SETS = "error-tracking-symbol-sets-list"
RELEASES = "error-tracking-releases-list"
SHOWS_PAGES = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
MODERN = "2026-07-28"


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@asynccontextmanager
async def server(sandbox: SandboxProcess, key: str = FULL) -> AsyncGenerator[Server[Any]]:
    async with Proxy(host=sandbox.url, key=SecretStr(key), project="1") as proxy:
        yield server_of(proxy, toolbox=EVERY_TOOL)


def call(tool: str, era: str, capabilities: dict[str, Any], meta: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The messages of a client with these capabilities that calls a tool; the call is the last one."""
    params: dict[str, Any] = {"name": tool, "arguments": {"limit": 1}, **({"_meta": meta} if meta else {})}
    if era == "legacy":
        messages = handshake(HANDSHAKE_PROTOCOL_VERSIONS[-1])
        messages[0]["params"]["capabilities"] = capabilities
    else:
        messages = modern(MODERN)
        envelope = {"protocolVersion": MODERN, "clientInfo": CLIENT, "clientCapabilities": capabilities}
        params["_meta"] = {f"io.modelcontextprotocol/{name}": value for name, value in envelope.items()} | (meta or {})
    return [*messages[:-1], {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}]


async def answer_to(sandbox: SandboxProcess, messages: list[dict[str, Any]]) -> dict[str, Any]:
    async with server(sandbox) as running:
        return (await results_of(running, messages))[-1]


def test_the_tools_with_a_page_name_it_and_the_others_have_nothing_more() -> None:
    on_file = {tool["name"]: tool for tool in json.loads(TOOL_LIST.read_text("utf-8"))}
    listed = {tool["name"]: tool for tool in listed_tools(EVERY_TOOL.names)}

    assert set(PAGE_OF.values()) == set(PAGES)
    assert set(PAGE_OF) <= set(listed)
    assert set(CALLED) <= set(listed)
    for name, tool in listed.items():
        meta = tool.pop("_meta", None)
        assert meta == ({"ui": {"resourceUri": uri_of(PAGE_OF[name])}} if name in PAGE_OF else None)
        assert tool == on_file[name]


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
async def test_the_extension_is_declared_in_the_era_of_the_handshake(version: str, sandbox: SandboxProcess) -> None:
    async with server(sandbox) as running:
        initialized = (await results_of(running, handshake(version)))[0]

    assert initialized["capabilities"]["extensions"] == {EXTENSION: {}}


async def test_the_extension_is_declared_in_the_2026_era(sandbox: SandboxProcess) -> None:
    async with server(sandbox) as running:
        discovered = (await results_of(running, modern(MODERN)))[0]

    assert discovered["capabilities"]["extensions"] == {EXTENSION: {}}


@pytest.mark.parametrize("era", ["legacy", MODERN])
@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_a_resource(page: str, era: str, sandbox: SandboxProcess) -> None:
    sandbox.empty_journal()
    async with server(sandbox) as running, Client(running, mode=era) as client:
        (content,) = (await client.read_resource(uri_of(page))).contents

    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type, content.meta) == (uri_of(page), MIME_TYPE, {"ui": {"prefersBorder": True}})
    assert content.text == document(page)
    assert sandbox.journal() == []


@pytest.mark.parametrize("era", ["legacy", MODERN])
async def test_a_client_that_shows_pages_gets_their_data_and_the_same_text(era: str, sandbox: SandboxProcess) -> None:
    without = await answer_to(sandbox, call(SYMBOL_SETS, era, {}))
    result = await answer_to(sandbox, call(SYMBOL_SETS, era, SHOWS_PAGES))

    page = result["_meta"][DATA]
    assert page["tool"] == SYMBOL_SETS
    assert [one["ref"] for one in page["data"]["results"]] == ["com.acme.shop@5.2.0+302"]
    assert set(page["tools"]) == set(CALLED)
    assert result["content"] == without["content"]
    assert "structuredContent" not in result
    assert DATA not in without.get("_meta", {})


@pytest.mark.parametrize("era", ["legacy", MODERN])
async def test_a_tool_without_a_page_has_data_only_for_a_request_that_asks(era: str, sandbox: SandboxProcess) -> None:
    declared = await answer_to(sandbox, call(RELEASES, era, SHOWS_PAGES))
    asked = await answer_to(sandbox, call(RELEASES, era, {}, {DATA: True}))
    otherwise = await answer_to(sandbox, call(RELEASES, era, {}, {DATA: "yes"}))

    assert DATA not in declared.get("_meta", {})
    assert len(asked["_meta"][DATA]["data"]["results"]) == 1
    assert DATA not in otherwise.get("_meta", {})


async def test_a_page_knows_the_tools_that_the_key_may_use(sandbox: SandboxProcess) -> None:
    async with server(sandbox, READ_ONLY) as running:
        result = (await results_of(running, call(SYMBOL_SETS, "legacy", SHOWS_PAGES)))[-1]

    tools = {**CATALOG, **{tool.tool: tool for tool in WORKFLOWS}}
    offered = result["_meta"][DATA]["tools"]
    assert SYMBOL_SETS in offered
    assert [name for name in offered if "error_tracking:write" in tools[name].scopes] == []


async def test_an_error_has_its_facts_for_the_page(sandbox: SandboxProcess) -> None:
    messages = call("query-error-tracking-issue", "legacy", SHOWS_PAGES)
    messages[-1]["params"]["arguments"] = {"issueId": "01936f30-0000-7000-8000-000000000000"}
    result = await answer_to(sandbox, messages)

    assert result["isError"]
    assert result["_meta"][DATA]["data"]["error"]["status"] == 404


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_one_small_document_that_loads_nothing(page: str) -> None:
    text = document(page)

    assert len(text.encode()) < 40_000
    assert text.startswith("<!doctype html>\n")
    assert f"<title>{TITLES[page]}</title>" in text
    assert not any(mark in text for mark in ("/* title", "shared.css", "shared.js", "page.js"))
    assert not any(
        mark in text for mark in (" src=", "<link", "@import", "url(", "innerHTML", "insertAdjacent", "eval(")
    )
    assert {kind: len(found) for kind, found in hashes(text).items()} == {"script": 2, "style": 1}


def test_a_file_of_a_page_has_only_what_the_others_lack() -> None:
    lines = [{line for line in read(f"{page}.js").splitlines() if len(line) > 40} for page in PAGES]

    assert {line for own in lines for line in own if sum(line in other for other in lines) == len(PAGES)} == set()


@pytest.mark.parametrize("capabilities", [{}, SHOWS_PAGES])
def test_over_stdio_the_capabilities_of_the_handshake_count(
    capabilities: dict[str, Any], sandbox: SandboxProcess
) -> None:
    with served(upstream=sandbox.url, key=FULL, MCP_STRUCTURED="never") as running:
        initialize, initialized, calling = call(SYMBOL_SETS, "legacy", capabilities)
        running.send(initialize)
        running.receive()
        running.send(initialized, calling)
        result = running.receive()["result"]

    assert result["content"][0]["text"].startswith("1 of 6")
    assert (DATA in result.get("_meta", {})) is bool(capabilities)


def test_the_wheel_has_the_pages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path)],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "/server/apps/" in name}

    assert {*(f"{page}.js" for page in PAGES), "frame.html", "shared.css", "shared.js", "host.css", "host.js"} <= names
