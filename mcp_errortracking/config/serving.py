"""The settings of the server: its transport, and over HTTP its callers and limits."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcp_errortracking.config.settings import collect_values, read_value, setting, settings_of
from mcp_errortracking.config.values import (
    Choice,
    ConfigError,
    Number,
    Switch,
    read_names,
    read_path,
    secret,
)
from mcp_errortracking.posthog_keys import is_key

if TYPE_CHECKING:
    from pydantic import SecretStr

logger = logging.getLogger(__name__)

_SHORTEST_TOKEN = 16
_MAKE_ONE = "make one with: openssl rand -hex 32"


def read_tokens(text: str) -> "tuple[SecretStr, ...]":
    """Read server tokens, separated by commas."""
    return _check_tokens(read_names(text))


def _read_token_lines(text: str) -> "tuple[SecretStr, ...]":
    """Read server tokens, one per line, without blank lines and comments."""
    lines = (line.strip() for line in text.splitlines())
    return _check_tokens([line for line in lines if line and not line.startswith("#")])


def _check_tokens(tokens: Sequence[str]) -> "tuple[SecretStr, ...]":
    if any(len(token) < _SHORTEST_TOKEN for token in tokens):
        raise ValueError(f"holds a token of less than {_SHORTEST_TOKEN} characters; {_MAKE_ONE}")
    if any(not token.isascii() or not token.isprintable() or " " in token for token in tokens):
        raise ValueError(f"holds a token with characters that no header can carry; {_MAKE_ONE}")
    if any(is_key(token) for token in tokens):
        raise ValueError(f"holds a token that is a PostHog key; {_MAKE_ONE}")
    return tuple(secret(token) for token in tokens)


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """The transport of `serve`, and its address over HTTP."""

    transport: Literal["stdio", "http", "sse"] = setting(
        "stdio",
        option="--transport",
        variable="MCP_TRANSPORT",
        read=Choice("stdio", "http", "sse"),
        help="http: /mcp and /sse on one port; sse: /sse only",
    )
    bind: str = setting("127.0.0.1", option="--bind", metavar="ADDRESS", read=str, help="IP address to listen on")
    port: int = setting(
        8780,
        option="--port",
        metavar="N",
        read=Number(0, 65535, whole=True),
        help="port to listen on; 0 takes a free one",
    )


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The server over HTTP: its callers and limits. Times in seconds."""

    tokens: "Sequence[SecretStr]" = setting(
        (),
        variable="MCP_SERVER_TOKEN",
        read=read_tokens,
        help="tokens, separated by commas; a caller must present one",
    )
    token_file: Path | None = setting(
        None,
        option="--token-file",
        variable="MCP_SERVER_TOKEN_FILE",
        metavar="FILE",
        read=read_path,
        help="a file with server tokens, one per line",
    )
    caller_keys: bool = setting(
        False,
        option="--caller-keys",
        variable="MCP_CALLER_KEYS",
        read=Switch(),
        help="callers send their own PostHog keys in X-PostHog-API-Key; the server holds none",
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        option="--allowed-host",
        variable="MCP_ALLOWED_HOSTS",
        metavar="NAME",
        read=read_names,
        read_each=read_names,
        help="a host name that clients use for this server; repeat the option for more, or separate names with commas",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        option="--allowed-origin",
        variable="MCP_ALLOWED_ORIGINS",
        metavar="URL",
        read=read_names,
        read_each=read_names,
        help="origin of a web page that may call this server; repeat the option for more, or separate them with commas",
    )
    timeout: float = setting(
        55,
        option="--timeout",
        variable="MCP_TIMEOUT",
        metavar="SECONDS",
        read=Number(1, 3600),
        help="limit of a tool call; MCP clients give up after 60",
    )
    max_calls: int = setting(
        512,
        option="--max-calls",
        variable="MCP_MAX_CALLS",
        metavar="N",
        read=Number(1, 100_000, whole=True),
        help="calls in progress at once; one caller may have half of them",
    )
    max_sessions: int = setting(
        1000,
        option="--max-sessions",
        variable="MCP_MAX_SESSIONS",
        metavar="N",
        read=Number(1, 100_000, whole=True),
        help="open SSE streams; one caller may have half of them, but at least 4",
    )
    idle: float = setting(
        4 * 3600,
        option="--idle",
        variable="MCP_IDLE_SECONDS",
        metavar="SECONDS",
        read=Number(1, 10**7),
        help="close an SSE stream without requests after this time",
    )
    metrics: bool = setting(
        False,
        option="--metrics",
        variable="MCP_METRICS",
        read=Switch(),
        help="serve Prometheus metrics at /metrics",
    )
    transport: Literal["http", "sse"] = "http"


def load_listen(environ: Mapping[str, str] | None = None, **given: Any) -> ListenSettings:
    """Return the transport and address of `serve` that options (`given`, by field) and variables make.

    Raises:
        ConfigError: a value is wrong.
    """
    return ListenSettings(**collect_values(ListenSettings, given, os.environ if environ is None else environ))


def load_http(
    environ: Mapping[str, str] | None = None, *, transport: Literal["http", "sse"] | None = None, **given: Any
) -> HttpSettings:
    """Return the settings over HTTP that options (`given`, by field) and variables make.

    Args:
        transport: the one in use; None: the variable's, else `http`.

    Raises:
        ConfigError: a value is wrong.
    """
    environ = os.environ if environ is None else environ
    values = collect_values(HttpSettings, given, environ)
    if file := values.get("token_file"):
        values["tokens"] = (*values.get("tokens", ()), *_tokens_in(file))
    if transport is None:
        transport = collect_values(ListenSettings, {}, environ).get("transport", "http")
        if transport not in ("http", "sse"):
            raise ConfigError("MCP_TRANSPORT must be one of: http, sse. An ASGI host cannot serve stdio.")
    return HttpSettings(**values, transport=transport)


def load_timeout(
    environ: Mapping[str, str] | None = None, *, timeout: float | None = None, default: float | None = None
) -> float:
    """Return the limit of a tool call for stdio and for commands: the option, else the variable, else `default`.

    Claude Code has a variable of the same name, in milliseconds, and passes it to the servers it starts. So a value
    that is out of bounds is ignored here, with a warning.
    """
    declared = next(one for one in settings_of(HttpSettings) if one.field == "timeout")
    if timeout is not None:
        return timeout
    try:
        set_value = declared.from_variable(os.environ if environ is None else environ)
    except ConfigError as error:
        logger.warning("%s. It is ignored: some MCP clients set this variable for themselves, in milliseconds.", error)
        set_value = None
    return next(one for one in (set_value, default, declared.default) if one is not None)


def _tokens_in(file: Path) -> "tuple[SecretStr, ...]":
    """Read a file of server tokens."""
    try:
        text = file.read_text("utf-8")
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"The token file {file} cannot be read: {reason}.") from None
    if mode & 0o007 and os.name == "posix":
        logger.warning("%s can be read by others on this machine; fix with: chmod o-rwx %s", file, file)
    tokens = read_value(_read_token_lines, text, f"The token file {file}")
    if not tokens:
        raise ConfigError(f"The token file {file} holds no token: write one per line.")
    return tokens
