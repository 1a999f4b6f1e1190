"""The command `mcp-errortracking rules from-codeowners`: a rules file made of CODEOWNERS."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_errortracking.cli.connection import EXIT_PROBLEM, ask, fail, time_limit
from mcp_errortracking.cli.options import add_connection
from mcp_errortracking.cli.repository_files import repository_files, repository_root

if TYPE_CHECKING:
    from mcp_errortracking.workflows.codeowners.prefixes import Learnt

_MOST_BYTES = 3 * 1024 * 1024
_MOST_SHOWN = 10
_EPILOG = """\
OWNERS.yaml names the assignee of each owner:
  "@shop/payments": {role: 01936f2e-7a51-7000-8000-0000000000f1}
  "@ada": {user: 1}
  "@ada @shop/payments": {user: 1}    # of lines with both

PostHog's sources often have something before the repository's root (webpack:///./src/a.ts). Without --prefix and
--any-depth the command compares the sources of the last 30 days with the files of the repository, shows the prefixes,
and writes nothing: confirm them with --prefix.

exit codes: 0 written, 1 written, but some lines are not mapped (they are named on stderr), or the prefix is to be
confirmed, 2 invalid command or file
"""


def add_from_codeowners(commands: Any) -> None:
    """Add the command to those below `rules`."""
    summary = "print a rules file with the assignment rules that a CODEOWNERS file amounts to"
    parser = commands.add_parser("from-codeowners", help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
    parser.epilog = _EPILOG
    parser.set_defaults(run=run_from_codeowners)
    parser.add_argument("file", metavar="FILE", help="CODEOWNERS, of GitHub or GitLab")
    parser.add_argument("--map", metavar="OWNERS.yaml", required=True, help="the assignee of each owner")
    parser.add_argument(
        "--prefix", metavar="TEXT", action="append", help='before the root in sources, "" for none; can be repeated'
    )
    parser.add_argument("--any-depth", action="store_true", help="the prefix is unknown: match paths at any depth")
    parser.add_argument(
        "--strip", metavar="DIR", action="append", default=[], help="folder that sources leave out, e.g. backend"
    )
    parser.add_argument("--format", choices=("github", "gitlab"), help="default: detected from the file")
    parser.add_argument("--section-order", metavar="NAMES", default="", help="of GitLab's sections, first wins")
    add_connection(parser)


def run_from_codeowners(options: argparse.Namespace) -> int:
    """Print the rules file, and the lines that are not mapped on stderr."""
    from mcp_errortracking.workflows.codeowners.lines import dialect_of, read_code_owners
    from mcp_errortracking.workflows.codeowners.ownership import SectionOrderError, ownership, read_section_order
    from mcp_errortracking.workflows.codeowners.patterns import Sources
    from mcp_errortracking.workflows.rules_file.document import read_people
    from mcp_errortracking.workflows.rules_file.errors import MissingYamlError, RulesFileError
    from mcp_errortracking.workflows.rules_file.writing import OwnersFile, rules_from_owners
    from mcp_errortracking.workflows.rules_file.yaml_text import read_yaml

    if options.any_depth and options.prefix is not None:
        return fail("--prefix and --any-depth exclude each other")
    path = Path(options.file)
    try:
        content, owners = path.read_bytes(), Path(options.map).read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        return fail(f"cannot read {error.filename}: {error.strerror}")
    except UnicodeDecodeError:
        return fail(f"{options.file} is not UTF-8")
    if len(content) > _MOST_BYTES:
        return fail(f"{options.file} is larger than 3 MB, the most that GitHub reads")
    try:
        people = read_people(read_yaml(owners, options.map))
    except (RulesFileError, MissingYamlError) as error:
        return fail(str(error))
    if not options.any_depth and options.prefix is None:
        return _show_prefixes(options, path)
    prefixes = None if options.any_depth else tuple[str, ...](options.prefix or ())
    read = read_code_owners(text, options.format or dialect_of(text, options.file))
    sources = Sources(prefixes, tuple(options.strip))
    try:
        found = ownership(read, people, sources, read_section_order(options.section_order))
    except SectionOrderError as error:
        return fail(str(error))
    print(rules_from_owners(found, people, OwnersFile(options.file, prefixes)), end="")
    for line in found.unmapped:
        print(f"{options.file}: not mapped: {line}", file=sys.stderr)
    return EXIT_PROBLEM if found.unmapped else 0


def _show_prefixes(options: argparse.Namespace, path: Path) -> int:
    """Ask PostHog for sources, compare them with the files, and print the prefixes for confirmation."""
    from mcp_errortracking.workflows.codeowners.prefixes import learn

    options.tool = "query-error-tracking-issues-list"
    wanted = {"status": "all", "limit": 100, "dateRange": {"date_from": "-30d"}, "filterTestAccounts": False}
    reply = ask(options, wanted, (), time_limit=time_limit(options))
    if reply.is_error:
        print(f"mcp-errortracking: the sources could not be read. {reply.text}", file=sys.stderr)
        return EXIT_PROBLEM
    rows: list[Any] = reply.structured.get("results") or []
    sources = [row["source"] for row in rows if isinstance(row.get("source"), str) and row["source"]]
    _print(learn(sources, repository_files(repository_root(path))), len(rows))
    return EXIT_PROBLEM


def _print(learnt: "Learnt", issues: int) -> None:
    from mcp_errortracking.safe_text.escaping import clean

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    say(f"Nothing was written: confirm the prefix first. Sources of {issues} issues of the last 30 days:")
    words = list[str]()
    for prefix, count in learnt.prefixes.most_common(_MOST_SHOWN):
        say(f'  {count} x prefix "{clean(prefix)}", such as {clean(learnt.examples.get(prefix, ""), 200)}')
        words += _option("--prefix", prefix)
    for folder, count in learnt.stripped.most_common(_MOST_SHOWN):
        say(f"  {count} x without folder {clean(folder)}, such as {clean(learnt.examples[f'{folder}/'], 200)}")
        words += _option("--strip", folder)
    for source in learnt.unmatched[:_MOST_SHOWN]:
        say(f"  not a file of the repository: {clean(source, 200)}")
    if len(learnt.unmatched) > _MOST_SHOWN:
        say(f"  and {len(learnt.unmatched) - _MOST_SHOWN} more that are not")
    if words:
        say(f"If these are right, add: {' '.join(words)}")
    else:
        say('No source ends in a file of the repository. Add --any-depth, or --prefix "" if paths begin at the root.')


def _option(name: str, value: str) -> list[str]:
    """Return an option to copy; none for a value of an event that could control the terminal, or hide in it."""
    import shlex

    from mcp_errortracking.safe_text.escaping import clean

    return [f"{name} {shlex.quote(value)}"] if clean(value) == value else []
