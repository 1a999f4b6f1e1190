"""The entry of this server in a client that has a command for it: that command is run."""

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from mcp_errortracking.cli.client_entry import KEY_VARIABLE
from mcp_errortracking.cli.connection import EXIT_PROBLEM, fail
from mcp_errortracking.posthog_keys import redact

if TYPE_CHECKING:
    from mcp_errortracking.clients.entry import Entry
    from mcp_errortracking.clients.table import Client


def add_by_program(client: "Client", options: argparse.Namespace, entry: "Entry", *, has_login: bool) -> int:
    """Add the entry by the client's command.

    Args:
        has_login: a key in the variables of an entry before is not needed any more.
    """
    from mcp_errortracking.clients import program

    path = program.find_program(client.program)
    words = program.add_words(client.program, options.name, entry)
    if path is None:
        return _not_found(client, words)
    try:
        before = program.run(path, program.get_words(client.program, options.name))
        is_there = before.code == 0
        if is_there and program.shows(before.output, entry):
            print(f"{client.title} has the entry {options.name} already. Nothing was changed.")
            return 0
        if is_there and not _is_ours(before.output) and not options.replace:
            return fail(
                f"{client.title} has an entry {options.name!r} that does not start this server. Nothing was changed. "
                "Choose another --name, or add --replace."
            )
        if is_there and KEY_VARIABLE in before.output and not has_login:
            return fail(
                f"the entry {options.name!r} holds a key, and there is no login yet. Nothing was changed. Log in first "
                "with: mcp-errortracking login"
            )
        if is_there:
            program.run(path, program.remove_words(client.program, options.name))
        added = program.run(path, words)
    except program.ProgramError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    if added.code != 0:
        print(
            f"mcp-errortracking: this command failed: {shlex.join(words)}\n{redact(added.output.strip())}",
            file=sys.stderr,
        )
        if is_there:
            print(f"The entry before was removed. It was:\n{redact(before.output.strip())}", file=sys.stderr)
        return EXIT_PROBLEM
    print(f"{'Replaced' if is_there else 'Added'} the entry {options.name} by: {shlex.join(words)}")
    return 0


def remove_by_program(client: "Client", options: argparse.Namespace) -> int:
    """Remove the entry by the client's command."""
    from mcp_errortracking.clients import program

    path = program.find_program(client.program)
    words = program.remove_words(client.program, options.name)
    if path is None:
        return _not_found(client, words)
    try:
        before = program.run(path, program.get_words(client.program, options.name))
        if before.code != 0:
            print(f"{client.title} has no entry {options.name}. Nothing was changed.")
            return 0
        if not _is_ours(before.output) and not options.replace:
            return fail(f"the entry {options.name!r} does not start this server; add --replace to remove it")
        removed = program.run(path, words)
    except program.ProgramError as error:
        print(f"mcp-errortracking: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    if removed.code != 0:
        print(f"mcp-errortracking: {shlex.join(words)} failed: {redact(removed.output.strip())}", file=sys.stderr)
        return EXIT_PROBLEM
    print(f"Removed the entry {options.name} by: {shlex.join(words)}")
    return 0


def _not_found(client: "Client", words: list[str]) -> int:
    """Print the command for the user to run where the client's program is found."""
    print(f"mcp-errortracking: {client.program} was not found on PATH, so nothing was changed. Run:", file=sys.stderr)
    print(f"  {shlex.join(words)}")
    return EXIT_PROBLEM


def _is_ours(output: str) -> bool:
    return "mcp-errortracking" in output or "mcp_errortracking" in output
