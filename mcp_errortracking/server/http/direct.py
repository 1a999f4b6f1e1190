"""Requests of the handshake era over streamable HTTP, handed to the SDK's server without a session.

The SDK's transport makes a session for each request: a transport, a dispatcher, four tasks and three pairs of streams,
which cost more than the call. The answer is the same without them: one request goes in and one answer comes out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.runner import modern_error_data, serve_one
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import DEFAULT_NEGOTIATED_VERSION, JSONRPCError, JSONRPCRequest, JSONRPCResponse
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send

_TRANSPORT = TransportContext(kind="streamable-http", can_send_request=False)


@dataclass(slots=True)
class _Exchange:
    """The context of one request, whose answer has no room for anything but its result."""

    request_id: str | int
    message_metadata: ServerMessageMetadata
    transport: TransportContext = _TRANSPORT
    can_send_request: bool = False
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        pass

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        pass


def is_direct(request: Request) -> bool:
    """True if `answer_directly` may answer the JSON-RPC request in it; others are left to the SDK's transport."""
    version = request.headers.get("mcp-protocol-version", DEFAULT_NEGOTIATED_VERSION)
    return version in HANDSHAKE_PROTOCOL_VERSIONS and check_accept_headers(request)[0]


async def answer_directly(
    server: Server[Any],
    lifespan_state: Any,
    message: JSONRPCRequest,
    request: Request,
    send: Send,
) -> None:
    """Answer a request with one JSON body."""
    version = request.headers.get("mcp-protocol-version", DEFAULT_NEGOTIATED_VERSION)
    answer: JSONRPCResponse | JSONRPCError
    try:
        result = await serve_one(
            server,
            _Exchange(message.id, ServerMessageMetadata(request_context=request, can_send_request=False)),
            message.method,
            message.params,
            connection=Connection.from_envelope(version, None, None),
            lifespan_state=lifespan_state,
        )
        answer = JSONRPCResponse(jsonrpc="2.0", id=message.id, result=result)
    except Exception as error:
        answer = JSONRPCError(jsonrpc="2.0", id=message.id, error=modern_error_data(error))
    body = answer.model_dump_json(by_alias=True, exclude_unset=True)
    await Response(body, headers={"Content-Type": "application/json"})(request.scope, request.receive, send)
