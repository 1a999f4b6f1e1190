"""A session over stdio where pipes are copied by threads, as on Windows: no answer is lost when the input ends."""

import json
import os
import subprocess
import sys
from typing import Any

_START = """
import asyncio, sys
from mcp_errortracking.server import pipes, ready, stdio

def unavailable(*_):
    raise NotImplementedError

stdio.is_pipe = pipes.is_pipe = ready.is_pipe = lambda descriptor: False
for name in ("add_signal_handler", "remove_signal_handler"):
    setattr(getattr(asyncio, "EventLoop", asyncio.SelectorEventLoop), name, unavailable)
from mcp_errortracking.cli.main import main
sys.exit(main(["--sandbox", "--log-level", "warning"]))
"""
CALLS = 8


def request(number: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def test_every_call_is_answered_when_the_input_ends_at_once() -> None:
    opening = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    call = {"name": "error-tracking-assignment-rules-list", "arguments": {}}
    sent = [
        request(0, "initialize", opening),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *(request(number, "tools/call", call) for number in range(1, CALLS + 1)),
    ]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}

    done = subprocess.run(
        [sys.executable, "-c", _START],
        env=environ,
        input=b"".join(json.dumps(one).encode() + b"\n" for one in sent),
        capture_output=True,
        timeout=50,
        check=False,
    )

    answers = {one["id"]: one["result"] for one in map(json.loads, done.stdout.splitlines())}
    assert (done.returncode, done.stderr) == (0, b"")
    assert sorted(answers) == list(range(CALLS + 1))
    assert {bool(answers[number].get("isError")) for number in range(1, CALLS + 1)} == {False}
