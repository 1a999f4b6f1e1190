"""The command line: parse, build, run. What a command needs is imported only when it runs."""

import argparse
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_errortracking import __version__, config, logs, source_maps_command
from mcp_errortracking.options import TIMEOUT, add_connection, add_log_level, add_offer, add_roots, add_transport
from mcp_errortracking.sandbox import command as sandbox_command
from mcp_errortracking.sandbox.process import Sandbox, SandboxStartError

if TYPE_CHECKING:
    from mcp_errortracking.config import Settings
    from mcp_errortracking.proxy import Proxy
    from mcp_errortracking.server.calls import Reply

logger = logging.getLogger(__name__)

_DESCRIPTION = """\
MCP server for PostHog error tracking: lets an AI agent read issues and their stack traces, and work on issues, rules,
symbol sets, releases and alerts.

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
  POSTHOG_RATE_LIMITS       1 or 0: whether your PostHog limits requests (default: its first 429 tells)
  MCP_TOOLSETS, MCP_TOOLS, MCP_EXCLUDE, MCP_READ_ONLY, MCP_MAX_RESULT_TOKENS, MCP_ROOTS: as the options of these names
Without the first three, what posthog-cli login left is used. --sandbox needs none of them.

try it:
  mcp-errortracking call error-tracking-assignment-rules-list --sandbox
"""

_NO_KEY = (
    "No PostHog API key is configured, so nothing was sent. Create a personal API key in PostHog (Settings, Personal "
    "API keys) with the scopes error_tracking:read and error_tracking:write, and set it as POSTHOG_PERSONAL_API_KEY, "
    "or run posthog-cli login. To try without PostHog, add --sandbox."
)
"""The error for somebody at a shell; an MCP client is told of its configuration."""

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
    add_connection(parser)
    add_offer(parser)
    add_transport(parser)
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(run=run)
        return added

    serve = command("serve", _serve, "speak MCP (the default): over stdio, or HTTP and SSE")
    serve.formatter_class, serve.epilog = argparse.RawDescriptionHelpFormatter, _ENVIRONMENT_HTTP
    add_connection(serve, inherit=True)
    add_offer(serve, inherit=True)
    add_transport(serve, inherit=True)
    sandbox = command("sandbox", sandbox_command.run, "serve a small PostHog on this machine, to try things on")
    sandbox_command.add_arguments(sandbox)
    add_log_level(command("demo", _demo, "show an MCP client at work against the sandbox"), inherit=True)
    doctor = command("doctor", _doctor, "check host, key, scopes and project, and say what to fix")
    add_connection(doctor, inherit=True)
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    tools = command("tools", _tools, "list the tools as an agent sees them")
    add_offer(tools, inherit=True)
    add_log_level(tools, inherit=True)
    tools.add_argument("--json", action="store_true", help="print the answer of tools/list")
    source_maps = command("source-maps", _source_maps, "upload and check source maps, resolve minified frames")
    source_maps_command.add_arguments(source_maps)
    call = command("call", _call, "call one tool and print its result")
    add_connection(call, inherit=True)
    call.add_argument("tool", metavar="TOOL", help="name of the tool, see: mcp-errortracking tools")
    call.add_argument("arguments", metavar="JSON", nargs="?", default="{}", help="its arguments, - to read stdin")
    add_roots(call)
    call.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    return parser.parse_args(arguments)


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


def _offer(options: argparse.Namespace) -> config.Offer:
    return config.load_offer(
        toolsets=options.toolsets,
        tools=options.tools,
        exclude=options.exclude,
        read_only=options.read_only,
        max_result_tokens=options.max_result_tokens,
        roots=tuple(options.root),
    )


def _proxy(settings: "Settings") -> "Proxy":
    from mcp_errortracking.connecting import proxy_for

    return proxy_for(settings)


def _fail(message: str) -> int:
    print(f"mcp-errortracking: {message}", file=sys.stderr)
    return EXIT_USAGE


