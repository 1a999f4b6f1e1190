"""The time that hostile arguments hold the event loop: `python -m benchmarks.stall_arguments`.

Each message goes through the HTTP app in this process, in both eras of the protocol, while a ticker notes the longest
time in which the loop ran nothing else: processor time, so that other programs do not count. Ends with 1 if any message
took more than `LIMIT_MS`.
"""

import asyncio
import json
import sys
import time
from typing import Any

import httpx

from mcp_errortracking.asgi import app_for
from mcp_errortracking.config import HttpSettings, PostHogSettings, Secret, ToolSelection
from mcp_errortracking.server.json_rpc import MAX_BYTES, MAX_PARTS
from tests.hostile.arguments import LISTED, MERGE, hostile, oversized

LIMIT_MS = 250
_SIZE = 9999
_TICK = 0.001
_META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
_ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", "Host": "localhost"}


class Ticker:
    """The longest time between two turns of the event loop."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(_TICK)
            self.longest = max(self.longest, time.thread_time() - before)


def _call(tool: str, arguments: Any) -> bytes:
    params = {"name": tool, "arguments": arguments, "_meta": _META}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()


def _raw(tool: str, value: bytes) -> bytes:
    return _call(tool, {"ids": "@"}).replace(b'"@"', value)


def messages() -> dict[str, tuple[str, bytes]]:
    """Return the messages by name, each with its tool; none is larger than a body may be."""
    found = {name: (tool, _call(tool, arguments)) for name, (tool, arguments, _) in hostile(_SIZE).items()}
    large = {name: case for name, case in oversized().items() if name != "depth"}  # which Python's encoder cannot write
    found |= {f"{name}, too many": (tool, _call(tool, given)) for name, (tool, given, _) in large.items()}
    room = MAX_BYTES - 1000
    found |= {
        "4 MiB of []": (MERGE, _raw(MERGE, b"[" + b"[]," * (room // 3) + b"1]")),
        "4 MiB of {}": (MERGE, _raw(MERGE, b"[" + b'{"":1},' * (room // 7) + b"1]")),
        "4 MiB of numbers": (MERGE, _raw(MERGE, b"[" + b"1," * (room // 2) + b"1]")),
        "as many [] as are parsed": (MERGE, _raw(MERGE, b"[" + b"[]," * (MAX_PARTS // 2 - 20) + b"1]")),
        "as many members as are parsed": (
            MERGE,
            _raw(MERGE, b"{" + b",".join(b'"%x":1' % number for number in range(MAX_PARTS - 20)) + b"}"),
        ),
        "long integers": (MERGE, _raw(MERGE, b"[" + b",".join([b"9" * 4000] * (room // 4001)) + b"]")),
        "a long fraction": (MERGE, _raw(MERGE, b"0." + b"1" * room)),
        "4 MiB of escapes": (LISTED, _raw(LISTED, b'"' + b"\\u00e9" * (room // 6) + b'"')),
        "4 MiB of line breaks": (LISTED, _raw(LISTED, b'"' + b"\\n" * (room // 2) + b'"')),
        "deep": (MERGE, _raw(MERGE, b"[" * (MAX_PARTS // 2) + b"]" * (MAX_PARTS // 2))),
    }
    names = {"e": 400_000, "\x01a": 400_000, "error-tracking-": 200_000, "-": 4_000_000, "phx_a-": 600_000}
    found |= {f"a tool named {text!r}...": (text * times, _call(text * times, {})) for text, times in names.items()}
    return {name: (tool, body) for name, (tool, body) in found.items() if len(body) <= MAX_BYTES}


async def _measure() -> dict[str, float]:
    app = app_for(
        PostHogSettings("http://127.0.0.1:9", Secret("none"), "1", "benchmark"),
        HttpSettings(tokens=[]),
        ToolSelection(),
    )
    longest, ticker = dict[str, float](), Ticker()
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        ticking = asyncio.create_task(ticker.run())
        for era in ("2025-11-25", "2026-07-28"):
            for name, (tool, body) in ({"warm up": (MERGE, _call(MERGE, {}))} | messages()).items():
                headers = _ACCEPT | {"MCP-Protocol-Version": era}
                if era == "2026-07-28":
                    headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool if tool.isprintable() else "x"}
                await asyncio.sleep(5 * _TICK)
                ticker.longest = 0.0
                await client.post("/mcp", content=body, headers=headers)
                await asyncio.sleep(5 * _TICK)
                if name != "warm up":
                    longest[name] = max(longest.get(name, 0.0), ticker.longest * 1000)
        ticking.cancel()
    return longest


def main() -> int:
    """Print the longest stall of each message, the worst first."""
    longest = asyncio.run(_measure())
    for name, ms in sorted(longest.items(), key=lambda item: -item[1]):
        print(f"{ms:7.1f} ms  {name}")
    worst = max(longest.values())
    print(f"{len(longest)} messages in two eras; the longest stall is {worst:.0f} ms, the limit {LIMIT_MS} ms.")
    return int(worst > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
