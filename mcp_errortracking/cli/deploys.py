"""The command `mcp-errortracking deploy-report`: the effect of a deploy, as an exit code for CI."""

import argparse
import sys
from typing import Any

from mcp_errortracking.cli.connection import EXIT_PROBLEM, ask, print_result, time_limit
from mcp_errortracking.cli.options import add_connection, add_roots
from mcp_errortracking.cli.source_maps import roots_of
from mcp_errortracking.config import ConfigError

PATIENCE = 120.0
"""Time limit of the command in seconds: up to 12 requests, some of them slow."""
EXIT_REGRESSION, EXIT_TOO_LITTLE_DATA = 2, 3
_EPILOG = """\
exit codes: 0 no regression found, or too little data to say; 2 a regression; 3 too little data, with --fail-on any;
1 no report could be made (the reason is on stderr). An invalid option exits with 2 too, and prints no report.

in CI, some time after the deploy:
  mcp-errortracking deploy-report "$GIT_COMMIT" --fail-on any
this week against last week:
  mcp-errortracking deploy-report --from 7d --compare-from 14d --compare-to 7d
"""
_OPTIONS = {
    "from": ("dateRange", "date_from", "start of the range, in place of RELEASE: 24h (ago), or ISO 8601"),
    "to": ("dateRange", "date_to", "its end (default: now)"),
    "compare-from": ("compareTo", "date_from", "start of the range to compare with (default: see docs/jobs.md)"),
    "compare-to": ("compareTo", "date_to", "its end"),
}
"""The options of time, and the argument and member that each sets."""


def add_deploy_report(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = _EPILOG
    parser.set_defaults(tool="error-tracking-deploy-report")
    parser.add_argument(
        "release",
        metavar="RELEASE",
        nargs="?",
        help="version, hash id, commit (7 characters or more) or branch (default: the newest release)",
    )
    for name, (_, _, text) in _OPTIONS.items():
        parser.add_argument(f"--{name}", dest=f"range_{name}", metavar="TIME", help=text)
    parser.add_argument(
        "--fail-on",
        choices=("regression", "any"),
        default="regression",
        help="the verdicts that fail the command: a regression (default), or too little data too",
    )
    parser.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    add_connection(parser, timeout=PATIENCE)
    add_roots(parser, help="another folder whose checkout may be read for the commits, in addition to the current one")


def run_deploy_report(options: argparse.Namespace) -> int:
    """Print the report, and return the exit code of its verdict."""
    try:
        limit = time_limit(options, PATIENCE)
        reply = ask(options, _arguments_of(options), roots_of(options, {}), time_limit=limit)
    except ConfigError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    if options.json:
        print_result(reply, as_json=True)
    if reply.is_error:
        print(f"mcp-errortracking: {_in_options(reply.text)}", file=sys.stderr)
        return EXIT_PROBLEM
    if not options.json:
        print(reply.text)
    verdict = reply.structured["verdict"]
    if verdict == "regression":
        return EXIT_REGRESSION
    return EXIT_TOO_LITTLE_DATA if verdict == "too little data" and options.fail_on == "any" else 0


def _arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the tool's arguments.

    Raises:
        ConfigError: RELEASE is empty, like an unset variable of a script.
    """
    arguments = dict[str, Any]()
    if options.release is not None:
        if not options.release.strip():
            raise ConfigError("RELEASE is empty: check that its variable is set.")
        arguments["release"] = options.release
    for name, (argument, member, _) in _OPTIONS.items():
        text = getattr(options, f"range_{name}")
        if text is None:
            continue
        if not text.strip():
            raise ConfigError(f"--{name} is empty: check that its variable is set.")
        arguments.setdefault(argument, {})[member] = text
    return arguments


def _in_options(text: str) -> str:
    """Return an error about the tool's arguments with the options' names."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("Example: "))
    for name, (argument, member, _) in _OPTIONS.items():
        text = text.replace(f"{argument}.{member}", f"--{name}")
    return text.replace("dateRange", "--from/--to").replace("compareTo", "--compare-from/--compare-to")
