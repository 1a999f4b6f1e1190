"""What can go wrong between us and object storage. No text of these holds a URL: presigned ones are secrets.

StorageError
├── ExpiredError         the presigned URL is not good any more; a fresh one will be
├── ObjectMissingError   there is no such object: an upload that was started and never done
├── NoFormsError         this store takes no uploads by form; a PUT will do
├── DeniedError          another refusal of the store's, which a second try does not change
├── BusyError            the store failed or was busy, again and again
├── LostError            no connection, or it broke, again and again
├── TooLargeError        an object beyond the limit; it is not read
├── NoRoomError          the object does not fit into the folder for temporary files
└── AddressRefusedError  an address that may not be connected to, or a URL that is none
"""

import re
from typing import TYPE_CHECKING

from mcp_errortracking.proxy.transport_errors import plain_reason

if TYPE_CHECKING:
    import httpx

_CODE = re.compile(r"<Code>([A-Za-z0-9._-]{1,60})</Code>")
_EXPIRED = ("expired", "Expired")
_EXPIRED_CODES = ("ExpiredToken", "RequestExpired", "TokenExpired")


class StorageError(Exception):
    """A transfer that did not succeed: what happened, and what to do. `status` and `code` are the store's."""

    def __init__(self, what: str, next_step: str = "", *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(f"{what} {next_step}".strip())
        self.what = what
        self.next_step = next_step
        self.status = status
        self.code = code


class ExpiredError(StorageError):
    """The presigned URL is not good any more; a fresh one will be."""


class ObjectMissingError(StorageError):
    """There is no such object: an upload that was started and never done."""


class NoFormsError(StorageError):
    """This store takes no uploads by form; a PUT will do."""


class DeniedError(StorageError):
    """Another refusal of the store's, which a second try does not change."""


class BusyError(StorageError):
    """The store failed or was busy, again and again."""


class LostError(StorageError):
    """No connection, or it broke, again and again."""


class TooLargeError(StorageError):
    """An object beyond the limit; it is not read."""


class NoRoomError(StorageError):
    """The object does not fit into the folder for temporary files."""


class AddressRefusedError(StorageError):
    """An address that may not be connected to, or a URL that is none."""


def refusal(status: int, body: str, *, uploads_form: bool = False) -> StorageError:
    """The error for an answer that is not 2xx. S3 says why in XML."""
    found = _CODE.search(body)
    code = found[1] if found else None
    said = f"HTTP {status}{f' {code}' if code else ''}"
    if status == 501 and uploads_form:
        next_step = "Upgrade PostHog: since September 2026 it hands out addresses to PUT to as well."
        return NoFormsError(f"Object storage takes no uploads by form ({said}).", next_step, status=status, code=code)
    if status == 429 or status >= 500 or code in ("SlowDown", "RequestTimeout"):
        return BusyError(f"Object storage failed with {said}.", "Try again in a minute.", status=status, code=code)
    if status in (400, 401, 403) and (code in _EXPIRED_CODES or any(word in body for word in _EXPIRED)):
        return ExpiredError(
            f"The presigned URL is not good any more ({said}).",
            "Try again, which gets a fresh one; if it stays so, the clocks of PostHog and its object storage differ.",
            status=status,
            code=code,
        )
    if status == 404:
        return ObjectMissingError(
            f"Object storage has no such object ({said}).", "Upload it again.", status=status, code=code
        )
    return DeniedError(
        f"Object storage refuses with {said}.",
        "Look at PostHog's object storage settings, and at what stands between it and this machine.",
        status=status,
        code=code,
    )


def lost(error: "httpx.TransportError") -> LostError:
    """The error for a connection that was not made, or broke."""
    reason = plain_reason(error, requests="transfers", longest=120)
    next_step = "Check the network between this machine and PostHog's object storage, then try again."
    return LostError(f"No transfer to object storage: {reason}.", next_step)
