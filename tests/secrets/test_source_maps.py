"""The key and the tools that work on files: in no answer, progress, log or file, and never sent to object storage."""

import json
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.proxy.connections import Received
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import SandboxProcess
from tests.secrets.canary import KEY, SEED, hostile_answers, leaks
from tests.server.stdio_process import StdioProcess, served
from tests.workflows.source_maps.builds import BUILT, contents
from tests.workflows.source_maps.relay import Relay

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
FRAME = {
    "source": "https://shop.example/a.js",
    "line": 2,
    "column": 300,
    "failure": "none",
    "symbol_set": "no-such-set",
}
EVENTS = {"count": 1, "since": 1, "frames": [FRAME]}
WITH_AN_ISSUE = SEED | {"issues": [{"id": ISSUE, "name": "E", "fingerprints": ["f"], "events": EVENTS}]}
BUNDLE = "assets/index-Cn0TbpnG.js"
ASKED = {"progressToken": "p"}
WRONG = [
    ("source-maps-upload", {"folder": f"phx_{KEY}"}),
    ("source-maps-check", {"folder": f"../phx_{KEY}", "version": "1"}),
    ("source-maps-resolve", {"stack": f"phx_{KEY}"}),
    ("source-maps-resolve", {"issue": f"phx_{KEY}"}),
    ("source-maps-resolve", {"issue": ISSUE, "folder": f"dist/phx_{KEY}"}),
    ("symbol-set-inspect", {"ref": f"phx_{KEY}"}),
    ("symbol-set-inspect", {"id": f"phx_{KEY}"}),
]
"""Calls that fail, with a key where it has no business: the answer does not repeat it."""


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(WITH_AN_ISSUE) as process:
        yield process


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(BUILT / "vite", tmp_path / "root" / "dist")
    (tmp_path / "temporary").mkdir()
    return tmp_path / "root"


class Agent:
    """Calls tools of a server one by one, and keeps every message that it gets."""

    def __init__(self, server: StdioProcess) -> None:
        self.messages = list[dict[str, Any]]()
        self._server = server
        server.open()

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a call that asks for progress."""
        number = len(self.messages)
        params = {"name": tool, "arguments": arguments, "_meta": ASKED}
        self._server.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        while True:
            self.messages.append(self._server.receive())
            if self.messages[-1].get("id") == number:
                return self.messages[-1]["result"]


def signatures(requests: list[Received]) -> list[str]:
    """Return the parts that make presigned URLs secrets."""
    queries = [parse_qsl(urlsplit(one.target).query) for one in requests]
    return [value for query in queries for name, value in query if "signature" in name.lower()]


def test_the_key_goes_to_posthog_and_nowhere_else(sandbox: SandboxProcess, root: Path) -> None:
    options = ("--root", str(root), "--log-level", "debug")
    temporary = str(root.parent / "temporary")
    with (
        Relay(sandbox.url) as relay,
        FaultServer([http(200, b"f()\n", kind="text/javascript")]) as live,
        served(*options, upstream=relay.url, key=KEY, TMPDIR=temporary) as server,
    ):
        agent = Agent(server)
        uploaded = agent.ask("source-maps-upload", folder="dist", version="1.4.2", project="shop")
        chunk_id = {one["path"]: one["chunk_id"] for one in uploaded["structuredContent"]["chunks"]}[BUNDLE]
        (root / "dist" / BUNDLE).write_bytes(
            (root / "dist" / BUNDLE).read_bytes().replace(b"//# chunk", b"0;\n//# chunk")
        )
        conflict = agent.ask("source-maps-upload", folder="dist")
        checked = agent.ask("source-maps-check", folder="dist", version="1.4.2", project="shop")
        stack = f"Error: x\n    at o ({live.url}/{BUNDLE}:2:300)\n    at {live.url}/other.js:1:1"
        resolved = agent.ask("source-maps-resolve", stack=stack, chunk_id=chunk_id, commits=True)
        unknown = agent.ask("source-maps-resolve", stack=stack, deployed=True)
        minified = agent.ask("source-maps-resolve", issue=ISSUE, folder="dist")
        inspected = agent.ask("symbol-set-inspect", ref=chunk_id, write_to="sources")
        refused = [agent.ask(tool, **arguments) for tool, arguments in WRONG]
        out, err, code = server.finish()

    assert (uploaded["structuredContent"]["uploaded"], conflict["isError"], code) == (2, True, 0)
    assert {row["state"] for row in checked["structuredContent"]["results"]} == {"uploaded", "different"}
    assert [frame["resolved"] for frame in resolved["structuredContent"]["frames"]] == [True, False]
    assert [frame["resolved"] for frame in unknown["structuredContent"]["frames"]] == [False, False]
    assert [frame["resolved"] for frame in minified["structuredContent"]["frames"]] == [False]
    assert len(inspected["structuredContent"]["written"]) == 3
    assert [result["isError"] for result in refused] == [True] * len(WRONG)
    said = json.dumps(agent.messages, ensure_ascii=False).encode() + out + err
    assert b"notifications/progress" in said
    assert b"DEBUG" in err
    assert leaks(said, KEY) == []

    to_storage = [one for one in relay.received if not one.target.startswith("/api/")]
    assert {one.method for one in to_storage} >= {"GET"}
    assert {one.method for one in to_storage} & {"POST", "PUT"}
    assert live.received, "the script that is live was never asked for"
    for request in to_storage + live.received:
        assert "authorization" not in request.headers
        assert leaks(repr(request).encode() + request.body, KEY) == []
    assert signatures(to_storage)
    assert [secret for secret in signatures(to_storage) if secret.encode() in said] == []
    assert any(KEY in one.headers.get("authorization", "") for one in relay.received), "the key was never sent"

    assert {"dist", "sources"} == {path.name for path in root.iterdir()}
    for name, content in contents(root.parent).items():
        assert leaks(name.encode() + content, KEY) == [], name


def test_a_gateway_that_repeats_the_key_tells_it_nobody(root: Path) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("source-maps-upload", {"folder": "dist", "version": "1"}),
        ("source-maps-check", {"folder": "dist", "version": "1"}),
        ("source-maps-resolve", {"stack": "a.js:1:1", "chunk_id": "a"}),
        ("symbol-set-inspect", {"ref": "a"}),
    ]
    with (
        FaultServer([http(200)]) as upstream,
        served("--root", str(root), "--log-level", "debug", upstream=upstream.url, key=KEY) as server,
    ):
        agent = Agent(server)
        for reply in hostile_answers():
            upstream.script = [reply]
            for tool, arguments in calls:
                agent.ask(tool, **arguments)
        out, err, _ = server.finish()

    assert any(KEY in one.headers.get("authorization", "") for one in upstream.received), "the key was never sent"
    assert leaks(json.dumps(agent.messages, ensure_ascii=False).encode() + out + err, KEY) == []
    for name, content in contents(root.parent).items():
        assert leaks(name.encode() + content, KEY) == [], name
