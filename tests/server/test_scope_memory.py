"""The scopes of a key that an earlier start saw: used at once, checked, and never more than a help."""

import json
import math
import os
import stat
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.config import cache_folder, state_folder
from mcp_errortracking.proxy.address import KEY_PATH
from mcp_errortracking.server import scope_memory
from mcp_errortracking.server.scope_memory import ScopeMemory
from tests.server.stdio_process import INITIALIZE, INITIALIZED, KEY, StdioProcess, served

HOST = "https://posthog.example"
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
READ, BOTH = ["error_tracking:read"], ["error_tracking:read", "error_tracking:write"]


class KeyUpstream:
    """A PostHog that describes the key, once `gate` is set."""

    def __init__(self, scopes: list[str]) -> None:
        self.scopes = scopes
        self.status = 200
        self.requests = list[str]()
        self.arrived = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                upstream.requests.append(self.path)
                upstream.arrived.release()
                upstream.gate.wait(20)
                content = json.dumps({"scopes": upstream.scopes}).encode()
                self.send_response(upstream.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is http.server's
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def key_upstream(scopes: list[str]) -> Generator[KeyUpstream]:
    upstream = KeyUpstream(scopes)
    thread = threading.Thread(target=upstream.server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.gate.set()
        upstream.server.shutdown()
        thread.join()
        upstream.server.server_close()


def lists_writes(server: StdioProcess, *, opens: bool = True) -> bool:
    """True if a tool that creates is on the list."""
    if opens:
        server.send(INITIALIZE, INITIALIZED)
        assert server.receive()["result"]["capabilities"]["tools"] == {"listChanged": True}
    server.send(LIST)
    names = {tool["name"] for tool in server.receive()["result"]["tools"]}
    assert "error-tracking-assignment-rules-list" in names
    return "error-tracking-assignment-rules-create" in names


def test_a_second_start_lists_the_tools_at_once_and_checks_the_scopes(tmp_path: Path) -> None:
    with key_upstream(READ) as upstream:
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as first:
            assert not lists_writes(first)
            first.finish()
        assert upstream.arrived.acquire(timeout=20)
        upstream.gate.clear()
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as second:
            assert not lists_writes(second)
            assert upstream.arrived.acquire(timeout=20)
            upstream.gate.set()
            assert second.finish()[0] == b""

    assert upstream.requests == [KEY_PATH] * 2
    (file,) = tmp_path.rglob("*.json")
    assert KEY not in file.read_text("utf-8")
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_second_start_lists_the_argument_of_confirmation_at_once(tmp_path: Path) -> None:
    more = {"XDG_CACHE_HOME": str(tmp_path), "MCP_CONFIRM": "writes"}
    with key_upstream([*READ, "error_tracking:write"]) as upstream:
        with served(upstream=upstream.url, **more) as first:
            assert lists_writes(first)
            first.finish()
        upstream.gate.clear()
        with served(upstream=upstream.url, **more) as second:
            second.send(INITIALIZE, INITIALIZED, LIST)
            second.receive()
            listed = {tool["name"]: tool["inputSchema"]["properties"] for tool in second.receive()["result"]["tools"]}
            upstream.gate.set()

    assert "confirm" in listed["error-tracking-assignment-rules-create"]
    assert "confirm" not in listed["error-tracking-assignment-rules-list"]


@pytest.mark.parametrize("status", [200, 404])
def test_a_posthog_that_names_no_scopes_is_waited_for_once(tmp_path: Path, status: int) -> None:
    with key_upstream([]) as upstream:
        upstream.status = status
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as first:
            assert lists_writes(first)
            first.finish()
        upstream.gate.clear()
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as second:
            assert lists_writes(second)
            assert len(upstream.requests) == 1, "that of the first start"
            upstream.gate.set()
            second.finish()


def test_a_client_is_notified_of_scopes_that_have_changed(tmp_path: Path) -> None:
    with key_upstream(BOTH) as upstream:
        ScopeMemory(tmp_path / "mcp_errortracking", upstream.url, KEY).save(frozenset(READ))
        upstream.gate.clear()
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as server:
            assert not lists_writes(server)
            upstream.gate.set()
            assert server.receive() == CHANGED
            assert lists_writes(server, opens=False)
            assert server.finish()[0] == b""
        assert upstream.requests == [KEY_PATH]
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as later:
            assert lists_writes(later)


def test_without_an_answer_the_remembered_scopes_stay(tmp_path: Path) -> None:
    with key_upstream(BOTH) as upstream:
        upstream.status = 403
        ScopeMemory(tmp_path / "mcp_errortracking", upstream.url, KEY).save(frozenset(READ))
        with served(upstream=upstream.url, XDG_CACHE_HOME=str(tmp_path)) as server:
            assert not lists_writes(server)
            assert server.finish()[0] == b""

        assert ScopeMemory(tmp_path / "mcp_errortracking", upstream.url, KEY).scopes == {*READ}


def test_each_key_and_each_host_has_its_own(tmp_path: Path) -> None:
    ScopeMemory(tmp_path, HOST, "phx_a").save(frozenset(READ))
    ScopeMemory(tmp_path, HOST, "phx_b").save(frozenset(BOTH))

    assert ScopeMemory(tmp_path, HOST, "phx_a").scopes == {*READ}
    assert ScopeMemory(tmp_path, HOST, "phx_b").scopes == {*BOTH}
    assert ScopeMemory(tmp_path, "https://other.example", "phx_a").scopes is None


def test_scopes_expire_and_the_oldest_keys_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(scope_memory.time, "time", lambda: now)
    for number in range(25):
        now += 1
        ScopeMemory(tmp_path, HOST, f"phx_{number}").save(frozenset(READ))

    known = [number for number in range(25) if ScopeMemory(tmp_path, HOST, f"phx_{number}").scopes]
    now += 30 * 24 * 3600 - 3

    assert known == list(range(5, 25))
    assert [number for number in known if ScopeMemory(tmp_path, HOST, f"phx_{number}").scopes] == [22, 23, 24]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "[]",
        lambda text: text[:-5],
        lambda text: text.replace("[", '{"a": [').replace("]", "]}"),
    ],
)
def test_a_file_that_is_damaged_is_written_again(tmp_path: Path, change: Any) -> None:
    ScopeMemory(tmp_path, HOST, KEY).save(frozenset(READ))
    (file,) = tmp_path.iterdir()
    file.write_text(change(file.read_text("utf-8")), "utf-8")

    memory = ScopeMemory(tmp_path, HOST, KEY)
    assert memory.scopes is None
    memory.save(frozenset(BOTH))
    assert ScopeMemory(tmp_path, HOST, KEY).scopes == {*BOTH}


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ScopeMemory(tmp_path / "file", HOST, KEY).save(frozenset(READ))

    assert ScopeMemory(tmp_path / "file", HOST, KEY).scopes is None


