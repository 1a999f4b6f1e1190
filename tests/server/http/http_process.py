"""The server as a process over HTTP, and the SDK's client on it."""

import os
import re
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.session import ElicitationFnT, MessageHandlerFnT
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.forked import Forked
from tests.sandbox_process import FULL

TOKEN = "a-token-of-more-than-sixteen-characters"
LIST: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "error-tracking-assignment-rules-list", "arguments": {}},
}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


class HttpServer:
    """`mcp-errortracking serve` over HTTP. `url` is its address, `log` what it wrote up to then."""

    def __init__(self, process: Forked) -> None:
        self.process = process
        self.log = ""
        assert process.stderr
        while not (found := re.search(r"MCP at (http://\S+),", self.log)):
            line = process.stderr.readline()
            assert line, self.log
            self.log += line
        self.url = found[1]

    def end(self, number: int) -> str:
        """Sends a signal and waits for the end: the rest of the log."""
        self.process.send_signal(number)
        _, rest = self.process.communicate(timeout=30)
        self.log += rest
        return self.log


def environment_for(posthog: str, **more: str | None) -> dict[str, str]:
    """The environment of a server for that PostHog, in project 1 with the full key; None leaves a variable out.

    Tests read data: `MCP_STRUCTURED=None` leaves the server at its default, text alone.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("POSTHOG_", "MCP_"))}
    own = {"POSTHOG_HOST": posthog, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1", "HOME": "/nonexistent"}
    own["MCP_STRUCTURED"] = "always"
    return {name: value for name, value in (clean | own | more).items() if value is not None}


@contextmanager
def serving(posthog: str, *options: str, **environment: str | None) -> Generator[HttpServer]:
    """A running server for that PostHog, on a free port unless said, killed at the end."""
    command = ["serve", "--transport", "http", "--port", "0", *options]
    with Forked(command, environment_for(posthog, **environment), text=True) as process:
        try:
            yield HttpServer(process)
        finally:
            process.kill()


@asynccontextmanager
async def client_of(
    url: str,
    transport: str,
    era: str,
    token: str = "",
    more: Mapping[str, str] | None = None,
    elicitation: ElicitationFnT | None = None,
    message_handler: MessageHandlerFnT | None = None,
) -> AsyncGenerator[Client]:
    """The SDK's client over `http` or `sse`; `era` is its mode, `more` are headers.

    `elicitation` answers questions to the user; without it, the client cannot ask.
    """
    headers = ({"Authorization": f"Bearer {token}"} if token else {}) | dict(more or {})
    if transport == "sse":
        async with Client(
            sse_client(f"{url}/sse", headers=headers),
            mode=era,  # pyright: ignore[reportArgumentType] a version is any string
            elicitation_callback=elicitation,
            message_handler=message_handler,
        ) as client:
            yield client
    else:
        async with httpx2.AsyncClient(headers=headers) as http:
            over = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(
                over,
                mode=era,  # pyright: ignore[reportArgumentType] a version is any string
                elicitation_callback=elicitation,
                message_handler=message_handler,
            ) as client:
                yield client
