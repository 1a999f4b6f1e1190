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

from mcp_errortracking import __version__, config, logs
from mcp_errortracking.cli import source_maps as source_maps_command
from mcp_errortracking.cli.options import (
    add_connection,
    add_logging,
    add_tool_limits,
    add_tool_selection,
    add_transport,
    given,
    variables_without_option,
)
from mcp_errortracking.config import HttpSettings, ListenSettings, LogSettings, PostHogSettings, ToolSelection
from mcp_errortracking.sandbox import command as sandbox_command
from mcp_errortracking.sandbox.process import Sandbox, SandboxStartError

if TYPE_CHECKING:
    from mcp_errortracking.proxy import Proxy
    from mcp_errortracking.server.calls import Reply

logger = logging.getLogger(__name__)

_DESCRIPTION = """\
MCP server for PostHog error tracking: lets an AI agent read issues and their stack traces, and work on issues, rules,
symbol sets, releases and alerts.

Without a command it speaks MCP on stdin and stdout; your MCP client starts it that way. With --transport http it is
reached over the network.
"""

_EPILOG = """\
environment (options win):
{variables}
  and those named in brackets above. Without POSTHOG_HOST, POSTHOG_PERSONAL_API_KEY and POSTHOG_PROJECT_ID, the
  credentials of posthog-cli login are used. --sandbox needs none of them.

try it:
  mcp-errortracking call error-tracking-assignment-rules-list --sandbox
"""
_SERVE_EPILOG = """\
environment (options win; an ASGI host of mcp_errortracking.asgi:create_app has it alone):
{variables}
  and those named in brackets above
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
    try:
        options = parse(sys.argv[1:] if arguments is None else list(arguments))
        log = config.load_log(**given(options, LogSettings))
        logs.set_up(log.log_level, log.log_format)
        config.warn_of_misspelled_variables()
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except (config.ConfigError, SandboxStartError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_PROBLEM


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a command line; without a command, those of `serve`.

    Raises:
        ConfigError: an option's value is wrong.
    """
    parser = argparse.ArgumentParser(
        prog="mcp-errortracking",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(variables=variables_without_option(PostHogSettings, HttpSettings)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mcp_errortracking {__version__}")
    add_connection(parser)
    add_tool_selection(parser)
    add_transport(parser)
    parser.set_defaults(run=_serve, sandbox=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(run=run)
        return added

    serve = command("serve", _serve, "speak MCP (the default): over stdio, or HTTP and SSE")
    serve.formatter_class = argparse.RawDescriptionHelpFormatter
    serve.epilog = _SERVE_EPILOG.format(variables=variables_without_option(PostHogSettings, HttpSettings))
    add_connection(serve)
    add_tool_selection(serve)
    add_transport(serve)
    sandbox = command("sandbox", sandbox_command.run, "serve a small PostHog on this machine, to try things on")
    sandbox_command.add_arguments(sandbox)
    add_logging(command("demo", _demo, "show an MCP client at work against the sandbox"))
    doctor = command("doctor", _doctor, "check host, key, scopes and project, and say what to fix")
    add_connection(doctor)
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    tools = command("tools", _tools, "list the tools as an agent sees them")
    add_tool_selection(tools)
    add_logging(tools)
    tools.add_argument("--json", action="store_true", help="print the answer of tools/list")
    source_maps = command("source-maps", _source_maps, "upload and check source maps, resolve minified frames")
    source_maps_command.add_arguments(source_maps)
    call = command("call", _call, "call one tool and print its result")
    add_connection(call)
    call.add_argument("tool", metavar="TOOL", help="name of the tool, see: mcp-errortracking tools")
    call.add_argument("arguments", metavar="JSON", nargs="?", help="its arguments, - to read stdin (default: {})")
    add_tool_limits(call)
    call.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    options, rest = parser.parse_known_args(arguments)
    if options.run is _call:
        rest = _ordered(options, rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _ordered(options: argparse.Namespace, rest: list[str]) -> list[str]:
    """Find the JSON of `call` wherever it stands, and return the words that remain.

    argparse leaves a JSON that is separated from TOOL by an option, and takes one that stands first for TOOL.
    """
    if options.arguments is None and rest and (rest[0] == "-" or not rest[0].startswith("-")):
        options.arguments, *rest = rest
    if options.tool == "-" or options.tool.startswith("{"):
        options.tool, options.arguments = options.arguments or "", options.tool
    return rest


class _Connection:
    """The settings of a command, and the sandbox it started, if it was asked to."""

    def __init__(self, options: argparse.Namespace, *, keyless: bool = False) -> None:
        self._options = options
        self._keyless = keyless
        self.sandbox: Sandbox | None = None

    def __enter__(self) -> PostHogSettings:
        if self._options.sandbox:
            self.sandbox = Sandbox()
            return config.for_sandbox(
                self.sandbox.url, None if self._keyless else self.sandbox.key, self.sandbox.project_id
            )
        return config.load_posthog(keyless=self._keyless, **given(self._options, PostHogSettings))

    def __exit__(self, *_: object) -> None:
        if self.sandbox is not None:
            self.sandbox.stop()


def _tool_selection(options: argparse.Namespace) -> ToolSelection:
    return config.load_tool_selection(**given(options, ToolSelection))


def _timeout(options: argparse.Namespace, default: float | None = None) -> float:
    return config.load_timeout(timeout=getattr(options, "timeout", None), default=default)


def _proxy(settings: PostHogSettings) -> "Proxy":
    from mcp_errortracking.connecting import proxy_for

    return proxy_for(settings)


def _fail(message: str) -> int:
    print(f"mcp-errortracking: {message}", file=sys.stderr)
    return EXIT_USAGE


def _serve(options: argparse.Namespace) -> int:
    listen = config.load_listen(**given(options, ListenSettings))
    if listen.transport != "stdio":
        return _serve_http(options, listen)
    # Importing the SDK makes some hundred thousand objects that all stay: collecting while it happens is wasted time.
    gc.disable()
    import anyio

    from mcp_errortracking.offering import roots_for, toolbox_for, workshop_for
    from mcp_errortracking.server.app import build_server
    from mcp_errortracking.server.observe import log_calls
    from mcp_errortracking.server.stdio import serve

    gc.enable()
    gc.freeze()

    selection = _tool_selection(options)
    roots = roots_for(selection, over_network=False)
    toolbox = toolbox_for(selection, roots)
    with _Connection(options) as settings:
        if sys.stdin.isatty():
            print("Waiting for an MCP client on stdin; Ctrl-C ends it. See: mcp-errortracking --help", file=sys.stderr)
        _log_settings(settings)

        async def run() -> None:
            async with _proxy(settings) as proxy:
                await serve(
                    build_server(
                        proxy,
                        time_limit=_timeout(options),
                        toolbox=toolbox,
                        max_result_tokens=selection.max_result_tokens,
                        observe=log_calls(logging.DEBUG),
                        workshop=workshop_for(settings, roots),
                    )
                )

        anyio.run(run)
    _leave()
    return 0


def _log_settings(settings: PostHogSettings) -> None:
    logger.info("PostHog at %s, project %s, key from %s", settings.host, settings.project, settings.source)


def _serve_http(options: argparse.Namespace, to: ListenSettings) -> int:
    import anyio

    from mcp_errortracking.asgi import app_for, limits_of
    from mcp_errortracking.server.http.serving import ListenError, address_of, listen, serve_http

    http = config.load_http(transport="sse" if to.transport == "sse" else "http", **given(options, HttpSettings))
    try:
        listener = listen(to.bind, to.port, guarded=bool(http.tokens))
    except ListenError as error:
        return _fail(str(error))
    with _Connection(options, keyless=http.caller_keys) as settings, listener:
        _log_settings(settings)
        paths = "/sse" if http.transport == "sse" else "/mcp and /sse"
        callers = "callers with a token" if http.tokens else "anyone on this machine"
        if to.bind not in config.LOOPBACK and not http.allowed_hosts:
            logger.warning(
                "requests with a Host other than localhost get 421, Invalid Host header: "
                "add the name with --allowed-host or MCP_ALLOWED_HOSTS"
            )
        logger.info("MCP at %s, paths %s, for %s", address_of(listener), paths, callers)
        app = app_for(settings, http, _tool_selection(options))
        anyio.run(serve_http, app, listener, limits_of(http).connections)
    return 0


def _leave() -> None:
    """Ends the process at once: taking the interpreter down in order takes longer than most sessions' last call."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)


def _tools(options: argparse.Namespace) -> int:
    from mcp_errortracking.offering import roots_for, toolbox_for
    from mcp_errortracking.server.tools import listed

    selection = _tool_selection(options)
    tools = listed(toolbox_for(selection, roots_for(selection, over_network=False)).names)
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
    from mcp_errortracking.safe_text.escaping import escape
    from mcp_errortracking.server.cells import json_text
    from mcp_errortracking.server.toolbox import UnknownToolError

    text = sys.stdin.read() if options.arguments == "-" else options.arguments or "{}"
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _fail(f"the arguments are no JSON ({error}); give an object such as '{{\"limit\": 5}}'")
    if not isinstance(arguments, dict):
        return _fail("the arguments are no JSON object; give one such as '{\"limit\": 5}'")
    selection = _tool_selection(options)
    try:
        reply = _ask(
            options,
            cast("dict[str, Any]", arguments),
            roots_for(selection, over_network=False),
            time_limit=_timeout(options),
            max_result_tokens=selection.max_result_tokens,
        )
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
        time_limit=_timeout(options, source_maps_command.PATIENCE),
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
