"""`mcp-errortracking ui`: serve only this machine, and open the pages in a browser."""

import argparse
import secrets
import sys
import threading
import webbrowser
from dataclasses import replace

from mcp_errortracking import config
from mcp_errortracking.cli.connection import Connection, fail, tool_selection
from mcp_errortracking.cli.options import add_connection, add_port, add_tool_selection, given
from mcp_errortracking.config import HttpSettings, ListenSettings
from mcp_errortracking.config.values import secret
from mcp_errortracking.system.garbage import long_lived


def add_ui(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_connection(parser)
    add_tool_selection(parser)
    add_port(parser, help="port to listen on [default: a free one]")
    parser.add_argument("--no-open", action="store_true", help="print the address, and open no browser")


def run_ui(options: argparse.Namespace) -> int:
    """Serve the pages until a signal asks to stop."""
    with long_lived():
        import anyio

        from mcp_errortracking.asgi import app_for, limits_of
        from mcp_errortracking.server.http.one_time import OneTimeCode
        from mcp_errortracking.server.http.serving import ListenError, address_of, listen, serve_http

    port: int = given(options, ListenSettings).get("port", 0)
    token = secret(secrets.token_urlsafe(32))
    http = HttpSettings(tokens=(token,), timeout=config.load_timeout(timeout=getattr(options, "timeout", None)))
    selection = tool_selection(options)
    if not selection.toolsets and not selection.tools:
        selection = replace(selection, toolsets=("all",))  # no model reads this list
    try:
        listener = listen("127.0.0.1", port, guarded=True)
    except ListenError as error:
        return fail(str(error))
    with Connection(options) as settings, listener:
        code = OneTimeCode(token)
        with long_lived():
            app = app_for(settings, http, selection, one_time=code)
        _open(f"{address_of(listener)}/#code={code.code}", by_hand=options.no_open)
        anyio.run(serve_http, app, listener, limits_of(http).connections)
    return 0


def _open(address: str, *, by_hand: bool) -> None:
    """Open an address in the user's browser, or print it; without a browser too."""

    def run() -> None:
        if by_hand or not webbrowser.open(address):
            print(f"Open this address in a browser; it works once: {address}", flush=True)

    print("Serving the pages on this machine; Ctrl-C ends it.", file=sys.stderr)
    threading.Thread(target=run, daemon=True).start()  # a browser in a terminal ends only when its user leaves
