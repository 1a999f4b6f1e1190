"""Parse the command line and run one command. What a command needs is imported only when it runs."""

import argparse
import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from mcp_errortracking import __version__, config, logs
from mcp_errortracking.cli.changes import add_changes_commands
from mcp_errortracking.cli.connection import EXIT_PROBLEM, Connection, fail
from mcp_errortracking.cli.deploys import add_deploy_report, run_deploy_report
from mcp_errortracking.cli.file_issues import add_issues_in_file, run_issues_in_file
from mcp_errortracking.cli.install import add_install, add_uninstall, run_install, run_uninstall
from mcp_errortracking.cli.login import add_login, add_logout, run_login, run_logout
from mcp_errortracking.cli.options import (
    add_confirmation,
    add_connection,
    add_logging,
    add_tool_limits,
    add_tool_selection,
    add_transport,
    given,
    variables_without_option,
)
from mcp_errortracking.cli.parser import Parser
from mcp_errortracking.cli.rules import add_rules_commands, run_rules_match
from mcp_errortracking.cli.serve import run_serve
from mcp_errortracking.cli.source_maps import add_arguments, run_source_maps
from mcp_errortracking.cli.tools import run_call, run_tools
from mcp_errortracking.cli.ui import add_ui, run_ui
from mcp_errortracking.cli.whoami import add_whoami, run_whoami
from mcp_errortracking.config import HttpSettings, LogSettings, OAuthSettings, PostHogSettings, load_oauth
from mcp_errortracking.sandbox import command as sandbox_command
from mcp_errortracking.sandbox.process import SandboxStartError
from mcp_errortracking.system.standard_streams import is_broken_pipe, use_utf8

_DESCRIPTION = """\
MCP server for PostHog error tracking: lets an AI agent read issues and their stack traces, and work on issues, rules,
symbol sets, releases and alerts.

Without a command, it speaks MCP on stdin and stdout, as MCP clients start it. With --transport http it serves HTTP.
"""

_EPILOG = """\
environment (options win):
{variables}
  and those named in brackets above. Without POSTHOG_PERSONAL_API_KEY, the login of mcp-errortracking login is used,
  or that of posthog-cli. --sandbox needs none of them.

try it:
  mcp-errortracking call error-tracking-assignment-rules-list --sandbox
"""
_SERVE_EPILOG = """\
environment (options win; an ASGI host of mcp_errortracking.asgi:create_app has it alone):
{variables}
  and those named in brackets above
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a problem, 2 a mistake in command or configuration."""
    use_utf8()
    try:
        options = parse(sys.argv[1:] if arguments is None else list(arguments))
        log = config.load_log(**given(options, LogSettings))
        logs.set_up(log.log_level, log.log_format)
        config.warn_of_misspelled_variables()
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except (config.ConfigError, SandboxStartError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if not is_broken_pipe(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_PROBLEM


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options of a command line; without a command, those of `serve`.

    Raises:
        ConfigError: an option's value is wrong.
    """
    parser = _parser()
    words, of_server = _split_at_dashes(arguments)
    options, rest = parser.parse_known_args(words)
    if options.run is run_install:
        options.arguments = of_server
    else:
        rest += of_server
    if options.run is run_call:
        rest = _ordered(options, rest)
    if rest:
        complain: Callable[[str], NoReturn] = getattr(options, "complain", parser.error)
        complain(f"unrecognized arguments: {' '.join(rest)}")
    return options


@functools.cache
def _parser() -> argparse.ArgumentParser:
    variables = variables_without_option(PostHogSettings, HttpSettings, OAuthSettings)
    parser = Parser(
        prog="mcp-errortracking",
        usage="%(prog)s [OPTION ...] [COMMAND ...]",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(variables=variables),
    )
    parser.add_argument("--version", action="version", version=f"mcp_errortracking {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog=parser.prog)
    add_connection(parser)
    add_tool_selection(parser)
    add_transport(parser)
    parser.set_defaults(run=run_serve, sandbox=False)

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(run=run)
        return added

    serve = command("serve", run_serve, "speak MCP (the default): over stdio, or HTTP and SSE")
    serve.epilog = _SERVE_EPILOG.format(variables=variables)
    add_connection(serve)
    add_tool_selection(serve)
    add_transport(serve)
    add_ui(command("ui", run_ui, "open pages in a browser: issues, rules, symbol sets and changes, with buttons"))
    sandbox = command("sandbox", sandbox_command.run, "serve a small PostHog on this machine, for trying things out")
    sandbox_command.add_arguments(sandbox)
    add_logging(command("demo", _demo, "show an MCP client at work against the sandbox"))
    add_login(command("login", run_login, "log in to PostHog in the browser, without copying a key"))
    add_logout(command("logout", run_logout, "forget the login"))
    add_whoami(command("whoami", run_whoami, "show the user, project and scopes of the key, and where it is stored"))
    add_install(command("install", run_install, "add this server to an MCP client"))
    add_uninstall(command("uninstall", run_uninstall, "remove this server from an MCP client"))
    doctor = command("doctor", _doctor, "check host, key, project, shared limits and OAuth, and say what to fix")
    add_connection(doctor)
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    tools = command("tools", run_tools, "list the tools as an agent sees them")
    add_tool_selection(tools)
    add_logging(tools)
    tools.add_argument("--json", action="store_true", help="print the answer of tools/list")
    source_maps = command("source-maps", run_source_maps, "upload and check source maps, resolve minified frames")
    add_arguments(source_maps)
    add_rules_commands(command("rules", run_rules_match, "try rules on events, and keep them in a file"))
    add_changes_commands(command("changes", run_call, "list the changes that were made, and undo one"))
    add_deploy_report(
        command("deploy-report", run_deploy_report, "report the errors that came with a deploy, with a verdict for CI")
    )
    add_issues_in_file(command("issues-in-file", run_issues_in_file, "list the errors in source files, by line"))
    call = command("call", run_call, "call one tool and print its result")
    add_connection(call)
    call.add_argument("tool", metavar="TOOL", help="name of the tool, see: mcp-errortracking tools")
    call.add_argument("arguments", metavar="JSON", nargs="?", help="its arguments, - to read stdin (default: {})")
    add_tool_limits(call)
    add_confirmation(call)
    call.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    return parser


def _split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of `install`, and those behind `--`, which argparse would not take after another option."""
    if "--" not in arguments or "install" not in arguments[: arguments.index("--")]:
        return arguments, []
    end = arguments.index("--")
    return arguments[:end], arguments[end + 1 :]


def _ordered(options: argparse.Namespace, rest: list[str]) -> list[str]:
    """Find the JSON of `call` wherever it stands, and return the words that remain.

    argparse leaves a JSON that is separated from TOOL by an option, and takes one that stands first for TOOL.
    """
    if options.arguments is None and rest and (rest[0] == "-" or not rest[0].startswith("-")):
        options.arguments, *rest = rest
    if options.tool == "-" or options.tool.startswith("{"):
        options.tool, options.arguments = options.arguments or "", options.tool
    return rest


def _doctor(options: argparse.Namespace) -> int:
    from mcp_errortracking import doctor

    with Connection(options) as settings:
        return doctor.run(settings, load_oauth(), as_json=options.json)


def _demo(options: argparse.Namespace) -> int:
    from mcp_errortracking.demo import tour

    return tour.run()
