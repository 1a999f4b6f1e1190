"""The commands `install` and `uninstall`: the entry of this server in an MCP client."""

import argparse
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_errortracking import config
from mcp_errortracking.cli.client_entry import KEY_VARIABLE, print_entry
from mcp_errortracking.cli.client_files import add_to_file, change
from mcp_errortracking.cli.client_programs import add_by_program, remove_by_program
from mcp_errortracking.cli.connection import EXIT_PROBLEM, fail
from mcp_errortracking.cli.options import add_logging, add_named, given
from mcp_errortracking.config import ConfigError, Logins, PostHogSettings

if TYPE_CHECKING:
    from mcp_errortracking.clients.table import Client

_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")

_EPILOG = """\
Options of the server go behind --:
  mcp-errortracking install cursor -- --read-only --toolsets all

The key is not written into the client's file: log in once with mcp-errortracking login, and the server finds it. The
file gets a backup, and keeps everything else that it holds. A file with comments is not rewritten.

exit codes: 0 done or already so, 1 nothing was changed (the entry is printed, to be added by hand), 2 invalid command
"""


def add_install(parser: argparse.ArgumentParser) -> None:
    """Add the options of `install`."""
    parser.epilog = _EPILOG
    _add_client(parser)
    parser.set_defaults(arguments=[])  # the words behind --
    parser.add_argument("--list", action="store_true", help="list the clients, with their files on this system")
    parser.add_argument("--print", action="store_true", help="print the entry and its place, and change nothing")
    parser.add_argument(
        "--replace", action="store_true", help="replace an entry of that name that is not this server's"
    )
    parser.add_argument("--force", action="store_true", help="write the file even if the client seems not to be there")
    parser.add_argument(
        "--with-key", action="store_true", help=f"write the key in {KEY_VARIABLE} into the file; better: log in"
    )
    add_named(parser, PostHogSettings, "host", "project")
    add_logging(parser)


def add_uninstall(parser: argparse.ArgumentParser) -> None:
    """Add the options of `uninstall`."""
    _add_client(parser)
    parser.add_argument("--replace", action="store_true", help="remove the entry even if it is not this server's")
    add_logging(parser)


def run_install(options: argparse.Namespace) -> int:
    """Add the entry, or print it."""
    from mcp_errortracking.clients.entry import Entry

    if options.list:
        return _list()
    client = _client(options)
    if isinstance(client, int):
        return client
    login_host = Logins().host()
    env = _variables(options, client, login_host)
    command, *args = _command()
    entry = Entry(command, (*args, *options.arguments), env)
    if options.print:
        print_entry(client, options.name, entry)
        return 0
    if client.program:
        code = add_by_program(client, options, entry, has_login=login_host is not None)
    elif client.path(config.client_folders().platform):
        code = add_to_file(client, options, entry, login_host=login_host)
    else:
        print_entry(client, options.name, entry)
        return EXIT_PROBLEM if client.has_file else 0
    if code == 0:
        print(client.advice)
        if client.check:
            print(f"Check with: {client.check.format(name=options.name)}")
        if login_host is None and not options.with_key:
            print("No key was found yet. Log in with: mcp-errortracking login")
    return code


def run_uninstall(options: argparse.Namespace) -> int:
    """Remove the entry."""
    client = _client(options)
    if isinstance(client, int):
        return client
    if client.program:
        return remove_by_program(client, options)
    shown = client.path(config.client_folders().platform)
    if not shown:
        return fail(f"{client.title} keeps no file here that this command writes. Remove the entry in its settings.")
    path = config.client_folders().resolve(shown)
    if not path.exists():
        print(f"{path} does not exist: there is nothing to remove.")
        return 0
    return change(client, options, path, None)


def _add_client(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client", metavar="CLIENT", nargs="?", help="see: mcp-errortracking install --list")
    parser.add_argument("--name", default="posthog", help="name of the entry (default: posthog)")


def _client(options: argparse.Namespace) -> "Client | int":
    from mcp_errortracking.clients.table import BY_NAME

    if not _NAME.fullmatch(options.name):
        return fail("--name must have 1 to 40 letters, digits, - or _: clients put it before each tool name")
    known = ", ".join(BY_NAME)
    if options.client is None:
        return fail(f"name a client: {known}")
    if options.client not in BY_NAME:
        return fail(f"unknown client {options.client!r}; the known ones are {known}")
    return BY_NAME[options.client]


def _list() -> int:
    from mcp_errortracking.clients.program import find_program
    from mcp_errortracking.clients.table import CLIENTS

    folders = config.client_folders()
    for client in CLIENTS:
        shown = client.path(folders.platform)
        if client.program:
            place = str(find_program(client.program) or f"needs the program {client.program}, which is not on PATH")
        elif shown:
            path = folders.resolve(shown)
            place = f"{path}{'' if folders.has_client(path) else ' (the client seems not to be there)'}"
        else:
            place = "prints the entry" if not client.has_file else "does not run on this system"
        print(f"{client.name:<15} {client.title:<23} {place}")
    return 0


def _variables(options: argparse.Namespace, client: "Client", login_host: str | None) -> dict[str, str]:
    """Return the variables of the entry.

    Raises:
        ConfigError: the key is not to be written, or there is none.
    """
    settings, names_host = config.load_address(None, **given(options, PostHogSettings))
    env = dict[str, str]()
    if names_host and login_host != settings.host:
        env["POSTHOG_HOST"] = settings.host
    if settings.project != config.DEFAULT_PROJECT:
        env["POSTHOG_PROJECT_ID"] = settings.project
    if not options.with_key:
        return env
    if login_host is not None:
        raise ConfigError("--with-key: there is a login, so that no key need stand in a file. Leave out --with-key.")
    if client.program:
        raise ConfigError(
            f"--with-key: the key would be an argument of {client.program}, which others on this machine can see. "
            "Log in with: mcp-errortracking login"
        )
    key = config.load_posthog(**given(options, PostHogSettings)).key
    if key is None:
        raise ConfigError(f"--with-key: set {KEY_VARIABLE} for this command, or log in with: mcp-errortracking login")
    return {KEY_VARIABLE: key.get_secret_value(), **env}


def _command() -> list[str]:
    """Return the command that starts this server from any folder."""
    folder = Path(sys.executable).parent
    if "archive-v0" in folder.parts:  # uvx runs it from a cache, which may be emptied
        return [shutil.which("uvx") or "uvx", "mcp-errortracking"]
    for name in ("mcp-errortracking", "mcp-errortracking.exe"):
        if (folder / name).is_file():
            return [str(folder / name)]
    return [sys.executable, "-I", "-m", "mcp_errortracking"]
