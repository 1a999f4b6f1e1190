"""The command `mcp-errortracking changes ...`: the journal of changes, and their undo."""

import argparse
from typing import Any

from mcp_errortracking.cli.connection import EXIT_PROBLEM, ask, print_result, time_limit
from mcp_errortracking.cli.options import add_confirmation, add_connection

_UNDO = """\
Undo a change. Without --apply, print the requests that it takes and what it cannot restore, and change nothing.

exit codes: 0 done, 1 the change cannot be undone, 2 invalid command
"""


def add_changes_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `changes`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    summary = "list the changes made through this program in the project, newest first"
    listing = commands.add_parser("list", help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    add_connection(listing)
    listing.add_argument("--limit", type=int, metavar="N", help="changes to list (default: 20)")
    listing.add_argument("--before", type=int, metavar="ID", help="only changes with a lower id")
    listing.set_defaults(run=_run_list)
    summary = "undo a change"
    undo = commands.add_parser("undo", help=summary, description=_UNDO)
    add_connection(undo)
    add_confirmation(undo)
    undo.add_argument("id", metavar="ID", nargs="?", type=int, help="id of the change (default: the latest)")
    undo.add_argument("--apply", action="store_true", help="undo it")
    undo.add_argument("--force", action="store_true", help="undo it even if the object has changed since")
    undo.set_defaults(run=_run_undo)
    for command in (listing, undo):
        command.add_argument("--json", action="store_true", help="print the structured result instead of the text")


def _run_list(options: argparse.Namespace) -> int:
    return _run(options, "error-tracking-changes-list", {"limit": options.limit, "before": options.before})


def _run_undo(options: argparse.Namespace) -> int:
    arguments = {"id": options.id, "dry_run": not options.apply, "force": options.force or None}
    return _run(options, "error-tracking-changes-undo", arguments)


def _run(options: argparse.Namespace, tool: str, arguments: dict[str, Any]) -> int:

    options.tool = tool
    given = {name: value for name, value in arguments.items() if value is not None}
    reply = ask(options, given, (), time_limit=time_limit(options))
    print_result(reply, as_json=options.json)
    return EXIT_PROBLEM if reply.is_error else 0
