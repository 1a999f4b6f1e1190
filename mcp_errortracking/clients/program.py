"""Clients that have a command of their own to add a server: it knows their files best."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_errortracking.clients.entry import Entry

_SECONDS = 60
_SCRIPTS = (".cmd", ".bat")
_SCOPE = {"claude": ["--scope", "user"]}
"""Options that choose the configuration of the user in place of that of a folder."""


class ProgramError(Exception):
    """The client's command did not do what it should; the text is a whole sentence."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The exit code and the output of a command."""

    code: int
    output: str


def find_program(name: str) -> Path | None:
    """Return the absolute path of a client's program on PATH, or None. One in the working folder is never taken.

    On Windows, neither is a script: it would read special characters in arguments as its own.
    """
    found = shutil.which(name)
    if found is None or not os.path.isabs(found):
        return None
    path = Path(found)
    is_here = path.parent.resolve() == Path.cwd().resolve()
    return None if is_here or path.suffix.lower() in _SCRIPTS else path


def add_words(program: str, name: str, entry: Entry) -> list[str]:
    """Return the command that adds an entry, as a user would type it."""
    env = [word for pair in entry.env.items() for word in ("--env", "=".join(pair))]
    return [program, "mcp", "add", name, *_SCOPE.get(program, []), *env, "--", *entry.words]


def remove_words(program: str, name: str) -> list[str]:
    """Return the command that removes an entry."""
    return [program, "mcp", "remove", name, *_SCOPE.get(program, [])]


def get_words(program: str, name: str) -> list[str]:
    """Return the command that shows an entry."""
    return [program, "mcp", "get", name]


def run(path: Path, words: Sequence[str]) -> Answer:
    """Run a command of a client.

    Raises:
        ProgramError: it did not start, or did not end in a minute.
    """
    try:
        done = subprocess.run(  # noqa: S603 the user named the client, and its path is absolute
            [str(path), *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{shlex.join(words)} did not end within {_SECONDS} s.") from None
    except OSError as error:
        raise ProgramError(f"{path} could not be started: {error.strerror}.") from None
    return Answer(done.returncode, done.stdout.decode("utf-8", "replace"))


def shows(output: str, entry: Entry) -> bool:
    """True if the output of `get_words` shows exactly this command with these arguments."""
    lines = [line.strip() for line in output.splitlines()]
    return f"command: {entry.command}".lower() in [line.lower() for line in lines] and (
        f"args: {' '.join(entry.args) or '-'}" in lines or (not entry.args and "Args:" in lines)
    )
