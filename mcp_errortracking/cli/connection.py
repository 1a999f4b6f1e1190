"""The PostHog that a command talks to: the configured one, or a sandbox of the command's own."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mcp_errortracking import config
from mcp_errortracking.cli.confirmation import asker_of_shell, mode_of
from mcp_errortracking.cli.options import given
from mcp_errortracking.config import PostHogSettings, ToolSelection
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.system.standard_streams import read_stdin

if TYPE_CHECKING:
    from mcp_errortracking.proxy import Proxy
    from mcp_errortracking.server.calls import Reply
    from mcp_errortracking.workflows.base import Progress

    Ask = Callable[[str, Mapping[str, Any]], Awaitable[Reply]]

Result = TypeVar("Result")
EXIT_PROBLEM = 1
EXIT_USAGE = 2

_NO_KEY = (
    "No PostHog API key is configured, so nothing was sent. Log in with: mcp-errortracking login. Or create a personal "
    "API key in PostHog (Settings, Personal API keys) with the scopes error_tracking:read and error_tracking:write, "
    "and set it as POSTHOG_PERSONAL_API_KEY. To try without PostHog, add --sandbox."
)
"""The error in a shell; an MCP client gets advice about its own configuration."""


class Connection:
    """The settings of a command, and the sandbox that it started if the options say so."""

    def __init__(self, options: argparse.Namespace, *, keyless: bool = False) -> None:
        self._options = options
        self._keyless = keyless
        self.sandbox: Sandbox | None = None

    def __enter__(self) -> PostHogSettings:
        if self._options.sandbox:
            self.sandbox = Sandbox()
            return config.for_sandbox(
                self.sandbox.url,
                None if self._keyless else self.sandbox.key,
                self.sandbox.project_id,
                journal=getattr(self._options, "journal", None),
            )
        return config.load_posthog(keyless=self._keyless, **given(self._options, PostHogSettings))

    def __exit__(self, *_: object) -> None:
        if self.sandbox is not None:
            self.sandbox.stop()


def tool_selection(options: argparse.Namespace) -> ToolSelection:
    return config.load_tool_selection(**given(options, ToolSelection))


def time_limit(options: argparse.Namespace, default: float | None = None) -> float:
    return config.load_timeout(timeout=getattr(options, "timeout", None), default=default)


def read_input() -> str:
    """Return the text on stdin, for an option of `-`.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return read_stdin()
    except UnicodeDecodeError:
        raise config.ConfigError(
            "The text on stdin is not UTF-8. Save it as UTF-8; in Windows PowerShell, first set "
            "$OutputEncoding = [Text.UTF8Encoding]::new()"
        ) from None


def fail(message: str) -> int:
    """Print a mistake in the command or the configuration, and return the exit code for it."""
    print(f"mcp-errortracking: {message}", file=sys.stderr)
    return EXIT_USAGE


def ask(
    options: argparse.Namespace,
    arguments: dict[str, Any],
    roots: tuple[Path, ...],
    *,
    time_limit: float,
    max_result_tokens: int = sys.maxsize,
    progress: "Progress | None" = None,
) -> "Reply":
    """Call the tool that the options name, and return its reply; ask first, if the options say so.

    Raises:
        ConfigError: MCP_CONFIRM is wrong.
        UnknownToolError: the tool does not exist.
    """
    from mcp_errortracking.compose import caller_for
    from mcp_errortracking.server.key_scopes import KeyScopes

    confirm = mode_of(options)
    asker = None if confirm == "never" else asker_of_shell()
    with Connection(options) as settings:
        caller = caller_for(
            settings, time_limit=time_limit, max_result_tokens=max_result_tokens, roots=roots, confirm=confirm
        )

        async def work(proxy: "Proxy") -> "Reply":
            scopes = KeyScopes(proxy).get
            return await caller.call(proxy, options.tool, arguments, progress=progress, asker=asker, scopes=scopes)

        return _for_shell(_run_with_proxy(settings, work))


def ask_often(settings: PostHogSettings, work: "Callable[[Ask], Awaitable[Result]]", *, time_limit: float) -> "Result":
    """Do work that calls several tools over one connection.

    Args:
        work: receives a function that calls a tool with arguments and returns its reply.
        time_limit: of each call.
    """
    from mcp_errortracking.compose import caller_for
    from mcp_errortracking.server.key_scopes import KeyScopes

    caller = caller_for(settings, time_limit=time_limit, max_result_tokens=sys.maxsize, roots=())

    async def work_with(proxy: "Proxy") -> "Result":
        scopes = KeyScopes(proxy).get

        async def call(name: str, arguments: Mapping[str, Any]) -> "Reply":
            return _for_shell(await caller.call(proxy, name, arguments, scopes=scopes))

        return await work(call)

    return _run_with_proxy(settings, work_with)


def print_result(reply: "Reply", *, as_json: bool) -> None:
    """Print the structured result of a reply as JSON, or its text."""
    from mcp_errortracking.safe_text.escaping import escape
    from mcp_errortracking.server.cells import json_text

    print(escape(json_text(reply.structured)) if as_json else reply.text)


def _run_with_proxy(settings: PostHogSettings, work: "Callable[[Proxy], Awaitable[Result]]") -> "Result":
    import anyio

    from mcp_errortracking.compose import proxy_for, store_for

    async def run() -> "Result":
        async with proxy_for(settings, store_for(settings)) as proxy:
            return await work(proxy)

    return anyio.run(run)


def _for_shell(reply: "Reply") -> "Reply":
    error: Any = reply.structured.get("error")
    return replace(reply, text=_NO_KEY) if error and error.get("code") == "not_configured" else reply