def _serve(options: argparse.Namespace) -> int:
    if options.transport != "stdio":
        return _serve_http(options)
    # Importing the SDK makes some hundred thousand objects that all stay: collecting while it happens is wasted time.
    gc.disable()
    import anyio

    from mcp_errortracking.offering import roots_for, toolbox_for, workshop_for
    from mcp_errortracking.server.app import build_server
    from mcp_errortracking.server.calls import MAX_RESULT_TOKENS
    from mcp_errortracking.server.observe import log_calls
    from mcp_errortracking.server.stdio import serve

    gc.enable()
    gc.freeze()

    offer = _offer(options)
    roots = roots_for(offer, over_network=False)
    toolbox = toolbox_for(offer, roots)
    with _Connection(options) as settings:
        if sys.stdin.isatty():
            print("Waiting for an MCP client on stdin; Ctrl-C ends it. See: mcp-errortracking --help", file=sys.stderr)
        _log_settings(settings)

        async def run() -> None:
            async with _proxy(settings) as proxy:
                await serve(
                    build_server(
                        proxy,
                        time_limit=options.timeout or TIMEOUT,
                        toolbox=toolbox,
                        max_result_tokens=offer.max_result_tokens or MAX_RESULT_TOKENS,
                        observe=log_calls(logging.DEBUG),
                        workshop=workshop_for(settings, roots),
                    )
                )

        anyio.run(run)
    _leave()
    return 0


def _log_settings(settings: "Settings") -> None:
    logger.info("PostHog at %s, project %s, key from %s", settings.host, settings.project, settings.source)


def _serve_http(options: argparse.Namespace) -> int:
    import anyio

    from mcp_errortracking.asgi import app_for, limits_of
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
        if options.bind not in config.LOOPBACK and not serving.allowed_hosts:
            logger.warning(
                "whoever calls by another name or address than localhost is refused with 421, Invalid Host header: "
                "name it with --allowed-host or MCP_ALLOWED_HOSTS"
            )
        logger.info("MCP at %s, paths %s, for %s", address_of(listener), paths, callers)
        app = app_for(settings, serving, _offer(options))
        anyio.run(serve_http, app, listener, limits_of(serving).connections)
    return 0


def _leave() -> None:
    """Ends the process at once: taking the interpreter down in order takes longer than most sessions' last call."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)


def _tools(options: argparse.Namespace) -> int:
    from mcp_errortracking.offering import roots_for, toolbox_for
    from mcp_errortracking.server.tools import listed

    offer = _offer(options)
    tools = listed(toolbox_for(offer, roots_for(offer, over_network=False)).names)
    if options.json:
        answer = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        print(json.dumps({"tools": answer}, ensure_ascii=False))
        return 0
    for tool in tools:
        annotations = tool.annotations
        kind = "reads" if annotations and annotations.read_only_hint else "writes"
        print(f"{tool.name} ({kind})\n    {tool.description}\n")
    return 0


def _call(options: argparse.Namespace) -> int:
    from mcp_errortracking.offering import roots_for
    from mcp_errortracking.server.cells import json_text
    from mcp_errortracking.server.toolbox import UnknownToolError
    from mcp_errortracking.server.untrusted import escape

    text = sys.stdin.read() if options.arguments == "-" else options.arguments
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _fail(f"the arguments are no JSON ({error}); give an object such as '{{\"limit\": 5}}'")
    if not isinstance(arguments, dict):
        return _fail("the arguments are no JSON object; give one such as '{\"limit\": 5}'")
    roots = roots_for(config.load_offer(roots=tuple(options.root)), over_network=False)
    try:
        reply = _ask(options, cast("dict[str, Any]", arguments), roots, time_limit=options.timeout or TIMEOUT)
    except UnknownToolError as error:
        return _fail(str(error))
    print(escape(json_text(reply.structured)) if options.json else reply.text)
    return EXIT_PROBLEM if reply.is_error else 0


def _source_maps(options: argparse.Namespace) -> int:
    arguments = source_maps_command.arguments_of(options)
    reply = _ask(
        options,
        arguments,
        source_maps_command.roots_of(options, arguments),
        time_limit=options.timeout or source_maps_command.PATIENCE,
        max_result_tokens=sys.maxsize,
        progress=source_maps_command.show_progress,
    )
    return source_maps_command.print_reply(reply, as_json=options.json)


def _ask(options: argparse.Namespace, arguments: dict[str, Any], roots: tuple[Path, ...], **how: Any) -> "Reply":
    """The reply of the tool that was named."""
    import anyio

    from mcp_errortracking.offering import workshop_for
    from mcp_errortracking.server.calls import call_tool

    with _Connection(options) as settings:

        async def run() -> "Reply":
            async with _proxy(settings) as proxy:
                return await call_tool(proxy, options.tool, arguments, workshop=workshop_for(settings, roots), **how)

        reply = anyio.run(run)
        error: Any = reply.structured.get("error")
        return replace(reply, text=_NO_KEY) if error and error.get("code") == "not_configured" else reply


def _doctor(options: argparse.Namespace) -> int:
    from mcp_errortracking import doctor

    with _Connection(options) as settings:
        return doctor.run(settings, as_json=options.json)


def _demo(options: argparse.Namespace) -> int:
    from mcp_errortracking.demo import tour

    return tour.run()
