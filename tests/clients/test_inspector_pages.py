"""The pages in the reference host of MCP Apps, the web interface of the MCP Inspector, in a real browser."""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.browser import Frame, browser, keep_picture
from tests.clients.node_tools import modules
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HEADERS, HttpServer, serving

pytestmark = pytest.mark.timeout(180)

KEY = "inspector-token"
ISSUE = "0193f2a0-a971-75e7-9db9-4c257c0eba6e"
OPENED: list[tuple[str, dict[str, Any], str]] = [
    ("query-error-tracking-issues-list", {"limit": 5}, "Issues"),
    ("query-error-tracking-issue", {"issueId": ISSUE}, "Issue"),
    ("error-tracking-changes-list", {}, "Changes"),
    ("error-tracking-assignment-rules-list", {}, "Rules"),
    ("error-tracking-symbol-sets-list", {}, "Symbol sets"),
]
if not os.environ.get("MCP_TEST_ALL"):
    del OPENED[1:]  # each takes seconds: the Inspector is a large program


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Generator[HttpServer]:
    journal = tmp_path_factory.mktemp("journal") / "journal"
    with serving(sandbox.url, "--toolsets", "all", "--journal", str(journal)) as running:
        yield running


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a running Inspector."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        port, sandbox_port = (str(one.getsockname()[1]) for one in sockets)
    environment = {
        **os.environ,
        "PATH": f"{modules() / 'node/bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "HOST": "127.0.0.1",
        "CLIENT_PORT": port,
        "MCP_SANDBOX_PORT": sandbox_port,
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_API_TOKEN": KEY,
        "MCP_INSPECTOR_SECRET_STORE": "memory",
    }
    command = [modules() / ".bin/mcp-inspector", "--web"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        try:
            assert any(f"127.0.0.1:{port}".encode() in line for line in process.stdout)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def update(server: HttpServer, arguments: dict[str, Any]) -> None:
    """Change an issue as an agent does."""
    params = {"name": "error-tracking-issues-partial-update", "arguments": arguments}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    assert not httpx.post(f"{server.url}/mcp", json=call, headers=HEADERS).json()["result"]["isError"]


def status_of(sandbox: SandboxProcess, identity: str) -> str:
    return sandbox.api("GET", f"issues/{identity}/").json()["status"]


def resolve_in_list(frame: Frame, sandbox: SandboxProcess) -> None:
    identity = frame.run("document.querySelector('.row').id.slice(1)")
    frame.run("document.querySelector('.row [aria-label^=Resolve]').click()")
    assert frame.said().startswith("Resolved: ")
    assert status_of(sandbox, identity) == "resolved"


def suppress_issue(frame: Frame, sandbox: SandboxProcess) -> None:
    frame.click("Suppress")
    assert frame.said().startswith("Suppressed: ")
    assert status_of(sandbox, ISSUE) == "suppressed"


def undo_change(frame: Frame, sandbox: SandboxProcess) -> None:
    assert status_of(sandbox, ISSUE) == "resolved"
    frame.run("document.querySelector('[aria-label^=Undo]').click()")
    frame.click("Undo now")
    assert "was undone" in frame.said()
    assert status_of(sandbox, ISSUE) == "active"


def reorder_rules(frame: Frame, sandbox: SandboxProcess) -> None:
    before = order(sandbox)
    frame.wait("document.querySelectorAll('#k-assignment .row').length === 4")
    frame.run("document.querySelector('#k-assignment [data-move=down]').click()")
    frame.click("Save the order of the assignment rules")
    frame.click("Save this order")
    assert frame.said().startswith("The order of the assignment rules was saved.")
    assert order(sandbox) == [before[1], before[0], *before[2:]]


def order(sandbox: SandboxProcess) -> list[str]:
    rules = sandbox.api("GET", "assignment_rules/").json()["results"]
    return [rule["id"] for rule in sorted(rules, key=lambda rule: rule["order_key"])]


def delete_symbol_set(frame: Frame, sandbox: SandboxProcess) -> None:
    frame.click("Delete com.acme.shop@5.2.0+302")
    frame.click("Delete")
    assert frame.said().startswith("Deleted com.acme.shop@5.2.0+302.")
    assert sandbox.api("GET", "symbol_sets/?search=com.acme.shop").json()["results"] == []


ACTS = {
    "Issues": resolve_in_list,
    "Issue": suppress_issue,
    "Changes": undo_change,
    "Rules": reorder_rules,
    "Symbol sets": delete_symbol_set,
}


@pytest.mark.parametrize(("tool", "arguments", "title"), OPENED)
def test_the_inspector_shows_the_page_of_a_tool(
    tool: str, arguments: dict[str, Any], title: str, server: HttpServer, sandbox: SandboxProcess, inspector: str
) -> None:
    sandbox.reset()
    if title == "Changes":
        update(server, {"id": ISSUE, "status": "resolved"})
    query = {
        "serverUrl": f"{server.url}/mcp",
        "transport": "http",
        "autoConnect": KEY,
        "openApp": tool,
        "appArgs": base64.urlsafe_b64encode(json.dumps(arguments).encode()).decode().rstrip("="),
        "autoOpen": KEY,
    }
    page = browser().page()
    page.size(1200, 1000)
    page.go(f"{inspector}?{urlencode(query)}")
    page.wait("""Boolean(document.querySelector('[data-testid="apps-form"][data-app-status="ready"]'))""")
    frame = Frame(page, title)
    frame.wait("document.querySelectorAll('.row').length > 0")
    ACTS[title](frame, sandbox)
    keep_picture(page, f"inspector-{title}")
    page.close()
