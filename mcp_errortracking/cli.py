"""The command line: parse, build, run. What a command needs is imported only when it runs."""

import argparse
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_errortracking import __version__, config, logs
from mcp_errortracking.sandbox import command as sandbox_command
from mcp_errortracking.sandbox.process import Sandbox, SandboxStartError

if TYPE_CHECKING:
    from mcp_errortracking.config import Settings
    from mcp_errortracking.proxy import Proxy
    from mcp_errortracking.server.calls import Reply

logger = logging.getLogger(__name__)

_DESCRIPTION = """\
MCP server for PostHog error tracking: lets an AI agent read and change assignment rules, fingerprints and symbol sets.

Without a command it speaks MCP on stdin and stdout; your MCP client starts it that way. With --transport http it is
reached over the network.
"""

_ENVIRONMENT_HTTP = """
environment, over HTTP (options win; an ASGI host of mcp_errortracking.asgi:create_app has these alone):
  MCP_SERVER_TOKEN          secrets of which callers must present one, separated by commas
  MCP_SERVER_TOKEN_FILE     a file with one such secret a line
  MCP_CALLER_KEYS=1         callers bring their own PostHog keys
  MCP_ALLOWED_HOSTS, MCP_ALLOWED_ORIGINS, MCP_TRANSPORT, MCP_METRICS, MCP_TIMEOUT, MCP_MAX_CALLS, MCP_MAX_SESSIONS,
  MCP_IDLE_SECONDS, MCP_LOG_LEVEL, MCP_LOG_FORMAT: as the options of these names
"""

_EPILOG = """\
environment:
  POSTHOG_PERSONAL_API_KEY  personal API key with the scopes error_tracking:read and error_tracking:write
  POSTHOG_HOST              default https://us.posthog.com; EU Cloud: https://eu.posthog.com
  POSTHOG_PROJECT_ID        number of the project; default @current, the current project of the key's user
Without them, what posthog-cli login left is used. --sandbox needs none of them.

try it:
  mcp-errortracking call error-tracking-assignment-rules-list --sandbox
"""

TIMEOUT = 55.0
"""Seconds a tool call may take: clients give up after 60."""

EXIT_PROBLEM = 1
EXIT_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit code: 0 done, 1 a problem, 2 a mistake in the command or the configuration."""
    options = parse(sys.argv[1:] if arguments is None else list(arguments))
    logs.set_up(options.log_level, getattr(options, "log_format", "text"))
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except (config.ConfigError, SandboxStartError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_PROBLEM


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of a command line; without a command, those of `serve`."""
    parser = argparse.ArgumentParser(
        prog="mcp-errortracking",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mcp_errortracking {__version__}")
    _add_connection(parser)
    _add_transport(parser)
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(run=run)
        return added

    serve = command("serve", _serve, "speak MCP (the default): over stdio, or HTTP and SSE")
    serve.formatter_class, serve.epilog = argparse.RawDescriptionHelpFormatter, _ENVIRONMENT_HTTP
    _add_connection(serve, inherit=True)
    _add_transport(serve, inherit=True)
    sandbox = command("sandbox", sandbox_command.run, "serve a small PostHog on this machine, to try things on")
    sandbox_command.add_arguments(sandbox)
    _add_log_level(command("demo", _demo, "show an MCP client at work against the sandbox"), inherit=True)
    doctor = command("doctor", _doctor, "check host, key, scopes and project, and say what to fix")
    _add_connection(doctor, inherit=True)
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    tools = command("tools", _tools, "list the tools as an agent sees them")
    _add_log_level(tools, inherit=True)
    tools.add_argument("--json", action="store_true", help="print the answer of tools/list")
    call = command("call", _call, "call one tool and print its result")
    _add_connection(call, inherit=True)
    call.add_argument("tool", metavar="TOOL", help="name of the tool, see: mcp-errortracking tools")
    call.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="its arguments, - to read stdin")
    call.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    return parser.parse_args(arguments)


def _add_log_level(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    parser.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default=argparse.SUPPRESS if inherit else "info",
        help="how much to log on stderr (default: info)",
    )


def _add_connection(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
    """The options of every command that talks to PostHog. A command inherits what stands before its name."""

    def default(value: Any) -> Any:
        return argparse.SUPPRESS if inherit else value

    group = parser.add_argument_group("connection")
    group.add_argument("--host", metavar="URL", default=default(None), help="PostHog, instead of POSTHOG_HOST")
    group.add_argument("--project", metavar="ID", default=default(None), help="instead of POSTHOG_PROJECT_ID")
    group.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=default(None), help="limit of a tool call (default: 55)"
    )
    group.add_argument(
        "--sandbox", action="store_true", default=default(False), help="use a sandbox started for this run, not PostHog"
    )
    _add_log_level(parser, inherit=inherit)


def _add_transport(parser: argparse.ArgumentParser, *, inherit: bool = False) -> None:
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


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 3600:
        raise argparse.ArgumentTypeError("give 1 to 3600 seconds")
    return value


