"""`mcp-errortracking source-maps ...`: the tools that work on a build, for a shell and for CI."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_errortracking.options import add_connection

if TYPE_CHECKING:
    from mcp_errortracking.server.calls import Reply

_WIDTH = 30
_EPILOG = """\
exit codes: 0 done, 1 something failed or is missing (it is named), 2 a mistake in the command or the configuration

in CI:
  mcp-errortracking source-maps upload dist --release "$GIT_TAG"   # then deploy dist
  mcp-errortracking source-maps check dist --release "$GIT_TAG"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The commands below `source-maps`."""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, _EPILOG
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, tool: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(tool=tool)
        add_connection(added, inherit=True)
        added.add_argument("--json", action="store_true", help="print the structured result instead of the text")
        return added

    upload = command("upload", "source-maps-upload", "write chunk ids into a build and upload what PostHog lacks")
    _add_build(upload)
    upload.add_argument("--force", action="store_true", default=None, help="overwrite content that differs")
    upload.add_argument("--skip-on-conflict", action="store_true", default=None, help="keep it instead")
    upload.add_argument(
        "--release-mode",
        choices=("event", "symbol-set"),
        help="what tells an exception's release: the bundle (event), or the symbol set (default)",
    )
    upload.add_argument("--dry-run", action="store_true", default=None, help="only say what would be written")
    _add_build(command("check", "source-maps-check", "compare a build with what PostHog has of it"))
    resolve = command("resolve", "source-maps-resolve", "show the original source of minified frames")
    resolve.add_argument(
        "stack", metavar="STACK", nargs="?", help="a stack trace, or main.js:1:48213; - reads stdin; or use --issue"
    )
    resolve.add_argument("--issue", metavar="ID", help="an issue's id or address: its newest event")
    resolve.add_argument("--folder", metavar="DIR", help="a local build (default: what was uploaded)")
    resolve.add_argument("--chunk-id", metavar="ID", help="of the frames in STACK")
    resolve.add_argument("--context", metavar="LINES", type=int, help="lines of source around (default: 2)")
    resolve.add_argument("--commits", action="store_true", default=None, help="name the last commit of each line")
    resolve.add_argument("--deployed", action="store_true", default=None, help="fetch the script at a frame's URL too")
    inspect = command("inspect", "symbol-set-inspect", "fetch a symbol set and look inside")
    inspect.add_argument("ref", metavar="REF", nargs="?", help="its chunk id or URL; or use --id")
    inspect.add_argument("--id", metavar="ID", help="of the symbol set")
    inspect.add_argument("--source", metavar="NAME", help="print this source")
    inspect.add_argument("--write-to", metavar="DIR", help="write the sources into this folder")


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of the build")
    parser.add_argument("--release", dest="version", metavar="VERSION", help="of the release")
    parser.add_argument("--release-project", metavar="NAME", help="its product (default: from package.json)")
    parser.add_argument("--include", dest="wanted", metavar="GLOB", action="append", help="only these files")
    parser.add_argument("--exclude", dest="unwanted", metavar="GLOB", action="append", help="not these files")
    parser.add_argument("--proguard-id", metavar="ID", help="for a ProGuard mapping")


def arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """The tool's arguments that a command line gives."""
    names = (
        *("folder", "version", "proguard_id", "force", "skip_on_conflict", "release_mode", "dry_run"),
        *("stack", "issue", "chunk_id", "context", "commits", "deployed", "ref", "id", "source", "write_to"),
    )
    # What other commands have an option of the same name for goes by another one here.
    renamed = {"project": "release_project", "include": "wanted", "exclude": "unwanted"}
    given: dict[str, Any] = {name: getattr(options, renamed.get(name, name), None) for name in (*names, *renamed)}
    if given["stack"] == "-":
        given["stack"] = sys.stdin.read()
    for name in ("folder", "write_to"):
        if given[name] is not None:
            given[name] = str(Path(given[name]).resolve())
    return {name: value for name, value in given.items() if value is not None}


def roots_of(arguments: dict[str, Any]) -> tuple[Path, ...]:
    """The folders that a command may touch: those it names, and the current one."""
    named = [Path(arguments[name]) for name in ("folder", "write_to") if name in arguments]
    return (Path.cwd(), *(path if path.is_dir() else path.parent for path in named))


async def show_progress(done: float, total: float | None, doing: str) -> None:
    """Draws a bar on a terminal; says nothing to a log."""
    if not sys.stderr.isatty() or not total:
        return
    filled = min(_WIDTH, round(_WIDTH * done / total))
    print(f"\r\x1b[K[{'#' * filled}{' ' * (_WIDTH - filled)}] {doing[:60]}", end="", file=sys.stderr, flush=True)


def print_reply(reply: "Reply", *, as_json: bool) -> bool:
    """Prints a result; whether all is as it should be: a check that finds something missing is no success."""
    from mcp_errortracking.server.untrusted import escape

    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    print(escape(json.dumps(reply.structured, ensure_ascii=False)) if as_json else reply.text)
    states = {row.get("state") for row in reply.structured.get("results", [])}
    return not reply.is_error and states <= {"uploaded"} and not reply.structured.get("problems")
