"""The errors of object storage. Their texts never hold a URL: presigned ones are secrets.

StorageError
├── ExpiredError         the presigned URL has expired; retry with a fresh one
├── ObjectMissingError   no such object: its upload was started and never completed
├── NoFormsError         this store does not accept form uploads; use PUT
├── DeniedError          another refusal of the store; a retry does not help
├── BusyError            the store failed or was busy on every try
├── LostError            no connection, or it broke, on every try
├── TooSlowError         the transfer took too long for its size; it is not retried
├── TooLargeError        an object beyond the limit; it is not read
├── NoRoomError          the object does not fit into the folder for temporary files
└── AddressRefusedError  a forbidden address, or a URL that is not a web address
"""

import re
from typing import TYPE_CHECKING

from mcp_errortracking.explanation import ExplainedError, Explanation
from mcp_errortracking.proxy.transport_errors import plain_reason

if TYPE_CHECKING:
    import httpx

_CODE = re.compile(r"<Code>([A-Za-z0-9._-]{1,60})</Code>")
_EXPIRED = ("expired", "Expired")
_EXPIRED_CODES = ("ExpiredToken", "RequestExpired", "TokenExpired")


class StorageError(ExplainedError):
    """A failed transfer: what happened, and what to do. `status` and `code` are the store's."""

    def __init__(self, what: str, next_step: str = "", *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(Explanation(code or "", what, next_step=next_step))
        self.status = status


class ExpiredError(StorageError):
    """The presigned URL has expired; retry with a fresh one."""


class ObjectMissingError(StorageError):
    """No such object: its upload was started and never completed."""


class NoFormsError(StorageError):
    """This store does not accept form uploads; use PUT."""


class DeniedError(StorageError):
    """Another refusal of the store; a retry does not help."""


class BusyError(StorageError):
    """The store failed or was busy on every try."""


class LostError(StorageError):
    """No connection, or it broke, on every try."""


class TooSlowError(StorageError):
    """The transfer took too long for its size; it is not retried."""

    def __init__(self) -> None:
        super().__init__(
            "Object storage was too slow: the transfer was ended, since it took too long for its size.",
            "Check the network between this machine and PostHog's object storage, then retry.",
        )


class TooLargeError(StorageError):
    """An object beyond the limit; it is not read."""


class NoRoomError(StorageError):
    """The object does not fit into the folder for temporary files."""


class AddressRefusedError(StorageError):
    """A forbidden address, or a URL that is not a web address."""


def refusal(status: int, body: str, *, uploads_form: bool = False) -> StorageError:
    """Return the error for an answer that is not 2xx. S3 gives the reason in XML."""
    found = _CODE.search(body)
    code = found[1] if found else None
    answer = f"HTTP {status}{f' {code}' if code else ''}"
    if status == 501 and uploads_form:
        next_step = "Upgrade PostHog: since September 2026 it also hands out addresses for PUT."
        return NoFormsError(
            f"Object storage does not accept form uploads ({answer}).", next_step, status=status, code=code
        )
    if status == 429 or status >= 500 or code in ("SlowDown", "RequestTimeout"):
        return BusyError(f"Object storage failed with {answer}.", "Retry in a minute.", status=status, code=code)
    if status in (400, 401, 403) and (code in _EXPIRED_CODES or any(word in body for word in _EXPIRED)):
        return ExpiredError(
            f"The presigned URL has expired ({answer}).",
            "Retry to get a fresh one. If this repeats, compare the clocks of PostHog and its object storage.",
            status=status,
            code=code,
        )
    if status == 404:
        return ObjectMissingError(
            f"Object storage has no such object ({answer}).", "Upload it again.", status=status, code=code
        )
    return DeniedError(
        f"Object storage refuses with {answer}.",
        "Check PostHog's object storage settings, and any proxy or firewall between it and this machine.",
        status=status,
        code=code,
    )


def lost(error: "httpx.TransportError") -> LostError:
    """Return the error for a connection that could not be made, or broke."""
    reason = plain_reason(error, requests="transfers", longest=120)
    next_step = "Check the network between this machine and PostHog's object storage, then retry."
    return LostError(f"No transfer to object storage: {reason}.", next_step)
