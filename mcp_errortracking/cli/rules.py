"""The command `mcp-errortracking rules ...`: rules tried on events, and rules in files."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NoReturn

from mcp_errortracking.cli.code_owners import add_from_codeowners
from mcp_errortracking.cli.connection import EXIT_PROBLEM, fail
from mcp_errortracking.cli.options import add_logging
from mcp_errortracking.cli.rules_file import add_rules_file_commands
from mcp_errortracking.cli.rules_simulate import add_simulate

_LONGEST_LINE = 64 * 1024 * 1024
_EPILOG = """\
each line of the input is one JSON object:
  {"id": "1", "filters": {"type": "AND", "values": [...]}, "properties": {"$exception_types": ["TypeError"], ...}}
  optional: "kind" (assignment, grouping, suppression, bypass, severity); "ask": "suppress" with "sampling_rate" and
  "event_uuid"; "ask": "first" with "rules" ([{"id", "order_key", "filters", "disabled"}]) in place of "filters"
each line of the output is the answer:
  {"id": "1", "outcome": "match", "message": null, "taken_by": null, "suppressed": null}
  outcome: match, no_match, disabled (PostHog switches the rule off), refused (PostHog does not save it), unknown

exit codes: 0 every line was read, 1 a line is broken (it is named on stderr), 2 invalid command
"""


def add_rules_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `rules`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    summary = "say what PostHog would do with each rule and event of the input"
    match = commands.add_parser("match", help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    match.epilog = _EPILOG
    match.add_argument("file", metavar="FILE", nargs="?", default="-", help="JSON lines (default: -, stdin)")
    match.set_defaults(run=run_rules_match)
    add_logging(match)
    add_simulate(commands)
    add_rules_file_commands(commands)
    add_from_codeowners(commands)


def run_rules_match(options: argparse.Namespace) -> int:
    """Answer each line of the input."""
    with ExitStack() as stack:
        if options.file == "-":
            file: IO[bytes] = sys.stdin.buffer
        else:
            try:
                file = stack.enter_context(Path(options.file).open("rb"))
            except OSError as error:
                return fail(f"cannot read {options.file}: {error.strerror}")
        return EXIT_PROBLEM if _answer(file) else 0


def _answer(file: IO[bytes]) -> bool:
    """Print an answer for each line; return True if one could not be read."""
    from mcp_errortracking.rules.trial import TrialError, run_trial

    is_broken = False
    for number, line in enumerate(_lines(file), 1):
        if not line.strip():
            continue
        try:
            if len(line) > _LONGEST_LINE:
                raise TrialError(f"longer than {_LONGEST_LINE >> 20} MiB")
            given = json.loads(line, parse_constant=_refuse_constant)
            print(json.dumps(run_trial(given), allow_nan=False))
        except RecursionError:
            reason = "not JSON that can be read: it nests too deep"
        except ValueError as error:
            reason = f"not JSON ({error})"
        except TrialError as error:
            reason = str(error)
        else:
            continue
        is_broken = True
        print(f"line {number}: {reason}", file=sys.stderr)
    return is_broken


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long only the first bytes."""
    while line := file.readline(_LONGEST_LINE + 1):
        yield line
        while len(line) > _LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(_LONGEST_LINE + 1)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
