"""The command `mcp-errortracking source-maps ...`: the tools that work on a build, for a shell and for CI."""

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_errortracking import config
from mcp_errortracking.cli.connection import ask, print_result, read_input, time_limit
from mcp_errortracking.cli.options import add_confirmation, add_connection, add_roots
from mcp_errortracking.config import ConfigError

if TYPE_CHECKING:
    from mcp_errortracking.server.calls import Reply

PATIENCE = 3600.0
"""Time limit of a command in seconds: a build can be large."""
_WIDTH, _DOING = 30, 60
_USAGE_ERRORS = ("invalid_arguments", "not_configured")
_OPTIONS = {
    "folder": "DIR",
    "version": "--release",
    "project": "--release-project",
    "include": "--include",
    "exclude": "--exclude",
    "proguard_id": "--proguard-id",
    "build_number": "--build",
    "issue": "--issue",
    "chunk_id": "--chunk-id",
    "id": "--id",
    "source": "--source",
    "write_to": "--write-to",
}
"""The options of this command for the tools' arguments."""
_EPILOG = """\
exit codes: 0 done, 1 something failed or is missing (the output names it), 2 invalid command or configuration

in CI:
  mcp-errortracking source-maps upload dist --release "$GIT_TAG"   # then deploy dist
  mcp-errortracking source-maps check dist --release "$GIT_TAG"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `source-maps`."""
    parser.epilog = _EPILOG
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, tool: str, summary: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        added.set_defaults(tool=tool)
        add_connection(added, timeout=PATIENCE)
        add_roots(
            added, help="another folder that the command may use, in addition to the current one and those it names"
        )
        added.add_argument("--json", action="store_true", help="print the structured result instead of the text")
        return added

    upload = command(
        "upload", "source-maps-upload", "write chunk ids into a build and upload the chunks that PostHog does not have"
    )
    _add_build(upload)
    _add_transfer(upload)
    _add_release_mode(upload)
    upload.add_argument("--dry-run", action="store_true", default=None, help="only print what would be written")
    inject = command("inject", "source-maps-upload", "write chunk ids into a build and upload nothing")
    _add_build(inject)
    _add_release_mode(inject)
    inject.set_defaults(step="inject")
    upload_only = command(
        "upload-only", "source-maps-upload", "upload a build that has its chunk ids, and change no file"
    )
    _add_build(upload_only)
    _add_transfer(upload_only)
    _add_release_mode(upload_only)
    upload_only.set_defaults(step="upload")
    for writing in (upload, inject, upload_only):
        add_confirmation(writing)
    _add_build(command("check", "source-maps-check", "compare a build with its chunks in PostHog"))
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
    inspect = command("inspect", "symbol-set-inspect", "fetch a symbol set and show its content")
    inspect.add_argument("ref", metavar="REF", nargs="?", help="chunk id or URL of the symbol set; or use --id")
    inspect.add_argument("--id", metavar="ID", help="id of the symbol set")
    inspect.add_argument("--source", metavar="NAME", help="print this source")
    inspect.add_argument("--write-to", metavar="DIR", help="write the sources into this folder")
    add_confirmation(inspect)


def _add_transfer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", default=None, help="overwrite content that differs")
    parser.add_argument("--skip-on-conflict", action="store_true", default=None, help="keep content that differs")
    parser.add_argument(
        "--delete-after",
        action="store_true",
        default=None,
        help="after the upload, delete the maps of chunks that PostHog has, and the comments that name them",
    )


def _add_release_mode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--release-mode",
        choices=("event", "symbol-set"),
        help="the source of an exception's release: the bundle (event, the default), or the symbol set; "
        "default also from POSTHOG_RELEASE_MODE",
    )


def _add_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="the folder of the build")
    parser.add_argument("--release", dest="version", metavar="VERSION", help="version of the release")
    parser.add_argument(
        "--build", dest="build_number", metavar="NUMBER", help="the build number: the release is VERSION+NUMBER"
    )
    parser.add_argument("--release-project", metavar="NAME", help="product of the release (default: from package.json)")
    parser.add_argument("--include", dest="wanted", metavar="GLOB", action="append", help="only these files")
    parser.add_argument("--exclude", dest="unwanted", metavar="GLOB", action="append", help="not these files")
    parser.add_argument("--proguard-id", metavar="ID", help="for a ProGuard mapping")
    parser.add_argument(
        "--info-plist",
        metavar="FILE",
        help="take the release from the Info.plist of an Apple app, unless --release or --release-project names it",
    )


