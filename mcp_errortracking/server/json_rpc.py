"""Checks of JSON-RPC messages before the SDK reads them: size, id and protocol version, for all transports.

The SDK takes a request whose id is not a string or an integer for a notification, which gets no answer. It also spends
about a microsecond on each value of a message, several times over.
"""

from typing import Any, TypeGuard, cast

from mcp.shared.dispatcher import coerce_request_id
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    UNSUPPORTED_PROTOCOL_VERSION,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError
from pydantic_core import from_json

from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import clean

JSONRPCMessage = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of one message."""

MAX_PARTS = 100_000
"""Commas and opening brackets of one message, also those in its texts: a limit on its values that needs no parsing.

A call of 10,000 ids has 10,000.
"""

MAX_ID = 1000
"""Characters of a request's id."""


class MessageError(ValueError):
    """A message is refused; `answer` is the JSON-RPC error to send back."""

    def __init__(self, code: int, text: str, request_id: str | int | None = None, data: object = None) -> None:
        super().__init__(text)
        self.code = code
        self.request_id = request_id
        self.data = data

    @property
    def answer(self) -> dict[str, Any]:
        """Return the error as a JSON-RPC message."""
        error = {"code": self.code, "message": str(self)} | ({} if self.data is None else {"data": self.data})
        return {"jsonrpc": "2.0", "id": self.request_id, "error": error}


def parse_message(text: bytes) -> JSONRPCMessage:
    """Return the message in the bytes.

    Raises:
        MessageError: the bytes are not a message, or the message is refused.
    """
    check_size(text)
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError:
        raw = read_json(text)
        check_raw(raw)
        request_id = cast("dict[str, Any]", raw).get("id") if isinstance(raw, dict) else None
        if not is_id(request_id):
            request_id = None
        raise MessageError(INVALID_REQUEST, "Invalid request: not a JSON-RPC 2.0 message.", request_id) from None
    if isinstance(message, JSONRPCNotification):  # also what the SDK makes of a request with a wrong id
        check_raw(read_json(text))
    elif isinstance(message, JSONRPCRequest):
        _check_id(message.id)
        _check_version(message.params, message.id)
    return message


def check_message(text: bytes, *, header: str = "") -> None:
    """Refuse a message that no transport may pass to the SDK, which checks the rest of its form.

    Args:
        header: the protocol version in an HTTP header; the SDK refuses a message with another one.

    Raises:
        MessageError: the message is too large, is not JSON, or has a wrong id or an unknown protocol version.
    """
    check_size(text)
    check_raw(read_json(text), header)


def check_size(text: bytes) -> None:
    """Refuse a message that would take too long to read.

    Raises:
        MessageError: the message has too many bytes or too many values.
    """
    if len(text) > MAX_BYTES:
        raise MessageError(INVALID_REQUEST, f"Message longer than {MAX_BYTES} bytes.")
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_PARTS:
        raise MessageError(INVALID_REQUEST, f"Message with more than {MAX_PARTS} values. Split it into several calls.")


def read_json(text: bytes) -> Any:
    """Return the JSON value in the bytes.

    Raises:
        MessageError: the bytes are not JSON.
    """
    try:
        return from_json(text)
    except ValueError:
        raise MessageError(PARSE_ERROR, "Parse error: the message is not JSON.") from None


def check_raw(raw: Any, header: str = "") -> None:
    """Refuse a request whose id or protocol version is wrong.

    Raises:
        MessageError: the id or the version is wrong.
    """
    if not isinstance(raw, dict):
        return
    message = cast("dict[str, Any]", raw)
    if "id" in message and "method" in message:
        _check_id(message["id"])
        _check_version(message.get("params"), message["id"], header)


def check_version(version: str, request_id: str | int | None = None) -> None:
    """Refuse a protocol version that this server does not speak.

    Raises:
        MessageError: the version is not supported.
    """
    if version not in HANDSHAKE_PROTOCOL_VERSIONS and version not in MODERN_PROTOCOL_VERSIONS:
        shown = redact(clean(version[:100]))
        raise MessageError(
            UNSUPPORTED_PROTOCOL_VERSION,
            f"Unsupported protocol version {shown}. Supported: {', '.join(MODERN_PROTOCOL_VERSIONS)}; with initialize: "
            f"{', '.join(HANDSHAKE_PROTOCOL_VERSIONS)}.",
            request_id,
            {"supported": list(MODERN_PROTOCOL_VERSIONS), "requested": shown},
        )


def is_id(request_id: Any) -> TypeGuard[str | int]:
    """True if JSON-RPC and MCP allow it as the id of a request: null, true and 1.0 are not allowed."""
    if isinstance(request_id, str):
        return len(request_id) <= MAX_ID
    return isinstance(request_id, int) and not isinstance(request_id, bool)


def request_key(request_id: str | int) -> str | int:
    """Return the SDK's key of a request in flight: to it, "7" and 7 are the same id."""
    return coerce_request_id(request_id)


def _check_id(request_id: Any) -> None:
    if not is_id(request_id):
        expected = f"an integer, or a string of at most {MAX_ID} characters"
        raise MessageError(INVALID_REQUEST, f"Invalid request: id must be {expected}.")


def _check_version(params: Any, request_id: str | int, header: str = "") -> None:
    meta = cast("dict[str, Any]", params).get("_meta") if isinstance(params, dict) else None
    version = cast("dict[str, Any]", meta).get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
    if isinstance(version, str) and header in ("", version):
        check_version(version, request_id)
