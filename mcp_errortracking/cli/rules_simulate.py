"""`mcp-errortracking rules simulate`: what a rule would do, from a shell."""

import argparse
import json
from pathlib import Path
from typing import Any

from mcp_errortracking.cli.connection import EXIT_PROBLEM, ask, fail, print_result, time_limit
from mcp_errortracking.cli.options import add_connection
from mcp_errortracking.rules.events import KINDS

_EPILOG = """\
FILTERS is JSON, or @FILE:
  mcp-errortracking rules simulate suppression '{"type": "AND", "values": [
    {"key": "$browser", "operator": "exact", "value": ["Opera"]}]}'

exit codes: 0 done, 1 an error, 2 invalid command
"""


def add_simulate(commands: Any) -> None:
    """Add the command to those below `rules`."""
    summary = "say what a rule would have matched, dropped, grouped or assigned"
    parser: argparse.ArgumentParser = commands.add_parser(
        "simulate", help=summary, description=f"{summary[:1].upper()}{summary[1:]}."
    )
    parser.epilog = _EPILOG
    parser.add_argument("kind", metavar="KIND", choices=KINDS, help=f"one of: {', '.join(KINDS)}")
    parser.add_argument("filters", metavar="FILTERS", nargs="?", help="the filters of a new rule")
    parser.add_argument("--id", metavar="ID", help="an existing rule, instead of filters")
    parser.add_argument("--from", dest="date_from", metavar="DATE", help="start of the range (default: -7d)")
    parser.add_argument("--to", dest="date_to", metavar="DATE", help="end of the range (default: now)")
    parser.add_argument("--order-key", type=int, metavar="N", help="position of the rule (default: last)")
    parser.add_argument("--sampling-rate", type=float, metavar="RATE", help="of a suppression rule, 0 to 1")
    parser.add_argument("--json", action="store_true", help="print the structured result instead of the text")
    add_connection(parser)
    parser.set_defaults(run=run_rules_simulate)


def run_rules_simulate(options: argparse.Namespace) -> int:
    """Simulate a rule and print the result."""

    filters = None
    if options.filters is not None:
        try:
            text = options.filters
            filters = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
        except OSError as error:
            return fail(f"cannot read {options.filters[1:]}: {error.strerror}")
        except (ValueError, RecursionError) as error:
            return fail(f"the filters are not JSON ({error})")
    dates = {"date_from": options.date_from, "date_to": options.date_to}
    given = {
        "kind": options.kind,
        "filters": filters,
        "id": options.id,
        "order_key": options.order_key,
        "sampling_rate": options.sampling_rate,
        "dateRange": {name: date for name, date in dates.items() if date is not None} or None,
    }
    options.tool = "error-tracking-rules-simulate"
    arguments = {name: value for name, value in given.items() if value is not None}
    reply = ask(options, arguments, (), time_limit=time_limit(options))
    print_result(reply, as_json=options.json)
    return EXIT_PROBLEM if reply.is_error else 0