def arguments_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the tool's arguments from a command line.

    Raises:
        ConfigError: one is empty, like an unset variable of a script; or the current folder was deleted.
    """
    names = (
        *(
            "folder",
            "version",
            "proguard_id",
            "force",
            "skip_on_conflict",
            "release_mode",
            "delete_after",
            "dry_run",
            "step",
            "build_number",
        ),
        *("stack", "issue", "chunk_id", "context", "commits", "deployed", "ref", "id", "source", "write_to"),
    )
    # Other commands have options of these names, so the parsed options have other ones here.
    renamed = {"project": "release_project", "include": "wanted", "exclude": "unwanted"}
    given: dict[str, Any] = {name: getattr(options, renamed.get(name, name), None) for name in (*names, *renamed)}
    if given["stack"] == "-":
        given["stack"] = read_input()
    arguments = {name: value for name, value in given.items() if value is not None}
    for name, value in arguments.items():
        if any(isinstance(one, str) and not one.strip() for one in _each(value)):
            raise ConfigError(f"{_OPTIONS.get(name, name.upper())} is empty: check that its variable is set.")
    arguments |= _release(options, arguments)
    if options.tool == "source-maps-check":  # it stores nothing
        arguments.pop("build_number", None)
    for name in ("folder", "write_to"):
        if name in arguments:
            arguments[name] = str(_current_folder() / arguments[name])
    return arguments


def _release(options: argparse.Namespace, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the release that --release, --build and --info-plist name together, as arguments."""
    name: str | None = getattr(options, "info_plist", None)
    if name is None and "build_number" not in arguments:
        return {}
    if name is not None and not name.strip():
        raise ConfigError("--info-plist is empty: check that its variable is set.")
    from mcp_errortracking.cli.info_plist import AppRelease, read_info_plist

    app = AppRelease(None, None, None)
    if name is not None:
        app = read_info_plist(_current_folder() / name, config.xcode_settings())
    named = AppRelease(
        arguments.get("project") or app.identifier,
        arguments.get("version") or app.version,
        arguments.get("build_number") or app.build,
    )
    version = named.full_version()
    if name is not None and version is None:
        raise ConfigError(f"--info-plist {name} names no version: give --release.")
    if name is None and named.build and not named.version:
        raise ConfigError("--build is the second part of a release: give --release too.")
    found = {"version": version, "project": named.identifier, "build_number": named.build}
    return {key: value for key, value in found.items() if value is not None}


def _each(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def roots_of(options: argparse.Namespace, arguments: dict[str, Any]) -> tuple[Path, ...]:
    """Return the folders that a command may use: the current one, those it names, and those of --root."""
    named = [Path(arguments[name]) for name in ("folder", "write_to") if name in arguments]
    more: tuple[Path, ...] = getattr(options, "roots", ())
    wanted = [_current_folder(), *(path if path.is_dir() else path.parent for path in named), *more]
    real = list(dict.fromkeys(path.resolve() for path in wanted))
    return tuple(path for path in real if not any(path != other and path.is_relative_to(other) for other in real))


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("The current folder does not exist any more: change to another one.") from None


async def show_progress(done: float, total: float | None, doing: str) -> None:
    """Draw a progress bar on a terminal; print nothing to a log."""
    if not sys.stderr.isatty() or not total:
        return
    filled = min(_WIDTH, round(_WIDTH * done / total))
    print(f"\r[{'#' * filled}{' ' * (_WIDTH - filled)}] {doing[:_DOING]:{_DOING}}", end="", file=sys.stderr, flush=True)


def print_reply(reply: "Reply", *, as_json: bool) -> int:
    """Print a result, with errors on stderr; return the exit code. A check that finds something missing fails."""
    if sys.stderr.isatty():
        print(f"\r{' ' * (_WIDTH + _DOING + 3)}\r", end="", file=sys.stderr)
    error = reply.structured.get("error")
    if error:
        print(f"mcp-errortracking: {_in_options(reply.text)}", file=sys.stderr)
    if as_json:
        print_result(reply, as_json=True)
    elif not error:
        print(reply.text)
        if counts := reply.structured.get("symbolication"):  # the last line, for scripts
            print(f"symbolication: {counts['covered']} of {counts['bundles']} bundles covered")
    if error:
        return 2 if error.get("code") in _USAGE_ERRORS else 1
    return 1 if reply.is_error or _is_incomplete(reply.structured) else 0


def _in_options(text: str) -> str:
    """Return an error about a tool's arguments with the options' names."""

    def option(found: re.Match[str]) -> str:
        return f"- {_OPTIONS.get(found[1], found[1])}"

    lines = (line for line in text.splitlines() if not line.startswith("Example: "))
    return "\n".join(re.sub(r"^- (\w+)(?=[:.[])", option, line) for line in lines)


def _is_incomplete(result: dict[str, Any]) -> bool:
    """True if a build has problems, or if a check found a missing chunk or release, or bundles that are not covered."""
    states = {row.get("state") for row in result.get("results", [])}
    counts: dict[str, int] = result.get("symbolication", {})
    return bool(
        states - {"uploaded"}
        or result.get("problems")
        or result.get("release_is_missing")
        or result.get("files_without_chunk_id")
        or result.get("stale_records")
        or result.get("stale_copies")
        or counts.get("covered") != counts.get("bundles")
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