def test_the_cache_folder_of_each_platform(tmp_path: Path) -> None:
    home = str(tmp_path)

    assert cache_folder({"HOME": home}, "linux") == tmp_path / ".cache/mcp_errortracking"
    assert cache_folder({"HOME": home, "XDG_CACHE_HOME": "/c"}, "linux") == Path("/c/mcp_errortracking")
    assert cache_folder({"HOME": home, "XDG_CACHE_HOME": "c"}, "linux") == tmp_path / ".cache/mcp_errortracking"
    assert cache_folder({"HOME": home}, "darwin") == tmp_path / "Library/Caches/mcp_errortracking"
    assert cache_folder({"HOME": f"{home}/absent"}, "linux") is None
    assert cache_folder({}, "linux") is None
    assert cache_folder({"HOME": home, "XDG_CACHE_HOME": "/dev/null"}, "linux") is None
    assert state_folder({"HOME": home}, "linux") == tmp_path / ".local/state/mcp_errortracking"
    assert state_folder({"HOME": home, "XDG_STATE_HOME": "/s"}, "linux") == Path("/s/mcp_errortracking")
    assert state_folder({"HOME": home}, "darwin") == tmp_path / "Library/Application Support/mcp_errortracking"
    assert state_folder({"HOME": home, "XDG_STATE_HOME": "/dev/null"}, "linux") is None
    assert cache_folder({}, "win32") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key_scopes.json")

    memory = ScopeMemory(tmp_path, HOST, KEY)

    assert memory.scopes is None
    memory.save(frozenset(READ))
    assert ScopeMemory(tmp_path, HOST, KEY).scopes == frozenset(READ)


def test_rows_of_the_future_push_no_other_row_out(tmp_path: Path) -> None:
    rows = {str(number): {"scopes": READ, "time": math.inf if number else 1e12} for number in range(50)}
    (tmp_path / "key_scopes.json").write_text(json.dumps(rows))

    ScopeMemory(tmp_path, HOST, KEY).save(frozenset(READ))

    assert ScopeMemory(tmp_path, HOST, KEY).scopes == frozenset(READ)
