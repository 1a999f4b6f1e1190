"""The page at `/`: in a real browser, and what it says for each way of serving."""

import json
import re
import subprocess
from base64 import b64decode
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from mcp_errortracking.server.http.page import Access, client_entries, install_links, page
from tests.required import program
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import TOKEN, serving

BROWSER = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--enable-logging=stderr", "--virtual-time-budget=3000"),
]


def browse(url: str, folder: Path) -> tuple[str, str]:
    """The page as a browser holds it, and what its console says."""
    command = [program("chromium", "chromium-browser", "google-chrome"), *BROWSER, f"--user-data-dir={folder}"]
    done = subprocess.run([*command, "--dump-dom", url], capture_output=True, text=True, timeout=50, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def test_a_browser_shows_it_without_complaint(tmp_path: Path) -> None:
    with SandboxProcess() as sandbox, serving(sandbox.url, MCP_SERVER_TOKEN=TOKEN) as server:
        dom, console = browse(f"{server.url}/", tmp_path)

    assert "<title>PostHog error tracking over MCP</title>" in dom
    assert 'id="state" role="status">PostHog is reachable.</p>' in dom
    assert f'"url": "{server.url}/mcp"' in dom
    assert "Bearer YOUR_SERVER_TOKEN" in dom
    assert TOKEN not in dom
    assert console == ""


def test_it_says_what_is_wrong(tmp_path: Path) -> None:
    with serving("http://127.0.0.1:9") as server:
        answer = httpx.get(f"{server.url}/")
        foreign = httpx.get(f"{server.url}/", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Not ready: No connection to http://127.0.0.1:9" in answer.text
    assert "script" not in answer.headers["content-security-policy"]
    assert foreign.status_code == 421


def test_a_problem_is_text_not_markup() -> None:
    shown = page("http://x", "<script>alert(1)</script>", Access())

    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


@pytest.mark.parametrize(
    ("access", "headers"),
    [
        (Access(), {}),
        (Access(needs_token=True), {"Authorization": "Bearer YOUR_SERVER_TOKEN"}),
        (
            Access(needs_token=True, takes_keys=True),
            {"Authorization": "Bearer YOUR_SERVER_TOKEN", "X-PostHog-API-Key": "phx_YOUR_KEY"},
        ),
        (Access(has_http=False), {}),
    ],
)
def test_the_entries_bring_what_is_asked_for(access: Access, headers: dict[str, str]) -> None:
    entries = dict(client_entries("https://mcp.example", access))
    cursor = json.loads(entries["Cursor and most others (mcp.json)"])["mcpServers"]["posthog"]

    assert cursor["url"] == f"https://mcp.example/{'mcp' if access.has_http else 'sse'}"
    assert cursor.get("headers", {}) == headers
    for entry in entries.values():
        assert all(value in entry for value in headers.values())


def test_the_links_add_the_address_that_is_shown() -> None:
    for access, kind, path in ((Access(), "http", "mcp"), (Access(has_http=False), "sse", "sse")):
        shown = page("http://127.0.0.1:8780", None, access)
        links = [unescape(link) for link in re.findall(r'<a href="(.+?)">Add to ', shown)]
        url = f"http://127.0.0.1:8780/{path}"

        assert [link for _, link in install_links("http://127.0.0.1:8780", access)] == links
        cursor, vscode = links
        query = parse_qs(urlsplit(cursor).query)
        assert (query["name"], json.loads(b64decode(query["config"][0]))) == (["posthog"], {"url": url})
        assert json.loads(unquote(vscode.partition("?")[2])) == {"name": "posthog", "type": kind, "url": url}


def test_no_link_where_a_secret_is_needed() -> None:
    for access in (Access(needs_token=True), Access(takes_keys=True)):
        assert "Add to " not in page("http://x", None, access)
