"""The page at `/`: in a real browser, and what it says for each way of serving."""

import json
import re
from base64 import b64decode
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from mcp_errortracking.server.http.page import Access, client_entries, install_links, page
from tests.browser import browser
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import TOKEN, serving


def test_a_browser_shows_it_without_complaint() -> None:
    with SandboxProcess() as sandbox, serving(sandbox.url, MCP_SERVER_TOKEN=TOKEN) as server:
        page = browser().page()
        page.go(f"{server.url}/")
        dom = page.run("document.documentElement.outerHTML")
        complaints = page.complaints()
        page.close()

    assert "<title>PostHog error tracking over MCP</title>" in dom
    assert 'id="state" role="status">PostHog is reachable.</p>' in dom
    assert f'"url": "{server.url}/mcp"' in dom
    assert "Bearer YOUR_SERVER_TOKEN" in dom
    assert TOKEN not in dom
    assert complaints == []


def test_the_state_is_there_without_a_script() -> None:
    with SandboxProcess() as sandbox, serving(sandbox.url, "--transport", "sse") as server:
        answer = httpx.get(f"{server.url}/")

    assert "PostHog is reachable." in answer.text
    assert "<script" not in answer.text
    assert "script" not in answer.headers["content-security-policy"]


def test_it_says_what_is_wrong() -> None:
    with serving("http://127.0.0.1:9") as server:
        answer = httpx.get(f"{server.url}/")
        foreign = httpx.get(f"{server.url}/", headers={"Host": "evil.example"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Not ready: No connection to http://127.0.0.1:9" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert foreign.status_code == 421


def test_a_problem_is_text_not_markup() -> None:
    shown = page("http://x", "<script>alert(1)</script>", Access())

    assert "<script>alert" not in shown
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
