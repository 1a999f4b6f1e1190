"""Questions to the person at the terminal, before a command changes something."""

import argparse
import signal
import sys
from typing import TYPE_CHECKING

from mcp_errortracking import config

if TYPE_CHECKING:
    from mcp_errortracking.server.confirmation.argument import Mode
    from mcp_errortracking.server.confirmation.askers import Answer, NoAsker

WAY_ON = "The command cannot ask, as its input is not a terminal. Run it in a terminal, or add --yes."
_QUESTION = "Type y for yes: "


def mode_of(options: argparse.Namespace) -> "Mode":
    """Return the calls that the command confirms: none with --yes.

    Raises:
        ConfigError: MCP_CONFIRM is wrong.
    """
    mode = config.load_confirm(confirm=getattr(options, "confirm", None))
    return "never" if getattr(options, "yes", False) else mode


def can_ask() -> bool:
    """True if a person reads what is written and may answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_at_terminal(question: str) -> "Answer":
    """Print a question and return the answer; the end of input counts as no answer."""
    # In an event loop, the first Ctrl-C would be left to the loop, which waits for this answer.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(question, _QUESTION, sep="\n", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, previous)
    if not line:
        return "cancel"
    return "accept" if line.strip().lower() in ("y", "yes") else "decline"


class Terminal:
    """Asks at the terminal. It waits as long as the person takes: nothing else runs."""

    caller = ""

    async def ask(self, question: str, seconds: float) -> "Answer":
        return ask_at_terminal(question)


def asker_of_shell() -> "Terminal | NoAsker":
    """Return the asker of a command."""
    from mcp_errortracking.server.confirmation.askers import NoAsker

    return Terminal() if can_ask() else NoAsker(way_on=WAY_ON)
