"""The API key on the wire: the headers that carry it, and its removal from answers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from mcp_errortracking import __version__

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"mcp-errortracking/{__version__}"


def headers_with(key: SecretStr) -> "httpx.Headers":
    """Return the headers of one request with this key. Do not store them: only the SecretStr may hold the key."""
    import httpx

    return httpx.Headers(
        {
            "Authorization": f"Bearer {key.get_secret_value()}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": USER_AGENT,
        }
    )


def remove_key(key: SecretStr | None, content: bytes) -> bytes:
    """Remove the key from an answer: some gateways echo the headers of a request."""
    secret = key.get_secret_value().encode() if key else b""
    return content.replace(secret, b"[key]") if secret and secret in content else content


def remove_key_from_headers(key: SecretStr | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an answer, by name in lower case, without the key."""
    return {name.lower(): remove_key(key, value.encode()).decode() for name, value in headers.items()}