class _Connection:
    """The settings of a command, and the sandbox it started, if it was asked to."""

    def __init__(self, options: argparse.Namespace, *, keyless: bool = False) -> None:
        self._options = options
        self._keyless = keyless
        self.sandbox: Sandbox | None = None

    def __enter__(self) -> "Settings":
        if self._options.sandbox:
            self.sandbox = Sandbox()
            return config.for_sandbox(
                self.sandbox.url, None if self._keyless else self.sandbox.key, self.sandbox.project_id
            )
        return config.load(host=self._options.host, project=self._options.project, keyless=self._keyless)

    def __exit__(self, *_: object) -> None:
        if self.sandbox is not None:
            self.sandbox.stop()


def _proxy(settings: "Settings") -> "Proxy":
    from mcp_errortracking.proxy import Proxy

    return Proxy(host=settings.host, key=settings.key, project=settings.project, http_proxy=settings.http_proxy)


def _fail(message: str) -> int:
    print(f"mcp-errortracking: {message}", file=sys.stderr)
    return EXIT_USAGE


def _serve(options: argparse.Namespace) -> int:
    if options.transport != "stdio":
        return _serve_http(options)
    # Importing the SDK makes some hundred thousand objects that all stay: collecting while it happens is wasted time.
    gc.disable()
    import anyio

    from mcp_errortracking.server.app import build_server
    from mcp_errortracking.server.observe import log_calls
    from mcp_errortracking.server.stdio import serve

    gc.enable()
    gc.freeze()

    with _Connection(options) as settings:
        if sys.stdin.isatty():
            print("Waiting for an MCP client on stdin; Ctrl-C ends it. See: mcp-errortracking --help", file=sys.stderr)
        _log_settings(settings)

        async def run() -> None:
            async with _proxy(settings) as proxy:
                await serve(
                    build_server(proxy, time_limit=options.timeout or TIMEOUT, observe=log_calls(logging.DEBUG))
                )

        anyio.run(run)
    _leave()
    return 0


def _log_settings(settings: "Settings") -> None:
    logger.info("PostHog at %s, project %s, key from %s", settings.host, settings.project, settings.source)


def _serve_http(options: argparse.Namespace) -> int:
    import anyio

    from mcp_errortracking.asgi import app_for
    from mcp_errortracking.server.http_serving import ListenError, address_of, listen, serve_http

    serving = config.load_serving(
        token_file=options.token_file,
        transport=options.transport,
        allowed_hosts=tuple(options.allowed_host),
        allowed_origins=tuple(options.allowed_origin),
        caller_keys=options.caller_keys,
        metrics=options.metrics,
        timeout=options.timeout,
        max_calls=options.max_calls,
        max_sessions=options.max_sessions,
        idle=options.idle,
    )
    try:
        listener = listen(options.bind, options.port, guarded=bool(serving.tokens))
    except ListenError as error:
        return _fail(str(error))
    with _Connection(options, keyless=serving.caller_keys) as settings, listener:
        _log_settings(settings)
        paths = "/sse" if serving.transport == "sse" else "/mcp and /sse"
        callers = "callers with a token" if serving.tokens else "anyone on this machine"
        logger.info("MCP at %s, paths %s, for %s", address_of(listener), paths, callers)
        app = app_for(settings, serving)
        anyio.run(serve_http, app, listener)
    return 0


def _leave() -> None:
    """Ends the process at once: taking the interpreter down in order takes longer than most sessions' last call."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)


def _tools(options: argparse.Namespace) -> int:
    from mcp_errortracking.server.tools import tools

    listed = tools()
    if options.json:
        answer = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
        print(json.dumps({"tools": answer}, ensure_ascii=False))
        return 0
    for tool in listed:
        annotations = tool.annotations
        kind = "reads" if annotations and annotations.read_only_hint else "writes"
        print(f"{tool.name} ({kind})\n    {tool.description}\n")
    return 0


def _call(options: argparse.Namespace) -> int:
    import anyio

    from mcp_errortracking.server.calls import UnknownToolError, call_tool

    text = sys.stdin.read() if options.arguments == "-" else options.arguments
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _fail(f"the arguments are no JSON ({error}); give an object such as '{{\"limit\": 5}}'")
    if not isinstance(arguments, dict):
        return _fail("the arguments are no JSON object; give one such as '{\"limit\": 5}'")
    given = cast("dict[str, Any]", arguments)

    with _Connection(options) as settings:

        async def run() -> "Reply":
            async with _proxy(settings) as proxy:
                return await call_tool(proxy, options.tool, given, time_limit=options.timeout or TIMEOUT)

        try:
            reply = anyio.run(run)
        except UnknownToolError as error:
            return _fail(str(error))
    print(json.dumps(reply.structured, ensure_ascii=False) if options.json else reply.text)
    return EXIT_PROBLEM if reply.is_error else 0


def _doctor(options: argparse.Namespace) -> int:
    from mcp_errortracking import doctor

    with _Connection(options) as settings:
        return doctor.run(settings, as_json=options.json)


def _demo(options: argparse.Namespace) -> int:
    from mcp_errortracking.demo import tour

    return tour.run()
