"""How the server is reached over HTTP, and by whom."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcp_errortracking.config.values import (
    ConfigError,
    from_variables,
    number,
    one_of,
    secret,
    several,
    switch,
    value,
)
from mcp_errortracking.posthog_keys import is_key

if TYPE_CHECKING:
    from pydantic import SecretStr

logger = logging.getLogger(__name__)

_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Serving:
    """How the server is reached over HTTP. Times in seconds."""

    tokens: "list[SecretStr]"
    transport: Literal["http", "sse"] = "http"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    caller_keys: bool = False
    metrics: bool = False
    timeout: float = 55.0
    max_calls: int | None = None
    max_sessions: int | None = None
    idle: float | None = None
    log_level: str = "info"
    log_format: Literal["text", "json"] = "text"


_VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "transport": ("MCP_TRANSPORT", lambda text: one_of(text, "http", "sse")),
    "allowed_hosts": ("MCP_ALLOWED_HOSTS", several),
    "allowed_origins": ("MCP_ALLOWED_ORIGINS", several),
    "caller_keys": ("MCP_CALLER_KEYS", switch),
    "metrics": ("MCP_METRICS", switch),
    "timeout": ("MCP_TIMEOUT", lambda text: number(text, 1, 3600)),
    "max_calls": ("MCP_MAX_CALLS", lambda text: int(number(text, 1, 100_000))),
    "max_sessions": ("MCP_MAX_SESSIONS", lambda text: int(number(text, 1, 100_000))),
    "idle": ("MCP_IDLE_SECONDS", lambda text: number(text, 1, 10**7)),
    "log_level": ("MCP_LOG_LEVEL", lambda text: one_of(text, "debug", "info", "warning", "error")),
    "log_format": ("MCP_LOG_FORMAT", lambda text: one_of(text, "text", "json")),
}


def load_serving(environ: Mapping[str, str] | None = None, *, token_file: Path | None = None, **given: Any) -> Serving:
    """The settings of the server over HTTP: what is given, else the variables `MCP_*`.

    Args:
        token_file: one token a line; instead of `MCP_SERVER_TOKEN_FILE`.
        given: fields of `Serving`; None or empty counts as not given.

    Raises:
        ConfigError: a value is wrong.
    """
    environ = os.environ if environ is None else environ
    return Serving(tokens=_server_tokens(environ, token_file), **from_variables(_VARIABLES, given, environ))


def _server_tokens(environ: Mapping[str, str], file: Path | None) -> "list[SecretStr]":
    """What callers over HTTP present: the tokens of the file, and those of `MCP_SERVER_TOKEN` (comma-separated)."""
    named = value(environ, "MCP_SERVER_TOKEN_FILE")
    file = file or (Path(named) if named else None)
    tokens = list(several(value(environ, "MCP_SERVER_TOKEN") or ""))
    if file is not None:
        in_file = _lines(file)
        if not in_file:
            raise ConfigError(f"The token file {file} holds no token: write one a line.")
        tokens += in_file
    if any(len(token) < _SHORTEST_TOKEN for token in tokens):
        raise ConfigError(f"A server token has less than {_SHORTEST_TOKEN} characters; make one: openssl rand -hex 32")
    if any(not token.isascii() or not token.isprintable() or " " in token for token in tokens):
        raise ConfigError("A server token holds characters that no header can carry; make one: openssl rand -hex 32")
    if any(is_key(token) for token in tokens):
        raise ConfigError("A server token is a PostHog key: make one of its own: openssl rand -hex 32")
    return [secret(token) for token in tokens]


def _lines(file: Path) -> list[str]:
    """The lines of a file of secrets, without blanks and comments."""
    try:
        text = file.read_text("utf-8")
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"The token file {file} cannot be read: {reason}.") from None
    if mode & 0o007 and os.name == "posix":
        logger.warning("%s can be read by others on this machine; mend it with: chmod o-rwx %s", file, file)
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
