"""An MCP client over stdio that costs next to nothing: JSON-RPC lines on pipes, no SDK, no event loop."""

import json
import subprocess
import time
from collections.abc import Mapping
from typing import Any


class McpProcess:
    """A server under test, from its start to its end."""

    def __init__(self, command: list[str], environment: Mapping[str, str], tool: str) -> None:
        self._tool = tool
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._id = 0
        self.pid = self._process.pid

    def open(self) -> None:
        """The handshake, and the list of tools."""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self._send("initialize", hello)
        self._receive()
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self._send("tools/list", {})
        self._receive()

    def calls(self, number: int, width: int) -> tuple[list[float], int]:
        """Makes calls with a fixed number in flight: the seconds each took, and how many failed."""
        sent = dict[int, float]()
        took, failed, started = list[float](), 0, 0
        while len(took) < number:
            while started < number and len(sent) < width:
                sent[self._send("tools/call", {"name": self._tool, "arguments": {"limit": 20}})] = time.perf_counter()
                started += 1
            answer = self._receive()
            took.append(time.perf_counter() - sent.pop(answer["id"]))
            failed += "error" in answer or bool(answer["result"].get("isError"))
        return took, failed

    def ask(self, method: str, params: Any, number: int, width: int) -> None:
        """Make requests with a fixed number in flight; errors are answers too."""
        sent = 0
        for received in range(number):
            while sent < number and sent - received < width:
                self._send(method, params)
                sent += 1
            self._receive()

    def close(self) -> None:
        """Ends the server."""
        self._process.kill()
        self._process.communicate()

    def _send(self, method: str, params: Any) -> int:
        self._id += 1
        self._write({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        return self._id

    def _write(self, message: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server ended")
        return json.loads(line)
