"""`mcp-errortracking serve`: speak MCP over stdio, or over HTTP and SSE."""

import argparse
import logging
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from mcp_errortracking import config
from mcp_errortracking.cli.connection import Connection, fail, time_limit, tool_selection
from mcp_errortracking.cli.options import given, options_over_http
from mcp_errortracking.config import HttpSettings, ListenSettings, OAuthSettings, PostHogSettings
from mcp_errortracking.system.garbage import long_lived

if TYPE_CHECKING:
    from mcp_errortracking.server.ready import Opening
    from mcp_errortracking.server.scope_memory import ScopeMemory

logger = logging.getLogger(__name__)


def run_serve(options: argparse.Namespace) -> int:
    """Serve until the client leaves or a signal asks to stop.

    Raises:
        ConfigError: a setting is wrong, or an option needs another transport.
    """
    listen = config.load_listen(**given(options, ListenSettings))
    if listen.transport != "stdio":
        return _run_http(options, listen)
    if unused := options_over_http(options):
        raise config.ConfigError(f"no effect over stdio: {', '.join(unused)}. Add --transport http to serve HTTP.")
    for stream, name in ((sys.stdin, "stdin"), (sys.stdout, "stdout"), (sys.stderr, "stderr")):
        if stream is None:  # pyright: ignore[reportUnnecessaryComparison]
            return fail(
                f"{name} is closed, so no MCP client can be served; start it with {name} open, or with --transport http"
            )
    selection, timeout = tool_selection(options), time_limit(options)
    roots = config.roots_for(selection, over_network=False)
    with Connection(options) as settings:
        if sys.stdin.isatty():
            print("Waiting for an MCP client on stdin; Ctrl-C ends it. See: mcp-errortracking --help", file=sys.stderr)
        _log_settings(settings)
        memory = None if options.sandbox else _scope_memory(settings)
        with_journal = settings.journal_file() is not None
        opening = _open_session(selection, memory, with_files=bool(roots), with_journal=with_journal)
        if not opening.is_over:
            _serve_stdio(settings, selection, timeout, opening, memory)
    _leave()
    return 0


def _serve_stdio(
    settings: PostHogSettings,
    selection: config.ToolSelection,
    timeout: float,
    opening: "Opening",
    memory: "ScopeMemory | None",
) -> None:
    import anyio

    from mcp_errortracking.compose import proxy_for, server_for, store_for
    from mcp_errortracking.server.key_scopes import KeyScopes
    from mcp_errortracking.server.observe import log_calls
    from mcp_errortracking.server.stdio import serve

    proxy = proxy_for(settings, store_for(settings))
    scopes = KeyScopes(proxy, memory)
    server = server_for(
        settings,
        selection,
        proxy,
        time_limit=timeout,
        observe=log_calls(logging.DEBUG),
        over_network=False,
        scopes=scopes,
    )

    async def run_server() -> None:
        async with proxy:
            await serve(server, opening, scopes.refresh)

    anyio.run(run_server)


def _scope_memory(settings: PostHogSettings) -> "ScopeMemory | None":
    from mcp_errortracking.server.scope_memory import ScopeMemory

    folder = config.cache_folder()
    return ScopeMemory(folder, settings.host, settings.key.get_secret_value()) if folder and settings.key else None


def _open_session(
    selection: config.ToolSelection, memory: "ScopeMemory | None", *, with_files: bool, with_journal: bool
) -> "Opening":
    """Answer the first requests while the modules of the server are imported."""
    from mcp_errortracking.server.ready import Opening, ReadyAnswers, open_session
    from mcp_errortracking.server.selection import SelectionError

    with long_lived():
        try:
            answers = ReadyAnswers(
                with_files=with_files,
                with_journal=with_journal,
                scopes=memory and memory.scopes,
                confirm=selection.confirm,
                toolsets=selection.toolsets,
                tools=selection.tools,
                exclude=selection.exclude,
                read_only=selection.read_only,
            )
            return open_session(answers, _import_server)
        except SelectionError:  # `server_for` reports it
            return Opening()


def _import_server() -> None:
    import_module("mcp_errortracking.server.app")
    import_module("mcp_errortracking.compose")
    import_module("mcp_errortracking.server.stdio")


def _log_settings(settings: PostHogSettings) -> None:
    logger.info("PostHog at %s, project %s, key from %s", settings.host, settings.project, settings.source)


def _run_http(options: argparse.Namespace, to: ListenSettings) -> int:
    with long_lived():
        import anyio

        from mcp_errortracking.asgi import app_for, limits_of
        from mcp_errortracking.compose import oauth_for
        from mcp_errortracking.server.http.serving import ListenError, address_of, listen, serve_http

    http = config.load_http(transport="sse" if to.transport == "sse" else "http", **given(options, HttpSettings))
    selection, oauth_settings = tool_selection(options), config.load_oauth(**given(options, OAuthSettings))
    oauth = oauth_for(oauth_settings, selection)
    try:
        listener = listen(to.bind, to.port, guarded=bool(http.tokens) or oauth is not None)
    except ListenError as error:
        return fail(str(error))
    with Connection(options, keyless=http.caller_keys) as settings, listener:
        _log_settings(settings)
        paths = "/sse" if http.transport == "sse" else "/mcp and /sse"
        callers = "callers with a token" if http.tokens or oauth else "anyone on this machine"
        if to.bind not in config.LOOPBACK and not http.allowed_hosts and not oauth_settings.is_on:
            logger.warning(
                "requests with a Host other than localhost get 421, Invalid Host header: "
                "add the name with --allowed-host or MCP_ALLOWED_HOSTS"
            )
        logger.info("MCP at %s, paths %s, for %s", address_of(listener), paths, callers)
        with long_lived():
            app = app_for(settings, http, selection, oauth=oauth)
        anyio.run(serve_http, app, listener, limits_of(http).connections)
    return 0


def _leave() -> None:
    """End the process at once: shutting the interpreter down takes longer than the last call of most sessions."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)
