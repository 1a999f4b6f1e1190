"""The command `mcp-errortracking issues-in-file`: the errors in source files, by today's lines."""

import argparse
import sys
from typing import Any

from mcp_errortracking.cli.connection import EXIT_PROBLEM, ask, print_result, time_limit
from mcp_errortracking.cli.options import add_connection, add_roots
from mcp_errortracking.cli.source_maps import roots_of
from mcp_errortracking.config import ConfigError

PATIENCE = 120.0
"""Time limit of the command in seconds: up to ten requests, some of them slow."""
_EPILOG = """\
of the files that this branch changes, against the remote's main branch or another:
  mcp-errortracking issues-in-file
  mcp-errortracking issues-in-file --base origin/develop
"""


def add_issues_in_file(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.set_defaults(tool="error-tracking-issues-in-file")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="source files (default: those changed on this branch)")
    parser.add_argument("--base", metavar="REF", help="branch or whole commit id that this branch is compared with")
    parser.add_argument("--from", dest="date_from", metavar="TIME", help="errors since then: 7d (ago), or ISO 8601")
    parser.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    add_connection(parser, timeout=PATIENCE)
    add_roots(parser, help="another folder whose files may be read, in addition to the current one")


def run_issues_in_file(options: argparse.Namespace) -> int:
    """Print the issues."""
    arguments: dict[str, Any] = {name: value for name in ("paths", "base") if (value := getattr(options, name))}
    if options.date_from:
        arguments["dateRange"] = {"date_from": options.date_from}
    try:
        limit = time_limit(options, PATIENCE)
        reply = ask(options, arguments, roots_of(options, {}), time_limit=limit)
    except ConfigError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    if reply.is_error:
        print(f"mcp-errortracking: {reply.text}", file=sys.stderr)
        return EXIT_PROBLEM
    print_result(reply, as_json=options.json)
    return 0
