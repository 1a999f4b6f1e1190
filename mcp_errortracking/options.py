"""The options of the command line, by what they are about. A command inherits what stands before its name."""

import argparse
from pathlib import Path
from typing import Any

TIMEOUT = 55.0
"""Seconds a tool call may take: clients give up after 60."""


def add_log_level(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    """Of every command."""
    parser.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default=argparse.SUPPRESS if inherit else "info",
        help="how much to log on stderr (default: info)",
    )


def add_connection(parser: argparse.ArgumentParser, *, inherit: bool = False, patience: float = TIMEOUT) -> None:
    """Of every command that talks to PostHog. `patience`: the seconds that its calls may take where none are given."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if inherit else value

    group = parser.add_argument_group("connection")
    group.add_argument("--host", metavar="URL", default=default(None), help="PostHog, instead of POSTHOG_HOST")
    group.add_argument("--project", metavar="ID", default=default(None), help="instead of POSTHOG_PROJECT_ID")
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=default(None),
        help=f"limit of a tool call (default: {patience:.0f})",
    )
    group.add_argument(
        "--sandbox", action="store_true", default=default(False), help="use a sandbox started for this run, not PostHog"
    )
    add_log_level(parser, inherit=inherit)


def add_offer(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    """What an agent is offered."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if inherit else value

    group = parser.add_argument_group("tools", "names separated by commas; see: mcp-errortracking tools --toolsets all")
    group.add_argument(
        "--toolsets",
        metavar="NAMES",
        type=_names,
        default=default(()),
        help="default, all, documented, official, or resources such as issues,alerts",
    )
    group.add_argument("--tools", metavar="NAMES", type=_names, default=default(()), help="these tools (too)")
    group.add_argument(
        "--exclude", metavar="NAMES", type=_names, default=default(()), help="leave out these tools or toolsets"
    )
    group.add_argument(
        "--read-only", action="store_true", default=default(False), help="leave out every tool that changes something"
    )
    add_roots(group, inherit=inherit)
    group.add_argument(
        "--max-result-tokens",
        metavar="N",
        type=_tokens,
        default=default(None),
        help="cut the text of a result there (default: 20000)",
    )


def add_roots(group: argparse._ActionsContainer, *, inherit: bool = False) -> None:  # pyright: ignore[reportPrivateUsage]
    """The folders that tools may touch."""
    group.add_argument(
        "--root",
        metavar="DIR",
        type=Path,
        action="append",
        default=argparse.SUPPRESS if inherit else [],
        help="a folder whose files tools may read and write (default: over stdio the current one, over HTTP none)",
    )


def add_transport(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    """How MCP clients reach the server."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if inherit else value

    group = parser.add_argument_group("transport")
    group.add_argument(
        "--transport",
        choices=["stdio", "http", "sse"],
        default=default("stdio"),
        help="http: /mcp and /sse on one port; sse: /sse alone (default: stdio)",
    )
    group = parser.add_argument_group("over HTTP")
    group.add_argument("--bind", metavar="ADDRESS", default=default("127.0.0.1"), help="default: 127.0.0.1")
    group.add_argument("--port", type=int, default=default(8780), help="0 takes a free one (default: 8780)")
    group.add_argument(
        "--allowed-host",
        metavar="NAME",
        action="append",
        default=default([]),
        help="a name it is reached by",
    )
    group.add_argument(
        "--allowed-origin", metavar="URL", action="append", default=default([]), help="a web page that may call it"
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        default=default(None),
        help="secrets for callers, one a line",
    )
    group.add_argument(
        "--caller-keys",
        action="store_true",
        default=default(False),
        help="callers bring their own PostHog keys, in X-PostHog-API-Key; the server holds none",
    )
    group.add_argument("--metrics", action="store_true", default=default(False), help="serve Prometheus' /metrics")
    group.add_argument(
        "--max-calls", metavar="N", type=_count, default=default(None), help="under way at once (default: 512)"
    )
    group.add_argument(
        "--max-sessions", metavar="N", type=_count, default=default(None), help="open SSE streams (default: 1000)"
    )
    group.add_argument(
        "--idle", metavar="SECONDS", type=_count, default=default(None), help="of an SSE stream (default: 14400)"
    )
    group.add_argument(
        "--log-format", choices=["text", "json"], default=default("text"), help="of the lines on stderr (default: text)"
    )


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10**7:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return value


def _tokens(text: str) -> int:
    value = int(text)
    if not 100 <= value <= 10**6:
        raise argparse.ArgumentTypeError("give 100 to 1000000 tokens")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("give 1 to 3600 seconds")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
