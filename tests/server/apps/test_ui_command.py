"""`mcp-errortracking ui`: a server for this machine, and a browser with an address that works once."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.browser import Frame, browser
from tests.forked import Forked
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import environment_for


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@contextmanager
def running_ui(sandbox: SandboxProcess, *options: str, **environment: str) -> Generator[str]:
    """The address that the command prints."""
    with Forked(["ui", *options], environment_for(sandbox.url, **environment), text=True) as process:
        try:
            line = process.stdout.readline()
            found = re.search(r"it works once: (http://127\.0\.0\.1:\d+/#code=[\w-]{43})$", line.strip())
            assert found, line
            yield found[1]
        finally:
            process.kill()


def test_the_printed_address_opens_the_pages_once(sandbox: SandboxProcess) -> None:
    with running_ui(sandbox, "--no-open") as address:
        page = browser().page()
        page.go(address)
        page.wait("document.querySelectorAll('.row').length > 0", "Issues")
        assert page.run("location.hash") == "#issues"
        assert address.partition("=")[2] not in page.run("JSON.stringify(sessionStorage)")
        page.run("location.hash = 'rules'")
        Frame(page, "Rules").wait("document.querySelectorAll('.row').length > 0")
        assert page.complaints() == []
        page.go(address.replace("/#", "/?again#"))  # its tab has the token
        page.wait("document.querySelectorAll('.row').length > 0", "Issues")
        assert page.run("document.getElementById('access').hidden")

        other = browser().page()
        other.run("0")
        other.go(address.replace("/#", "/?second#"))
        other.run("sessionStorage.clear()")
        other.wait("document.getElementById('problem').textContent.includes('has been used before')")
        page.close()
        other.close()


def test_a_page_that_is_left_open_says_that_its_server_has_ended(sandbox: SandboxProcess) -> None:
    page = browser().page()
    with running_ui(sandbox, "--no-open", "--read-only") as address:
        page.go(address)
        page.wait("document.querySelectorAll('.row').length > 0", "Issues")
        port = re.findall(r":(\d+)/", address)[0]
    with running_ui(sandbox, "--no-open", "--read-only", "--port", port):
        Frame(page, "Issues").click("Apply")
        problem = page.wait("document.getElementById('problem').textContent")
        left = page.run("[document.querySelectorAll('iframe, input').length, sessionStorage.length]")
        # Nor does the bare address give access, and nobody can type the token.
        other = browser().page()
        other.go(f"http://127.0.0.1:{port}/?bare#issues")
        bare = other.wait("document.getElementById('problem').textContent")
        fields = other.run("document.querySelectorAll('input, #access button').length")
    page.close()
    other.close()
    browser().events.clear()

    way_on = "Close this page, and start mcp-errortracking ui again: the address that it opens has access."
    assert problem == f"This page belongs to a server that has ended. {way_on}"
    assert left == [0, 0]
    assert (bare, fields) == (f"This page has no access to the server. {way_on}", 0)


def test_the_code_is_no_token_and_is_used_up(sandbox: SandboxProcess) -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with running_ui(sandbox, "--no-open") as address:
        url, _, code = address.partition("/#code=")

        def post(path: str, token: str, **headers: str) -> httpx.Response:
            return httpx.post(f"{url}{path}", json=listing, headers={"Authorization": f"Bearer {token}", **headers})

        assert post("/mcp", code).status_code == 401
        assert post("/token", "x" * 43).status_code == 401
        assert post("/token", code, Origin="https://evil.example").status_code == 403
        assert post("/token", code, Host="evil.example").status_code == 421
        token = post("/token", code).json()["token"]
        assert post("/token", code).status_code == 401
        listed = post("/mcp", token).json()["result"]["tools"]
        assert httpx.get(f"{url}/token").status_code in (401, 404)

    assert "error-tracking-alerts-list" in {tool["name"] for tool in listed}


def test_a_browser_is_started_with_the_address(sandbox: SandboxProcess, tmp_path: Path) -> None:
    program, pipe = tmp_path / "browser", tmp_path / "pipe"
    os.mkfifo(pipe)
    program.write_text(f'#!/bin/sh\necho "$1" > {pipe}\n', "utf-8")
    program.chmod(0o755)
    environment = environment_for(sandbox.url, BROWSER=f"{program} %s")
    with Forked(["ui", "--read-only"], environment, text=True) as process:
        try:
            assert process.stderr
            assert "Ctrl-C ends it" in process.stderr.readline()
            opened = pipe.read_text("utf-8")
        finally:
            process.kill()

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#code=[\w-]{43}\n", opened)
