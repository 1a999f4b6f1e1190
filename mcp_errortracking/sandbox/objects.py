"""Object storage as the presigned URLs see it: files in a folder, and an S3-like interface to them (contract 5.3, 5.4).

A URL is valid for one object, one method and a limited time; the API key is not used.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from mcp_errortracking.system.replacement import delete, replace

MAX_BYTES = 100 * 1024 * 1024
UPLOAD_SECONDS = 300
DOWNLOAD_SECONDS = 3600
BUCKET = "posthog"


class StorageError(Exception):
    """An XML error of S3: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def xml(self) -> str:
        """Return the body."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        )


class Objects:
    """The objects of a sandbox, each a file named by a hash of its key."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder = folder
        self._secret = secret.encode()
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """Return the path of an object; the object may not exist."""
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if it does not exist."""
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def temporary(self) -> Path:
        """Return a new file, to write an object to before it is put in place."""
        return self._folder / f"part-{secrets.token_hex(8)}"

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        part = self.temporary()
        part.write_bytes(content)
        replace(part, self.path(key))

    def put_sparse(self, key: str, size: int) -> None:
        """Store a sparse object of zeros."""
        with self.path(key).open("wb") as file:
            file.truncate(size)

    def delete(self, key: str) -> None:
        """Delete an object if it exists."""
        with suppress(FileNotFoundError):
            delete(self.path(key))

    def clear(self) -> None:
        """Delete every object."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    def presigned_post(self, base: str, key: str) -> dict[str, Any]:
        """Return the URL and form fields to upload an object with."""
        expires = time.time() + UPLOAD_SECONDS
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        fields = {
            "key": key,
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": f"sandbox/{stamp[:8]}/us-east-1/s3/aws4_request",
            "x-amz-date": stamp,
        }
        conditions: list[Any] = [{"bucket": BUCKET}, ["content-length-range", 0, MAX_BYTES]]
        conditions += [{name: value} for name, value in fields.items()]
        policy = base64.b64encode(json.dumps({"expiration": expires, "conditions": conditions}).encode()).decode()
        return {
            "url": f"{base}/_storage/{BUCKET}",
            "fields": {**fields, "policy": policy, "x-amz-signature": self._sign(policy)},
        }

    def check_post(self, fields: Mapping[str, str]) -> str:
        """Return the key of the object that a form may upload.

        Raises:
            StorageError: the form is not valid, or not any more.
        """
        policy = fields.get("policy", "")
        if not hmac.compare_digest(self._sign(policy), fields.get("x-amz-signature", "")):
            raise StorageError(403, "SignatureDoesNotMatch", "The request signature does not match.")
        conditions: dict[str, Any] = json.loads(base64.b64decode(policy))
        if time.time() > conditions["expiration"]:
            raise StorageError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        for condition in conditions["conditions"]:
            if isinstance(condition, dict) and "bucket" not in condition:
                ((name, value),) = condition.items()  # pyright: ignore[reportUnknownVariableType]
                if fields.get(name) != value:  # pyright: ignore[reportUnknownArgumentType]
                    message = f"Invalid according to Policy: Policy Condition failed: {name}"
                    raise StorageError(403, "AccessDenied", message)
        return fields["key"]

    def presigned_put(self, base: str, key: str, length: int) -> str:
        """Return a URL for an upload of exactly this many bytes."""
        return self._presigned_url(base, "PUT", key, UPLOAD_SECONDS, length)

    def presigned_get(self, base: str, key: str) -> str:
        """Return the URL to download an object from."""
        return self._presigned_url(base, "GET", key, DOWNLOAD_SECONDS, None)

    def _presigned_url(self, base: str, method: str, key: str, seconds: int, length: int | None) -> str:
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": str(int(time.time())),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host" if length is None else "content-length;host",
        }
        query["X-Amz-Signature"] = self._sign(_canonical(method, key, query, length))
        return f"{base}/_storage/{BUCKET}/{quote(key)}?{urlencode(query)}"

    def check_url(self, method: str, key: str, query: Mapping[str, str], length: int | None) -> None:
        """True if a presigned URL is valid for this request.

        Raises:
            StorageError: the URL is not valid, or not any more.
        """
        signed = {name: value for name, value in query.items() if name != "X-Amz-Signature"}
        counted = length if signed.get("X-Amz-SignedHeaders") == "content-length;host" else None
        wanted = self._sign(_canonical(method, key, signed, counted))
        if not hmac.compare_digest(wanted, query.get("X-Amz-Signature", "")):
            raise StorageError(403, "SignatureDoesNotMatch", "The request signature does not match.")
        if time.time() > int(signed["X-Amz-Date"]) + int(signed["X-Amz-Expires"]):
            raise StorageError(403, "AccessDenied", "Request has expired")

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def _canonical(method: str, key: str, query: Mapping[str, str], length: int | None) -> str:
    return json.dumps([method, key, sorted(query.items()), length])
