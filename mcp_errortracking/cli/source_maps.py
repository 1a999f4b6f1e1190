"""`mcp-errortracking source-maps ...`: the tools that work on a build, for a shell and for CI."""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_errortracking.cli.connection import ask, time_limit
from mcp_errortracking.cli.options import add_connection, add_roots
from mcp_errortracking.config import ConfigError

if TYPE_CHECKING:
    from mcp_errortracking.server.calls import Reply

PATIENCE = 3600.0
"""Seconds that a command may take: a build can be large, and nobody gives up on it."""
_WIDTH = 30
_MISTAKES = ("invalid_arguments", "not_configured")
_OPTIONS = {
    "folder": "DIR",
    "version": "--release",
    "project": "--release-project",
    "include": "--include",
    "exclude": "--exclude",
    "proguard_id": "--proguard-id",
    "issue": "--issue",
    "chunk_id": "--chunk-id",
    "id": "--id",
    "source": "--source",
    "write_to": "--write-to",
}
"""What arguments of the tools are called here."""
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
        add_connection(added, timeout=PATIENCE)
        add_roots(added, help="another folder it may touch, beside the current one and those that are named")
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
    upload.add_argument(
        "--delete-after", action="store_true", default=None, help="delete the maps of what PostHog has afterwards"
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
    """The tool's arguments that a command line gives.

    Raises:
        ConfigError: one is empty, as when a script's variable is not set; or there is no current folder.
    """
    names = (
        *("folder", "version", "proguard_id", "force", "skip_on_conflict", "release_mode", "delete_after", "dry_run"),
        *("stack", "issue", "chunk_id", "context", "commits", "deployed", "ref", "id", "source", "write_to"),
    )
    # What other commands have an option of the same name for goes by another one here.
    renamed = {"project": "release_project", "include": "wanted", "exclude": "unwanted"}
    given: dict[str, Any] = {name: getattr(options, renamed.get(name, name), None) for name in (*names, *renamed)}
    if given["stack"] == "-":
        given["stack"] = sys.stdin.read()
    arguments = {name: value for name, value in given.items() if value is not None}
    for name, value in arguments.items():
        if any(isinstance(one, str) and not one.strip() for one in _each(value)):
            raise ConfigError(f"{_OPTIONS.get(name, name.upper())} is empty; is the variable set that it comes from?")
    for name in ("folder", "write_to"):
        if name in arguments:
            arguments[name] = str(_current_folder() / arguments[name])
    return arguments


def _each(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def roots_of(options: argparse.Namespace, arguments: dict[str, Any]) -> tuple[Path, ...]:
    """The folders that a command may touch: the current one, those it names, and those below --root."""
    named = [Path(arguments[name]) for name in ("folder", "write_to") if name in arguments]
    more: tuple[Path, ...] = getattr(options, "roots", ())
    wanted = [_current_folder(), *(path if path.is_dir() else path.parent for path in named), *more]
    real = list(dict.fromkeys(path.resolve() for path in wanted))
    return tuple(path for path in real if not any(path != other and path.is_relative_to(other) for other in real))


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("The current folder is not there any more: go into another one.") from None


async def show_progress(done: float, total: float | None, doing: str) -> None:
    """Draws a bar on a terminal; says nothing to a log."""
    if not sys.stderr.isatty() or not total:
        return
    filled = min(_WIDTH, round(_WIDTH * done / total))
    print(f"\r\x1b[K[{'#' * filled}{' ' * (_WIDTH - filled)}] {doing[:60]}", end="", file=sys.stderr, flush=True)


def print_reply(reply: "Reply", *, as_json: bool) -> int:
    """Prints a result, and what went wrong on stderr; the exit code: a check that finds something missing fails."""
    from mcp_errortracking.safe_text.escaping import escape
    from mcp_errortracking.server.cells import json_text

    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    error = reply.structured.get("error")
    if error:
        print(f"mcp-errortracking: {_in_options(reply.text)}", file=sys.stderr)
    if as_json:
        print(escape(json_text(reply.structured)))
    elif not error:
        print(reply.text)
    if error:
        return 2 if error.get("code") in _MISTAKES else 1
    return 1 if reply.is_error or _is_lacking(reply.structured) else 0


def _in_options(text: str) -> str:
    """What is wrong with a tool's arguments, for somebody who wrote options."""

    def option(found: re.Match[str]) -> str:
        return f"- {_OPTIONS.get(found[1], found[1])}"

    lines = (line for line in text.splitlines() if not line.startswith("Example: "))
    return "\n".join(re.sub(r"^- (\w+)(?=[:.[])", option, line) for line in lines)


def _is_lacking(result: dict[str, Any]) -> bool:
    """Whether a build has problems, or, by a check, a chunk or release that PostHog lacks, or files without ids."""
    states = {row.get("state") for row in result.get("results", [])}
    return bool(
        states - {"uploaded"}
        or result.get("problems")
        or result.get("release_is_missing")
        or result.get("files_without_chunk_id")
    )


def run_source_maps(options: argparse.Namespace) -> int:
    """Run one of the source-map tools, and print its result."""
    arguments = arguments_of(options)
    reply = ask(
        options,
        arguments,
        roots_of(options, arguments),
        time_limit=time_limit(options, PATIENCE),
        progress=show_progress,
    )
    return print_reply(reply, as_json=options.json)
