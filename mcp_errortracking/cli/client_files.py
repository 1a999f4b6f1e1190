"""The entry of this server in a client's file: added, replaced or removed."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_errortracking import config
from mcp_errortracking.cli.client_entry import KEY_VARIABLE, holds_key, print_entry
from mcp_errortracking.cli.connection import EXIT_PROBLEM, fail

if TYPE_CHECKING:
    from mcp_errortracking.clients.entry import Entry
    from mcp_errortracking.clients.table import Client


def add_to_file(client: "Client", options: argparse.Namespace, entry: "Entry", *, login_host: str | None) -> int:
    """Add the entry, if the client seems to be installed.

    Args:
        login_host: of the login; a key for that host in the entry before is not needed any more.
    """
    folders = config.client_folders()
    path = folders.resolve(client.path(folders.platform))
    if not options.force and not folders.has_client(path):
        print(
            f"mcp-errortracking: {path.parent} does not exist, so {client.title} seems not to be installed. Start it "
            "once, or add --force. Nothing was changed.",
            file=sys.stderr,
        )
        return EXIT_PROBLEM
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return fail(f"{path.parent} cannot be made: {error.strerror}")
    return change(client, options, path, entry, login_host=login_host)


def change(
    client: "Client", options: argparse.Namespace, path: Path, entry: "Entry | None", *, login_host: str | None = None
) -> int:
    """Set the entry in a client's file; None removes it."""
    from mcp_errortracking.clients.config_file import ConfigFileError, change_file
    from mcp_errortracking.clients.json_text import CommentedError, JsonTextError

    was_there = [False]
    try:
        changed = change_file(path, _edit(client, options, entry, was_there, login_host), secret=holds_key(entry))
    except CommentedError as error:
        print(f"mcp-errortracking: {path} was not changed: {error}.", file=sys.stderr)
        if entry is None:
            print(f"Remove {'.'.join((*client.members, options.name))} by hand.", file=sys.stderr)
        else:
            print_entry(client, options.name, entry)
        return EXIT_PROBLEM
    except JsonTextError as error:
        print(f"mcp-errortracking: {path} was not changed: {error}. Correct it, and repeat.", file=sys.stderr)
        return EXIT_PROBLEM
    except (ConfigFileError, _OtherEntryError) as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    where = f"{'.'.join((*client.members, options.name))} in {path}"
    if changed is None:
        print(f"{where} is {'already as wanted' if entry is not None else 'not there'}. Nothing was changed.")
        return 0
    print(f"{'Removed' if entry is None else 'Replaced' if was_there[0] else 'Added'} {where}.")
    if changed.backup is not None:
        print(f"The file before: {changed.backup}")
    return 0


class _OtherEntryError(Exception):
    """There is an entry of that name that starts something else."""


def _edit(
    client: "Client", options: argparse.Namespace, entry: "Entry | None", was_there: list[bool], login_host: str | None
) -> Callable[[str], str]:
    from mcp_errortracking.clients.entry import env_of, is_own
    from mcp_errortracking.clients.json_text import member, read_object, with_member

    place = (*client.members, options.name)

    def edit(text: str) -> str:
        found = member(read_object(text), place)
        wanted = None
        if entry is not None:
            kept = env_of(found) if is_own(found) and not options.replace else {}
            if login_host == kept.get("POSTHOG_HOST", config.DEFAULT_HOST).rstrip("/"):
                kept.pop(KEY_VARIABLE, None)
            wanted = replace(entry, env=kept | entry.env).as_form(client.form)
        if found == wanted:
            return text
        if found is not None and not is_own(found) and not options.replace:
            raise _OtherEntryError(
                f"{client.title} has an entry {options.name!r} that does not start this server. Nothing was changed. "
                f"{'Add --replace to remove it.' if entry is None else 'Choose another --name, or add --replace.'}"
            )
        was_there[0] = found is not None
        return with_member(text, place, wanted)

    return edit
