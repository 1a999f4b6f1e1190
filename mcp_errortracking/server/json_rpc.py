"""Checks of JSON-RPC messages before the SDK reads them: size, id and protocol version, for all transports.

The SDK takes a request whose id is not a string or an integer for a notification, which gets no answer. It also spends
about a microsecond on each value of a message, several times over.
"""

from typing import Any, TypeGuard, cast

from mcp.shared.dispatcher import coerce_request_id
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
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
from mcp_errortracking.proxy.json_weight import outside_strings
from mcp_errortracking.safe_text.escaping import clean
from mcp_errortracking.server.id_scan import find_id

JSONRPCMessage = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError

STREAM = "subscriptions/listen"
"""A request whose answer comes when its client ends it."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of one message."""

MAX_PARTS = 100_000
"""Commas and opening brackets of one message, also those in its texts: a limit on its values that needs no parsing.

A call of 10,000 ids has 10,000.
"""

MAX_ID = 1000
"""Characters of a request's id."""

_MAX_NAME = 100
"""Characters of a method or a protocol version that an error repeats."""


_NOT_JSON = "Parse error: the message is not JSON."
_CONSTANTS = (b"NaN", b"Infinity")  # which the SDK's parser takes for numbers


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
    if any(constant in text for constant in _CONSTANTS):
        read_json(text)
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError:
        raw = read_json(text)
        check_raw(raw)
        raise _not_a_message(raw) from None
    if isinstance(message, JSONRPCNotification):  # also what the SDK makes of a request with a wrong id
        check_raw(read_json(text))
    elif isinstance(message, JSONRPCRequest):
        _check_id(message.id)
        _check_method(message.method, message.id)
        _check_version(message.params, message.id)
    return message


def check_message(text: bytes, *, header: str = "") -> JSONRPCMessage:
    """Return the message in the bytes, and refuse one whose error from the SDK would repeat parts of it.

    Args:
        header: the protocol version in an HTTP header; the SDK refuses a message with another one.

    Raises:
        MessageError: the message is too large, is not JSON-RPC, or has a wrong id or an unknown protocol version.
    """
    check_size(text)
    raw = read_json(text)
    check_raw(raw, header)
    try:
        return jsonrpc_message_adapter.validate_python(raw, by_name=False)
    except ValidationError:
        raise _not_a_message(raw) from None


def _not_a_message(raw: Any) -> MessageError:
    request_id = cast("dict[str, Any]", raw).get("id") if isinstance(raw, dict) else None
    text = "Invalid request: not a JSON-RPC 2.0 message."
    return MessageError(INVALID_REQUEST, text, request_id if is_id(request_id) else None)


STOPPED = "The server stopped before the call ended. A write may have been applied: read before you repeat it."
TOKEN_EXPIRED = "The token has expired, which ends this stream. Get a new token, and subscribe again."  # noqa: S105 not a secret


def interrupted(request_id: str | int, text: str = STOPPED) -> MessageError:
    """Return the error for a request that is cut off, by the end of the server unless the text says otherwise."""
    return MessageError(CONNECTION_CLOSED, text, request_id)


def check_size(text: bytes) -> None:
    """Refuse a message that would take too long to read.

    Raises:
        MessageError: the message has too many bytes or too many values.
    """
    if len(text) > MAX_BYTES:
        raise too_long(text, text)
    if text.count(b",") + text.count(b"[") + text.count(b"{") > MAX_PARTS:
        reason = f"Message with more than {MAX_PARTS} values. Split it into several calls."
        raise MessageError(INVALID_REQUEST, reason, _id_in(text, text))


def too_long(beginning: bytes, end: bytes) -> MessageError:
    """Return the error for a message with too many bytes, from its first and last ones."""
    return MessageError(INVALID_REQUEST, f"Message longer than {MAX_BYTES} bytes.", _id_in(beginning, end))


def read_json(text: bytes) -> Any:
    """Return the JSON value in the bytes.

    Raises:
        MessageError: the bytes are not JSON.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        end = text if _is_balanced(text) else b""
        raise MessageError(PARSE_ERROR, _NOT_JSON, _id_in(text, end)) from None


def _is_balanced(text: bytes) -> bool:
    """True if every object of a message ends in it."""
    outside = b"".join(outside_strings(text))
    return outside.count(b"{") == outside.count(b"}")


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
        _check_method(message["method"], message["id"])
        _check_version(message.get("params"), message["id"], header)


def check_version(version: str, request_id: str | int | None = None) -> None:
    """Refuse a protocol version that this server does not speak.

    Raises:
        MessageError: the version is not supported.
    """
    if version not in HANDSHAKE_PROTOCOL_VERSIONS and version not in MODERN_PROTOCOL_VERSIONS:
        shown = _shown(version)
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


def _id_in(beginning: bytes, end: bytes) -> str | int | None:
    """Return the id of a message that is not parsed; None if it has none."""
    request_id = find_id(beginning, end)
    return request_id if is_id(request_id) else None


def request_key(request_id: str | int) -> str | int:
    """Return the SDK's key of a request in flight: to it, "7" and 7 are the same id."""
    return coerce_request_id(request_id)


def _check_id(request_id: Any) -> None:
    if not is_id(request_id):
        expected = f"an integer, or a string of at most {MAX_ID} characters"
        raise MessageError(INVALID_REQUEST, f"Invalid request: id must be {expected}.")


def _check_method(method: Any, request_id: str | int) -> None:
    """Refuse a name that no method has, and that must not be repeated as it is: the SDK's error repeats it whole."""
    if isinstance(method, str) and (shown := _shown(method)) != method:
        raise MessageError(METHOD_NOT_FOUND, "Method not found", request_id, shown)


def _shown(name: str) -> str:
    """Return a client's name as an error repeats it: one line, bounded, without a key."""
    return clean(redact(name[: 2 * _MAX_NAME]), _MAX_NAME)


def _check_version(params: Any, request_id: str | int, header: str = "") -> None:
    meta = cast("dict[str, Any]", params).get("_meta") if isinstance(params, dict) else None
    version = cast("dict[str, Any]", meta).get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
    if isinstance(version, str) and header in ("", version):
        check_version(version, request_id)
